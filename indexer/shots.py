"""When and with what photos were taken that were indexed before the catalogue kept it: from their headers alone.

Nothing is decoded, detected or scored again. What is read is stored every few hundred photos, so that an interrupted
run goes on where it stopped; photos whose files cannot be opened now are left for the day they can.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from db import exif
from db.catalogue import Catalogue
from db.exif import Shot, UnreadPhoto
from facesearch.decode import PhotoError, read_shot
from indexer.workers import side_by_side


def read_shots(
    catalogue: Catalogue,
    root_ids: Sequence[int],
    *,
    workers: int,
    at_once: int,
    stop: threading.Event,
    progress: Callable[[int], None],
) -> int:
    """Read and store what is lacking of the photos under these roots; of how many it was read.

    at_once: how many are stored in one transaction. progress: called with the number of photos tried so far. Ends early
    once `stop` is set; what was read until then is stored. Raises what `Catalogue.write` raises.
    """
    tried = read = 0
    batch: dict[int, Shot] = {}

    def store() -> None:
        nonlocal read
        if batch:
            with catalogue.write() as session:
                exif.record(session, batch)
            read += len(batch)
            batch.clear()

    photos = _unread(catalogue, root_ids, at_once)
    with closing(side_by_side(_read, photos, workers=workers, stop=stop)) as results:
        for photo, shot in results:
            tried += 1
            if shot is not None:
                batch[photo.photo_id] = shot
            if len(batch) >= at_once:
                store()
            progress(tried)
    store()
    return read


def _unread(catalogue: Catalogue, root_ids: Sequence[int], at_once: int) -> Iterator[UnreadPhoto]:
    after = 0
    while True:
        with catalogue.read() as session:
            page = exif.unread(session, root_ids, after=after, limit=at_once)
        if not page:
            return
        yield from page
        after = page[-1].photo_id


def _read(photo: UnreadPhoto) -> Shot | None:
    """From the first of the photo's files that still is as it was."""
    for file in photo.files:
        try:
            return read_shot(file.path, size=file.size, mtime_ns=file.mtime_ns)
        except PhotoError:
            continue
    return None
