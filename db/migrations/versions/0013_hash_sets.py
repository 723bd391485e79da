"""Sets of known files: which were gone by, which photos are of them, and the digests by which that was told.

Nothing is known of the photos so far: the next run that is given a set compares them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the version before."""
    op.create_table(
        "hash_sets",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("hashes", sa.Integer(), nullable=False),
        sa.Column("used", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("kind", "name"),
    )
    op.create_table(
        "recognised",
        sa.Column("photo_id", sa.Integer(), sa.ForeignKey("photos.id"), primary_key=True),
        sa.Column("hash_set_id", sa.Integer(), sa.ForeignKey("hash_sets.id"), nullable=False, index=True),
    )
    op.create_table(
        "content_digests",
        sa.Column("photo_id", sa.Integer(), sa.ForeignKey("photos.id"), primary_key=True),
        sa.Column("algorithm", sa.Text(), primary_key=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
