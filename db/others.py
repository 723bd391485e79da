"""Files that are no photos, as the last run left them: what is known is not looked into again."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from db.chunks import chunks
from db.schema import Other


class OtherFile(NamedTuple):
    """Size in bytes and mtime in ns by which it is recognised, and what it is."""

    size: int
    mtime_ns: int
    kind: str


def of_root(session: Session, root_id: int) -> dict[bytes, OtherFile]:
    """Every file under this root that is known to be no photo, by its path within the root."""
    rows = session.connection().execute(
        select(Other.path, Other.size, Other.mtime_ns, Other.kind).where(Other.root_id == root_id)
    )
    kinds: dict[str, str] = {}  # a million rows share a handful of texts
    return {path: OtherFile(size, mtime_ns, kinds.setdefault(kind, kind)) for path, size, mtime_ns, kind in rows}


def remember(session: Session, root_id: int, files: Sequence[tuple[bytes, OtherFile]]) -> None:
    """Note that these files, by their path within the root, are no photos."""
    rows = [{"root_id": root_id, "path": path, **file._asdict()} for path, file in files]
    if rows:
        session.execute(insert(Other).prefix_with("OR REPLACE"), rows)


def forget(session: Session, root_id: int, paths: Sequence[bytes]) -> None:
    """Take out files that are gone, or have become something else."""
    for some in chunks(paths):
        session.execute(
            delete(Other).where(Other.root_id == root_id, Other.path.in_(some)),
            execution_options={"synchronize_session": False},
        )
