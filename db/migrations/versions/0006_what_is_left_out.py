"""What a run leaves out, and why; files that are no photos; change times; what went wrong in one photo.

The change time of files that are known stays unknown: the next run takes over what it finds, without reading them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the version before."""
    op.add_column("roots", sa.Column("everything", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("roots", sa.Column("exclude", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
    op.add_column("files", sa.Column("ctime_ns", sa.Integer()))
    op.add_column("files", sa.Column("left_out", sa.String()))
    op.create_table(
        "others",
        sa.Column("root_id", sa.Integer(), sa.ForeignKey("roots.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("path", sa.LargeBinary(), primary_key=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("mtime_ns", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "faults",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("moment", sa.DateTime(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
    )
