"""Which pictures a file holds, and which of them are to be looked at: one answer for every format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from db.values.photo import CaptureFacts
from facesearch.vision.capture import read_capture_facts
from facesearch.vision.decoding import sniff
from facesearch.vision.decoding.bmp import Bmp
from facesearch.vision.decoding.colour import Pixels
from facesearch.vision.decoding.errors import Limits, PhotoError, broken, check_size
from facesearch.vision.decoding.gif import Gif
from facesearch.vision.decoding.heif import Heif
from facesearch.vision.decoding.jp2 import Jpeg2000
from facesearch.vision.decoding.jpeg import Jpeg, same_picture
from facesearch.vision.decoding.pillow import open_as
from facesearch.vision.decoding.pixels import Drawn, drawn
from facesearch.vision.decoding.png import Png
from facesearch.vision.decoding.raw import draw_preview
from facesearch.vision.decoding.sniff import Kind
from facesearch.vision.decoding.tiff.file import Tiff
from facesearch.vision.decoding.webp import WebP

THUMBNAIL = "the thumbnail in the file, which shows something else than its picture"
RESCUED = "the thumbnail in the file, which shows more than what is left of its picture"
LAST_FRAMES = "its last frames are missing"
_SECOND = 1.0
_APART = 0.95  # of a second: frames of equal length seldom add up to a whole one
_ALIKE = 10.0  # mean difference of two frames reduced to 24 x 24 grays, from which a new scene begins
_GRID = 24


@dataclass(frozen=True, slots=True)
class Found:
    """A picture to look at. page: its number in the file, from 1; seconds: when it is shown, None where nothing moves.
    shown: its pixels, or why there are none."""

    page: int
    seconds: float | None
    shown: Drawn | PhotoError


@dataclass
class Contents:
    """What a file holds.

    format: for people. count: how many pictures, which `draw` takes by number, from 1. pixels: of the largest, which is
    what decoding may take memory for. unlooked: how many pictures `pictures` has passed over so far and nobody looks
    at; word: what they are called.
    """

    format: str
    count: int
    pixels: int
    capture: CaptureFacts
    draw: Callable[[int], Drawn]
    pictures: Callable[[], Iterator[Found]]
    word: str = "picture"
    unlooked: int = 0


def open_contents(data: bytes, limits: Limits) -> Contents:
    """Raises `PhotoError` for what is no photo, or cannot be read at all."""
    kind = sniff.sniff(data)
    if kind.kind is Kind.EMPTY:
        raise PhotoError("the file is empty (0 bytes)", retry=False)
    try:
        return _OPEN[kind.name](data, limits) if kind.name in _OPEN else _unread(kind, data, limits)
    except PhotoError:
        raise
    except Exception as error:  # whatever damaged bytes make our parsing or Pillow's stumble over
        raise broken(kind.name, error) from error


def _unread(kind: sniff.FileKind, data: bytes, limits: Limits) -> Contents:
    if kind.kind is Kind.RAW:
        return _raw(kind.name, data, limits)
    if kind.kind is Kind.VIDEO:
        raise PhotoError(f"a video ({kind.name}), and videos are not looked at", retry=False)
    if kind.kind is Kind.UNREAD_PHOTO:
        raise PhotoError(f"a picture of a format that is not read ({kind.name}): convert it to PNG", retry=False)
    if kind.name:
        raise PhotoError(f"no photo, but {kind.name}", retry=False)
    known = ", ".join(sorted(_OPEN))
    raise PhotoError(f"no photo, or damaged at its very beginning (the content is none of {known})", retry=False)


def _drawing(draw: Callable[[int], Drawn], page: int, seconds: float | None = None) -> Found:
    try:
        return Found(page, seconds, draw(page))
    except PhotoError as error:
        return Found(page, seconds, error)
    except Exception as error:
        return Found(page, seconds, broken("photo", error))


def _single(name: str, size: tuple[int, int], capture: CaptureFacts, draw: Callable[[int], Drawn]) -> Contents:
    return Contents(name, 1, size[0] * size[1], capture, draw, lambda: iter([_drawing(draw, 1)]))


def _jpeg(data: bytes, limits: Limits) -> Contents:
    opened = Jpeg(data, limits)
    views = opened.views
    last = 1 + len(views)

    def draw(page: int) -> Drawn:
        if page == 1:
            return opened.draw()
        if page <= last:
            return opened.draw_view(page - 2)
        thumbnail = opened.thumbnail()
        if page > last + 1 or thumbnail is None:
            raise PhotoError(f"it has no picture {page}", retry=False)
        return thumbnail

    def pictures() -> Iterator[Found]:
        first = _drawing(draw, 1)
        yield first
        for page in range(2, last + 1):
            yield _drawing(draw, page)
        thumbnail = opened.thumbnail()
        if thumbnail is None:
            return
        whole = isinstance(first.shown, Drawn) and first.shown.sound is None
        if not whole or not _same(thumbnail, first.shown):
            contents.count = last + 1
            yield Found(last + 1, None, thumbnail.noting(THUMBNAIL if whole else RESCUED))

    size = opened.header.width * opened.header.height
    contents = Contents(
        "JPEG", last, size, read_capture_facts(opened.exif.data), draw, pictures, unlooked=opened.others
    )
    return contents


def _same(thumbnail: Drawn, picture: Drawn | PhotoError) -> bool:
    return isinstance(picture, Drawn) and same_picture(thumbnail.rgb, picture.rgb)


def _tiff(data: bytes, limits: Limits) -> Contents:
    opened = Tiff(data, limits)
    pages = opened.directories
    sizes = [page.width * page.height for page in pages]
    fit = [size for size in sizes if size <= limits.max_pixels]
    if not fit:
        check_size(pages[0].width, pages[0].height, limits)

    def draw(page: int) -> Drawn:
        if not 1 <= page <= len(pages):
            raise PhotoError(f"it has no page {page}", retry=False)
        return opened.draw(page - 1)

    def pictures() -> Iterator[Found]:
        done = 0
        wanted = opened.wanted()
        for place, number in enumerate(wanted):
            done += sizes[number]
            if place and done > limits.max_pixels_in_all:
                contents.unlooked += len(wanted) - place
                return
            found = _drawing(draw, number + 1)
            if number == wanted[-1] and isinstance(found.shown, Drawn):
                found = replace(found, shown=found.shown.noting(opened.notice))
            yield found

    exif = b"" if opened.big else data
    contents = Contents(
        "TIFF",
        len(pages) + opened.more,
        max(fit, default=0),
        read_capture_facts(exif),
        draw,
        pictures,
        "page",
        opened.more,
    )
    return contents


def _animated(
    name: str,
    size: tuple[int, int],
    capture: CaptureFacts,
    times: Sequence[float],
    draw_frame: Callable[[int], Drawn],
    limits: Limits,
    lost: int = 0,
) -> Contents:
    """draw_frame: from 0. lost: how many frames, at the end, are missing."""

    def draw(page: int) -> Drawn:
        if not 1 <= page <= len(times):
            raise PhotoError(f"it has no frame {page}", retry=False)
        return draw_frame(page - 1)

    if len(times) + lost == 1:
        return _single(name, size, capture, draw)

    def pictures() -> Iterator[Found]:
        chosen = _about_a_second_apart(times, limits.max_frames)
        contents.unlooked = len(times) + lost - len(chosen)
        last: tuple[float, Pixels] | None = None
        for number in chosen:
            found = _drawing(draw, number + 1, times[number])
            if isinstance(found.shown, Drawn):
                small = _reduced(found.shown.rgb)
                if last is not None and times[number] - last[0] < _APART and _alike(small, last[1]):
                    contents.unlooked += 1
                    continue
                last = times[number], small
                if lost and number == chosen[0]:
                    found = replace(found, shown=found.shown.noting(f"the {name} ends too early: {LAST_FRAMES}"))
            yield found

    contents = Contents(name, len(times) + lost, size[0] * size[1], capture, draw, pictures, "frame")
    return contents


def _about_a_second_apart(times: Sequence[float], most: int) -> list[int]:
    """Of a long animation about one frame a second, the last one included; all of a short one, whose scenes may be
    shorter than that (`pictures` passes over those that repeat)."""
    if len(times) <= most:
        return list(range(len(times)))
    chosen = [0]
    for number, time in enumerate(times):
        if time - times[chosen[-1]] >= _APART * _SECOND:
            chosen.append(number)
    if chosen[-1] != len(times) - 1 and times[-1] - times[chosen[-1]] > _SECOND / 2:
        chosen.append(len(times) - 1)
    if len(chosen) == 1:
        chosen.append(len(times) - 1)
    if len(chosen) > most:
        chosen = [chosen[round(place)] for place in np.linspace(0, len(chosen) - 1, most)]
    return chosen


def _reduced(rgb: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(rgb).convert("L").resize((_GRID, _GRID), Image.Resampling.BOX))


def _alike(one: Pixels, other: Pixels) -> bool:
    return float(np.abs(one.astype(np.float32) - other.astype(np.float32)).mean()) < _ALIKE


def _png(data: bytes, limits: Limits) -> Contents:
    opened = Png(data, limits)
    size = opened.width, opened.height
    contents = _animated(
        "PNG", size, read_capture_facts(opened.exif.data), opened.times, opened.draw, limits, opened.lost_frames
    )
    if not opened.stands_apart:
        return contents
    draw, pictures, frames = contents.draw, contents.pictures, contents.count

    def draw_either(page: int) -> Drawn:
        return draw(page) if page <= frames else opened.draw(frames)

    def every() -> Iterator[Found]:
        yield from pictures()
        yield _drawing(draw_either, frames + 1)

    return replace(contents, count=frames + 1, draw=draw_either, pictures=every)


def _gif(data: bytes, limits: Limits) -> Contents:
    opened = Gif(data, limits)
    return _animated("GIF", (opened.width, opened.height), CaptureFacts(None, ""), opened.times, opened.draw, limits)


def _webp(data: bytes, limits: Limits) -> Contents:
    opened = WebP(data, limits)
    size = opened.width, opened.height
    return _animated(
        "WebP", size, read_capture_facts(opened.exif.data), opened.times, opened.draw, limits, opened.lost_frames
    )


def _heif(name: str) -> Callable[[bytes, Limits], Contents]:
    def opening(data: bytes, limits: Limits) -> Contents:
        opened = Heif(data, limits, name)
        size, capture, times = (opened.width, opened.height), read_capture_facts(opened.exif.data), opened.times
        if times is not None or opened.count == 1:
            return _animated(name, size, capture, times or [0.0], opened.draw, limits)

        def draw(page: int) -> Drawn:
            if not 1 <= page <= opened.count:
                raise PhotoError(f"it has no picture {page}", retry=False)
            return opened.draw(page - 1)

        def pictures() -> Iterator[Found]:
            contents.unlooked = max(0, opened.count - limits.max_pages)
            yield from (_drawing(draw, page) for page in range(1, min(opened.count, limits.max_pages) + 1))

        contents = Contents(name, opened.count, size[0] * size[1], capture, draw, pictures)
        return contents

    return opening


def _bmp(data: bytes, limits: Limits) -> Contents:
    opened = Bmp(data, limits)
    return _single("BMP", (opened.width, opened.height), CaptureFacts(None, ""), lambda _: opened.draw())


def _jpeg_2000(data: bytes, limits: Limits) -> Contents:
    opened = Jpeg2000(data, limits)
    return _single("JPEG 2000", (opened.width, opened.height), CaptureFacts(None, ""), lambda _: opened.draw())


def _by_pillow(name: str, plugin: str) -> Callable[[bytes, Limits], Contents]:
    def opening(data: bytes, limits: Limits) -> Contents:
        with open_as(data, plugin) as image:
            size = image.size
        check_size(*size, limits)

        def draw(_: int) -> Drawn:
            try:
                with open_as(data, plugin) as image:
                    image.load()
                    return drawn(image)
            except Exception as error:
                raise broken(name, error) from error

        return _single(name, size, CaptureFacts(None, ""), draw)

    return opening


def _raw(name: str, data: bytes, limits: Limits) -> Contents:
    shown, exif = draw_preview(data, name, limits)
    return _single(
        f"RAW ({name})", (shown.rgb.shape[1], shown.rgb.shape[0]), read_capture_facts(exif or data), lambda _: shown
    )


_OPEN: dict[str, Callable[[bytes, Limits], Contents]] = {
    sniff.JPEG: _jpeg,
    sniff.PNG: _png,
    sniff.GIF: _gif,
    sniff.BMP: _bmp,
    sniff.WEBP: _webp,
    sniff.TIFF: _tiff,
    sniff.AVIF: _heif("AVIF"),
    sniff.HEIC: _heif("HEIC"),
    sniff.JPEG_2000: _jpeg_2000,
    sniff.PNM: _by_pillow("PNM", "PPM"),
    sniff.PSD: _by_pillow("Photoshop", "PSD"),
    sniff.TGA: _by_pillow("TGA", "TGA"),
    sniff.PCX: _by_pillow("PCX", "PCX"),
}
