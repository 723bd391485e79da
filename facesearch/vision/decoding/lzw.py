"""LZW and run lengths as far as they go: decoders give nothing of what ends too early. Slow, for cut files."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


# complexipy: ignore (one loop over codes: a call for each would take its time)
def decode_lzw(data: bytes, most: int, *, bits: int, lowest_bit_first: bool) -> bytes:
    """At most `most` bytes. bits: of a literal (8 in TIFF). lowest_bit_first: GIF's order, else TIFF's, whose codes
    also grow one code earlier. Ends at the first code that makes no sense."""
    clear, end = 1 << bits, (1 << bits) + 1
    literals = [bytes([value & 0xFF]) for value in range(clear)] + [b"", b""]
    early = 0 if lowest_bit_first else 1
    table = list(literals)
    width, former = bits + 1, b""
    out: list[bytes] = []
    length = held = count = 0
    for byte in data:
        if lowest_bit_first:
            held |= byte << count
        else:
            held = (held << 8) | byte
        count += 8
        while count >= width:
            if lowest_bit_first:
                code = held & ((1 << width) - 1)
                held >>= width
            else:
                code = (held >> (count - width)) & ((1 << width) - 1)
                held &= (1 << (count - width)) - 1
            count -= width
            if code == clear:
                table, width, former = list(literals), bits + 1, b""
                continue
            if code == end:
                return b"".join(out)[:most]
            if code < len(table):
                entry = table[code]
            elif code == len(table) and former:
                entry = former + former[:1]
            else:
                return b"".join(out)[:most]
            out.append(entry)
            length += len(entry)
            if length >= most:
                return b"".join(out)[:most]
            if former and len(table) < 4096:
                table.append(former + entry[:1])
                if len(table) + early >= 1 << width and width < 12:
                    width += 1
            former = entry
    return b"".join(out)[:most]


def store_lzw(values: npt.NDArray[np.uint8], bits: int) -> bytes:
    """What GIF's decoders read as these values: LZW that compresses nothing. bits: of a value, from 2 to 8."""
    clear, width, run = 1 << bits, bits + 1, (1 << bits) - 2  # of so many literals codes keep their width
    padded = np.full(-(-len(values) // run) * run, clear, np.uint16)
    padded[: len(values)] = values
    codes = np.concatenate([np.full((len(padded) // run, 1), clear, np.uint16), padded.reshape(-1, run)], axis=1)
    codes = np.append(codes, np.uint16(clear + 1))
    places = (codes[:, None] >> np.arange(width, dtype=np.uint16)) & 1
    return np.packbits(places.astype(np.uint8), bitorder="little").tobytes()


def decode_packbits(data: bytes, most: int) -> bytes:
    """At most `most` bytes of TIFF's run lengths."""
    out = bytearray()
    at = 0
    while at < len(data) and len(out) < most:
        number = data[at]
        at += 1
        if number < 128:
            out += data[at : at + number + 1]
            at += number + 1
        elif number > 128:
            out += data[at : at + 1] * (257 - number)
            at += 1
    return bytes(out[:most])
