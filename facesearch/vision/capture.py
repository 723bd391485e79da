"""When and with what a photo was taken, from its EXIF block. What cannot be made sense of counts as not said.

Sources: CIPA DC-008 (Exif 2.32), 4.6.4 (Make, Model) and 4.6.5 (DateTimeOriginal), and what cameras make of them.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from PIL import Image

from db.values.photo import CaptureFacts

_MAKE, _MODEL, _EXIF_IFD, _DATE_TIME_ORIGINAL = 0x010F, 0x0110, 0x8769, 0x9003
_FIRST_PHOTOGRAPH = 1826  # earlier years, 0000 among them, come from clocks that were never set
_LONGEST = 64  # characters of make or model: more than any camera's, and a bound for what is no name at all
_DATE = re.compile(
    r"\s*([0-9]{4})[:/.-]([0-9]{1,2})[:/.-]([0-9]{1,2})(?![0-9])(?:[T\s]+([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2}))?)?"
)

Answer = TypeVar("Answer")


def read_capture_facts(block: bytes) -> CaptureFacts:
    """What an EXIF block (from its TIFF header on; b"" for none) says. Raises MemoryError, and nothing that the block
    is to blame for."""
    if not block:
        return CaptureFacts(None, "")
    exif = Image.Exif()
    _parsed(lambda: exif.load(block))
    make, model = _name(_parsed(lambda: exif.get(_MAKE))), _name(_parsed(lambda: exif.get(_MODEL)))
    details = _parsed(lambda: exif.get_ifd(_EXIF_IFD)) or {}
    return CaptureFacts(_moment(_text(details.get(_DATE_TIME_ORIGINAL))), _camera(make, model))


def _parsed(parse: Callable[[], Answer]) -> Answer | None:
    """What Pillow's parser answers; None where it stumbles, over whatever it may be."""
    try:
        return parse()
    except MemoryError:
        raise
    except Exception:
        return None


def _text(value: object) -> str:
    """A tag's text. Some writers choose another type for it than the standard does."""
    if isinstance(value, bytes):
        return value[:1000].decode("latin-1")
    return value[:1000] if isinstance(value, str) else ""


def _moment(text: str) -> datetime | None:
    """The moment, at midnight where only the day makes sense."""
    match = _DATE.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    if year < _FIRST_PHOTOGRAPH:
        return None
    try:
        midnight = datetime(year, month, day)
    except ValueError:
        return None
    with contextlib.suppress(ValueError):
        return midnight.replace(hour=hour, minute=minute, second=second)
    return midnight


def _name(value: object) -> str:
    """A make or model without what fills its field up: NULs and whatever follows, blanks, control characters."""
    text = next((part for part in _text(value).split("\0") if part.strip()), "")
    with contextlib.suppress(UnicodeError):
        text = text.encode("latin-1").decode("utf-8")  # Pillow reads byte by byte; many a writer means UTF-8
    printable = (" " if unicodedata.category(sign).startswith("C") else sign for sign in text)
    return " ".join(unicodedata.normalize("NFC", "".join(printable)).split())[:_LONGEST].strip()


def _camera(make: str, model: str) -> str:
    """Both in one, the make once: "Canon" and "Canon EOS 80D", "NIKON CORPORATION" and "NIKON D750"."""
    if not make or not model:
        return make or model
    maker, camera = make.casefold(), model.casefold()
    if camera.startswith(maker) or camera.split()[0] in maker.split():
        return model
    return f"{make} {model}"
