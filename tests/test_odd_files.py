"""More than 500 damaged and odd files: what becomes of each stands in odd_files.tsv, beside this file.

`make test` looks at 60 of them, `make soak` at all. After a change that is meant, `python -m tests.test_odd_files`
writes the record anew: read the difference.
"""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from facesearch.vision.decode import EncodedPhoto, PhotoError, open_encoded
from tests.support.odd_files import SIZE, odd_files, scene

RECORD = Path(__file__).with_name("odd_files.tsv")
IN_EVERY_RUN = 60
ALIKE = 20.0  # mean difference of a picture that went through a lossy format, or gray, from what it was


def recorded() -> dict[str, str]:
    lines = RECORD.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines)


@cache
def every() -> dict[str, bytes]:
    return dict(odd_files())


def outcome(name: str, data: bytes) -> str:
    """In words: each picture with its size, its part that is there, its notices; or why there is none."""
    try:
        opened = open_encoded(EncodedPhoto(data, "0" * 64))
        said = []
        for picture in opened.pictures():
            if isinstance(picture, tuple):
                said.append(f"{picture[0]} not shown: {picture[1].reason}")
                continue
            part = f", {picture.visible.shape[0]} rows from {picture.top}" if picture.sound else ""
            notices = f" ({'; '.join(picture.notices)})" if picture.notices else ""
            said.append(f"{picture.page} of {picture.width} x {picture.height}{part}{likeness(picture)}{notices}")
        words = f"{opened.format}: {' | '.join(said)}; {opened.unlooked} not looked at"
    except PhotoError as error:
        words = f"failed: {error.reason}"
    if "flipped" in name:  # which code a flipped bit makes is the codecs' own business, and changes with them
        return "shown" if any(char in words for char in ("of 160",)) else "failed or of another size"
    return words


def likeness(picture: object) -> str:
    rgb, top = picture.rgb, picture.top  # type: ignore[attr-defined]
    if rgb.shape[:2] != (SIZE[1], SIZE[0]) or picture.page > 1:  # type: ignore[attr-defined]
        return ""
    part = picture.visible.astype(int)  # type: ignore[attr-defined]
    was = np.asarray(scene()).astype(int)[top : top + len(part)]
    gray = np.asarray(scene().convert("L").convert("RGB")).astype(int)[top : top + len(part)]
    differs = min(np.abs(part - was).mean(), np.abs(part - gray).mean())
    return ", as it was" if differs < ALIKE else ", otherwise than it was"


def chosen() -> list[str]:
    """Some of every kind, the same in each run."""
    names = list(recorded())
    return [names[place] for place in np.linspace(0, len(names) - 1, IN_EVERY_RUN).astype(int)]


@pytest.mark.parametrize("name", chosen() if RECORD.exists() else [])
def test_what_becomes_of_an_odd_file_is_what_is_recorded(name: str) -> None:
    assert outcome(name, every()[name]) == recorded()[name]


@pytest.mark.soak
def test_what_becomes_of_every_odd_file_is_what_is_recorded() -> None:
    assert len(every()) >= 500
    assert {name: outcome(name, data) for name, data in every().items()} == recorded()


def test_no_library_writes_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    for name in chosen():
        outcome(name, every()[name])
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")


def test_no_odd_file_is_shown_otherwise_than_it_was_without_a_word() -> None:
    odd = [name for name, words in recorded().items() if "otherwise than it was" in words and "(" not in words]
    # Samples without compression: nothing tells zeros that are missing from zeros that were black.
    assert odd == ["TIFF with zeros instead of its last third", "BMP with zeros instead of its last third"]


if __name__ == "__main__":
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        lines = [f"{name}\t{outcome(name, data)}\n" for name, data in every().items()]
        RECORD.write_text("".join(lines), encoding="utf-8")
        said.seek(0)
        print("written on the terminal meanwhile:", said.read() or "nothing")
