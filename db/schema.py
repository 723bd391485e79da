"""The tables of a catalogue. SQLite is the truth; everything beside it can be built again from these rows.

Paths are stored as the bytes that the system gave, with text for display beside them, since a name need not be UTF-8.
Arrays are stored as little-endian float32 bytes. Times are UTC, but for `Photo.taken`: what a camera's clock said.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    DDL,
    JSON,
    Boolean,
    CheckConstraint,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from db.errors import damaged_row
from db.values.case import Change, MarkState, Role
from db.values.photo import LeftOut, Outcome

_OUTCOMES, _LEFT_OUT = frozenset(Outcome), frozenset(LeftOut)


class HexDigest(TypeDecorator[str]):
    """A digest: hexadecimal text in Python, half as many bytes in the database."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        return None if value is None else bytes.fromhex(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        if value is not None and not isinstance(value, bytes):
            raise damaged_row("a digest")
        return None if value is None else value.hex()


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with its time zone in Python, its UTC clock time in the database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.replace(tzinfo=UTC)


class OutcomeText(TypeDecorator[Outcome]):
    """An `Outcome`, stored as its own words so that the database reads well without this program."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Outcome | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> Outcome | None:  # noqa: ARG002
        if value is not None and value not in _OUTCOMES:
            raise damaged_row("what became of a photo")
        return None if value is None else Outcome(value)


class LeftOutText(TypeDecorator[LeftOut]):
    """A `LeftOut`, stored as its own words."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: LeftOut | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> LeftOut | None:  # noqa: ARG002
        if value is not None and value not in _LEFT_OUT:
            raise damaged_row("why a photo is left out")
        return None if value is None else LeftOut(value)


class WordText(TypeDecorator[StrEnum]):
    """One of the words of an enumeration, stored as it is."""

    impl = Text
    cache_ok = True

    def __init__(self, known: type[StrEnum]) -> None:
        super().__init__()
        self.known = known

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else self.known(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:  # noqa: ARG002
        if value is not None and value not in self.known.__members__.values():
            raise damaged_row(f"a word ({self.known.__name__})")
        return None if value is None else self.known(value)


class Base(DeclarativeBase):
    """The mapped tables of this module."""


class Root(Base):
    """A folder that was indexed. One row to change when its drive is mounted elsewhere.

    `everything`: hidden and system folders are walked, too. `exclude`: patterns (gitignore) of what is left out.
    `exhibit`: under which reference it is in evidence.
    """

    __tablename__ = "roots"

    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    display: Mapped[str] = mapped_column(Text)
    added: Mapped[datetime] = mapped_column(UtcDateTime)
    everything: Mapped[bool] = mapped_column(Boolean, server_default=false())
    exclude: Mapped[list[str]] = mapped_column(JSON, server_default=text("'[]'"))
    exhibit: Mapped[str | None] = mapped_column(Text)


class Provenance(Base):
    """One combination of the versions by which photos were looked at: a handful of rows, however many photos there be.

    Each product of a photo's pixels has a column: `decoder` made the pixels and read the EXIF data, `detector` found
    the faces (None where it never came to that). `again`: somebody asked to look at these photos once more.
    """

    __tablename__ = "provenances"

    id: Mapped[int] = mapped_column(primary_key=True)
    decoder: Mapped[str] = mapped_column(Text)
    detector: Mapped[str | None] = mapped_column(Text)
    again: Mapped[bool] = mapped_column(Boolean, server_default=false())


class Photo(Base):
    """One content, however many files hold it: what the bytes with this SHA-256 turned out to be.

    `reason` and `retry` belong to `Outcome.FAILED`: why, in words, and whether another try could end differently
    (memory, I/O) or not (damaged content). `width` and `height` are pixels of the upright photo. `taken` and `camera`
    are what EXIF says: when, by the camera's own clock, and make and model ("" where it says nothing).
    `provenance_id`: the versions that all this, and its faces, come from. `pages`: how many pictures its file holds
    (pages, frames, views; the numbers above are those of the first that could be shown). `unlooked`: how many of them
    nobody looks at. `notice`: what is to be said of it, such as that it is cut short. `first_indexed`: since when it
    is known; of photos that were known before that was noted, the end of the last run before it was.
    """

    __tablename__ = "photos"
    __table_args__ = (
        CheckConstraint("outcome IN ('indexed', 'no face', 'failed')", name="known_outcome"),
        # A range of dates reads a part of it; all cameras are read from it without touching the table.
        Index("ix_photos_taken_camera", "taken", "camera"),
        # What is behind has few provenances and one of three outcomes: a run finds it without a look at the others.
        Index("ix_photos_provenance", "provenance_id", "outcome"),
        Index("ix_photos_remarkable", "id", sqlite_where=text("unlooked > 0 OR notice IS NOT NULL")),  # few
        Index("ix_photos_failed", "id", sqlite_where=text("outcome = 'failed'")),  # few
        Index("ix_photos_first_indexed", "first_indexed"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(HexDigest, unique=True)
    size: Mapped[int]
    outcome: Mapped[Outcome] = mapped_column(OutcomeText)
    reason: Mapped[str | None] = mapped_column(Text)
    retry: Mapped[bool] = mapped_column(Boolean, server_default=false())
    width: Mapped[int | None]
    height: Mapped[int | None]
    format: Mapped[str | None] = mapped_column(Text)
    taken: Mapped[datetime | None] = mapped_column(DateTime)
    camera: Mapped[str] = mapped_column(Text, server_default=text("''"))
    provenance_id: Mapped[int] = mapped_column(ForeignKey("provenances.id"))
    pages: Mapped[int] = mapped_column(server_default="1")
    unlooked: Mapped[int] = mapped_column(server_default="0")
    notice: Mapped[str | None] = mapped_column(Text)
    first_indexed: Mapped[datetime | None] = mapped_column(UtcDateTime)


class File(Base):
    """One file under a root, as it was when last looked at.

    `photo_id`: its content as last read; None until it could be read once. `reason` and `retry`: why the file itself
    could not be read the last time. `missing_since`: when a run first found it gone, or left it out; None while it is
    searched. `left_out`: why, if it is there (a `LeftOut`). `ctime_ns`: its change time, None where that says nothing
    or is not known yet.
    """

    __tablename__ = "files"
    __table_args__ = (UniqueConstraint("root_id", "path"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    root_id: Mapped[int] = mapped_column(ForeignKey("roots.id", ondelete="CASCADE"))
    path: Mapped[bytes] = mapped_column(LargeBinary)
    display: Mapped[str] = mapped_column(Text)
    size: Mapped[int]
    mtime_ns: Mapped[int]
    ctime_ns: Mapped[int | None]
    photo_id: Mapped[int | None] = mapped_column(ForeignKey("photos.id"), index=True)
    missing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    left_out: Mapped[LeftOut | None] = mapped_column(LeftOutText)
    reason: Mapped[str | None] = mapped_column(Text)
    retry: Mapped[bool] = mapped_column(Boolean, server_default=false())


class Other(Base):
    """A file under a root that is no photo: looked into once, as long as it keeps size and times. `ctime_ns`: as in
    `File`. `kind`: what it is."""

    __tablename__ = "others"
    __table_args__ = (Index("ix_others_kind", "kind"), {"sqlite_with_rowid": False})

    root_id: Mapped[int] = mapped_column(ForeignKey("roots.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    size: Mapped[int]
    mtime_ns: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)
    ctime_ns: Mapped[int | None]


class ListedFile(Base):
    """A file that a manifest lists under a root: `path` within it, and its digest by `algorithm` (as hashlib names it).

    Files of every kind stand in manifests, whether or not they are there.
    """

    __tablename__ = "listed_files"
    __table_args__ = ({"sqlite_with_rowid": False},)

    root_id: Mapped[int] = mapped_column(ForeignKey("roots.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    algorithm: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class HashSet(Base):
    """A list of hashes of known files that runs went by. `name`: of its file; `kind`: as what its photos are left out
    (a `LeftOut`); `sha256`: of the list itself; `hashes`: how many it holds; `used`: when a run was last given it.
    """

    __tablename__ = "hash_sets"
    __table_args__ = (UniqueConstraint("kind", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[LeftOut] = mapped_column(LeftOutText)
    sha256: Mapped[str] = mapped_column(HexDigest)
    hashes: Mapped[int]
    used: Mapped[datetime] = mapped_column(UtcDateTime)


class Recognised(Base):
    """A content that is of a hash set: it is not looked at, and its faces, if it has any, are hidden."""

    __tablename__ = "recognised"

    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id"), primary_key=True)
    hash_set_id: Mapped[int] = mapped_column(ForeignKey("hash_sets.id"), index=True)


class ContentDigest(Base):
    """A digest of a content beside its SHA-256, by an `algorithm` (as hashlib names it) that a hash set asked for."""

    __tablename__ = "content_digests"
    __table_args__ = ({"sqlite_with_rowid": False},)

    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id"), primary_key=True)
    algorithm: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Unseen(Base):
    """A photo, or a folder, that a run has not looked at. `why`: one of `unseen.Why`."""

    __tablename__ = "unseen"
    __table_args__ = (Index("ix_unseen_why", "why"), {"sqlite_with_rowid": False})

    root_id: Mapped[int] = mapped_column(ForeignKey("roots.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    why: Mapped[str] = mapped_column(Text)


class Fault(Base):
    """A fault of this program, or of a library, in one photo. `path`: absolute; `trace`: its traceback."""

    __tablename__ = "faults"

    id: Mapped[int] = mapped_column(primary_key=True)
    moment: Mapped[datetime] = mapped_column(UtcDateTime)
    path: Mapped[bytes] = mapped_column(LargeBinary)
    reason: Mapped[str] = mapped_column(Text)
    trace: Mapped[str] = mapped_column(Text)


class Face(Base):
    """One face in one photo. Its id is never given to another face, not even after this row is deleted.

    `detection`: the detector's score, 0..1. `turned`: degrees by which the photo had to be turned for the detector to
    find it. `landmarks`: five points (x, y) in pixels of the upright photo. `unfound`: the last look at its photo did
    not find it again; place and scores are those of the last look that did. `hidden`: not searched, since it is unfound
    or no file of its photo is there any more. `generation`: the write batch that last changed it in any way.
    `page`: which picture of the file it is in, from 1; `seconds`: when that is shown, None where nothing moves;
    `notice`: what is to be said of that picture. Places are in pixels of that picture, upright.
    """

    __tablename__ = "faces"
    __table_args__ = (
        CheckConstraint("turned IN (0, 90, 180, 270)", name="known_turn"),
        Index("ix_faces_hidden", "id", sqlite_where=text("hidden IS 1")),  # few, so that counting the others is quick
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id"), index=True)
    x: Mapped[float] = mapped_column(Double)
    y: Mapped[float] = mapped_column(Double)
    width: Mapped[float] = mapped_column(Double)
    height: Mapped[float] = mapped_column(Double)
    detection: Mapped[float] = mapped_column(Double)
    turned: Mapped[int] = mapped_column(server_default="0")
    landmarks: Mapped[bytes] = mapped_column(LargeBinary)
    hidden: Mapped[bool] = mapped_column(Boolean, server_default=false())
    unfound: Mapped[bool] = mapped_column(Boolean, server_default=false())
    generation: Mapped[int] = mapped_column(index=True)
    page: Mapped[int] = mapped_column(server_default="1")
    seconds: Mapped[float | None] = mapped_column(Double)
    notice: Mapped[str | None] = mapped_column(Text)


class Tombstone(Base):
    """A face that was taken out for good. Snapshots up to a generation before `generation` still have it.

    `photo`: `erasure.Pseudonyms.content` of its photo, by which it is found again in an older backup.
    """

    __tablename__ = "tombstones"

    face_id: Mapped[int] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(index=True)
    photo: Mapped[bytes] = mapped_column(LargeBinary)


class Forgotten(Base):
    """A content, or a file as it was, that no run takes in again: a digest of `erasure.Pseudonyms`, and no more."""

    __tablename__ = "forgotten"
    __table_args__ = ({"sqlite_with_rowid": False},)

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)


class Mask(Base):
    """Where a face was that was taken out, in a photo that stays: what a new look finds there is not stored. Places as
    those of a `Face`."""

    __tablename__ = "masks"

    id: Mapped[int] = mapped_column(primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id"), index=True)
    page: Mapped[int]
    x: Mapped[float] = mapped_column(Double)
    y: Mapped[float] = mapped_column(Double)
    width: Mapped[float] = mapped_column(Double)
    height: Mapped[float] = mapped_column(Double)


class Hold(Base):
    """A photo, or with `face_id` one face of it, that is not to be taken out."""

    __tablename__ = "holds"

    id: Mapped[int] = mapped_column(primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id"), index=True)
    face_id: Mapped[int | None] = mapped_column(ForeignKey("faces.id"), index=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class Erasure(Base):
    """How much was taken out, and when. `finished`: when nothing of it was left in the files of the catalogue; None
    while that is to be done. `override`: why holds were set aside, if they were."""

    __tablename__ = "erasures"

    id: Mapped[int] = mapped_column(primary_key=True)
    began: Mapped[datetime] = mapped_column(UtcDateTime)
    finished: Mapped[datetime | None] = mapped_column(UtcDateTime)
    photos: Mapped[int]
    faces: Mapped[int]
    override: Mapped[str | None] = mapped_column(Text)


class Model(Base):
    """A checkpoint that scored faces here, with all that a search needs of it, so that no search opens the checkpoint.

    With A attributes: calibration scale and bias float32[A], profile mean float32[A], profile matrix float32[A, A].
    """

    __tablename__ = "models"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(Text, unique=True)
    attributes: Mapped[list[str]] = mapped_column(JSON)
    calibration_scale: Mapped[bytes] = mapped_column(LargeBinary)
    calibration_bias: Mapped[bytes] = mapped_column(LargeBinary)
    profile_mean: Mapped[bytes] = mapped_column(LargeBinary)
    profile_matrix: Mapped[bytes] = mapped_column(LargeBinary)
    # The declarative base takes the name `metadata` for itself.
    about: Mapped[dict[str, Any]] = mapped_column("metadata", JSON)
    registered: Mapped[datetime] = mapped_column(UtcDateTime)


class Score(Base):
    """What one model says of one face: its logits, one float32 per attribute.

    Written once for a place in the photo: a new look that moves the box brings new logits of the model in use. Those of
    the others become `stale`: searches go on using them until the model has scored the face at its new place.

    The model comes first in the key and the table has no other order, so that reading all of one model's scores reads
    the file from front to back.
    """

    __tablename__ = "scores"
    __table_args__ = ({"sqlite_with_rowid": False},)

    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"), primary_key=True)
    face_id: Mapped[int] = mapped_column(ForeignKey("faces.id", ondelete="CASCADE"), primary_key=True)
    logits: Mapped[bytes] = mapped_column(LargeBinary)
    stale: Mapped[bool] = mapped_column(Boolean, server_default=false())


class Validation(Base):
    """What two people measured of a model on faces of this catalogue; never changed afterwards.

    It holds for the `version` of the program with its `decoder` and `detector`, and for no other. `statement`: the
    figures.
    """

    __tablename__ = "validations"

    id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    made: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[str] = mapped_column(Text)
    decoder: Mapped[str] = mapped_column(Text)
    detector: Mapped[str] = mapped_column(Text)
    statement: Mapped[dict[str, Any]] = mapped_column(JSON)


class Run(Base):
    """One run of the indexer over these roots (ids). `finished` stays None when it was killed."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[int | None] = mapped_column(ForeignKey("models.id"))
    roots: Mapped[list[int]] = mapped_column(JSON)
    counts: Mapped[dict[str, Any]] = mapped_column(JSON)
    started: Mapped[datetime] = mapped_column(UtcDateTime)
    finished: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AuditRow(Base):
    """One thing that was done with this catalogue; rows are added at the end and stay.

    `digest`: SHA-256 of `salt` and `payload` (JSON), which may be blanked where they name what was forgotten. `chain`:
    SHA-256 of the chain of the row before, of `id`, `moment` and `kind`, and of `digest`.
    """

    __tablename__ = "audit"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    moment: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(Text)
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    payload: Mapped[str | None] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    chain: Mapped[bytes] = mapped_column(LargeBinary)


AUDIT_TRIGGERS = (
    "CREATE TRIGGER audit_rows_stay BEFORE DELETE ON audit "
    "BEGIN SELECT RAISE(ABORT, 'rows of the audit log stay'); END",
    "CREATE TRIGGER audit_rows_keep_what_they_say BEFORE UPDATE ON audit "
    "WHEN NEW.id IS NOT OLD.id OR NEW.moment IS NOT OLD.moment OR NEW.kind IS NOT OLD.kind "
    "OR NEW.digest IS NOT OLD.digest OR NEW.chain IS NOT OLD.chain "
    "OR NEW.salt IS NOT NULL OR NEW.payload IS NOT NULL "
    "BEGIN SELECT RAISE(ABORT, 'rows of the audit log can only be blanked'); END",
)
"""What SQLite holds to, whoever writes by this schema."""

for _trigger in AUDIT_TRIGGERS:
    event.listen(AuditRow.__table__, "after_create", DDL(_trigger))  # type: ignore[no-untyped-call]


class CaseRow(Base):
    """An investigation within the catalogue. `key`: its reference as two are compared. `closed`: since when nothing is
    added any more."""

    __tablename__ = "cases"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    reference: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    opened: Mapped[datetime] = mapped_column(UtcDateTime)
    opened_by: Mapped[str] = mapped_column(Text)
    closed: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[str] = mapped_column(Text, server_default=text("''"))


class CaseNoteRow(Base):
    """A note on a case as a whole."""

    __tablename__ = "case_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    text: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(Text)
    moment: Mapped[datetime] = mapped_column(UtcDateTime)


class CaseStatementRow(Base):
    """A statement, word by word; columns as the fields of `values.case.CaseStatement`."""

    __tablename__ = "case_statements"
    __table_args__ = (UniqueConstraint("case_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    number: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    witness: Mapped[str] = mapped_column(Text)
    taken_by: Mapped[str] = mapped_column(Text)
    taken: Mapped[datetime | None] = mapped_column(DateTime)
    how: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(Text)
    added: Mapped[datetime] = mapped_column(UtcDateTime)


class CaseSearchRow(Base):
    """A search of a case; columns as the fields of `values.case.CaseSearch`. `request`, `digest` and `probes` are taken
    away where they name what was forgotten."""

    __tablename__ = "case_searches"
    __table_args__ = (UniqueConstraint("case_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)
    statement_id: Mapped[int | None] = mapped_column(ForeignKey("case_statements.id"))
    request: Mapped[str | None] = mapped_column(Text)
    digest: Mapped[str | None] = mapped_column(HexDigest)
    about: Mapped[dict[str, Any]] = mapped_column(JSON)
    model: Mapped[str] = mapped_column(Text)
    generation: Mapped[int]
    searched: Mapped[int]
    answered: Mapped[int]
    blind: Mapped[bool] = mapped_column(Boolean, server_default=false())
    probes: Mapped[bytes | None] = mapped_column(LargeBinary)
    row: Mapped[int | None]
    who: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    moment: Mapped[datetime] = mapped_column(UtcDateTime)


class CaseHitRow(Base):
    """A face as a search of a case showed it. `shown`: what stood beside it."""

    __tablename__ = "case_hits"
    __table_args__ = ({"sqlite_with_rowid": False},)

    search_id: Mapped[int] = mapped_column(ForeignKey("case_searches.id"), primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True)
    face_id: Mapped[int] = mapped_column(ForeignKey("faces.id"), index=True)
    score: Mapped[float] = mapped_column(Double)
    shown: Mapped[dict[str, Any]] = mapped_column(JSON)


class DepartureRow(Base):
    """What a search has otherwise than its statement, by whom, when and why."""

    __tablename__ = "case_departures"

    id: Mapped[int] = mapped_column(primary_key=True)
    search_id: Mapped[int] = mapped_column(ForeignKey("case_searches.id"), index=True)
    change: Mapped[Change] = mapped_column(WordText(Change))
    words: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(Text)
    moment: Mapped[datetime] = mapped_column(UtcDateTime)
    why: Mapped[str] = mapped_column(Text)


class MarkRow(Base):
    """What a reviewer said of a face in a case; rows are added, and undone by `undone`. It hangs on the face's id,
    which a new look at the photo keeps."""

    __tablename__ = "marks"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    face_id: Mapped[int] = mapped_column(ForeignKey("faces.id"), index=True)
    search_id: Mapped[int | None] = mapped_column(ForeignKey("case_searches.id"))
    state: Mapped[MarkState] = mapped_column(WordText(MarkState))
    role: Mapped[Role] = mapped_column(WordText(Role))
    note: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(Text)
    moment: Mapped[datetime] = mapped_column(UtcDateTime)
    blind: Mapped[bool] = mapped_column(Boolean, server_default=false())
    undone: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by: Mapped[str] = mapped_column(Text, server_default=text("''"))


class ShortlistRow(Base):
    """A named list of faces of a case."""

    __tablename__ = "shortlists"
    __table_args__ = (UniqueConstraint("case_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    name: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(Text)
    made: Mapped[datetime] = mapped_column(UtcDateTime)


class ShortlistFaceRow(Base):
    """A face on a shortlist. `place`: they stand in its order."""

    __tablename__ = "shortlist_faces"
    __table_args__ = ({"sqlite_with_rowid": False},)

    shortlist_id: Mapped[int] = mapped_column(ForeignKey("shortlists.id"), primary_key=True)
    face_id: Mapped[int] = mapped_column(ForeignKey("faces.id"), primary_key=True, index=True)
    place: Mapped[int]


class BlindReviewRow(Base):
    """One reviewer's blind review of a search. `seed`: hexadecimal; it gives the order of the first `faces` hits."""

    __tablename__ = "blind_reviews"
    __table_args__ = (UniqueConstraint("search_id", "reviewer"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    search_id: Mapped[int] = mapped_column(ForeignKey("case_searches.id"))
    reviewer: Mapped[str] = mapped_column(Text)
    seed: Mapped[str] = mapped_column(Text)
    faces: Mapped[int]
    began: Mapped[datetime] = mapped_column(UtcDateTime)


class State(Base):
    """The one row about the catalogue as a whole.

    `sealed`: since when nothing may change any more. `generation`: number of the last write batch that changed what a
    search can find. `serving_model_id`: the model
    whose scores searches use. `snapshot`: name of the snapshot that stands for them up to a generation of its own.
    Naming it here, and not only in its own folder, makes it impossible to take a snapshot of another catalogue, or of a
    state that a power failure or a restored backup has undone.
    `secret`: 32 random bytes by which a backup is known as one of this catalogue, and the key of `erasure.Pseudonyms`.
    `backed_up`: in a backup, when it was made; None in a catalogue.
    """

    __tablename__ = "state"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(server_default="0")
    serving_model_id: Mapped[int | None] = mapped_column(ForeignKey("models.id"))
    snapshot: Mapped[str | None] = mapped_column(Text)
    sealed: Mapped[datetime | None] = mapped_column(UtcDateTime)
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    backed_up: Mapped[datetime | None] = mapped_column(UtcDateTime)
