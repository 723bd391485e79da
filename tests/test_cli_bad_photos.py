"""Photos that break programs, through the whole program: each ends with an outcome, and none stops the others."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Program

pytestmark = pytest.mark.slow


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side: int = 30_000) -> bytes:
    """A real PNG of side x side black pixels, a hundred kilobytes on disk."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    data = b"".join(packer.compress(row * 1000) for _ in range(side // 1000)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory, gallery: Path) -> dict[str, Path]:
    """By the words that the reason must hold."""
    folder = tmp_path_factory.mktemp("bad")
    portrait = (gallery / "man-goatee-1.jpg").read_bytes()
    contents = {
        "empty": ("empty.jpg", b""),
        "no photo": ("letter.jpg", b"Dear Sir or Madam"),
        "damaged": ("cut.jpg", portrait[: portrait.find(b"\xff\xda")]),
        "900 megapixels": ("bomb.png", bomb()),
    }
    for name, content in contents.values():
        (folder / name).write_bytes(content)
    return {words: folder / name for words, (name, _) in contents.items()}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory, gallery: Path) -> Path:
    """A folder of rare but sound photos of one face each."""
    folder = tmp_path_factory.mktemp("odd")
    portrait = Image.open(gallery / "man-goatee-1.jpg")
    portrait.convert("CMYK").save(folder / "for the printer.jpg")
    grey = np.asarray(portrait.convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey).save(folder / "sixteen bits.png")
    portrait.quantize(64).save(folder / "palette.gif")
    portrait.save(folder / "имя — naïve 写真.png")
    return folder


def test_bad_photos_are_recorded_with_their_reasons_and_do_not_stop_the_run(
    facesearch: Program, bad: dict[str, Path], odd: Path, checkpoint: Path, tmp_path: Path
) -> None:
    folder = next(iter(bad.values())).parent
    ran = facesearch("index", folder, odd, "--catalogue", tmp_path / "f.db", "--checkpoint", checkpoint)
    assert ran.code == 0
    assert "4 with faces, 0 without, 4 failed" in ran.out
    for words, photo in bad.items():
        (line,) = [each for each in ran.out.splitlines() if photo.name in each]
        assert words in line
    again = facesearch("index", "--catalogue", tmp_path / "f.db", "--checkpoint", checkpoint, "--strict")
    assert again.code == 4
    assert "0 opened, 8 unchanged" in again.out and "4 failed" in again.out


@pytest.mark.parametrize("command", ["score", "similar"])
def test_a_bad_photo_as_a_probe_is_one_sentence(
    facesearch: Program, bad: dict[str, Path], odd: Path, checkpoint: Path, tmp_path: Path, command: str
) -> None:
    catalogue = ("--catalogue", tmp_path / "f.db")
    assert facesearch("index", odd, *catalogue, "--checkpoint", checkpoint).code == 0
    for words, photo in {**bad, "There is no file": tmp_path / "none.jpg"}.items():
        ran = facesearch(command, photo, "--checkpoint", checkpoint, *(catalogue if command == "similar" else ()))
        assert ran.code == 3
        (line,) = [each for each in ran.err.splitlines() if each.startswith("Error: ")]
        assert words in line and photo.name in line
        assert "Traceback" not in ran.err
