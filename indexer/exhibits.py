"""Use cases of evidence: give a folder its reference, keep its manifest, compare its files with their hashes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from db import exhibits, roots
from db.catalogue import Catalogue
from db.errors import RootUnknown
from db.exhibits import Exhibit, ListedHash
from db.paths import absolute, is_folder
from indexer.manifests import Verified, verify


@dataclass(frozen=True, slots=True)
class Compared:
    """A folder and how its files compare with their hashes: those of its manifest or, without one (`exhibit.listed` is
    0), those of its photos as they were indexed. files: how many there are; unlisted: photos that the manifest does not
    list; verified: None where the folder is not there."""

    exhibit: Exhibit
    files: int
    unlisted: int
    verified: Verified | None


def keep_exhibit(catalogue: Catalogue, folder: bytes, name: str, listed: Sequence[ListedHash] | None) -> None:
    """Note the reference of an indexed folder (absolute path), and what its manifest lists (None: as before).

    Raises RootUnknown where the folder is not indexed on its own.
    """
    with catalogue.write() as session:
        root_id = roots.known_root(session, folder)
        exhibits.set_exhibit(session, root_id, name)
        if listed is not None:
            exhibits.replace_listed(session, root_id, listed)


def compare(
    catalogue: Catalogue,
    wanted: Sequence[str] = (),
    *,
    progress: Callable[[int, int], None] | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Compared]:
    """Compare the files of these folders or exhibits with their hashes; of every indexed folder where none is named.

    Raises RootUnknown for what is neither. The catalogue is only read.
    """
    with catalogue.read() as session:
        known = exhibits.exhibits(session)
    for each in _chosen(known, wanted):
        with catalogue.read() as session:
            files = (exhibits.listed_files if each.listed else exhibits.indexed_files)(session, each.root_id)
            unlisted = exhibits.count_unlisted(session, each.root_id) if each.listed else 0
        there = is_folder(each.path)
        yield Compared(
            each, len(files), unlisted, verify(each.path, files, progress=progress, stop=stop) if there else None
        )


def _chosen(known: Sequence[Exhibit], wanted: Sequence[str]) -> list[Exhibit]:
    chosen = []
    for name in wanted:
        found = [each for each in known if each.name == name or each.path == absolute(name)]
        if not found:
            raise RootUnknown(f"{name} is neither an exhibit nor an indexed folder.", "unknown exhibit", name=name)
        chosen += found
    return chosen or list(known)
