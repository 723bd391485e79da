"""What is told of a hit and of a face, as one record for every form it takes: CSV, JSON, a dict, a row of a data frame.

A path that is not valid UTF-8 holds Python's surrogate escapes, which `os.fsencode` turns back.

Spreadsheets take a cell that begins with = + - @ for a formula. No value does here: `photo` is an absolute path and
begins with /, `explanation`, `found_in`, `like`, `hard_to_judge`, `problem` and `notice` with a word, all others are
numbers and digests. Names are therefore never altered. A photo that came through a pipe is /dev/stdin.
"""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from facesearch.attributes import ATTRIBUTES, Attribute
from facesearch.reliability import Hard
from facesearch.search.hits import Hit, SearchResult
from facesearch.search.ranking.explain import AskedProbability, hedged

if TYPE_CHECKING:
    from facesearch.search.face import FaceReport
    from facesearch.search.probe import Probe

Record = Mapping[str, Any]

HIT_COLUMNS = ("rank", "score", "photo", "face", "x", "y", "width", "height", "detection", "sha256", "model")
FACE_COLUMNS = ("photo", "face", "x", "y", "width", "height", "detection", "sha256", "model")
PAGE_COLUMNS = ("notice", "page", "seconds")
"""The last ones: what is to be said of the picture that the face is in (such as that the file is cut short), which
picture of the file that is, from 1, and when it is shown, where it moves."""
FACE_LAST_COLUMNS = ("turned", "problem", *PAGE_COLUMNS)
"""After the attributes: degrees by which the photo was turned when the face was found; of a photo without one, why."""
HARD_COLUMN = "hard_to_judge"
"""Why a face is hard to judge: "small", "blurred"; "" where it is not."""
AUDIT_COLUMN = "audit"
"""In files alone: the head of the audit log with the row of this result; "" where it was not logged there. A table that
is kept proves by it that nothing before was changed."""
EXHIBIT_COLUMN = "exhibit"
"""Under which reference the photo is in evidence; "" where it has none."""
DESCRIBED_COLUMNS = ("behind", "searched", "fits")
"""Of a hit that was found by a description: what must hold and does not, so that the hit stands behind all others; how
much of what was said is searched; how many of these things fit, and which do not."""
CATALOGUE_COLUMN = "catalogue"
"""The last one of a hit, if several catalogues were searched: in which it is."""
LIKE_COLUMN = "like"
"""Of a hit that was found by a face: whom it resembles, with the changes."""


def hit_last_columns(
    *, like: bool = False, described: bool = False, audit: bool = False, several: bool = False
) -> tuple[str, ...]:
    """After the attributes of a hit: the turn; in CSV the asked words in one text, in JSON a list of them with their
    probabilities; in what sort of place its file lies, such as "recycle bin" or "hidden" ("" for an ordinary one);
    AUDIT_COLUMN, LIKE_COLUMN and DESCRIBED_COLUMNS if asked for; HARD_COLUMN; PAGE_COLUMNS; EXHIBIT_COLUMN;
    CATALOGUE_COLUMN if several were searched."""
    log = (AUDIT_COLUMN,) if audit else ()
    how = (*((LIKE_COLUMN,) if like else ()), *(DESCRIBED_COLUMNS if described else ()))
    where = (CATALOGUE_COLUMN,) if several else ()
    return ("turned", "explanation", "found_in", *log, *how, HARD_COLUMN, *PAGE_COLUMNS, EXHIBIT_COLUMN, *where)


def hit_records(
    result: SearchResult, attributes: Sequence[Attribute], like: str = "", described: bool = False
) -> Iterable[Record]:
    """One record a hit, with the keys HIT_COLUMNS, the attributes' names and `hit_last_columns` in this order.

    like: whom the faces resemble, for LIKE_COLUMN; "" leaves it out. described: by words, with DESCRIBED_COLUMNS.
    """
    for hit in result.hits:
        face = hit.face
        yield {
            "rank": hit.rank,
            "score": float(hit.score),
            "photo": str(face.path),
            "face": face.face,
            **_place(face.x, face.y, face.width, face.height, face.detection),
            "sha256": face.sha256,
            "model": result.model.short,
            **_probabilities(hit.probabilities, attributes),
            "turned": face.turned,
            "explanation": [_explained(each) for each in hit.asked],
            "found_in": ", ".join(hit.marks),
            **({LIKE_COLUMN: like} if like else {}),
            **(_described(hit, result.said) if described else {}),
            HARD_COLUMN: ", ".join(hit.hard),
            **_page(face.notice, face.page, face.seconds),
            EXHIBIT_COLUMN: face.exhibit,
            **({CATALOGUE_COLUMN: str(hit.catalogue)} if result.several else {}),
        }


def _described(hit: Hit, said: tuple[int, int]) -> dict[str, Any]:
    fit = str(hit.fit) if hit.fit else ""
    searched = said_in_words(said) if said[1] else ""
    return dict(zip(DESCRIBED_COLUMNS, ("; ".join(hit.behind), searched, fit), strict=True))


def said_in_words(said: tuple[int, int]) -> str:
    """ "2 of 3 things said": how much of a description is searched."""
    return f"{said[0]} of {said[1]} thing{'s' if said[1] != 1 else ''} said"


def face_record(probe: "Probe", number: int, probabilities: NDArray[np.floating], model: str) -> Record:
    """What `score` says of one face of a photo: FACE_COLUMNS, all 40 attributes and FACE_LAST_COLUMNS.

    number: from 0. model: the network's short name.
    """
    seen = probe.faces[number]
    face = seen.detection
    return {
        "photo": _absolute(probe.path),
        "face": number,
        **_place(face.box.x, face.box.y, face.box.width, face.box.height, face.score),
        "sha256": probe.sha256,
        "model": model,
        **_probabilities(probabilities, ATTRIBUTES),
        "turned": face.turned,
        "problem": None,
        **_page("; ".join(seen.notices) or None, seen.page, seen.seconds),
    }


def _page(notice: str | None, page: int, seconds: float | None) -> dict[str, Any]:
    return {"notice": notice, "page": page, "seconds": None if seconds is None else round(seconds, 3)}


def faceless_record(photo: Path, problem: str) -> Record:
    """The same of a photo in which no face is scored: all is None but its path and `problem`, a sentence."""
    columns = header(FACE_COLUMNS, ATTRIBUTES, FACE_LAST_COLUMNS)
    return {**dict.fromkeys(columns), "photo": _absolute(photo), "problem": problem}


def _absolute(photo: Path) -> str:
    return os.path.abspath(photo)  # noqa: PTH100 (links stay)


def header(first: Sequence[str], attributes: Sequence[Attribute], last: Sequence[str]) -> list[str]:
    """The columns of a CSV, which has them even where nothing was found."""
    return [*first, *(each.name for each in attributes), *last]


def face_report_record(found: "FaceReport") -> Record:
    """All that is known of one face but the faces most like it."""
    face = found.face.face
    return {
        "face": face.face,
        "photos": [str(path) for path in face.paths],
        "missing": [str(path) for path in found.face.missing],
        "x": round(face.x, 2),
        "y": round(face.y, 2),
        "width": round(face.width, 2),
        "height": round(face.height, 2),
        "detection": face.detection,
        "turned": face.turned,
        "small": Hard.SMALL in found.hard,
        "hard_to_judge": [*found.hard],
        "taken": face.taken.isoformat() if face.taken else None,
        "camera": face.camera or None,
        "sha256": face.sha256,
        "model": found.face.model.short,
        "attributes": {
            each.name: {
                "probability": rounded(float(found.probabilities[each.index])),
                "grade": found.grades[each.index],
                "group": each.group.value,
            }
            for each in ATTRIBUTES
            if not math.isnan(found.probabilities[each.index])
        },
        "notice": face.notice,
        "pages": face.pages,
        "page": face.page,
        "seconds": face.seconds,
    }


def _explained(asked: AskedProbability) -> dict[str, Any]:
    return {
        "words": hedged(asked.asked),
        "attribute": asked.asked.attribute.name,
        "wanted": asked.asked.wanted,
        "certainty": asked.asked.certainty,
        "probability": rounded(asked.probability),
        "percent": asked.percent,
        "mark": asked.mark.value,
        "grade": asked.grade,
        "cost_most": asked.cost_most,
    }


def cell(value: Any) -> Any:
    """A value of a record as it stands in a table: an explanation in words."""
    if not isinstance(value, list):
        return value
    return "; ".join(
        f"{each['words']} {each['percent']} % {each['mark']}{' (cost most)' if each['cost_most'] else ''}"
        for each in value
    )


def _place(x: float, y: float, width: float, height: float, detection: float) -> dict[str, float]:
    named = zip(("x", "y", "width", "height"), (x, y, width, height), strict=True)
    return {**{name: round(value, 2) for name, value in named}, "detection": rounded(detection)}


def _probabilities(values: NDArray[np.floating], attributes: Sequence[Attribute]) -> dict[str, float | None]:
    """None for what is not to be shown."""
    held = {each.name: float(values[each.index]) for each in attributes}
    return {name: None if math.isnan(value) else rounded(value) for name, value in held.items()}


def rounded(value: float) -> float:
    """Six digits of a probability and of its distance from 1: more than the network knows, and what is neither 0 nor 1
    does not become it. Not for a score, whose every digit counts in the ranking.
    """
    margin = min(value, 1 - value)
    return round(value, 5 - math.floor(math.log10(margin))) if margin > 0 else value
