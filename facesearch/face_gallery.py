"""The front door for Python: a catalogue's faces, and what can be done with them. `facesearch.open` gives one.

    with facesearch.open("faces.db") as gallery:
        gallery.index("photos")
        hits = gallery.search("man, goatee, not bald", top=20)

What is heavy is imported by the method that needs it: searching loads neither torch nor OpenCV.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypedDict, overload

from db.catalogue import Catalogue, open_catalogue
from db.errors import CatalogueMissing
from db.paths import AnyPath
from db.values.box import Box
from db.values.photo_filter import PhotoFilter
from facesearch.attributes import ATTRIBUTES, NAMES
from facesearch.errors import Notice, UsageError
from facesearch.query.photo_filters import folder_named, taken_range
from facesearch.search.face import Portrait, portrait
from facesearch.search.hits import Hit, SearchResult
from facesearch.search.records import HIT_COLUMNS, cell, header, hit_last_columns, hit_records, portrait_record
from facesearch.search.request import Order, Request, catalogue_name, describe

if TYPE_CHECKING:
    from typing import Unpack

    import pandas

    from facesearch.query import Statement
    from facesearch.query.report import SetAside
    from facesearch.search.similar import ProbeFace

Texts = str | Iterable[str]


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
        """The calibrated probability of each of the 40 attributes, by its name."""
        return dict(zip(NAMES, map(float, self.hit.probabilities), strict=True))

    def to_dict(self) -> dict[str, Any]:
        """As `facesearch search --json` has it."""
        return dict(self._record)

    def __str__(self) -> str:
        return f"{self.rank}. {self.score:.3f} {self.hit.face.display}" + (f": {self.why}" if self.why else "")


class FoundFaces(Sequence[FoundFace]):
    """What was found, best first. request: what was asked, to keep and to ask again; result: all else about it."""

    def __init__(self, request: Request, result: SearchResult, statement: Statement | None = None) -> None:
        """statement: what was understood of the words, where the request was made of some."""
        self.request = request
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
    def remarks(self) -> tuple[str, ...]:
        """What should be known of this result, such as photos that no filter could judge: sentences."""
        return self.result.remarks

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """What was said and is not searched: each with its words, its place in the text and why."""
        return () if self.statement is None else self.statement.set_aside

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What should be known of how the words were read, and of this result: kinds with values."""
        if self.statement is None:
            return self.result.notices
        person = self.statement.person(self.request.person)
        read = self.request.query.notices(" ".join(each.words for each in person.used))
        return tuple(each for each in (*self.statement.notices, *read, *self.result.notices))

    def to_dicts(self, *, all_attributes: bool = False) -> list[dict[str, Any]]:
        """A dict a hit, as `facesearch search --json` has them. all_attributes: with the probabilities of all 40, not
        only of those asked for."""
        return [dict(each) for each in self._records(all_attributes)]

    def to_frame(self, *, all_attributes: bool = False) -> pandas.DataFrame:
        """A pandas data frame, a row a hit, with the columns of `facesearch search --csv`. Raises ImportError where
        pandas is not installed."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError("A data frame needs pandas: pip install pandas, or take to_dicts().") from error
        columns = header(HIT_COLUMNS, self._attributes(all_attributes), hit_last_columns(**self._kind))
        rows = [[cell(each[name]) for name in columns] for each in self._records(all_attributes)]
        return pandas.DataFrame(rows, columns=columns)

    @property
    def _kind(self) -> dict[str, bool]:
        return {"like": bool(self.request.like), "described": not self.request.like}

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
    """One face of the catalogue. `portrait` holds all that is known of it; nearest: the faces most like it."""

    portrait: Portrait
    nearest: FoundFaces

    @property
    def face(self) -> int:
        """Its number."""
        return self.portrait.face.face.face

    @property
    def photo(self) -> Path:
        """The absolute path of its photo; `photos`: of all files with it."""
        return self.portrait.face.face.path

    @property
    def photos(self) -> tuple[Path, ...]:
        return self.portrait.face.face.paths

    @property
    def box(self) -> Box:
        """Where it is, in pixels of the upright photo."""
        return self.portrait.face.face.box

    @property
    def probabilities(self) -> dict[str, float]:
        """The calibrated probability of each of the 40 attributes, by its name."""
        return dict(zip(NAMES, map(float, self.portrait.probabilities), strict=True))

    @property
    def grades(self) -> dict[str, str | None]:
        """How far the network can be relied on for each: A to D, None for unknown."""
        return dict(zip(NAMES, self.portrait.grades, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """As `facesearch show --json` has it, with the faces most like it under "nearest"."""
        return {**portrait_record(self.portrait), "nearest": self.nearest.to_dicts()}


class FaceGallery:
    """The faces of a catalogue. Made by `facesearch.open`; use it as a context manager, or call `close`.

    What goes wrong raises FacesearchError (UsageError, QueryError and others), CatalogueError or, while indexing,
    IndexerError. Several threads may search at once.
    """

    def __init__(self, path: AnyPath, index_folders: IndexFolders) -> None:
        """path: the catalogue's file; where there is none, `index` makes it. Raises CatalogueError."""
        self.path = Path(os.path.expanduser(os.fsdecode(path)))  # noqa: PTH111 (raises where there is no home)
        self._index_folders = index_folders
        self._opened: Catalogue | None = None
        with suppress(CatalogueMissing):  # it may be about to be made; a search says so
            self._opened = open_catalogue(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path}>"

    def close(self) -> None:
        """Let go of the catalogue's file."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    @property
    def catalogue(self) -> Catalogue:
        """The open catalogue. Raises CatalogueMissing where there is none yet, and other CatalogueErrors."""
        if self._opened is None:
            self._opened = open_catalogue(self.path)
        return self._opened

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
        crops: bool = True,
    ) -> IndexReport:
        """Find and score the faces in these folders, or in every folder indexed before. Makes the catalogue.

        progress: told now and then where the run stands. The other arguments are the options of `facesearch index`
        (quick: `--look quick`; crops: whether a small picture of each face is kept beside the catalogue). Every photo
        that failed is in the report; a folder that cannot be looked through raises IndexerError once the others are
        done. On Ctrl-C what is done is stored, and KeyboardInterrupt raised. Imports torch and OpenCV.
        """
        report = self._index_folders(
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
            crops=crops,
        )
        if report.interrupted:
            raise KeyboardInterrupt
        return report

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
        from facesearch.search.description import search

        if isinstance(description, Request):
            if filters or person is not None or strict or must or order != Order.WITNESS:
                raise UsageError("A request holds its own filters: change it with dataclasses.replace, or give words.")
            request, statement = description, None
        else:
            described, statement = describe(description, person=person, strict=strict, musts=_listed(must))
            request = replace(self._narrowed(described, filters), order=Order(order)).merged()
        return FoundFaces(request, search(self.catalogue, request, top=top), statement)

    def similar(
        self,
        *probes: AnyPath | int,
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
        the catalogue (numbers), or several of these together. It is not face recognition.

        pick: which face of each photo, from 0, left to right, where it has several. present, absent: words that the
        face is changed by before it is looked for. Photos need torch and OpenCV, numbers do not.
        """
        from facesearch.search.changes import parse_changes
        from facesearch.search.similar import distinct, indexed_faces, like, similar

        paths = [each for each in probes if isinstance(each, str | bytes | os.PathLike)]
        faces = [int(each) for each in probes if not isinstance(each, str | bytes | os.PathLike)]  # numpy's, too
        photos = [Path(os.path.expanduser(os.fsdecode(each))) for each in paths]  # noqa: PTH111
        changes = parse_changes(_listed(present), _listed(absent))
        request = self._narrowed(Request(changes=changes), filters)
        seen: list[ProbeFace] = []
        if photos:
            seen += _photo_faces(photos, pick, request.min_detection, device, checkpoint, detector_model)
        elif pick:
            raise UsageError("pick chooses among the faces of a photo, and none is given.")
        seen += indexed_faces(self.catalogue, faces)
        starts = [seen[at] for at in distinct(seen)]
        request = replace(request, like=like(starts))
        return FoundFaces(request, similar(self.catalogue, starts, request, top=top))

    def face(self, number: int, *, nearest: int = 5) -> KnownFace:
        """All that is known of the face with this number, and the `nearest` faces most like it."""
        from facesearch.search.similar import IndexedFace, like

        found = portrait(self.catalogue, int(number), nearest=nearest)
        request = Request(like=like([IndexedFace(found.face.face, found.face.model.digest)]))
        return KnownFace(found, FoundFaces(self._here(request), found.nearest))

    def _open_or_make(self) -> Catalogue:
        if self._opened is None:
            self._opened = open_catalogue(self.path, create=True)
        return self._opened

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
        return replace(request, catalogues=(catalogue_name(self.catalogue.path),))


def _listed(texts: Any) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def _photo_faces(
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
        probe = look(photo, detector)
        chosen.append((photo, probe.sha256, probe.faces[choose(probe, number, min_detection)]))
    logits = Scorer(network, device).score(np.stack([face.crop for _, _, face in chosen]))
    return [
        PhotoFace(row, network.digest, sha256, face.detection.box, face.page, os.path.abspath(photo))  # noqa: PTH100
        for (photo, sha256, face), row in zip(chosen, logits, strict=True)
    ]
