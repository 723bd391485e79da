"""Photos that are behind, looked at again through the files that hold them.

Whatever a photo is behind in, it is read once, and takes the way of a new photo: whoever adds a product of its pixels
has nothing to do here. What is met on the way counts as well: a file that holds another content by now is that content.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from db import provenance
from db.catalogue import Catalogue
from db.provenance import BehindPhoto, Group, Place, StoredFile
from db.values.photo import Outcome
from indexer.identity import Contents
from indexer.listing import Job
from indexer.looking import Looker, Seen, Unread
from indexer.walk import FoundFile

Opened = tuple[Job, Seen]
"""A file that was opened, and what it turned out to be."""


def photos_behind(
    catalogue: Catalogue,
    groups: Collection[Group],
    places: Sequence[Place],
    contents: Contents,
    passed_over: Collection[int],
) -> Iterator[BehindPhoto]:
    """Photos of these groups with a file in these places, but for those that this run has looked at before.

    passed_over: ids of files that the walk did not come by. They wait, so that a photo may be left without any.
    """

    def page(group: Group, after: int) -> list[BehindPhoto]:
        with catalogue.read() as session:
            return provenance.behind(session, group, places, after=after)

    for photo in provenance.all_behind(page, groups):
        if not contents.was_taken(photo.sha256):
            yield replace(photo, files=tuple(file for file in photo.files if file.id not in passed_over))


def look_again(looker: Looker, photo: BehindPhoto, *, every_file: bool = False) -> list[Opened]:
    """Look at the first of the photo's files that can be read and still holds it; all that were opened for that.

    every_file: read the others as well, since they may hold something else by now without showing it.
    A file that is not there waits for the run that finds it, or its drive, there again: it is no failure.
    """
    seen: list[Opened] = []
    for job in map(job_of, photo.files):
        answer = looker.look(job.path)
        if isinstance(answer, Unread):
            if os.path.lexists(job.path):  # False where the drive does not answer
                seen.append((job, answer))
            continue
        seen.append((job, answer))
        if answer.sha256 == photo.sha256 and not every_file:
            break
    return seen


def job_of(file: StoredFile) -> Job:
    """The file as work to do, with the size and times it is known by: if they are not its own any more, the next walk
    sees it."""
    return Job(file.root_id, file.root, FoundFile(file.path, file.size, file.mtime_ns, file.ctime_ns))


def counted_as(photo: BehindPhoto, file: StoredFile) -> Outcome:
    """What the file counted as when the walk found it unchanged."""
    return Outcome.FAILED if file.failing else photo.outcome
