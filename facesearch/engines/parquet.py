"""Every face of a catalogue as files of Parquet, for engines that an agency has already.

An export holds forty traits of everybody. So it names a reason, is logged before it can be read, belongs to its owner
alone, and appears whole or not at all.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from db import all_faces, generation, models
from db.all_faces import FaceRow
from db.arrays import unpack_rows
from db.catalogue import SCHEMA_VERSION, Catalogue
from db.durable import flush_folder, write_text
from db.lock import exclusive
from db.manifest import create
from db.paths import AnyPath, absolute, as_path, display, is_folder
from db.values.photo_filter import day_number, folded, folder_key, path_text
from db.values.scoring_model import ScoringModel, calibrate
from facesearch.attributes import NAMES
from facesearch.custody.acting import acting_now
from facesearch.custody.audit import Logged, log
from facesearch.custody.policy import permit
from facesearch.engines.columns import FACT_COLUMNS, PROBABILITY_COLUMNS, TABLE, VERSION
from facesearch.errors import FacesearchError, RequestError, SearchError, UsageError

PART = 10_000_000
"""Faces of a file at most."""

LISTING = "_facesearch.json"
"""What an export says of itself; engines pass over names that begin so."""

_BATCH = 1 << 14  # faces that are read at a time
_GROUP = 1 << 17  # faces of a row group: what engines read at a time, and what is held in memory


class ExportError(FacesearchError, kinds=("export",)):
    """The files cannot be written as asked."""


@dataclass(frozen=True, slots=True)
class Exported:
    """folder: absolute. files: name, SHA-256 and faces of each. faces: how many in all, of which `unscored` have no
    probabilities. logged: how it was logged."""

    folder: Path
    files: tuple[tuple[str, str, int], ...]
    faces: int
    unscored: int
    model: str
    generation: int
    logged: Logged


def export(
    catalogue: Catalogue,
    folder: AnyPath,
    *,
    progress: Callable[[int, int], object] = lambda done, faces: None,  # noqa: ARG005
    part: int = PART,
) -> Exported:
    """Write every visible face into new files in this folder, `part` faces at most in each, and log it.

    A folder that holds a former export and nothing else is replaced. Memory does not grow with the faces. progress:
    told how many of all faces are written. Raises RequestError ("no reason") unless somebody said why
    (`facesearch.custody.acting`), UsageError for a folder that is not ours and where pyarrow is not installed,
    SearchError where nothing is indexed, ExportError where the files cannot be written, the log cannot, or faces were
    forgotten meanwhile (nothing is left then), and CatalogueErrors.
    """
    permit(catalogue, attributes=range(len(NAMES))).permit_every_export()
    if not acting_now().reason:
        raise RequestError("no reason")
    _arrow()
    target = as_path(absolute(folder))
    with _translated(target):
        _refuse_what_is_not_ours(target)
        with _workshop(target) as new:
            exported = _write(catalogue, target, new, progress, part)
            flush_folder(new)
            _put_in_place(new, target)
    return exported


def _write(
    catalogue: Catalogue, target: Path, folder: Path, progress: Callable[[int, int], object], part: int
) -> Exported:
    """Complete files in `folder`, logged as those in `target`."""
    with catalogue.read() as session:
        serving = models.serving(session)
        faces = all_faces.count(session) if serving is not None else 0
        if serving is None or not faces:
            raise SearchError("No face is indexed yet.", "nothing indexed")
        model_id, model = serving
        if model.attributes != NAMES:
            raise SearchError(
                "The faces were scored by a model with other attributes than this version knows.", "other attributes"
            )
        number = generation.current(session)
        about = {
            "columns": VERSION,
            "catalogue": display(os.fsencode(catalogue.path)),
            "schema": SCHEMA_VERSION,
            "generation": number,
            "model": model.digest,
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "reason": acting_now().reason,
        }
        writer = _Parts(folder, about, part)
        unscored = 0
        with writer:
            for rows in all_faces.batches(session, model_id, _BATCH):
                writer.add(_arrow_batch(rows, model))
                unscored += sum(row.logits is None for row in rows)
                progress(writer.faces, faces)
    with catalogue.read() as session:
        forgotten = all_faces.forgotten_since(session, number)
    if forgotten:
        raise ExportError("Faces were forgotten while the files were being written: nothing was kept; run it again.")
    files = tuple(writer.files)
    listing = {**about, "files": [{"file": name, "sha256": sha256, "faces": count} for name, sha256, count in files]}
    write_text(folder / LISTING, json.dumps(listing, indent=1) + "\n")
    (folder / LISTING).chmod(0o600)
    where = [{"file": str(target / name), "sha256": sha256} for name, sha256, _ in files]
    logged = log(catalogue, "export", {"files": where, "everybody": writer.faces, "model": model.digest})
    if logged.lost:
        raise ExportError(f"Nothing was kept, since it could not be logged: {logged.problem}")
    return Exported(target, files, writer.faces, unscored, model.digest, number, logged)


class _Parts:
    """Files of at most so many faces each, written a row group at a time."""

    def __init__(self, folder: Path, about: dict[str, Any], part: int) -> None:
        self.files: list[tuple[str, str, int]] = []
        self.faces = 0
        self._folder, self._part = folder, part
        self._schema = _schema(about)
        self._waiting: list[Any] = []
        self._held = 0
        self._file: _HashedFile | None = None
        self._writer: Any = None
        self._in_file = 0

    def __enter__(self) -> "_Parts":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._flush()
                self._finish()
        finally:
            if self._file is not None:
                self._file.abandon()

    def add(self, batch: Any) -> None:
        """The next faces, as a pyarrow.RecordBatch."""
        while len(batch):
            room = min(_GROUP - self._held, self._part - self._in_file - self._held)
            some, batch = batch.slice(0, room), batch.slice(room)
            self._waiting.append(some)
            self._held += len(some)
            self.faces += len(some)
            if self._held == _GROUP or self._in_file + self._held == self._part:
                self._flush()

    def _flush(self) -> None:
        if not self._held:
            return
        pa, pq = _arrow()
        if self._writer is None:
            self._file = _HashedFile(self._folder / f"{TABLE}-{len(self.files) + 1:05}.parquet")
            self._writer = pq.ParquetWriter(
                pa.PythonFile(self._file, "w"), self._schema, compression="zstd", use_dictionary=_WITH_DICTIONARY
            )
        self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema), row_group_size=_GROUP)
        self._in_file += self._held
        self._waiting, self._held = [], 0
        if self._in_file == self._part:
            self._finish()

    def _finish(self) -> None:
        if self._writer is None or self._file is None:
            return
        self._writer.close()
        name, sha256 = self._file.finish()
        self.files.append((name, sha256, self._in_file))
        self._writer, self._file, self._in_file = None, None, 0


_WITH_DICTIONARY = [
    name for name, kind in FACT_COLUMNS.items() if kind in ("text", "small") and name not in ("path", "sha256")
]


class _HashedFile:
    """A new file, its owner's alone, that knows its digest; what pyarrow writes to."""

    closed = False

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._stream = create(path)
        self._digest = hashlib.sha256()

    def write(self, data: Any) -> int:
        self._stream.write(data)
        self._digest.update(data)
        return len(data)

    def flush(self) -> None:
        self._stream.flush()

    def tell(self) -> int:
        return self._stream.tell()

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """pyarrow says that it is done: see `finish`."""

    def finish(self) -> tuple[str, str]:
        """Its name and SHA-256, once it is on the disk."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        return self._name, self._digest.hexdigest()

    def abandon(self) -> None:
        """Let go of it, whatever state it is in."""
        with suppress(OSError):
            self._stream.close()


def _schema(about: dict[str, Any]) -> Any:
    pa, _ = _arrow()
    kinds = {
        "integer": pa.int64(),
        "small": pa.int32(),
        "double": pa.float64(),
        "text": pa.string(),
        "moment": pa.timestamp("us"),
        "texts": pa.list_(pa.string()),
        "bytes": pa.list_(pa.binary()),
    }
    fields = [(name, kinds[kind]) for name, kind in FACT_COLUMNS.items()]
    fields += [(name, pa.float64()) for name in PROBABILITY_COLUMNS]
    return pa.schema(fields, metadata={f"facesearch.{key}": str(value) for key, value in about.items()})


def _arrow_batch(rows: Sequence[FaceRow], model: ScoringModel) -> Any:
    pa, _ = _arrow()
    schema = _schema({})
    columns: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in FaceRow._fields[:-2]}
    columns["size"] = _as_searched([max(row.width, row.height) for row in rows])
    columns["detection"] = _as_searched(columns["detection"])
    columns["taken_day"] = [None if row.taken is None else day_number(row.taken) for row in rows]
    columns["camera_key"] = [folded(row.camera) for row in rows]
    columns["paths"] = [[display(path) for path in row.paths] for row in rows]
    columns["path"] = [paths[0] if paths else None for paths in columns["paths"]]
    columns["raw_paths"] = [_raw_paths(row.paths) for row in rows]
    columns["folder_key"] = [_folder_key(row.paths) for row in rows]
    facts = [pa.array(columns[name], schema.field(name).type) for name in FACT_COLUMNS]
    return pa.record_batch([*facts, *_probability_columns(rows, model)], schema=schema)


def _probability_columns(rows: Sequence[FaceRow], model: ScoringModel) -> list[Any]:
    """A column an attribute, empty where a face is not scored."""
    pa, _ = _arrow()
    scored = np.array([row.logits is not None for row in rows])
    known = np.full((len(rows), len(NAMES)), np.nan)
    logits = unpack_rows([row.logits for row in rows if row.logits is not None], len(NAMES))
    known[scored] = calibrate(logits, model.calibration_scale, model.calibration_bias)
    return [pa.array(np.ascontiguousarray(column), mask=~scored) for column in known.T]


def _as_searched(values: Sequence[float]) -> Any:
    """float64 [n] of what searches compare in float32."""
    return np.array(values, np.float32).astype(np.float64)


def _raw_paths(paths: Sequence[bytes]) -> list[bytes] | None:
    """The paths byte for byte where text cannot hold them all."""
    return list(paths) if any(_is_no_text(path) for path in paths) else None


def _is_no_text(path: bytes) -> bool:
    try:
        path.decode()
    except UnicodeDecodeError:
        return True
    return False


def _folder_key(paths: Sequence[bytes]) -> str:
    key = folder_key(path_text(path.rpartition(b"/")[0]) for path in paths)
    return key.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _arrow() -> tuple[Any, Any]:
    """The modules pyarrow and pyarrow.parquet. Raises UsageError where they are not installed."""
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise UsageError("Parquet needs one more package: pip install 'facesearch[parquet]'.") from None


# ---- where it goes


def _refuse_what_is_not_ours(target: Path) -> None:
    """Raises UsageError unless there is nothing, an empty folder, or an export and nothing else."""
    if target.is_symlink() or (os.path.lexists(target) and not is_folder(target)):
        raise UsageError(f"{_named(target)} is no folder: name another one, which is made.")
    if not is_folder(target.parent):
        raise UsageError(f"{_named(target)} cannot be made: create its folder {_named(target.parent)} first.")
    found = {each.name for each in target.iterdir()} if is_folder(target) else set()
    if found - _files_of_export(target):
        raise UsageError(f"{_named(target)} is there and holds other files than those of an export: name a new folder.")


def _files_of_export(folder: Path) -> set[str]:
    try:
        listing = json.loads((folder / LISTING).read_text(encoding="utf-8"))
        return {LISTING, *(str(each["file"]) for each in listing["files"])}
    except (OSError, ValueError, LookupError, TypeError):
        return set()


@contextmanager
def _workshop(target: Path) -> Iterator[Path]:
    """A new folder beside the target, its owner's alone, in which nothing is left at the end, and of which nothing is
    left that a killed run made. Raises ExportError where another one is at work."""
    workshop = target.with_name(f".{target.name}.facesearch-export")
    workshop.mkdir(mode=0o700, exist_ok=True)
    with exclusive(workshop / "lock") as mine:
        if not mine:
            raise ExportError(f"Another export to {_named(target)} is at work: wait until it has ended.")
        try:
            for left in ("new", "former"):
                shutil.rmtree(workshop / left, ignore_errors=True)
            (workshop / "new").mkdir(mode=0o700)
            yield workshop / "new"
        finally:
            shutil.rmtree(workshop, ignore_errors=True)


def _put_in_place(new: Path, target: Path) -> None:
    """A former export goes aside first, and comes back where the new one cannot take its place."""
    former = new.with_name("former")
    aside = is_folder(target)
    if aside:
        target.rename(former)
    try:
        new.rename(target)
    except OSError:
        if aside:
            former.rename(target)
        raise
    flush_folder(target.parent)


@contextmanager
def _translated(target: Path) -> Iterator[None]:
    """Turns what the system says about writing into an ExportError."""
    try:
        yield
    except OSError as error:
        words = error.strerror or str(error)
        raise ExportError(
            f"{_named(target)} cannot be written ({words}), and nothing was: name another folder or make room."
        ) from error


def _named(path: Path) -> str:
    return display(os.fsencode(path))
