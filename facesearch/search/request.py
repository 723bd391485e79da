"""What is asked of a catalogue, as one value: to compare, to keep, to send, and to ask again.

A request holds what decides which faces are found and in which order, not how many of them are shown and where they
go. Commands, the front door and whatever keeps requests fill the same value, and the use cases take it.
"""

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, Self, TypeVar

from db.paths import AnyPath, absolute
from db.values.box import Box
from db.values.photo_filter import PhotoFilter
from facesearch.attributes import BY_NAME, NAMES
from facesearch.errors import QueryError, RequestError, SearchError
from facesearch.query import Query, Statement, understand
from facesearch.query.musts import unmarked, with_musts
from facesearch.query.statement import MAX_HEIGHT
from facesearch.query.tree import (
    EVERYTHING,
    And,
    Node,
    Not,
    Term,
    Threshold,
    Weighted,
    all_of,
    any_of,
    check_repeats,
    hedge,
    height,
    negate,
)
from facesearch.search.changes import NO_CHANGES, Changes
from facesearch.search.ranking.witness import Errors, WordErrors
from facesearch.vision.detection.detector import SEARCH_FROM

VERSION = 1
"""Of the JSON that `to_json` writes. A key may be added at the same version if leaving it out means what was meant
before; anything else is a new version, and `from_json` then reads both."""

KINDS = ("no request", "newer request", "another catalogue")
"""What can be wrong with a request that comes from elsewhere: the kinds of `RequestError` that are raised here and by
the use cases."""

UNDESCRIBED = Query("", EVERYTHING)
"""The description that says nothing: every face fits."""


Kind = TypeVar("Kind")


class Order(StrEnum):
    """How the hits of a description stand."""

    WITNESS = "witness"
    """By score, the unlikely ones as a witness who errs would describe them (`facesearch.search.ranking.witness`)."""
    SCORE = "score"
    """By score alone."""


@dataclass(frozen=True)
class LikeFace:
    """A face of the catalogue that the hits are to resemble, by its id."""

    face: int

    def __str__(self) -> str:
        return f"face {self.face} of the catalogue"


@dataclass(frozen=True)
class LikePhoto:
    """A face in a photo that the hits are to resemble. path: absolute, "" for a photo that came through a pipe; sha256:
    of the photo, hexadecimal; page: which picture of the file, from 1; box: in pixels of the upright picture."""

    path: str
    sha256: str
    page: int
    box: Box

    def __str__(self) -> str:
        return f"the face at {self.box.x:.0f},{self.box.y:.0f} in {self.path or 'a photo'}"


Like = LikeFace | LikePhoto


@dataclass(frozen=True)
class Request:
    """One question to a catalogue. `str()`: the reading of its description, which can be pasted as one.

    query: the description, with the text as typed, the reading in normal form, what must hold, the bounds on attributes
        and the filters that it states. UNDESCRIBED where the faces are to resemble others (`like`).
    language: of the text; person: whom of a statement it is about, where that describes several.
    like, changes: the faces of one person that the hits are to resemble, changed in words.
    photo: what the photos have to be like, beside the filters of the description; min_score, min_detection: least
        score and least detection score of a face, 0..1; min_face: least longer side of its box, in pixels of the photo.
    order: of the hits; errors: how often witnesses err, None for the rates in the package.
    catalogues: which are asked, as absolute paths; none: whichever is open.
    fold_copies: a face whose photo lies in several files is one hit; else it is one for each file.

    Sentences on the description belong to whoever shows it, so those of `query` and `changes` are left out. Raises
    SearchError for a bound that makes no sense.
    """

    query: Query = UNDESCRIBED
    language: str = "English"
    person: int | None = None
    like: tuple[Like, ...] = ()
    changes: Changes = NO_CHANGES
    photo: PhotoFilter = field(default_factory=PhotoFilter)
    min_score: float = 0.0
    min_detection: float = SEARCH_FROM
    min_face: float = 0.0
    order: Order = Order.WITNESS
    errors: Errors | None = None
    catalogues: tuple[str, ...] = ()
    fold_copies: bool = True

    def __post_init__(self) -> None:
        for name, bound in (("score", self.min_score), ("detection score", self.min_detection)):
            if not 0.0 <= bound <= 1.0:  # also false for NaN
                raise SearchError(f"A least {name} of {bound} makes no sense: give a number from 0 to 1.")
        if not (math.isfinite(self.min_face) and self.min_face >= 0):
            raise SearchError(f"A least face of {self.min_face} pixels makes no sense: give a number from 0 on.")
        if self.query.remarks:
            object.__setattr__(self, "query", replace(self.query, remarks=()))
        if self.changes.notices:
            object.__setattr__(self, "changes", replace(self.changes, notices=()))

    def __str__(self) -> str:
        return str(self.query)

    @property
    def photo_filters(self) -> tuple[PhotoFilter, ...]:
        """What the photos have to be like: that of the description and that beside it, as far as there are."""
        return tuple(each for each in (self.query.photo, self.photo) if each)

    @property
    def digest(self) -> str:
        """SHA-256, hexadecimal, of the request in normal form: equal for requests that find the same faces of the same
        catalogues in the same order, whatever words they were made of and in whatever order these stood."""
        return hashlib.sha256(_canonical(_normal(self)).encode()).hexdigest()

    def merged(self) -> Self:
        """The same with all that can be said in the description said there, so that the reading can be pasted whole;
        unchanged where a description cannot say it."""
        query = self.query.narrowed(self.photo)
        return self if query is None else replace(self, query=query, photo=PhotoFilter())

    def to_json(self) -> str:
        """In one line, with its version; bytes of paths that are no UTF-8 as the escapes \\udcNN."""
        return json.dumps(_record(self), separators=(", ", ": "))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote, equal to it. Raises RequestError: "newer request" for a version that is not known, "no
        request" for anything else that is none."""
        try:
            record = json.loads(text)
            version = record["version"]
            if not isinstance(version, int) or version < 1:
                raise ValueError(f"version {version!r}")
            if version > VERSION:
                raise RequestError("newer request", {"version": version, "known": VERSION})
            return cls(**_fields(record))
        except RequestError:
            raise
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError, SearchError, QueryError) as error:
            reason = f"{error} is missing or unknown" if isinstance(error, KeyError) else str(error)
            raise RequestError("no request", {"reason": " ".join(reason.split())[:200]}) from None


def describe(
    text: str,
    *,
    person: int | None = None,
    strict: bool = False,
    musts: Iterable[str] = (),
    read: Callable[[str], Statement] = understand,
) -> tuple[Request, Statement]:
    """Reads a statement, or a description in the search language: a request for whom it describes, and what was
    understood of it.

    person: whom, from 1, where it describes several. strict: nothing may be set aside. musts: words that must hold
    beside those that the text marks. read: `understand`, or what also tells the user where the trouble begins. Raises
    QueryError and RequestError.
    """
    plain, marked = unmarked(text)
    statement = read(plain)
    query = with_musts(statement.query(person, strict=strict), marked, tuple(musts))
    return Request(replace(query, text=text), statement.language, person), statement


def check_counts(query: Query) -> None:
    """Raises RequestError ("nothing counts") for a description of nothing but an age that does not count."""
    if query.scored == EVERYTHING != query.tree and not query.thresholds and not query.photo:
        raise RequestError("nothing counts", {"words": query.text})


def catalogue_name(path: AnyPath) -> str:
    """How a request names a catalogue."""
    return os.fsdecode(absolute(path))


# ---- JSON


def _record(request: Request) -> dict[str, Any]:
    query = request.query
    return {
        "version": VERSION,
        "text": query.text,
        "language": request.language,
        "person": request.person,
        "reading": str(query),  # for people; the tree is what counts
        "tree": _tree(query.tree),
        "musts": [_tree(each) for each in query.musts],
        "bounds": [_bound(each) for each in query.thresholds],
        "described_photo": _photo(query.photo),
        "not_scored": list(query.not_scored),
        "like": [_like(each) for each in request.like],
        "changes": [[NAMES[attribute], holds] for attribute, holds in request.changes.made],
        "photo": _photo(request.photo),
        "min_score": float(request.min_score),
        "min_detection": float(request.min_detection),
        "min_face": float(request.min_face),
        "order": request.order.value,
        "errors": None if request.errors is None else [_word_errors(each) for each in request.errors],
        "catalogues": list(request.catalogues),
        "fold_copies": request.fold_copies,
    }


def _tree(node: Node) -> dict[str, Any]:
    if isinstance(node, Term):
        years = {} if node.years is None else {"years": list(node.years)}
        return {"attribute": NAMES[node.attribute], "holds": node.holds, **years}
    if isinstance(node, Not):
        return {"not": _tree(node.child)}
    if isinstance(node, Weighted):
        return {"certainty": node.certainty, "of": _tree(node.child)}
    return {"all" if isinstance(node, And) else "any": [_tree(each) for each in node.children]}


def _bound(bound: Threshold) -> dict[str, Any]:
    return {
        "attribute": NAMES[bound.attribute],
        "holds": bound.holds,
        "relation": bound.relation,
        "value": float(bound.value),
    }


def _photo(photo: PhotoFilter) -> dict[str, Any]:
    return {
        "folder": list(photo.folder),
        "name": list(photo.name),
        "taken_from": photo.taken_from and photo.taken_from.isoformat(),
        "taken_to": photo.taken_to and photo.taken_to.isoformat(),
        "camera": list(photo.camera),
    }


def _like(like: Like) -> dict[str, Any]:
    if isinstance(like, LikeFace):
        return {"face": like.face}
    box = [float(each) for each in (like.box.x, like.box.y, like.box.width, like.box.height)]
    return {"path": like.path, "sha256": like.sha256, "page": like.page, "box": box}


def _word_errors(errors: WordErrors) -> dict[str, Any]:
    return {
        "present": errors.present,
        "absent": errors.absent,
        "near": [NAMES[each] for each in errors.near],
        "to_near": errors.to_near,
        "source": errors.source,
    }


def _fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request from its record. A key that is missing stands for what was meant before there was such a
    key; one that is not known is refused, since it may be a filter. Raises what `from_json` catches."""
    plain = _record(Request())
    unknown = [key for key in record if key not in plain]
    if unknown:
        raise KeyError(unknown[0])
    given = {**plain, **record}
    person, errors = given["person"], given["errors"]
    tree = _read_tree(given["tree"])
    if height(tree) > MAX_HEIGHT:
        raise ValueError("its tree is too high")
    check_repeats(tree)
    query = Query(
        text=_is(given["text"], str),
        tree=tree,
        thresholds=tuple(_read_bound(each) for each in _is(given["bounds"], list)),
        photo=_read_photo(given["described_photo"]),
        not_scored=_texts(given["not_scored"]),
        musts=tuple(_read_tree(each) for each in _is(given["musts"], list)),
    )
    return {
        "query": query,
        "language": _is(given["language"], str),
        "person": None if person is None else _is(person, int),
        "like": tuple(_read_like(each) for each in _is(given["like"], list)),
        "changes": Changes(tuple((BY_NAME[name].index, _is(holds, bool)) for name, holds in given["changes"])),
        "photo": _read_photo(given["photo"]),
        "min_score": _number(given["min_score"]),
        "min_detection": _number(given["min_detection"]),
        "min_face": _number(given["min_face"]),
        "order": Order(given["order"]),
        "errors": None if errors is None else _read_errors(errors),
        "catalogues": _texts(given["catalogues"]),
        "fold_copies": _is(given["fold_copies"], bool),
    }


def _is(value: object, kind: type[Kind]) -> Kind:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _texts(values: object) -> tuple[str, ...]:
    return tuple(_is(each, str) for each in _is(values, list))


def _read_tree(record: Mapping[str, Any]) -> Node:
    keys = record.keys()
    if "attribute" in keys and keys <= {"attribute", "holds", "years"}:
        years = record.get("years")
        first_last = None if years is None else (_is(years[0], int), _is(years[1], int))
        return Term(BY_NAME[record["attribute"]].index, _is(record["holds"], bool), first_last)
    if keys == {"not"}:
        return negate(_read_tree(record["not"]))
    if keys == {"certainty", "of"}:
        return hedge(_read_tree(record["of"]), _number(record["certainty"]))
    if keys == {"all"}:
        return all_of([_read_tree(each) for each in _is(record["all"], list)])
    if keys == {"any"} and record["any"]:
        return any_of([_read_tree(each) for each in _is(record["any"], list)])
    raise ValueError(f"{', '.join(keys)} is no part of a description")


def _read_bound(record: Mapping[str, Any]) -> Threshold:
    relation, value = record["relation"], _number(record["value"])
    if relation not in (">", ">=", "<", "<=") or not 0.0 <= value <= 1.0:
        raise ValueError(f"{relation} {value} is no bound")
    return Threshold(BY_NAME[record["attribute"]].index, relation, value, _is(record["holds"], bool))


def _read_photo(record: Mapping[str, Any]) -> PhotoFilter:
    first, last = (
        None if record[key] is None else date.fromisoformat(record[key]) for key in ("taken_from", "taken_to")
    )
    if record.keys() - {"folder", "name", "taken_from", "taken_to", "camera"}:
        raise KeyError(", ".join(record.keys()))
    return PhotoFilter(_texts(record["folder"]), _texts(record["name"]), first, last, _texts(record["camera"]))


def _read_like(record: Mapping[str, Any]) -> Like:
    if record.keys() == {"face"}:
        return LikeFace(_is(record["face"], int))
    box = Box(*(_number(each) for each in record["box"]))
    return LikePhoto(_is(record["path"], str), _is(record["sha256"], str), _is(record["page"], int), box)


def _read_errors(records: Sequence[Mapping[str, Any]]) -> Errors:
    if len(records) != len(NAMES):
        raise ValueError(f"errors of {len(records)} attributes")
    return tuple(
        WordErrors(
            _number(each["present"]),
            _number(each["absent"]),
            tuple(BY_NAME[name].index for name in each["near"]),
            _number(each["to_near"]),
            _is(each["source"], str),
        )
        for each in records
    )


# ---- normal form


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _normal(request: Request) -> dict[str, Any]:
    """What decides over the faces that are found and their order: the record without the words it came from, and with
    everything in one order whose order says nothing."""
    record = _record(request)
    for key in ("text", "language", "person", "reading", "not_scored", "described_photo", "photo"):
        del record[key]
    record["tree"] = _sorted(record["tree"])
    for key in ("bounds", "like", "changes", "catalogues"):
        record[key] = _as_set(record[key])
    record["musts"] = _as_set(_sorted(each) for each in record["musts"])
    record["like"] = _as_set({key: each[key] for key in each if key != "path"} for each in record["like"])
    record["photos"] = _as_set(
        {key: _as_set(value) if isinstance(value, list) else value for key, value in _photo(each).items()}
        for each in request.photo_filters
    )
    if request.order is Order.SCORE:
        record["errors"] = None
    for each in record["errors"] or ():
        del each["source"]
    return record


def _sorted(tree: Any) -> Any:
    if isinstance(tree, list):
        return _as_set(map(_sorted, tree))
    if isinstance(tree, dict):
        return {key: value if key == "years" else _sorted(value) for key, value in tree.items()}
    return tree


def _as_set(values: Iterable[Any]) -> list[Any]:
    return sorted({_canonical(each): each for each in values}.values(), key=_canonical)
