"""Photo files that no camera writes: damaged, cut, odd, made here byte by byte, each with a name that says what."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pillow_heif import register_heif_opener

register_heif_opener()

Pixels = npt.NDArray[np.uint8]
FORMATS = ("JPEG", "PNG", "TIFF", "GIF", "BMP", "WEBP", "AVIF", "HEIF")
SIZE = 160, 120
D50 = (0.9642, 1.0, 0.8249)
P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
ADOBE = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))
PROPHOTO = ((0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249))
SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))


def scene(seed: int = 0, size: tuple[int, int] = SIZE) -> Image.Image:
    """Smooth colours with some blots: a picture that compresses, and whose every part looks different."""
    random = np.random.default_rng(seed)
    width, height = size
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width])[:, None, None]
    channels = []
    for _ in range(3):
        a, b, c, d = random.uniform(1, 6, 4)
        channels.append(127 + 70 * np.sin(a * x + b * y + c) * np.cos(d * x - a * y) + 30 * np.sin(9 * x * y + d))
    rgb = np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8)
    image = Image.fromarray(rgb)
    for _ in range(6):
        left, top = int(random.integers(0, width - 20)), int(random.integers(0, height - 20))
        image.paste(tuple(int(v) for v in random.integers(0, 255, 3)), (left, top, left + 16, top + 16))
    return image


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    if format == "GIF":
        image = image.convert("P", palette=Image.Palette.ADAPTIVE)
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(png: bytes, chunk: bytes) -> bytes:
    """A chunk behind the header."""
    return png[:33] + chunk + png[33:]


def jpeg_segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def with_segment(jpeg: bytes, segment: bytes) -> bytes:
    """A segment behind the beginning."""
    return jpeg[:2] + segment + jpeg[2:]


def profile(
    columns: Sequence[Sequence[float]], curve: bytes, *, space: bytes = b"RGB ", names: Sequence[bytes] = ()
) -> bytes:
    """An ICC profile of a matrix (its columns under D50) and one curve, or of a gray curve alone."""

    def xyz(values: Sequence[float]) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))

    tags = {b"wtpt": xyz(D50)}
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        tags |= {name: xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
        tags |= dict.fromkeys(names or (b"rTRC", b"gTRC", b"bTRC"), curve)
    tags[b"desc"] = b"desc\0\0\0\0\0\0\0\x05test\0" + b"\0" * 78
    tags[b"cprt"] = b"text\0\0\0\0none\0"
    table, data, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, body in tags.items():
        body += b"\0" * (-len(body) % 4)
        table += struct.pack(">4sII", name, at + len(data), len(body))
        data += body
    head = struct.pack(">I4sI4s4s4s", at + len(data), b"test", 0x02400000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    head += struct.pack(">3i", *(round(value * 65536) for value in D50))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def gamma_curve(gamma: float) -> bytes:
    """Light is the number to this power."""
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


LINEAR = b"curv\0\0\0\0\0\0\0\0"
SRGB_CURVE = b"para\0\0\0\0\0\3\0\0" + struct.pack(
    ">5i", *(round(v * 65536) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)


def light_of(rgb: Pixels) -> npt.NDArray[np.float64]:
    values = rgb / 255.0
    return np.asarray(np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4))


def as_seen_in(
    rgb: Pixels, columns: Sequence[Sequence[float]], gamma: float, top: int = 255
) -> npt.NDArray[np.float64]:
    """The same colours as sRGB `rgb`, in numbers 0..top of another RGB space."""
    matrix = np.linalg.inv(np.array(columns).T) @ np.array(SRGB).T
    return np.asarray(np.clip(light_of(rgb) @ matrix.T, 0, 1) ** (1 / gamma) * top)


def deep_png(values: npt.NDArray[np.uint16], *chunks: bytes) -> bytes:
    """16-bit RGB."""
    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = (png_chunk(b"IHDR", header), *chunks, png_chunk(b"IDAT", zlib.compress(rows)), png_chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(
    planes_or_rows: Sequence[bytes], width: int, height: int, bits: Sequence[int], *, photometric: int = 2,
    planar: int = 1, sample: int = 1, compression: int = 1, extra: Sequence[int] = (), order: str = "<",
    more: Sequence[tuple[int, int, Sequence[int] | bytes]] = (), rows: int | None = None, big: bool = False,
    tile: int = 0,
) -> bytes:  # fmt: skip
    """A TIFF of one page: strips as given, or tiles of this side."""
    tags: list[tuple[int, int, Sequence[int] | bytes | None]] = [
        (256, 4, [width]), (257, 4, [height]), (258, 3, list(bits)), (259, 3, [compression]), (262, 3, [photometric]),
        (273, 4, None), (277, 3, [len(bits)]), (278, 4, [rows or height]), (279, 4, [len(p) for p in planes_or_rows]),
        (284, 3, [planar]), (339, 3, [sample] * len(bits)), *more,
    ]  # fmt: skip
    if tile:
        places = {273: 324, 279: 325}
        tags = [(places.get(tag, tag), kind, given) for tag, kind, given in tags if tag != 278]
        tags += [(322, 4, [tile]), (323, 4, [tile])]
    if extra:
        tags.append((338, 3, list(extra)))
    return _tiff_file(sorted(tags, key=lambda each: each[0]), planes_or_rows, order, big)


def _tiff_file(
    tags: Sequence[tuple[int, int, Sequence[int] | bytes | None]], strips: Sequence[bytes], order: str, big: bool
) -> bytes:
    start = 16 if big else 8
    offsets, at = [], start
    for strip in strips:
        offsets.append(at)
        at += len(strip)
    at += at % 2
    word, entry, count = ("Q", 20, "Q") if big else ("I", 12, "H")
    values_at = at + struct.calcsize("<" + count) + entry * len(tags) + struct.calcsize("<" + word)
    directory, values = b"", b""
    for tag, kind, given in tags:
        numbers = offsets if given is None else given
        raw = (
            numbers
            if isinstance(numbers, bytes)
            else b"".join(struct.pack(order + {1: "B", 3: "H", 4: "I", 7: "B"}[kind], number) for number in numbers)
        )
        room = struct.calcsize("<" + word)
        if len(raw) > room:
            field = struct.pack(order + word, values_at + len(values))
            values += raw + b"\0" * (len(raw) % 2)
        else:
            field = raw.ljust(room, b"\0")
        directory += struct.pack(order + "HH" + word, tag, kind, len(numbers)) + field
    head = (b"II" if order == "<" else b"MM") + (
        struct.pack(order + "HHHQ", 43, 8, 0, at) if big else struct.pack(order + "HI", 42, at)
    )
    body = b"".join(strips)
    return b"".join((
        head, body, b"\0" * ((start + len(body)) % 2), struct.pack(order + count, len(tags)), directory,
        struct.pack(order + word, 0), values,
    ))  # fmt: skip


def exif_block(thumbnail: bytes = b"", orientation: int = 1, more: Sequence[tuple[int, int, int, int]] = ()) -> bytes:
    """An EXIF block with a turn, and a thumbnail if there is one."""
    tags = sorted([(0x0112, 3, 1, orientation), *more])
    at = 8 + 2 + 12 * len(tags) + 4
    first = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    block = b"II*\0\x08\0\0\0" + first + struct.pack("<I", at if thumbnail else 0)
    if thumbnail:
        second = [(0x0103, 3, 1, 6), (0x0201, 4, 1, at + 2 + 36 + 4), (0x0202, 4, 1, len(thumbnail))]
        block += struct.pack("<H", 3) + b"".join(struct.pack("<HHII", *tag) for tag in second) + b"\0\0\0\0" + thumbnail
    return b"Exif\0\0" + block


def mpo(first: bytes, others: Sequence[tuple[int, bytes]]) -> bytes:
    """A JPEG with further pictures behind it, each of a type of CIPA DC-007."""
    count = 1 + len(others)
    entries_at = 8 + 2 + 3 * 12 + 4
    size = 4 + entries_at + 16 * count
    base = 2 + 4 + 4  # the index's own header, in the file that has it
    whole = len(first) + 4 + size
    rows, at = [(0x030000, whole, 0)], whole
    for kind, data in others:
        rows.append((kind, len(data), at - base))
        at += len(data)
    body = b"MPF\0II*\0\x08\0\0\0" + struct.pack("<H", 3)
    body += struct.pack("<HHI4s", 0xB000, 7, 4, b"0100") + struct.pack("<HHII", 0xB001, 4, 1, count)
    body += struct.pack("<HHII", 0xB002, 7, 16 * count, entries_at) + b"\0\0\0\0"
    body += b"".join(struct.pack("<IIIHH", kind, length, offset, 0, 0) for kind, length, offset in rows)
    return with_segment(first, jpeg_segment(0xE2, body)) + b"".join(data for _, data in others)


def raw_tiff(preview: bytes = b"") -> bytes:
    """A camera's raw data in a TIFF: a colour filter array, and a DNG version."""
    mosaic = np.arange(64 * 64, dtype="<u2").tobytes()
    more: list[tuple[int, int, Sequence[int] | bytes]] = [
        (50706, 1, b"\1\4\0\0"), (33421, 3, [2, 2]), (33422, 1, b"\0\1\1\2"), (271, 2 if False else 7, b"Testcam\0"),
    ]  # fmt: skip
    return tiff([mosaic], 64, 64, [16], photometric=32803, more=more) + preview


def odd_files() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each, always the same."""
    whole = {format: encoded(scene(), format) for format in FORMATS}
    whole["TIFF-LZW"] = encoded(scene(), "TIFF", compression="tiff_lzw")
    whole["TIFF-deflate"] = encoded(scene(), "TIFF", compression="tiff_adobe_deflate")
    whole["TIFF-packbits"] = encoded(scene(), "TIFF", compression="packbits")
    whole["TIFF-JPEG"] = encoded(scene(), "TIFF", compression="jpeg")
    whole["JPEG-progressive"] = encoded(scene(), "JPEG", progressive=True)
    whole["PNG-palette"] = encoded(scene().convert("P"), "PNG")
    whole["WEBP-lossless"] = encoded(scene(), "WEBP", lossless=True)
    for name, data in whole.items():
        yield f"{name} whole", data
        for share in (1, 5, 20, 40, 60, 80, 95, 99):
            yield f"{name} cut at {share} %", data[: len(data) * share // 100]
        yield f"{name} without its last two bytes", data[:-2]
        yield f"{name} with zeros behind it", data + b"\0" * 4096
        yield f"{name} with zeros instead of its last third", data[: len(data) * 2 // 3].ljust(len(data), b"\0")
        yield f"{name} with another file behind it", data + whole["PNG"]
        yield f"{name} behind a byte too many", b"\n" + data
        random = np.random.default_rng(len(data))
        for number in range(12):
            flipped = bytearray(data)
            for place in random.integers(0, len(data), 1 + number // 2):
                flipped[int(place)] ^= 1 << int(random.integers(0, 8))
            yield f"{name} with bits flipped {number}", bytes(flipped)
    yield from _side_parts(whole)
    yield from _bombs()
    yield from _tiffs()
    yield from _nested(whole)


def _side_parts(whole: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    png, jpeg = whole["PNG"], whole["JPEG"]
    text = png_chunk(b"zTXt", b"note\0\0" + zlib.compress(b"a" * 3_000_000))
    yield "PNG with a text of 3 MB", with_chunk(png, text)
    for kind in (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"pHYs", b"gAMA", b"tIME", b"abCd"):
        sound = png_chunk(kind, b"some\0\0words")
        name = kind.decode()
        yield f"PNG with a {name} that makes no sense", with_chunk(png, sound)
        yield f"PNG with a {name} of a wrong checksum", with_chunk(png, sound[:-1] + bytes([sound[-1] ^ 1]))
        yield f"PNG with a {name} of a length too great", with_chunk(png, struct.pack(">I", 70_000) + sound[4:])
        yield f"PNG with a {name} of a length too small", with_chunk(png, struct.pack(">I", 3) + sound[4:])
    for marker in (*range(0xE0, 0xF0), 0xFE):
        segment = jpeg_segment(marker, b"Exif\0\0" + b"words" * 20)
        yield f"JPEG with a segment {marker:x} that makes no sense", with_segment(jpeg, segment)
        longer = segment[:2] + struct.pack(">H", 60_000) + segment[4:]
        yield f"JPEG with a segment {marker:x} of a length too great", with_segment(jpeg, longer)
        shorter = segment[:2] + struct.pack(">H", 12) + segment[4:]
        yield f"JPEG with a segment {marker:x} of a length too small", with_segment(jpeg, shorter)
    gif = whole["GIF"]
    at = 13 + 3 * (2 << (gif[10] & 7))
    for name, block in {
        "comment": b"\x21\xfe\x05words\0", "comment of a length too great": b"\x21\xfe\xffwords\0",
        "extension without an end": b"\x21\xff\x0bNETSCAPE2.0\x03\x01", "zero too many": b"\0",
    }.items():  # fmt: skip
        yield f"GIF with a {name}", gif[:at] + block + gif[at:]
    bmp = whole["BMP"]
    for name, place, value in (("size", 2, 7), ("offset", 10, 0), ("offset too great", 10, 10**8), ("length", 34, 3)):
        yield f"BMP with a wrong {name}", bmp[:place] + struct.pack("<I", value) + bmp[place + 4 :]
    webp = encoded(scene(), "WEBP", exif=exif_block(), icc_profile=profile(SRGB, SRGB_CURVE))
    yield "WEBP with side chunks", webp
    for kind in (b"EXIF", b"ICCP"):
        place = webp.find(kind)
        for length in (3, 70_000):
            damaged = webp[: place + 4] + struct.pack("<I", length) + webp[place + 8 :]
            yield f"WEBP with a {kind.decode()} of a length of {length}", damaged
    yield "WEBP with a wrong length of its own", webp[:4] + struct.pack("<I", 10**6) + webp[8:]
    for tag in (270, 305, 700, 33723, 34377, 34665, 34853, 37724):
        data = np.asarray(scene()).tobytes()
        yield f"TIFF with a tag {tag} that makes no sense", tiff([data], *SIZE, [8] * 3, more=[(tag, 7, b"words" * 9)])
        far = tiff([data], *SIZE, [8] * 3, more=[(tag, 4, [1] * 5)])
        place = far.find(struct.pack("<HH", tag, 4), len(data))
        yield f"TIFF with a tag {tag} that leads nowhere", far[: place + 8] + b"\xff" * 4 + far[place + 12 :]


def _bombs() -> Iterator[tuple[str, bytes]]:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    parts = (png_chunk(b"IHDR", header), png_chunk(b"IDAT", zlib.compress(b"\0" * 1_000_000)), png_chunk(b"IEND", b""))
    yield "PNG bomb", b"\x89PNG\r\n\x1a\n" + b"".join(parts)
    yield (
        "GIF bomb",
        b"GIF89a"
        + struct.pack("<HHBBB", 65_535, 65_535, 0xF0, 0, 0)
        + b"\0" * 6
        + (b"\x2c" + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x02\x02\x44\x01\0\x3b"),
    )
    yield "BMP bomb", b"BM" + struct.pack("<IIIIiiHHIIIIII", 60, 0, 54, 40, 2**30, 2**30, 1, 24, 0, 0, 0, 0, 0, 0)
    yield "TIFF bomb", tiff([b"\0" * 10], 2**30, 2**30, [8] * 3)
    yield "TIFF bomb of many channels", tiff([b"\0" * 10], 10_000, 10_000, [16] * 3, compression=8)
    jpeg = bytearray(encoded(scene(), "JPEG"))
    place = jpeg.find(b"\xff\xc0")
    jpeg[place + 5 : place + 9] = b"\xff\xff\xff\xff"
    yield "JPEG bomb", bytes(jpeg)
    loop = bytearray(tiff([np.asarray(scene()).tobytes()], *SIZE, [8] * 3))
    (at,) = struct.unpack_from("<I", loop, 4)
    (count,) = struct.unpack_from("<H", loop, at)
    struct.pack_into("<I", loop, at + 2 + 12 * count, at)
    yield "TIFF whose pages lead in a circle", bytes(loop)


def _tiffs() -> Iterator[tuple[str, bytes]]:
    rgb = np.asarray(scene())
    width, height = SIZE
    for order in "<>":
        for bits in (8, 16, 32):
            kind = np.dtype(f"{order}u{bits // 8}")
            scaled = (rgb.astype(np.float64) * ((2**bits - 1) / 255)).astype(kind)
            for planar in (1, 2):
                for packing, compress in ((1, bytes), (8, zlib.compress)):
                    strips = [scaled.tobytes()] if planar == 1 else [scaled[..., c].tobytes() for c in range(3)]
                    data = tiff([compress(strip) for strip in strips], width, height, [bits] * 3, planar=planar,
                                order=order, compression=packing)  # fmt: skip
                    yield f"TIFF {order} {bits} bits, planar {planar}, compression {packing}", data
        floats = (rgb / 255).astype(f"{order}f4")
        yield f"TIFF {order} floats", tiff([floats.tobytes()], width, height, [32] * 3, sample=3, order=order)
        halves = (rgb / 255).astype(f"{order}f2")
        yield f"TIFF {order} half floats", tiff([halves.tobytes()], width, height, [16] * 3, sample=3, order=order)
        doubles = (rgb / 255).astype(f"{order}f8")
        yield f"TIFF {order} doubles", tiff([doubles.tobytes()], width, height, [64] * 3, sample=3, order=order)
        gray = (np.asarray(scene().convert("L")).astype(np.uint16) * 257).astype(f"{order}u2")
        both = np.stack([gray, np.full_like(gray, 65535)], axis=-1)
        more = {"photometric": 1, "order": order, "extra": [2]}
        yield f"TIFF {order} gray with alpha of 16 bits", tiff([both.tobytes()], width, height, [16] * 2, **more)
    ink = np.asarray(scene().convert("CMYK"))
    five = np.concatenate([ink, np.full((height, width, 1), 255, np.uint8)], axis=-1)
    yield "TIFF CMYK with alpha", tiff([five.tobytes()], width, height, [8] * 5, photometric=5, extra=[2])
    yield "TIFF in BigTIFF", tiff([rgb.tobytes()], width, height, [8] * 3, big=True)
    yield "TIFF of camera data", raw_tiff()
    yield "TIFF of an unknown compression", tiff([rgb.tobytes()], width, height, [8] * 3, compression=34712)
    four = np.concatenate([rgb, np.zeros((height, width, 1), np.uint8)], axis=-1)
    yield "TIFF with an alpha of zeros", tiff([four.tobytes()], width, height, [8] * 4, extra=[2])


def _nested(whole: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    jpeg = whole["JPEG"]
    thumbnail = encoded(scene().resize((80, 60)), "JPEG")
    yield "JPEG with a thumbnail of itself", with_segment(jpeg, jpeg_segment(0xE1, exif_block(thumbnail)))
    other = encoded(scene(7).resize((80, 60)), "JPEG")
    yield "JPEG with a thumbnail of something else", with_segment(jpeg, jpeg_segment(0xE1, exif_block(other)))
    inner = with_segment(thumbnail, jpeg_segment(0xE1, exif_block(other)))
    yield "JPEG with a thumbnail that has one", with_segment(jpeg, jpeg_segment(0xE1, exif_block(inner)))
    yield "JPEG with half a thumbnail", with_segment(jpeg, jpeg_segment(0xE1, exif_block(other[:700])))
    circle = bytearray(exif_block(other))
    circle[16:20] = struct.pack("<I", 8)
    yield "JPEG with EXIF that leads in a circle", with_segment(jpeg, jpeg_segment(0xE1, bytes(circle)))
    for orientation in (0, 6, 9, 65535):
        yield f"JPEG turned {orientation}", with_segment(jpeg, jpeg_segment(0xE1, exif_block(b"", orientation)))
    view = encoded(scene(3), "JPEG")
    for name, kind in (("stereo view", 0x020002), ("thumbnail", 0x010001), ("panorama part", 0x020001)):
        yield f"MPO with a {name}", mpo(jpeg, [(kind, view)])
    small = encoded(scene(3).resize((80, 60)).convert("L"), "JPEG")
    yield "MPO with a gain map", mpo(jpeg, [(0, small)])
    yield "MPO whose second picture is missing", mpo(jpeg, [(0x020002, view)])[: len(jpeg) + 120]
    yield "ZIP that begins as a JPEG", jpeg + b"PK\x03\x04" + b"\0" * 100
    yield "PDF with a JPEG in it", b"%PDF-1.4\n" + jpeg
    yield "text", b"Dear diary, this is no photo at all.\n" * 20
    yield "nothing", b""
    yield "MP4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 100
    yield "QuickTime", b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + b"\0" * 100
    yield "Canon CR3", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + b"\0" * 100
