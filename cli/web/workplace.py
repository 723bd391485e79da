"""What lasts from one page to the next: the open catalogue, results that are being looked through, probes, index runs.

One user, perhaps in several tabs, so several threads at once.
"""

import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar

from cli.web.indexing import IndexRuns, RunState
from cli.web.probes import Probes
from cli.web.stored import Drafts, Requests
from db import cases, generation, models
from db.catalogue import Catalogue, open_catalogue
from db.crops import CropStore
from db.errors import CatalogueError, CatalogueMissing, NoHome
from db.faces import FaceDetails
from db.facets import Facets, facets
from db.paths import is_there, user_data_folder
from db.photos import Counts, counts
from db.values.case import Case
from facesearch.attributes import ATTRIBUTES
from facesearch.cases.cases import Cases
from facesearch.cases.kept import Kept
from facesearch.cases.references import key_of
from facesearch.custody.acting import Acting, acting, acting_now
from facesearch.custody.audit import Logged, log
from facesearch.errors import SearchError
from facesearch.reliability import grades
from facesearch.search import chunks, pictures
from facesearch.search.chunks import Ranked
from facesearch.search.face import FaceReport, report_face
from facesearch.search.hits import SearchResult
from facesearch.search.request import Request
from facesearch.search.similar import ProbeFace
from facesearch.search.unseen import unseen_by_searches

_RESULTS, _FACES, _SHOWN = 24, 200, 200_000
_CROPS = 2_000
"""Small pictures at hand, of some 2 kB each: those of the chunks that were shown last, of which a browser asks for one
after the other."""
NEAREST = 12
"""Faces that a face's page shows beside it."""

Value = TypeVar("Value")

_SESSIONS = 64
_session: ContextVar[str] = ContextVar("session", default="")


class _Recent(Generic[Value]):
    """The values that were used last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[object, Value] = OrderedDict()

    def get(self, key: object) -> Value | None:
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: object, value: Value) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._most:
            self._values.popitem(last=False)

    def drop(self, key: object) -> None:
        self._values.pop(key, None)

    def clear(self) -> None:
        self._values.clear()


@dataclass(slots=True, eq=False)
class View:
    """A result that somebody looks through. logged: how each chunk was, by its first rank; a chunk that is shown again
    adds no row. kept: the search in the case that it is made for. told: why faces stand where they do, by
    face, in sentences; each was logged when it was told first."""

    ranked: Ranked
    logged: dict[int, Logged | None] = field(default_factory=dict)
    kept: Kept | None = None
    told: dict[int, tuple[str, ...]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def looked_at(self) -> int:
        """How many hits were shown so far."""
        return sum(min(chunks.CHUNK, self.ranked.found - first + 1) for first in self.logged)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The case that is worked on. reference: as it was chosen; case: None where it is not there any more."""

    reference: str
    case: Case | None

    @property
    def is_open(self) -> bool:
        return self.case is not None and self.case.closed is None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an index run is. at_work: whether one is; started: the one that was started here, None for one from
    elsewhere. waiting: photos that wait, of so many; listing: whether folders are still being listed; numbers: what the
    catalogue holds, None where there is none yet."""

    at_work: bool
    started: RunState | None
    waiting: int = 0
    photos: int = 0
    listing: bool = False
    numbers: Counts | None = None

    @property
    def done(self) -> int:
        """Photos that have been looked at."""
        return self.photos - self.waiting if self.photos else self.numbers.files if self.numbers else 0

    @property
    def failed(self) -> bool:
        """Whether the run that was started here has ended as it should not."""
        return self.started is not None and self.started.code not in (None, 0, 4, 130, -2)


class Workplace:
    """All that the pages work with. path: of the catalogue, which need not be there yet.

    viewer: how faces are shown at first: "off", "blur" or "grey". keep_crops: whether small pictures are kept.
    """

    def __init__(self, path: Path, *, viewer: str = "off", keep_crops: bool = True) -> None:
        self.path = Path(os.path.abspath(path))  # noqa: PTH100 (links stay)
        self.viewer = viewer
        self._keep_crops = keep_crops
        self._folder = tempfile.TemporaryDirectory(prefix="facesearch-")
        self.own_folder = Path(self._folder.name)
        try:
            data = user_data_folder()
        except NoHome:
            data = self.own_folder
        self.requests = Requests(self.path, data)
        self.drafts = Drafts(self.path, data)
        self.runs = IndexRuns(self.path, self.own_folder, keep_crops=keep_crops)
        self.probes = Probes(self.own_folder, lambda: [self.catalogue] if self.has_catalogue else [])
        self._lock = threading.RLock()
        self._opened: Catalogue | None = None
        self._identity: tuple[int, int] | None = None
        self._views: _Recent[View] = _Recent(_RESULTS)
        self._reports: _Recent[FaceReport] = _Recent(_FACES)
        self._crops: _Recent[bytes] = _Recent(_CROPS)
        self._crops_of = -1  # the catalogue's generation
        self._shown: _Recent[bool] = _Recent(_SHOWN)
        self._files_shown: _Recent[bool] = _Recent(_FACES)
        self._facets: tuple[int, Facets] | None = None
        self._started_as = acting_now()
        self._acting: _Recent[Acting] = _Recent(_SESSIONS)

    def close(self) -> None:
        """Stop what is at work, and leave nothing behind."""
        self.runs.close()
        with self._lock:
            self._forget_catalogue()
        self.probes.close()
        with suppress(OSError):
            self._folder.cleanup()

    @property
    def has_catalogue(self) -> bool:
        return is_there(self.path)

    @property
    def catalogue(self) -> Catalogue:
        """The open catalogue; another one where its file was replaced. Raises CatalogueMissing and CatalogueErrors."""
        with self._lock:
            identity = _identity(self.path)
            if identity is None or identity != self._identity:
                self._forget_catalogue()
            if identity is None:
                raise CatalogueMissing(f"There is no catalogue {self.path} yet: index a folder first.")
            if self._opened is None:
                self._opened, self._identity = open_catalogue(self.path), identity
            return self._opened

    def _forget_catalogue(self) -> None:
        if self._opened is not None:
            self._opened.close()
        self._opened, self._identity = None, None
        self._views.clear()
        self._reports.clear()
        self._crops.clear()
        self._shown.clear()
        self._files_shown.clear()
        self._facets = None

    @property
    def store(self) -> CropStore:
        """Where small pictures are kept."""
        return CropStore(self.path, keep=self._keep_crops and not self.catalogue.read_only)

    def view(self, request: Request, probes: Sequence[ProbeFace] = (), *, anew: bool = False) -> View:
        """The result of a request: the one that is being looked through, else a new one. anew: a new one where the
        catalogue has changed since. Raises what a search raises."""
        catalogue = self.catalogue
        now = acting_now()
        key = request.digest, now.examiner, key_of(now.case), now.reason, now.statement
        with self._lock:
            known = self._views.get(key)
        if known is not None and not (anew and chunks.has_changed(catalogue, known.ranked)):
            return known
        view = View(chunks.rank(catalogue, request, probes))
        with self._lock:
            self._views.put(key, view)
        return view

    def chunk(self, view: View, first: int) -> SearchResult:
        """The chunk of hits from this rank on, as a page shows it. It is logged the first time."""
        with view.lock:
            result = self._hits(view, first, chunks.CHUNK, logged=first not in view.logged)
            view.logged.setdefault(first, result.logged)
        self._fetch_crops([hit.face for hit in result.hits])
        return replace(result, kept=view.kept)

    def search_blind(self, request: Request) -> Kept | None:
        """Search, and keep the hits in the case without showing them. Raises what a search raises."""
        now = replace(acting_now(), blind=True)
        with acting(now):
            return chunks.show(self.catalogue, chunks.rank(self.catalogue, request), 1).kept

    def hits(self, view: View, first: int, most: int) -> SearchResult:
        """So many hits from this rank on, as a program asks for them. They are logged each time."""
        with view.lock:
            return self._hits(view, first, most, logged=True)

    def _hits(self, view: View, first: int, most: int, *, logged: bool) -> SearchResult:
        catalogue = self.catalogue
        if first + most - 1 > len(view.ranked.faces) and not view.ranked.complete:
            all_of_them = chunks.rank(catalogue, view.ranked.request, view.ranked.probes, top=None)
            if all_of_them.generation != view.ranked.generation:
                raise SearchError("The catalogue has changed since, and only the first hits are kept: search again.")
            view.ranked = all_of_them
        result = chunks.show(catalogue, view.ranked, first, most=most, logged=logged, kept=view.kept)
        if logged:
            view.kept = result.kept
        self.note_shown(hit.face.face for hit in result.hits)
        return result

    def _fetch_crops(self, some: Sequence[FaceDetails]) -> None:
        """Read their small pictures at once. They hold as long as nothing of the catalogue changes."""
        with self.catalogue.read() as session:
            now = generation.current(session)
        found = pictures.kept_crops(self.store, some)
        with self._lock:
            self._drop_older_crops(now)
            for face, picture in found.items():
                self._crops.put(face, picture)

    def crop(self, face: int) -> bytes:
        """The small picture of a face, as WebP. Raises as `facesearch.search.pictures.crop`."""
        catalogue = self.catalogue
        with catalogue.read() as session:
            now = generation.current(session)
        with self._lock:
            self._drop_older_crops(now)
            known = self._crops.get(face)
        return known or pictures.crop(catalogue, self.store, face)

    def _drop_older_crops(self, now: int) -> None:
        """Of what the catalogue was before: some may have been forgotten since."""
        if now != self._crops_of:
            self._crops.clear()
            self._crops_of = now

    def report_face(self, face: int) -> FaceReport:
        """All that is known of a face; its page is logged once for each state of the catalogue. Raises as
        `facesearch.search.face.report_face`."""
        catalogue = self.catalogue
        with catalogue.read() as session:
            key = face, generation.current(session), acting_now()
        known = self._reports.get(key)
        if known is None:
            known = report_face(catalogue, face, nearest=NEAREST)
            with self._lock:
                self._reports.put(key, known)
        self.note_shown([face, *(hit.face.face for hit in known.nearest.hits)])
        return known

    # The case that is worked on

    @contextmanager
    def in_session(self, session: str) -> Iterator[None]:
        """What is done within is done by one browser, for the case that is chosen in it. session: its cookie."""
        before = _session.set(session)
        try:
            yield
        finally:
            _session.reset(before)

    @property
    def acting(self) -> Acting:
        """On whose behalf and for which case the pages of this session work, as it is chosen on them; at first as the
        command line says."""
        with self._lock:
            return self._acting.get(_session.get()) or self._started_as

    @acting.setter
    def acting(self, wanted: Acting) -> None:
        with self._lock:
            self._acting.put(_session.get(), wanted)

    @property
    def cases(self) -> Cases:
        """Raises as `catalogue`."""
        return Cases(self.catalogue)

    @property
    def chosen(self) -> Chosen | None:
        """The case that is worked on; None where none is, or it cannot be told."""
        reference = self.acting.case
        if not reference:
            return None
        try:
            with self.catalogue.read() as session:
                return Chosen(reference, cases.named(session, key_of(reference)))
        except CatalogueError:
            return Chosen(reference, None)

    def choose(self, reference: str) -> None:
        """Work on this case from now on; on none where it is ""."""
        self.acting = replace(self.acting, case=reference)

    def work_as(self, examiner: str, reason: str) -> None:
        """Who works with the pages from now on, and why."""
        self.acting = replace(self.acting, examiner=examiner, reason=reason)

    def log_case(self, reference: str, how: str, faces: Sequence[int]) -> None:
        """Log that these faces of the case are seen, once for each that looks and each set of faces."""
        key = key_of(reference), how, tuple(sorted(faces)), acting_now()
        if self._files_shown.get(key) is None:
            self.cases.log_shown(reference, how, faces)
            self._files_shown.put(key, True)
        self.note_shown(faces)

    def grades(self) -> tuple[str | None, ...]:
        """How far the network that serves can be relied on for each attribute."""
        with self.catalogue.read() as session:
            serving = models.serving(session)
        return grades(serving[1]) if serving else (None,) * len(ATTRIBUTES)

    def count_faces(self) -> int:
        """How many faces there are to be searched, whether scored or not."""
        with self.catalogue.read() as session:
            return counts(session).faces

    def facets(self) -> Facets:
        """What there is to filter by, counted once for each state of the catalogue."""
        catalogue = self.catalogue
        with catalogue.read() as session:
            key = generation.current(session)
            if self._facets is None or self._facets[0] != key:
                self._facets = key, facets(session)
            return self._facets[1]

    def progress(self) -> "Progress | None":
        """How far the run at work is, or how the last one that was started here ended; None where there is nothing to
        say."""
        started = self.runs.state
        try:
            catalogue = self.catalogue
        except CatalogueMissing:
            return None if started is None else Progress(started.at_work, started)
        except CatalogueError:
            return None  # whoever needs it says what is wrong
        at_work = catalogue.is_indexed_now or (started is not None and started.at_work)
        if not at_work and started is None:
            return None
        unseen = unseen_by_searches(catalogue)
        with catalogue.read() as session:
            numbers = counts(session)
        return Progress(at_work, started, unseen.waiting, unseen.photos, bool(unseen.unlisted), numbers)

    @property
    def keeps_crops(self) -> bool:
        return self._keep_crops

    def note_shown(self, faces: Iterable[int]) -> None:
        """These faces stand on a page that was logged, so their pictures need no row of their own."""
        with self._lock:
            for each in faces:
                self._shown.put(each, True)

    def log_picture(self, face: int) -> None:
        """Log that somebody looks at a face, unless it stands on a page that was logged."""
        if self._shown.get(face):
            return
        log(self.catalogue, "picture", {"face": face})
        self.note_shown([face])


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
