"""What another party needs to check a case, without a photo: requests, ordered lists, marks, the log, the scores that
were searched, and which network gave them; and the check itself, on any machine.

The scores are those of all faces that a search looked at, by number alone: no path, no picture, no name. A search is
asked again over them, and its list compared with the one that was kept. Of the audit log every row is there with the
digests that chain it, and what it says where it is of the case: so the chain can be followed to its head, and nothing
of other cases is told.
"""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from db import audit, faces
from db.catalogue import Catalogue
from db.errors import CatalogueError
from db.schema import AuditRow, Face
from db.snapshot import Gallery
from db.values.case import CaseSearch
from db.values.scoring_model import ScoringModel
from facesearch.attributes import NAMES
from facesearch.cases.cases import CaseFile
from facesearch.cases.keeping import request_of
from facesearch.cases.records import case_record
from facesearch.cases.references import key_of
from facesearch.errors import FacesearchError, UsageError
from facesearch.search.description import in_order
from facesearch.search.face_filters import filtered
from facesearch.search.hits import gallery_of
from facesearch.search.ranking.profiles import combined, encode, similarity
from facesearch.search.request import LikeFace, LikePhoto, Request
from facesearch.search.similar import SAME_FACE_FROM
from facesearch.vision.detection import iou

VERSION = 1
SAME_SCORE = 1e-6
"""Scores that differ by less are the same: processors round in the last digits."""

_ARRAYS = ("face_ids", "logits")


@dataclass(frozen=True, slots=True)
class Replayed:
    """A search that was asked again. problem: why it could not be, as a sentence; "" where it could. differences: a
    sentence for each way in which its list is another; none where it is identical. since: how many faces were added or
    changed between the search and the disclosure, and are left out."""

    number: int
    reading: str
    hits: int
    problem: str = ""
    differences: tuple[str, ...] = ()
    since: int = 0

    @property
    def is_identical(self) -> bool:
        return not self.problem and not self.differences


def disclose(catalogue: Catalogue, file: CaseFile, add: Callable[[str, bytes], None]) -> None:
    """Write what another party needs, a file at a time, through `add` (name, content); not the manifest."""
    gallery = gallery_of(catalogue)
    looked_at: dict[int, NDArray[np.int64]] = {}
    about: dict[str, Any] = {}
    for search in file.searches:
        told, ids = _looked_at(catalogue, gallery, search)
        about[str(search.number)] = told
        if ids is not None:
            looked_at[search.number] = ids
            add(f"scores/search-{search.number}-looked-at.npy", _npy(ids))
    wanted = np.unique(np.concatenate([np.empty(0, np.int64), *looked_at.values(), _probe_faces(file)]))
    rows = np.flatnonzero(np.isin(gallery.face_ids, wanted))
    rows = rows[np.argsort(gallery.face_ids[rows])]
    logits = np.stack([gallery.logits(each)[rows] for each in range(len(NAMES))], axis=1)
    add("scores/face_ids.npy", _npy(gallery.face_ids[rows].astype("<i8")))
    add("scores/logits.npy", _npy(np.ascontiguousarray(logits, "<f4")))
    for search in file.searches:
        if search.probes is not None:
            probes = np.frombuffer(search.probes, "<f4").reshape(-1, len(NAMES))
            add(f"scores/search-{search.number}-probes.npy", _npy(probes))
    add("case.json", _json({**case_record(file), "disclosure": VERSION, "replay": about}))
    add("network.json", _json(_model_record(gallery.model)))
    with catalogue.read() as session:
        add("log.json", _json(_log(session, file.case.reference)))
    for each in file.statements:
        add(f"statements/statement-{each.number}.txt", each.text.encode("utf-8"))


def replay(folder: Path) -> tuple[list[Replayed], str]:
    """Ask every search of a disclosure again, over its scores; and what is wrong with its log, as a sentence, "" where
    it holds. Needs no catalogue and no network. Raises UsageError where the folder holds no disclosure."""
    try:
        record = json.loads((folder / "case.json").read_text(encoding="utf-8"))
        version = record["disclosure"]
        if version > VERSION:
            raise UsageError(f"{folder} was written by a newer version of facesearch: use that one.")
        model = _read_model(json.loads((folder / "network.json").read_text(encoding="utf-8")))
        ids, logits = (np.load(folder / "scores" / f"{name}.npy", allow_pickle=False) for name in _ARRAYS)
        if logits.shape != (len(ids), len(model.attributes)) or model.attributes != NAMES:
            raise ValueError("the scores are of another shape")
        given = _Disclosed(model, ids, logits)
        log = _verified(json.loads((folder / "log.json").read_text(encoding="utf-8")))
        return [_replayed(folder, each, record["replay"], given) for each in record["searches"]], log
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{folder} holds no disclosure that can be read ({error}): name the folder of one.") from None


class _Disclosed:
    """Faces with their scores, as `ScoredFaces`."""

    def __init__(self, model: ScoringModel, face_ids: NDArray[np.int64], logits: NDArray[np.float32]) -> None:
        self.model = model
        self.face_ids = face_ids
        self._logits = logits

    def __len__(self) -> int:
        return len(self.face_ids)

    def logits(self, attribute: int) -> NDArray[np.float32]:
        return np.ascontiguousarray(self._logits[:, attribute])

    def probabilities(self, attribute: int, holds: bool) -> NDArray[np.float32]:
        return self.model.probabilities(self.logits(attribute), holds, attribute)

    def nearest(self, profile: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Cosine of each of these rows with the profile, float32."""
        profiles = encode(self._logits[rows], self.model)
        return np.asarray(profiles @ profile, np.float32)


def _looked_at(
    catalogue: Catalogue, gallery: Gallery, search: CaseSearch
) -> tuple[dict[str, Any], NDArray[np.int64] | None]:
    """What is to be said of asking the search again, and the faces that it looked at, as far as they are as they
    were."""
    if search.model != gallery.model.digest:
        return {"problem": "another network has scored the faces since"}, None
    try:
        request = request_of(search)
        if request is None:
            return {"problem": "what was asked for named a photo that was forgotten since"}, None
        allowed = filtered(catalogue, gallery, request).allowed
    except (FacesearchError, CatalogueError) as error:
        return {"problem": str(error)}, None
    own = _own(catalogue, request)
    allowed &= ~np.isin(gallery.face_ids, own)
    since = 0
    if search.generation:
        with catalogue.read() as session:
            later = _changed_since(session, search.generation)
        hits = np.array([hit.face for hit in search.hits], np.int64)
        newer = allowed & np.isin(gallery.face_ids, later) & ~np.isin(gallery.face_ids, hits)
        since = int(np.count_nonzero(newer))
        allowed &= ~newer
    ids = np.sort(gallery.face_ids[allowed]).astype("<i8")
    return {"searched": search.searched, "looked_at": len(ids), "added_or_changed_since": since}, ids


def _own(catalogue: Catalogue, request: Request) -> list[int]:
    """Ids of the faces that the hits are to resemble, which are never among them."""
    own = [each.face for each in request.like if isinstance(each, LikeFace)]
    photos = [each for each in request.like if isinstance(each, LikePhoto)]
    with catalogue.read() as session:
        for each in photos:
            known = faces.of_photo(session, each.sha256, each.page)
            own += [face for face, box in known.items() if iou(each.box, box) > SAME_FACE_FROM]
        twins = faces.known(session, own)
        for face in list(twins.values()):
            same = faces.of_photo(session, face.sha256, face.page)
            own += [other for other, box in same.items() if iou(face.box, box) > SAME_FACE_FROM]
    return own


def _changed_since(session: Session, generation: int) -> NDArray[np.int64]:
    rows = session.execute(select(Face.id).where(Face.generation > generation)).scalars()
    return np.fromiter(rows, np.int64)


def _probe_faces(file: CaseFile) -> NDArray[np.int64]:
    found = [
        each.face
        for search in file.searches
        if (request := request_of(search)) is not None
        for each in request.like
        if isinstance(each, LikeFace)
    ]
    return np.array(found, np.int64)


def _replayed(folder: Path, search: dict[str, Any], about: dict[str, Any], given: _Disclosed) -> Replayed:
    number, kept = search["number"], search["hits"]
    told = about[str(number)]
    done = Replayed(number, search["reading"] or "", len(kept), since=told.get("added_or_changed_since", 0))
    if "problem" in told:
        return replace(done, problem=f"It cannot be asked again: {told['problem']}.")
    try:
        request = Request.from_json(json.dumps(search["request"]))
        ids = np.load(folder / "scores" / f"search-{number}-looked-at.npy", allow_pickle=False)
        found, scores = _asked_again(folder, search, request, given, ids, max(len(kept), 1))
    except FacesearchError as error:
        return replace(done, problem=f"It cannot be asked again ({error}).")
    differences = list(_differences(kept, found, scores, request))
    if told["searched"] and told["searched"] != len(ids):
        differences.append(
            f"It looked at {told['searched']:,} faces then, and {len(ids):,} of them are as they were: the others were "
            "hidden, changed or forgotten since."
        )
    return replace(done, differences=tuple(differences))


def _asked_again(
    folder: Path, search: dict[str, Any], request: Request, given: _Disclosed, ids: NDArray[np.int64], top: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The ids of the first hits, and their scores."""
    allowed = np.isin(given.face_ids, ids)
    if not allowed.any():
        return np.empty(0, np.int64), np.empty(0, np.float64)
    if search["kind"] == "search":
        rows, scores = in_order(request, given, allowed, top)
        return given.face_ids[rows], scores
    probes = np.load(folder / "scores" / f"search-{search['number']}-probes.npy", allow_pickle=False)
    changed = request.changes.apply(combined(probes), given.model)
    profile = encode(changed[None], given.model)[0]
    rows = np.flatnonzero(allowed)
    cosines = given.nearest(profile, rows)
    order = np.lexsort((given.face_ids[rows], -cosines))[:top]
    scores = similarity(cosines[order])
    enough = scores >= request.min_score
    return given.face_ids[rows[order]][enough], scores[enough]


def _differences(
    kept: Sequence[dict[str, Any]], found: NDArray[np.int64], scores: NDArray[np.float64], request: Request
) -> Iterator[str]:
    """In which ways the list is another; equal scores may stand in any order."""
    then = [(each["face"], each["score"]) for each in kept]
    if not request.fold_copies:  # a hit for each file of a photo
        then = list(dict(then).items())
    now = list(zip(found.tolist(), scores.tolist(), strict=True))[: len(then)]
    if len(now) < len(then):
        yield f"{len(then):,} hits were kept, and {len(now):,} are found."
    if not then and len(found):
        yield f"No hit was kept, and face {found[0]} is found with {scores[0]:.3f}."
    by_then, by_now = dict(then), dict(now)
    moved = [
        rank
        for rank, ((face, score), (other, again)) in enumerate(zip(then, now, strict=False), 1)
        if face != other and abs(score - again) > SAME_SCORE
    ]
    gone = [
        face for face in by_then if face not in by_now and abs(by_then[face] - (now[-1][1] if now else 0)) > SAME_SCORE
    ]
    if moved:
        yield f"The order is another from rank {moved[0]} on."
    if gone:
        yield f"Not found again: face {', '.join(map(str, gone[:5]))}{' and others' if len(gone) > 5 else ''}."
    apart = [abs(by_then[face] - by_now[face]) for face in by_then if face in by_now]
    if apart and max(apart) > SAME_SCORE:
        yield f"{sum(each > SAME_SCORE for each in apart):,} scores are others, by up to {max(apart):.2g}."


def _model_record(model: ScoringModel) -> dict[str, Any]:
    arrays = ("calibration_scale", "calibration_bias", "profile_mean", "profile_matrix")
    return {
        "checkpoint": model.digest,
        "attributes": list(model.attributes),
        **{name: np.asarray(getattr(model, name), np.float64).tolist() for name in arrays},
        "metadata": model.metadata,
    }


def _read_model(record: dict[str, Any]) -> ScoringModel:
    arrays = ("calibration_scale", "calibration_bias", "profile_mean", "profile_matrix")
    return ScoringModel(
        record["checkpoint"],
        tuple(record["attributes"]),
        **{name: np.array(record[name], np.float32) for name in arrays},
        metadata=record["metadata"],
    )


def _log(session: Session, reference: str) -> list[dict[str, Any]]:
    rows = []
    for row in session.execute(select(AuditRow).order_by(AuditRow.id)).scalars():
        said = None if row.payload is None else json.loads(row.payload)
        ours = said is not None and key_of(str(said.get("case", ""))) == key_of(reference)
        rows.append(
            {
                "row": row.id,
                "moment": f"{row.moment:%Y-%m-%dT%H:%M:%S.%f}",
                "kind": row.kind,
                "digest": row.digest.hex(),
                "chain": row.chain.hex(),
                **({"salt": (row.salt or b"").hex(), "payload": row.payload} if ours else {}),
            }
        )
    return rows


def _verified(rows: Sequence[dict[str, Any]]) -> str:
    broken = audit.broken_link(
        (each["row"], each["moment"], each["kind"], bytes.fromhex(each["digest"]), bytes.fromhex(each["chain"]),
         bytes.fromhex(each["salt"]) if "salt" in each else None, each.get("payload"))
        for each in rows
    )  # fmt: skip
    return "" if broken is None else f"Row {broken} of the log does not follow from those before it."


def _npy(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "backslashreplace")
