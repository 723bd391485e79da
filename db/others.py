"""Files that are no photos, as the last run left them: what is known is not looked into again."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from db.chunks import READ_AT_ONCE, chunks
from db.schema import Other

OtherFile = tuple[int, int, int | None, str]
"""Size in bytes, mtime and ctime in ns by which a file is recognised (the ctime None where it is not known), and what
it is."""


def of_root(session: Session, root_id: int) -> dict[bytes, OtherFile]:
    """Every file under this root that is known to be no photo, by its path within the root."""
    # Of a million files: the driver's own rows, of which many share a text.
    statement = "SELECT path, size, mtime_ns, ctime_ns, kind FROM others WHERE root_id = ?"
    kinds: dict[str, str] = {}
    found: dict[bytes, OtherFile] = {}
    for part in session.connection().exec_driver_sql(statement, (root_id,)).partitions(READ_AT_ONCE):
        found.update(
            [(path, (size, mtime, ctime, kinds.setdefault(kind, kind))) for path, size, mtime, ctime, kind in part]
        )
    return found


def count_kinds(session: Session, kinds: Collection[str]) -> dict[str, int]:
    """How many files are of these kinds, by kind."""
    rows = session.execute(
        select(Other.kind, func.count()).where(Other.kind.in_(sorted(kinds))).group_by(Other.kind).order_by(Other.kind)
    )
    return dict(rows.all())


def remember(session: Session, root_id: int, files: Sequence[tuple[bytes, OtherFile]]) -> None:
    """Note that these files, by their path within the root, are no photos."""
    rows = [
        {"root_id": root_id, "path": path, "size": size, "mtime_ns": mtime_ns, "ctime_ns": ctime_ns, "kind": kind}
        for path, (size, mtime_ns, ctime_ns, kind) in files
    ]
    if rows:
        session.execute(insert(Other).prefix_with("OR REPLACE"), rows)


def forget(session: Session, root_id: int, paths: Sequence[bytes]) -> None:
    """Take out files that are gone, or have become something else."""
    for some in chunks(paths):
        session.execute(
            delete(Other).where(Other.root_id == root_id, Other.path.in_(some)),
            execution_options={"synchronize_session": False},
        )
