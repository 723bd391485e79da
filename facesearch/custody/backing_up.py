"""The use case "copy the catalogue into one file"."""

from __future__ import annotations

from pathlib import Path

from db.backup import Backup, Told, write_backup
from db.catalogue import Catalogue
from facesearch.custody.audit import log
from facesearch.custody.policy import permit


def back_up(catalogue: Catalogue, path: Path, *, progress: Told | None = None) -> Backup:
    """Write a backup to `path`, in the place of what is there, and log it. Raises PolicyRefusal, and as
    `db.backup.write_backup`."""
    permit(catalogue)
    written = write_backup(catalogue, path, progress=progress)
    log(catalogue, "backup", {"files": [{"file": str(written.path), "sha256": written.sha256}]})
    return written
