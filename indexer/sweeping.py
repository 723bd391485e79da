"""After the new photos: mark what is gone, once a moved photo has been met at its new place and keeps its faces."""

from __future__ import annotations

from functools import partial

from db import photos
from db.values.photo import RECOGNISED, LeftOut
from indexer import notices
from indexer.discovery import Discovery, mark_files
from indexer.report import GoneFiles
from indexer.run import Run


def sweep(run: Run, discovery: Discovery, last_file: int) -> GoneFiles:
    """last_file: id of the newest file that was known before this run."""
    listings = discovery.listings
    gone = [file_id for listing in listings for file_id in listing.gone]
    mark_files(run, photos.mark_missing, gone)
    result = GoneFiles(missing=len(gone))
    with run.catalogue.read() as session:
        result.renamed, result.renames = photos.renamed(session, gone, last_file)
        result.lost = photos.count_lost(session, gone)
    for why in (each for each in LeftOut if each not in RECOGNISED):
        left_out = [file_id for listing in listings for file_id in listing.left_out.get(why, ())]
        mark_files(run, partial(photos.mark_left_out, why=why), left_out)
        result.left_out[why] = len(left_out)
    folders = [
        (listing.target.at(folder), file_ids)
        for listing in listings
        for folder, file_ids in sorted(listing.missing_folders.items())
    ]
    for folder, file_ids in folders:
        with run.catalogue.read() as session:
            lost = photos.count_lost(session, file_ids)
        if lost:
            result.missing_folders.append(notices.missing_folder(folder, lost))
    return result
