"""Photos that are of sets of known files: told by their content, before anything is made of their pixels."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from db import hash_sets
from db.catalogue import Catalogue
from db.chunks import chunks
from db.hash_sets import Content, StoredSet
from db.values.photo import LeftOut
from facesearch.vision.decode import NO_LIMITS, EncodedPhoto, PhotoError, read_photo
from indexer.errors import NoSuchSet
from indexer.hash_sets import HashSet, HashSetError
from indexer.ports import Medium
from indexer.threads import ordered_thread_map

_WORST_FIRST = (LeftOut.KNOWN_ILLEGAL, LeftOut.KNOWN_IRRELEVANT)
_READ_AT_ONCE = 1000


@dataclass(slots=True)
class Compared:
    """What the sets said of the contents that were known before. faces: how many left the results; back: how many came
    back. unread: contents whose files could not be read, so that nothing is known of them. not_given: sets that former
    runs went by and this one does not."""

    faces: int = 0
    back: int = 0
    unread: int = 0
    not_given: list[str] = field(default_factory=list)


class Recogniser:
    """Tells, on behalf of several threads, which contents are of a set: one of this run, or one that an earlier run
    went by and that knows this very content."""

    def __init__(self, catalogue: Catalogue, sets: Sequence[HashSet]) -> None:
        """Raises HashSetError for two sets of one name."""
        self._catalogue = catalogue
        for kind in _WORST_FIRST:
            names = [each.name for each in sets if each.kind is kind]
            for name in names:
                if names.count(name) > 1:
                    raise HashSetError(f"Two hash sets are called {name}, by which they are told apart: rename one.")
        self._sets = sorted(sets, key=lambda each: _WORST_FIRST.index(each.kind))
        self._algorithms = sorted({name for each in sets for name in each.algorithms if name != "sha256"})
        self._ids: dict[int, int] = {}  # of the sets, by their place
        self._guard = threading.Lock()
        self._digests: dict[str, dict[str, bytes]] = {}  # that are to be kept, by SHA-256
        self._kinds: dict[int, LeftOut] = {}  # of all sets of the catalogue, by id
        self._any = False
        self._illegal: frozenset[int] = frozenset()  # ids of such sets that are not given

    def recognises(self, medium: Medium) -> int | None:
        """The id of the set that this content is of, None for none."""
        place = self._place_of(self._digests_of(medium))
        if place is not None and self._sets[place].kind is LeftOut.KNOWN_ILLEGAL:
            return self._ids[place]
        if self._any:
            with self._catalogue.read() as session:
                known = hash_sets.set_of(session, medium.sha256)
            if known is not None and (place is None or known in self._illegal):
                return known
        return None if place is None else self._ids[place]

    def kind_of(self, hash_set_id: int) -> LeftOut:
        """As what the photos of this set are left out."""
        return self._kinds[hash_set_id]

    @property
    def has_digests(self) -> bool:
        """Whether there are digests to keep."""
        return bool(self._digests)

    def keep(self, session: Session) -> None:
        """Keep the digests of the contents that were met and that the catalogue knows by now, so that no later run has
        to read them for that."""
        with self._guard:
            waiting = dict(self._digests)
        kept = hash_sets.keep_digests(session, waiting) if waiting else set()
        with self._guard:
            for sha256 in kept:
                self._digests.pop(sha256, None)

    def compare_known(
        self,
        drop: Sequence[str],
        *,
        workers: int,
        stop: threading.Event,
        progress: Callable[[int, int], None],
    ) -> Compared:
        """Hold the contents that the catalogue knows against the sets, and give up the sets named in `drop`; all in one
        transaction, so that nothing is shown meanwhile that a set holds. Files are only read where a digest is not
        known yet. Raises NoSuchSet."""
        done = Compared()
        with self._catalogue.read() as session:
            stored = hash_sets.stored_sets(session)
            contents = list(hash_sets.contents(session)) if self._sets else []
        unknown = [name for name in drop if name not in {each.name for each in stored}]
        if unknown:
            names = ", ".join(each.name for each in stored) or "none"
            raise NoSuchSet(f"No run went by a set called {unknown[0]}; those of the catalogue: {names}.")
        if not (self._sets or stored):
            return done
        places = dict(self._compared(contents, done, workers, stop, progress))
        with self._catalogue.write() as session:
            self._apply(session, stored, contents, places, drop, done)
            now = hash_sets.stored_sets(session)
        self._kinds = {each.id: each.kind for each in now}
        self._any = any(each.photos for each in now)
        given = {(each.name, each.kind) for each in self._sets}
        done.not_given = [each.name for each in stored if (each.name, each.kind) not in given and each.name not in drop]
        return done

    def _apply(
        self,
        session: Session,
        stored: Sequence[StoredSet],
        contents: Sequence[Content],
        places: dict[int, int | None],
        drop: Sequence[str],
        done: Compared,
    ) -> None:
        dropped = {each.id for each in stored if each.name in drop}
        for set_id in dropped:
            hash_sets.drop(session, set_id)
        for place, given in enumerate(self._sets):
            self._ids[place] = hash_sets.register(session, given.name, given.kind, given.sha256, given.hashes)
        mine = set(self._ids.values())
        self._illegal = frozenset(each.id for each in stored if each.kind is LeftOut.KNOWN_ILLEGAL) - mine - dropped
        now = {photo_id: self._ids[place] for photo_id, place in places.items() if place is not None}
        before = {each.photo_id: each.hash_set_id for each in contents if each.hash_set_id not in dropped}
        illegal = {self._ids[place] for place, each in enumerate(self._sets) if each.kind is LeftOut.KNOWN_ILLEGAL}
        changed = {
            photo_id: set_id
            for photo_id, set_id in now.items()
            if before.get(photo_id) != set_id and (set_id in illegal or before.get(photo_id) not in self._illegal)
        }
        done.faces = hash_sets.recognise(session, changed)
        # What an older edition of a set held, and this one does not.
        gone = [each.photo_id for each in contents if each.hash_set_id in mine and places.get(each.photo_id, 0) is None]
        done.back = hash_sets.release(session, gone)

    def _compared(
        self,
        contents: Sequence[Content],
        done: Compared,
        workers: int,
        stop: threading.Event,
        progress: Callable[[int, int], None],
    ) -> Iterator[tuple[int, int | None]]:
        """The id of each content that could be compared, and the place of its set: those whose digests are known first,
        then those that have to be read."""
        with self._catalogue.read() as session:
            known = {name: hash_sets.digests(session, name) for name in self._algorithms}
        unread: list[Content] = []
        for each in contents:
            digests = {"sha256": bytes.fromhex(each.sha256)}
            digests |= {name: of[each.photo_id] for name, of in known.items() if each.photo_id in of}
            place = self._place_of(digests)
            if place is None and len(digests) <= len(self._algorithms):
                unread.append(each)
            else:
                yield each.photo_id, place
        yield from self._compared_by_reading(unread, done, workers, stop, progress)

    def _compared_by_reading(
        self,
        unread: Sequence[Content],
        done: Compared,
        workers: int,
        stop: threading.Event,
        progress: Callable[[int, int], None],
    ) -> Iterator[tuple[int, int | None]]:
        read = 0
        for some in chunks(unread, _READ_AT_ONCE):
            with self._catalogue.read() as session:
                paths = hash_sets.paths_of(session, [each.photo_id for each in some])
            jobs = [(each, paths.get(each.photo_id, [])) for each in some]
            with closing(ordered_thread_map(_read, jobs, workers=workers, stop=stop)) as results:
                for (each, _), photo in results:
                    read += 1
                    progress(read, len(unread))
                    if photo is None:
                        done.unread += 1
                    else:
                        yield each.photo_id, self._place_of(self._digests_of(photo))
            if self._digests and not self._catalogue.read_only:
                with self._catalogue.write() as session:
                    self.keep(session)
        done.unread += len(unread) - read

    def _digests_of(self, medium: Medium) -> dict[str, bytes]:
        made = {name: medium.digest(name) for name in self._algorithms}
        if made:
            with self._guard:
                self._digests[medium.sha256] = made
        return {"sha256": bytes.fromhex(medium.sha256), **made}

    def _place_of(self, digests: dict[str, bytes]) -> int | None:
        for place, each in enumerate(self._sets):
            if any(each.holds(name, digest) for name, digest in digests.items()):
                return place
        return None


def _read(job: tuple[Content, Sequence[bytes]]) -> EncodedPhoto | None:
    """The photo from the first of its files that still holds it."""
    content, paths = job
    for path in paths:
        try:
            photo = read_photo(path, limits=NO_LIMITS)
        except (PhotoError, OSError, MemoryError):
            continue
        if photo.sha256 == content.sha256:
            return photo
    return None
