"""Photos that never lay on a disk."""

import hashlib

from facesearch.decode import DecodedPhoto, EncodedPhoto, Limits, decode_encoded


def decode_bytes(data: bytes, *, limits: Limits | None = None) -> DecodedPhoto:
    """The photo that a file with these bytes would be."""
    return decode_encoded(EncodedPhoto(data, hashlib.sha256(data).hexdigest()), limits=limits)
