"""Whether a folder that is said to have moved is the same one, as far as a sample of its photos tells."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from db import photos
from db.catalogue import Catalogue
from db.paths import AnyPath, absolute, display, is_folder, join
from db.photos import StoredContent
from db.roots import known_root
from facesearch.vision.decode import NO_LIMITS, PhotoError, read_photo
from indexer.errors import WrongFolder

_SAMPLED = 200
_HASHED = 8


def check_moved(catalogue: Catalogue, old: AnyPath, new: AnyPath) -> None:
    """Raises WrongFolder where the folder `new` is there and holds none of a sample of the photos known under `old`,
    each at its place, with its size and content; RootUnknown where `old` was never indexed."""
    with catalogue.read() as session:
        sample = photos.sample_of_root(session, known_root(session, old), _SAMPLED)
    folder = absolute(new)
    if not sample or not is_folder(folder) or _holds_one(folder, sample):
        return
    raise WrongFolder(
        f"{display(folder)} holds none of the photos that are known from {display(absolute(old))} ({len(sample):,} "
        "were looked for): check the path.",
        folder=display(folder),
        old=display(absolute(old)),
        looked_for=len(sample),
    )


def _holds_one(folder: bytes, sample: Sequence[StoredContent]) -> bool:
    of_size = [each for each in sample if _size(join(folder, each.path)) == each.size]
    for each in sorted(of_size, key=lambda each: each.size)[:_HASHED]:
        try:
            if read_photo(join(folder, each.path), limits=NO_LIMITS).sha256 == each.sha256:
                return True
        except PhotoError:
            continue
    return False


def _size(path: bytes) -> int | None:
    try:
        status = os.stat(path)  # noqa: PTH116 (bytes)
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
