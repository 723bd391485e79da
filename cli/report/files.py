"""Files that the user asked for: refused before the work starts, and written whole or not at all."""

import codecs
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from cli.errors import FileProblem, UsageProblem


class NewFile:
    """A file in the making. `path` is how the user named it; is_regular: it is no pipe or device; sha256: of all that
    was written so far."""

    def __init__(self, path: Path, stream: BinaryIO, *, is_regular: bool = True) -> None:
        self.path = path
        self.is_regular = is_regular
        self.sha256 = hashlib.sha256()
        self._stream = stream

    def write(self, data: bytes) -> None:
        """Raises FileProblem when the disk refuses, for want of room for example."""
        with explained(self.path):
            self._stream.write(data)
        self.sha256.update(data)


@contextmanager
def replacing(path: Path, *, never: Sequence[Path] = (), force: bool = False) -> Iterator[NewFile]:
    """A new file that takes the place of `path` at the end; on any failure what was there before stays as it was. It
    can be read by its owner only; one that it replaces keeps its permissions.

    Raises, before anything else happens, FileProblem when it cannot be written there and UsageProblem when `path` is
    one of `never` (such as the catalogue), looks like a photo, or, without `force`, is a file that was not written by
    this program: a slip of the hand must not cost the original.
    """
    with explained(path):
        target = Path(os.path.realpath(path))
        before = _mode(target)
    _refuse_precious(path, target, before, never)
    if before is not None and stat.S_ISREG(before) and not force:
        _refuse_foreign(path, target)
    if before is not None and not stat.S_ISREG(before):  # a device or a pipe cannot be replaced
        with explained(path):
            stream = target.open("wb")
        with _closed_quietly(stream):
            yield NewFile(path, stream, is_regular=False)
            with explained(path):
                stream.flush()
        return
    temporary = target.with_name(f".facesearch-{secrets.token_hex(8)}.part")
    with explained(path):
        if before is not None and not os.access(target, os.W_OK):
            raise FileProblem(f"{path} is write-protected: name another file, or change its permissions.")
        stream = os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
    try:
        with _closed_quietly(stream):
            yield NewFile(path, stream)
            with explained(path):
                stream.flush()
                os.fsync(stream.fileno())
        with explained(path):
            if before is not None:
                temporary.chmod(stat.S_IMODE(before))
            temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _refuse_foreign(path: Path, target: Path) -> None:
    """Raises UsageProblem for a file that this program has not written, as far as its first bytes tell."""
    with explained(path), target.open("rb") as file:
        head = file.read(_HEAD)
    if head and not head.removeprefix(codecs.BOM_UTF8).startswith(_heads()):
        raise UsageProblem(
            f"{path} is there already and was not written by facesearch: name another file, or give --force to replace "
            "it."
        )


_HEAD = 512


def _heads() -> tuple[bytes, ...]:
    """How the files begin that this program writes: pages, tables, and the files of a validation."""
    from cli.report.templating import HEAD
    from facesearch.search.records import FACE_COLUMNS, HIT_COLUMNS

    tables = (HIT_COLUMNS, FACE_COLUMNS, ("subset", "network", "attribute"), ("sample", "item"))
    return (HEAD.encode(), *(",".join(each).encode() for each in tables), b'{\n "format"', b'{"format"')


def refuse_evidence(path: Path, catalogue: Path | None) -> None:
    """Raises UsageProblem where `path` lies in or below an indexed folder: nothing is written among the evidence.

    catalogue: the one whose folders count. One that cannot be read has no say.
    """
    from db.catalogue import indexed_folders
    from db.paths import within

    folders = indexed_folders(catalogue) if catalogue else []
    places = {os.path.abspath(os.fsencode(path)), os.path.realpath(os.fsencode(path))}  # noqa: PTH100
    for folder in folders:
        if any(within(each, place) for each in {folder, os.path.realpath(folder)} for place in places):
            raise UsageProblem(
                f"{path} lies in {os.fsdecode(folder)}, which is indexed, and nothing is ever written into a folder "
                f"with photos: name a file elsewhere."
            )


@contextmanager
def _closed_quietly(stream: BinaryIO) -> Iterator[None]:
    """Close it at the end; what was flushed is safe, and what could not be has been told."""
    try:
        yield
    finally:
        with suppress(OSError):
            stream.close()


def check_writable(path: Path, *, never: Sequence[Path] = ()) -> None:
    """Raises FileProblem where a file could not be written later, after hours of work, and UsageProblem as `replacing`.
    Makes its folder."""
    with explained(path):
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        before = _mode(target)
    require_folder(path)
    _refuse_precious(path, target, before, never)


def require_folder(path: Path) -> None:
    """Raises FileProblem where the folder of a file that is to be written is not there, or nothing can be written into
    it."""
    with explained(path):
        target = Path(os.path.realpath(path))
        if _mode(target) is not None and target.is_dir():
            raise FileProblem(f"{path} is a folder: name a file in it.")
        trial = target.with_name(f".facesearch-{secrets.token_hex(8)}.part")
        trial.touch(exist_ok=False)
        trial.unlink()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what the system says about writing `path` into a FileProblem."""
    try:
        yield
    except FileNotFoundError:
        raise FileProblem(f"{path} cannot be written: create its folder {path.parent} first.") from None
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise FileProblem(f"{path} cannot be written ({words}): name another file or make room.") from error


def _mode(target: Path) -> int | None:
    try:
        return target.stat().st_mode
    except FileNotFoundError:
        return None


def _refuse_precious(path: Path, target: Path, mode: int | None, never: Sequence[Path]) -> None:
    from facesearch.vision.decode import EXTENSIONS

    if mode is not None and stat.S_ISDIR(mode):
        raise FileProblem(f"{path} is a folder: name a file in it.")
    if any(target == Path(os.path.realpath(other)) for other in never):
        raise UsageProblem(f"{path} is needed for something else: name another file to write to.")
    if target.suffix.lower() in EXTENSIONS:
        raise UsageProblem(f"{path} has the name of a photo: name another file to write to.")
