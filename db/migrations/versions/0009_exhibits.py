"""Folders that are in evidence, the files that their manifests list, and a seal."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the version before."""
    op.add_column("roots", sa.Column("exhibit", sa.Text()))
    op.create_table(
        "listed_files",
        sa.Column("root_id", sa.Integer(), sa.ForeignKey("roots.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("path", sa.LargeBinary(), primary_key=True),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.add_column("state", sa.Column("sealed", sa.DateTime()))
