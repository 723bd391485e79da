"""What makes a snapshot complete: written last, it names every file with its size and checksums."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from db.durable import flush_folder

FORMAT = 4  # 1 had no sizes, 2 no probabilities, 3 odds in their place
_FILE = "manifest.json"
_LISTING = "parts.json"


class DamagedSnapshot(Exception):  # noqa: N818  (never leaves this package)
    """The files are not what the manifest says. The remedy is to read the tables instead."""


class OutdatedSnapshot(DamagedSnapshot):
    """Another version of the program wrote it. The remedy is the same."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """name: the snapshot's own, as `state` has it. model: digest. faces, attributes: N and A.

    sizes: bytes by file name. checksums: CRC-32 by what they cover; one for each column of the logits and of the
    probabilities.
    """

    name: str
    generation: int
    model: str
    faces: int
    attributes: int
    sizes: dict[str, int]
    checksums: dict[str, list[int]]
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Listing:
    """A snapshot of several parts. name: its own, as `state` has it; generation: what it stands for; model: digest.

    parts: name of each, how many of its rows are out of date, and CRC-32 of the file that numbers them.
    """

    name: str
    generation: int
    model: str
    parts: list[tuple[str, int, int]]
    format: int = FORMAT


def write(folder: Path, manifest: Manifest) -> None:
    """Put it into the folder and flush both to the disk. Raises OSError."""
    _write(folder, _FILE, asdict(manifest))


def write_listing(folder: Path, listing: Listing) -> None:
    """The same for a listing."""
    _write(folder, _LISTING, asdict(listing))


def _write(folder: Path, name: str, content: dict[str, Any]) -> None:
    with create(folder / name) as file:
        file.write(json.dumps({**content, "checksum": _digest(content)}, indent=1).encode())
        file.flush()
        os.fsync(file.fileno())
    flush_folder(folder)


def read(folder: Path) -> Manifest:
    """The folder's manifest, once its own checksum and the sizes of all files have been compared.

    Raises DamagedSnapshot, of which OutdatedSnapshot is one.
    """
    try:
        manifest = Manifest(**_read(folder, _FILE))
        for name, size in manifest.sizes.items():
            if (folder / name).stat().st_size != size:
                raise DamagedSnapshot(f"{folder / name} has another size than it had")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedSnapshot(f"{folder} is no complete snapshot") from error
    return manifest


def read_listing(folder: Path) -> Listing | None:
    """The folder's listing; None where it holds no list but a part. Raises DamagedSnapshot."""
    try:
        content = _read(folder, _LISTING)
        content["parts"] = [(str(name), int(count), int(checksum)) for name, count, checksum in content["parts"]]
        return Listing(**content)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedSnapshot(f"{folder} is no complete snapshot") from error


def _read(folder: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / name).read_bytes())
    checksum = content.pop("checksum")
    if checksum != _digest(content):
        raise DamagedSnapshot(f"{folder} has a manifest that was changed")
    if content["format"] != FORMAT:
        raise OutdatedSnapshot(f"{folder} has format {content['format']}, this version reads {FORMAT}")
    return content


def create(path: Path) -> BinaryIO:
    """A new file, readable by its owner only, opened for writing bytes. Raises OSError."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w+b")


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
