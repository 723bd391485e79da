"""What runs have not looked at. What is noted of that begins with the next run."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the version before."""
    op.create_table(
        "unseen",
        sa.Column("root_id", sa.Integer(), sa.ForeignKey("roots.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("path", sa.LargeBinary(), primary_key=True),
        sa.Column("why", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_unseen_why", "unseen", ["why"])
    op.create_index("ix_others_kind", "others", ["kind"])
    op.create_index("ix_photos_failed", "photos", ["id"], sqlite_where=sa.text("outcome = 'failed'"))
