"""The front door for Python: a catalogue's faces, and what can be done with them. `facesearch.open` gives one.

    with facesearch.open("faces.db") as gallery:
        gallery.index("photos")
        hits = gallery.search("man, goatee, not bald", top=20)

What is heavy is imported by the method that needs it: searching loads neither torch nor OpenCV.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypedDict, overload

from db.catalogue import Catalogue, open_catalogue
from db.errors import CatalogueMissing
from db.paths import AnyPath
from db.values.box import Box
from db.values.photo_filter import PhotoFilter
from db.values.told import Told
from facesearch.attributes import ATTRIBUTES, NAMES
from facesearch.custody.policy import Policy, policy_at
from facesearch.errors import Notice, RequestError, UsageError
from facesearch.query.photo_filters import folder_named, taken_range
from facesearch.search.face import FaceReport
from facesearch.search.hits import Hit, SearchResult
from facesearch.search.records import HIT_COLUMNS, cell, face_report_record, header, hit_last_columns, hit_records
from facesearch.search.request import Order, Request, describe
from facesearch.search.several import Catalogues, FaceReference, Member, faces_of, open_all, report_face_of
from facesearch.search.several import search as search_all
from facesearch.search.several import similar_faces as similar_in_all

if TYPE_CHECKING:
    from typing import Unpack

    import pandas

    from facesearch.cases.cases import Cases
    from facesearch.query import Statement
    from facesearch.query.report import SetAside
    from facesearch.search.similar import ProbeFace

Texts = str | Iterable[str]

FaceName = int | tuple[AnyPath, int]
"""A face: its number, or where several catalogues are open the catalogue's path and its number there."""


class Filters(TypedDict, total=False):
    """Which faces are looked through; what is left out filters nothing.

    folder, name, camera: as in `PhotoFilter`, one text or several, one of which has to be met; a folder also from the
    current one ("./photos"). taken: "2019", "2019-07", "2019-07-14", "2019..2021". min_score, min_detection: 0..1;
    min_face: pixels. fold_copies: False for one hit for each file of a photo.
    """

    folder: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
    name: Texts
    taken: str
    camera: Texts
    min_score: float
    min_detection: float
    min_face: float
    fold_copies: bool


class IndexProgress(Protocol):
    """Where an index run stands (`indexer.report.Progress`); `str()` of it is a line for people."""

    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def faces(self) -> int: ...
    @property
    def failures(self) -> int: ...


class IndexFailure(Protocol):
    """A photo that could not be used, and why."""

    @property
    def display(self) -> str: ...
    @property
    def reason(self) -> str: ...


class IndexReport(Protocol):
    """What an index run did (`indexer.report.RunReport`, which tells more): photos found, how many have faces, have
    none and failed, how many faces are new, and every photo that failed."""

    @property
    def photos(self) -> int: ...
    @property
    def indexed(self) -> int: ...
    @property
    def no_face(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def faces(self) -> int: ...
    @property
    def failures(self) -> Sequence[IndexFailure]: ...
    @property
    def interrupted(self) -> bool: ...


IndexFolders = Callable[..., IndexReport]
"""How folders are indexed: what `FaceGallery.index` calls with the catalogue's path, what opens it or makes it, the
folders and its own arguments. It comes from above, since this package knows nothing of the indexer."""


@dataclass(frozen=True, eq=False)
class FoundFace:
    """One hit. `hit` holds all that is known of it; `str()` is a line for people."""

    hit: Hit
    _record: Mapping[str, Any]

    @property
    def rank(self) -> int:
        """From 1."""
        return self.hit.rank

    @property
    def score(self) -> float:
        """0..1. Of a description: the calibrated probability that all of it holds; of a probe: the similarity."""
        return self.hit.score

    @property
    def face(self) -> int:
        """The face's number in the catalogue, for `FaceGallery.face` and `FaceGallery.similar`."""
        return self.hit.face.face

    @property
    def catalogue(self) -> Path | None:
        """In which of several catalogues it is, absolute; None where only one is open."""
        return self.hit.catalogue

    @property
    def photo(self) -> Path:
        """The absolute path of its photo."""
        return self.hit.face.path

    @property
    def box(self) -> Box:
        """Where it is, in pixels of the upright photo."""
        return self.hit.face.box

    @property
    def why(self) -> str:
        """What was asked for, each with the probability that it holds: "man 99 % fits; goatee 90 % fits"."""
        return "; ".join(map(str, self.hit.asked))

    @property
    def probabilities(self) -> dict[str, float]:
        """The calibrated probability of each of the 40 attributes, by its name; without those that a policy switches
        off."""
        return _held(self.hit.probabilities)

    def to_dict(self) -> dict[str, Any]:
        """As `facesearch search --json` has it."""
        return dict(self._record)

    def __str__(self) -> str:
        return f"{self.rank}. {self.score:.3f} {self.hit.face.display}" + (f": {self.why}" if self.why else "")


class FoundFaces(Sequence[FoundFace]):
    """What was found, best first. request: what was asked, to keep and to ask again; result: all else about it."""

    def __init__(
        self,
        request: Request,
        result: SearchResult,
        statement: Statement | None = None,
        policies: Sequence[Policy] = (),
    ) -> None:
        """statement: what was understood of the words, where the request was made of some. policies: those of the
        catalogues."""
        self.request = request
        self._policies = tuple(policies)
        self.result = result
        self.statement = statement

    @property
    def searched(self) -> int:
        """How many faces were looked through."""
        return self.result.faces

    @property
    def expected(self) -> float | None:
        """How many of these are expected to fit a description; None where there is none."""
        return self.result.expected

    @property
    def not_searched(self) -> dict[Path, Told]:
        """Those of several catalogues that could not be searched, and why."""
        return {each.path: each.problem for each in self.result.several if each.problem is not None}

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """What was said and is not searched: each with its words, its place in the text and why."""
        return () if self.statement is None else self.statement.set_aside

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What should be known of how the words were read, and of this result, such as photos that no filter could
        judge: kinds with values (docs/notices.md)."""
        if self.statement is None:
            return self.result.notices
        person = self.statement.person(self.request.person)
        read = self.request.query.notices(" ".join(each.words for each in person.used))
        return tuple(each for each in (*self.statement.notices, *read, *self.result.notices))

    def to_dicts(self, *, all_attributes: bool = False) -> list[dict[str, Any]]:
        """A dict a hit, as `facesearch search --json` has them. all_attributes: with the probabilities of all 40, not
        only of those asked for. Raises PolicyRefusal where a policy switches JSON off."""
        for each in self._policies:
            each.permit_export("json")
        return [dict(each) for each in self._records(all_attributes)]

    def to_frame(self, *, all_attributes: bool = False) -> pandas.DataFrame:
        """A pandas data frame, a row a hit, with the columns of `facesearch search --csv`. Raises ImportError where
        pandas is not installed, and PolicyRefusal where a policy switches CSV off."""
        for each in self._policies:
            each.permit_export("csv")
        try:
            import pandas
        except ImportError as error:
            raise ImportError("A data frame needs pandas: pip install pandas, or take to_dicts().") from error
        columns = header(HIT_COLUMNS, self._attributes(all_attributes), hit_last_columns(**self._kind))
        rows = [[cell(each[name]) for name in columns] for each in self._records(all_attributes)]
        return pandas.DataFrame(rows, columns=columns)

    @property
    def _kind(self) -> dict[str, bool]:
        like, several = bool(self.request.like), bool(self.result.several)
        return {"like": like, "described": not like, "several": several}

    def _attributes(self, all_attributes: bool) -> Sequence[Any]:
        if all_attributes:
            return ATTRIBUTES
        return (
            [each.attribute for each in self.request.changes.asked]
            if self.request.like
            else self.request.query.attributes
        )

    def _records(self, all_attributes: bool) -> Iterable[Mapping[str, Any]]:
        words = "; ".join(map(str, self.request.like))
        attributes = self._attributes(all_attributes)
        return hit_records(self.result, attributes, like=words, described=not self.request.like)

    @cached_property
    def _faces(self) -> tuple[FoundFace, ...]:
        return tuple(map(FoundFace, self.result.hits, self._records(False)))

    @overload
    def __getitem__(self, at: int) -> FoundFace: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[FoundFace, ...]: ...
    def __getitem__(self, at: int | slice) -> FoundFace | tuple[FoundFace, ...]:
        return self._faces[at]

    def __len__(self) -> int:
        return len(self.result.hits)

    def __iter__(self) -> Iterator[FoundFace]:
        return iter(self._faces)

    def __repr__(self) -> str:
        aside = f"; set aside: {', '.join(each.words for each in self.set_aside)}" if self.set_aside else ""
        return f"<{len(self)} of {self.searched} faces: {self.request}{aside}>"


@dataclass(frozen=True, eq=False)
class KnownFace:
    """One face of the catalogue. `report` holds all that is known of it; nearest: the faces most like it."""

    report: FaceReport
    nearest: FoundFaces

    @property
    def face(self) -> int:
        """Its number."""
        return self.report.face.face.face

    @property
    def photo(self) -> Path:
        """The absolute path of its photo; `photos`: of all files with it."""
        return self.report.face.face.path

    @property
    def photos(self) -> tuple[Path, ...]:
        return self.report.face.face.paths

    @property
    def box(self) -> Box:
        """Where it is, in pixels of the upright photo."""
        return self.report.face.face.box

    @property
    def probabilities(self) -> dict[str, float]:
        """The calibrated probability of each of the 40 attributes, by its name; without those that a policy switches
        off."""
        return _held(self.report.probabilities)

    @property
    def grades(self) -> dict[str, str | None]:
        """How far the network can be relied on for each: A to D, None for unknown."""
        return dict(zip(NAMES, self.report.grades, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """As `facesearch show --json` has it, with the faces most like it under "nearest". Raises as
        `FoundFaces.to_dicts`."""
        return {**face_report_record(self.report), "nearest": self.nearest.to_dicts()}


class FaceGallery:
    """The faces of a catalogue. Made by `facesearch.open`; use it as a context manager, or call `close`.

    What goes wrong raises FacesearchError (UsageError, QueryError and others), CatalogueError or, while indexing,
    IndexerError. Several threads may search at once.
    """

    def __init__(self, path: AnyPath | Sequence[AnyPath], index_folders: IndexFolders) -> None:
        """path: the catalogue's file; where there is none, `index` makes it. Several: they are asked as one, and each
        result names those that cannot be opened (`FoundFaces.not_searched`). Raises CatalogueError."""
        paths: Sequence[AnyPath] = [path] if isinstance(path, str | bytes | os.PathLike) else path
        if not paths:
            raise UsageError("No catalogue is named.")
        expanded = [os.path.expanduser(os.fsdecode(each)) for each in paths]  # noqa: PTH111 (raises without a home)
        self.path = Path(expanded[0])
        self._index_folders = index_folders
        self._among: Catalogues | None = None
        if len(expanded) > 1:
            self._among = open_all(expanded)
            return
        with suppress(CatalogueMissing):  # it may be about to be made; a search says so
            self._among = open_all(expanded)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        paths = [self.path] if self._among is None else self._among.paths
        return f"<{type(self).__name__} {', '.join(map(str, paths))}>"

    def close(self) -> None:
        """Let go of the catalogues' files."""
        if self._among is not None:
            self._among.close()
            self._among = None

    @property
    def catalogue(self) -> Catalogue:
        """The open catalogue. Raises CatalogueMissing where there is none yet, UsageError where there are several, and
        other CatalogueErrors."""
        only = self._catalogues.only
        if only is None:
            raise RequestError("one catalogue", {"catalogues": self._catalogues.names})
        return only

    @property
    def _catalogues(self) -> Catalogues:
        if self._among is None:
            self._among = open_all([self.path])
        return self._among

    def _policies(self) -> tuple[Policy, ...]:
        return tuple(policy_at(each) for each in self._catalogues.paths)

    def index(
        self,
        *folders: AnyPath,
        progress: Callable[[IndexProgress], object] | None = None,
        again: bool | None = None,
        exclude: Texts = (),
        include: Texts = (),
        everything: bool | None = None,
        quick: bool = False,
        device: str = "auto",
        checkpoint: AnyPath | None = None,
        detector_model: AnyPath | None = None,
        allow_again: bool = False,
        known_irrelevant: Iterable[AnyPath] = (),
        known_illegal: Iterable[AnyPath] = (),
        categories: Texts = (),
        drop_sets: Texts = (),
        stop: threading.Event | None = None,
        crops: bool = True,
    ) -> IndexReport:
        """Find and score the faces in these folders, or in every folder indexed before. Makes the catalogue.

        progress: told now and then where the run stands. The other arguments are the options of `facesearch index`
        (quick: `--look quick`; crops: whether a small picture of each face is kept beside the catalogue). Every photo
        that failed is in the report; a folder that cannot be looked through raises IndexerError once the others are
        done. Setting `stop` ends the run in order, and its report says `interrupted`; Ctrl-C breaks it off, and all but
        the last photos are stored. The next run goes on from there. Imports torch and OpenCV.
        """
        return self._index_folders(
            self.path,
            self._open_or_make,
            [os.path.expanduser(os.fsdecode(each)) for each in folders],  # noqa: PTH111 (bytes that are no UTF-8 stay)
            progress=progress,
            again=again,
            exclude=_listed(exclude),
            include=_listed(include),
            everything=everything,
            quick=quick,
            device=device,
            checkpoint=checkpoint,
            detector_model=detector_model,
            allow_again=allow_again,
            known_irrelevant=_files(known_irrelevant),
            known_illegal=_files(known_illegal),
            categories=_listed(categories),
            drop_sets=_listed(drop_sets),
            stop=stop,
            crops=crops,
        )

    def search(
        self,
        description: str | Request,
        *,
        top: int | None = 20,
        person: int | None = None,
        strict: bool = False,
        must: Texts = (),
        order: Order | str = Order.WITNESS,
        **filters: Unpack[Filters],
    ) -> FoundFaces:
        """The `top` faces (None: all) that fit a description best; or a request, as a former result has it, asked again
        (then only `top` may be given).

        What is said and not searched is in `FoundFaces.set_aside`, or refused if `strict`. person: whom of a statement
        that describes several. must: faces
        without this stand behind all others. order: "witness" or "score", as in `Order`.
        """
        if isinstance(description, Request):
            if filters or person is not None or strict or must or order != Order.WITNESS:
                raise UsageError("A request holds its own filters: change it with dataclasses.replace, or give words.")
            request, statement = description, None
        else:
            described, statement = describe(description, person=person, strict=strict, musts=_listed(must))
            request = replace(self._narrowed(described, filters), order=Order(order)).merged()
        return FoundFaces(request, search_all(self._catalogues, request, top=top), statement, self._policies())

    def similar(
        self,
        *probes: AnyPath | FaceName,
        top: int | None = 20,
        pick: Sequence[int | None] = (),
        present: Texts = (),
        absent: Texts = (),
        device: str = "auto",
        checkpoint: AnyPath | None = None,
        detector_model: AnyPath | None = None,
        **filters: Unpack[Filters],
    ) -> FoundFaces:
        """The `top` faces (None: all) whose attributes are most like those of one person's face: in photos (paths), of
        the catalogue (numbers; of one of several catalogues its path and a number), or several of these together. It is
        not face recognition.

        pick: which face of each photo, from 0, left to right, where it has several. present, absent: words that the
        face is changed by before it is looked for. Photos need torch and OpenCV, numbers do not.
        """
        from facesearch.search.changes import parse_changes
        from facesearch.search.similar import distinct, like

        paths = [each for each in probes if isinstance(each, str | bytes | os.PathLike)]
        faces = [_reference(each) for each in probes if not isinstance(each, str | bytes | os.PathLike)]
        photos = [Path(os.path.expanduser(os.fsdecode(each))) for each in paths]  # noqa: PTH111
        changes = parse_changes(_listed(present), _listed(absent))
        request = self._narrowed(Request(changes=changes), filters)
        seen: list[ProbeFace] = []
        if photos:
            seen += _photo_faces(
                self._catalogues.opened, photos, pick, request.min_detection, device, checkpoint, detector_model
            )
        elif pick:
            raise UsageError("pick chooses among the faces of a photo, and none is given.")
        seen += faces_of(self._catalogues, faces)
        starts = [seen[at] for at in distinct(seen)]
        request = replace(request, like=like(starts))
        found = similar_in_all(self._catalogues, starts, request, top=top)
        return FoundFaces(request, found, policies=self._policies())

    def face(self, number: FaceName, *, nearest: int = 5) -> KnownFace:
        """All that is known of the face with this number, and the `nearest` faces most like it in its catalogue."""
        from facesearch.search.similar import IndexedFace, like

        found = report_face_of(self._catalogues, _reference(number), nearest=nearest)
        request = Request(like=like([IndexedFace(found.face.face, found.face.model.digest)]))
        return KnownFace(found, FoundFaces(self._here(request), found.nearest, policies=self._policies()))

    @property
    def cases(self) -> Cases:
        """The cases of the catalogue: investigations with their statements, searches and marks.

        What is done within `facesearch.custody.acting.acting(Acting(examiner="...", case="2026/17"))` is done by this
        examiner, and searches are kept in this case.
        """
        from facesearch.cases.cases import Cases

        return Cases(self.catalogue)

    def _open_or_make(self) -> Catalogue:
        if self._among is None:
            made = open_catalogue(self.path, create=True)
            self._among = Catalogues([Member(made.path, made)])
        return self.catalogue

    def _narrowed(self, request: Request, filters: Filters) -> Request:
        unknown = filters.keys() - Filters.__annotations__.keys()
        if unknown:
            raise TypeError(f"unexpected keyword argument {min(unknown)!r}")
        folders = filters.get("folder", ())
        folders = [folders] if isinstance(folders, str | os.PathLike) else folders
        taken = filters.get("taken", "").strip()
        first, last = taken_range(taken) if taken else (None, None)
        photo = PhotoFilter(
            tuple(folder_named(os.fspath(each)) for each in folders),
            _listed(filters.get("name", ())),
            first,
            last,
            _listed(filters.get("camera", ())),
        )
        if not all(text.strip() for text in (*photo.folder, *photo.name, *photo.camera)):
            raise UsageError("A filter for folder, name or camera is empty: leave it out.")
        narrowed = replace(
            request,
            photo=photo,
            min_score=filters.get("min_score", request.min_score),
            min_detection=filters.get("min_detection", request.min_detection),
            min_face=filters.get("min_face", request.min_face),
            fold_copies=filters.get("fold_copies", request.fold_copies),
        )
        return self._here(narrowed)

    def _here(self, request: Request) -> Request:
        return replace(request, catalogues=self._catalogues.names)


def _reference(face: Any) -> FaceReference:
    """numpy's integers are numbers, too."""
    if isinstance(face, tuple):
        catalogue, number = face
        return FaceReference(int(number), os.fsdecode(catalogue))
    return FaceReference(int(face))


def _held(probabilities: Iterable[float]) -> dict[str, float]:
    named = dict(zip(NAMES, map(float, probabilities), strict=True))
    return {name: value for name, value in named.items() if not isnan(value)}


def _files(paths: Any) -> tuple[AnyPath, ...]:
    return (paths,) if isinstance(paths, str | bytes | os.PathLike) else tuple(paths)


def _listed(texts: Any) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def _photo_faces(
    catalogues: Sequence[Catalogue],
    photos: Sequence[Path],
    pick: Sequence[int | None],
    min_detection: float,
    device: str,
    checkpoint: AnyPath | None,
    detector_model: AnyPath | None,
) -> list[ProbeFace]:
    """The face that is meant in each photo, scored."""
    import numpy as np

    from facesearch.network.checkpoint import load_checkpoint
    from facesearch.network.scorer import Scorer
    from facesearch.search.probe import choose, look
    from facesearch.search.similar import PhotoFace
    from facesearch.vision.detection import YuNet

    if pick and len(pick) != len(photos):
        raise UsageError(f"pick names {len(pick)} faces for {len(photos)} photos: give one for each, or None.")
    network = load_checkpoint(None if checkpoint is None else Path(os.fsdecode(checkpoint)))
    detector = YuNet(None if detector_model is None else Path(os.fsdecode(detector_model)))
    chosen = []
    for photo, number in zip(photos, pick or [None] * len(photos), strict=True):
        probe = look(photo, detector, catalogues=catalogues)
        chosen.append((photo, probe.sha256, probe.faces[choose(probe, number, min_detection)]))
    logits = Scorer(network, device).score(np.stack([face.crop for _, _, face in chosen]))
    return [
        PhotoFace(row, network.digest, sha256, face.detection.box, face.page, os.path.abspath(photo))  # noqa: PTH100
        for (photo, sha256, face), row in zip(chosen, logits, strict=True)
    ]
