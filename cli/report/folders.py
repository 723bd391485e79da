"""Folders and archives that are handed on: made beside their place, and put there whole or not at all."""

import hashlib
import os
import secrets
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from cli.errors import FileProblem, UsageProblem
from cli.report.files import explained, refuse_evidence

MANIFEST = "manifest.sha256"
"""The SHA-256 of every other file, in the form that `sha256sum -c` reads."""

_EPOCH = (1980, 1, 1, 0, 0, 0)  # a zip knows no earlier moment; the same content gives the same archive


class NewFolder:
    """A folder in the making. digests: SHA-256 (hexadecimal) of every file in it, by its name."""

    def __init__(self, path: Path, at: Path) -> None:
        self.path = path
        self._at = at
        self.digests: dict[str, str] = {}

    def add(self, name: str, data: bytes) -> None:
        """Write a file, for its owner alone. name: relative, of plain letters. Raises FileProblem."""
        with self.open(name) as write:
            write(data)

    @contextmanager
    def open(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """The same, part by part."""
        file = self._at / name
        digest = hashlib.sha256()
        with explained(self.path / name):
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:

                def write(data: bytes) -> None:
                    with explained(self.path / name):
                        stream.write(data)
                    digest.update(data)

                yield write
                with explained(self.path / name):
                    stream.flush()
                    os.fsync(stream.fileno())
        self.digests[name] = digest.hexdigest()

    def discard(self, name: str) -> None:
        """Take a file out again."""
        (self._at / name).unlink()
        del self.digests[name]

    def seal(self) -> str:
        """Write the manifest; its own SHA-256, by which all of the folder is known."""
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(self.digests.items()))
        self.add(MANIFEST, lines.encode())
        return self.digests[MANIFEST]


@contextmanager
def new_folder(path: Path, *, catalogues: Sequence[Path] = (), zipped: bool = False) -> Iterator[NewFolder]:
    """A folder, or an archive, that takes its place when the block ends well; else nothing is left of it.

    Raises UsageProblem where there is something already, or the place lies among photos, and FileProblem.
    """
    for catalogue in catalogues:
        refuse_evidence(path, catalogue)
    with explained(path):
        there = os.path.lexists(path)
        if there and (zipped or not stat.S_ISDIR(path.lstat().st_mode) or any(path.iterdir())):
            raise UsageProblem(f"{path} exists already: name a new {'file' if zipped else 'folder'}.")
        parent = path.absolute().parent
        parent.mkdir(parents=True, exist_ok=True)
        part = parent / f".facesearch-{secrets.token_hex(8)}.part"
        part.mkdir(mode=0o700)
    try:
        made = NewFolder(path, part)
        yield made
        with explained(path):
            if zipped:
                archive = part.with_suffix(".zip")
                try:
                    _zip(part, archive, path.name.removesuffix(".zip"))
                    if os.path.lexists(path):
                        raise UsageProblem(f"{path} exists already: name a new file.")
                    archive.rename(path)
                finally:
                    archive.unlink(missing_ok=True)
            else:
                part.rename(path)  # an empty folder gives way
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _zip(folder: Path, archive: Path, name: str) -> None:
    """Everything below one folder of plain letters, readable for its owner alone."""
    top = safe_name(name) or "case"
    descriptor = os.open(archive, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            entry = zipfile.ZipInfo(f"{top}/{file.relative_to(folder).as_posix()}", _EPOCH)
            entry.external_attr = 0o600 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            with file.open("rb") as source, packed.open(entry, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, 1 << 20)
        stream.flush()
        os.fsync(stream.fileno())


def safe_name(name: str, most: int = 60) -> str:
    """The name in plain letters, digits, dots and dashes, so that every system can make a file of it and none is led
    elsewhere by it."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in name)
    return "-".join(filter(None, kept.split("-"))).strip(".-")[:most].strip(".-")


def check_manifest(folder: Path) -> tuple[Mapping[str, str], list[str]]:
    """The digests that the manifest of a folder states, by name, and a sentence for each file that is not as it says.

    Raises FileProblem where there is no manifest.
    """
    file = folder / MANIFEST
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise FileProblem(
            f"{folder} holds no {MANIFEST}: name a folder that `facesearch disclose` has written."
        ) from None
    stated: dict[str, str] = {}
    wrong: list[str] = []
    for line in lines:
        digest, _, name = line.partition("  ")
        inside = Path(name)
        if len(digest) != 64 or not name or inside.is_absolute() or ".." in inside.parts:
            raise FileProblem(f"{file} is no manifest ({line[:80]!r} is no line of one): name another folder.")
        stated[name] = digest
        path = folder / inside
        if not path.is_file() or path.is_symlink():
            wrong.append(f"{name} is missing.")
        elif _digest(path) != digest:
            wrong.append(f"{name} is not as it was sealed.")
    known = {*stated, MANIFEST}
    wrong += [
        f"{each.relative_to(folder).as_posix()} was added."
        for each in sorted(folder.rglob("*"))
        if each.is_file() and each.relative_to(folder).as_posix() not in known
    ]
    return stated, wrong


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
