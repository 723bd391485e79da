"""Small pictures of faces beside the catalogue, in `faces.db.crops`: what grids show, also of an unplugged drive.

They can be made again from the photos at any time, so trouble with this file costs time and nothing else: it never
raises for what is wrong with it. What is forgotten goes from here as well, and its place is overwritten.
"""

import hashlib
import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import exists, select

from db.catalogue import Catalogue
from db.chunks import chunks
from db.faces import FaceDetails
from db.schema import CaseHitRow, Face, File, MarkRow, Mask, ShortlistFaceRow

_APPLICATION_ID = 0x46414343  # "FACC"
_VERSION = 1
_BUSY_SECONDS = 5.0


def crops_file(catalogue: Path) -> Path:
    """Where the small pictures of the catalogue at this path lie."""
    return Path(os.path.realpath(catalogue) + ".crops")


def place_key(face: FaceDetails) -> bytes:
    """What a picture of the face shows, in 16 bytes: the photo, where in it, and what is painted over. A picture made
    under another key shows something else by now."""
    places = [(each.x, each.y, each.width, each.height) for each in (face.box, *face.masked)]
    text = repr((face.sha256, face.page, face.turned, places))
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


class CropStore:
    """The small pictures of one catalogue. Safe to use from several threads and processes.

    keep: whether new ones are kept; else only those that are there are read.
    """

    def __init__(self, catalogue: Path, *, keep: bool = True) -> None:
        self.path = crops_file(catalogue)
        self.keep = keep

    def read(self, keys: Mapping[int, bytes]) -> dict[int, bytes]:
        """The pictures of those of these faces (id and `place_key`) of which there is one that still holds."""
        if not keys or not self._is_there():
            return {}
        found: dict[int, bytes] = {}
        with suppress(sqlite3.Error, OSError), self._connection() as connection:
            for some in chunks(sorted(keys)):
                rows = connection.execute(
                    f"SELECT face, place, picture FROM crops WHERE face IN ({','.join('?' * len(some))})", some
                )
                found.update((face, picture) for face, place, picture in rows if keys[face] == place)
        return found

    def write(self, pictures: Iterable[tuple[int, bytes, bytes]]) -> None:
        """Keep pictures: face id, `place_key` and the bytes of each."""
        rows = list(pictures)
        if not rows or not self.keep:
            return
        with suppress(sqlite3.Error, OSError):
            self._create()
            with self._connection() as connection, connection:
                connection.executemany("INSERT OR REPLACE INTO crops VALUES (?, ?, ?)", rows)

    def remove(self, faces: Sequence[int]) -> None:
        """Take out the pictures of these faces. Raises OSError where they cannot be."""
        if not faces or not self._is_there():
            return
        try:
            with self._connection() as connection, connection:
                for some in chunks(list(faces)):
                    connection.execute(f"DELETE FROM crops WHERE face IN ({','.join('?' * len(some))})", some)
        except sqlite3.Error:
            self.path.unlink(missing_ok=True)  # damaged: no picture is worth more than one that should be gone

    def faces(self) -> list[int]:
        """Of which faces there is a picture, in ascending order."""
        if not self._is_there():
            return []
        with suppress(sqlite3.Error, OSError), self._connection() as connection:
            return [face for (face,) in connection.execute("SELECT face FROM crops ORDER BY face")]
        return []

    def _is_there(self) -> bool:
        """Whether there is a file of our kind; a link or a device is none."""
        try:
            return stat.S_ISREG(os.lstat(self.path).st_mode)
        except OSError:
            return False

    def _create(self) -> None:
        if self._is_there():
            return
        # Nobody else may look at faces, whatever the umask says.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        with self._connection() as connection, connection:
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS crops"
                " (face INTEGER PRIMARY KEY, place BLOB NOT NULL, picture BLOB NOT NULL)"
            )

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=_BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA journal_mode = TRUNCATE")
            connection.execute("PRAGMA synchronous = NORMAL")
            yield connection


GONE_DAYS = 90
"""Days after which the faces of a photo that is gone lose their small pictures."""


def sweep_crops(catalogue: Catalogue, store: CropStore, now: datetime) -> None:
    """Take out the pictures that nobody may keep: of faces that were taken out, of the others in photos in which places
    are painted over, unless they show that, and of photos that are gone for long, unless a case holds the face. Raises
    OSError where the file cannot be changed, and CatalogueErrors."""
    kept = store.faces()
    if not kept:
        return
    doomed: list[int] = []
    since = now - timedelta(days=GONE_DAYS)
    with catalogue.read() as session:
        painted = set(session.execute(select(Mask.photo_id).distinct()).scalars())
        for some in chunks(kept):
            photos = dict(session.execute(select(Face.id, Face.photo_id).where(Face.id.in_(some))).all())
            doomed += [face for face in some if face not in photos]
            doomed += [face for face, photo in photos.items() if photo in painted]
            there = exists().where(File.photo_id == Face.photo_id, File.missing_since.is_(None))
            lately = exists().where(File.photo_id == Face.photo_id, File.missing_since >= since)
            held = [exists().where(each.face_id == Face.id) for each in (MarkRow, CaseHitRow, ShortlistFaceRow)]
            gone = select(Face.id).where(Face.id.in_(some), ~there, ~lately, *(~each for each in held))
            doomed += session.execute(gone).scalars()
    store.remove(sorted(set(doomed)))
