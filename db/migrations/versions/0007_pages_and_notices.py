"""Where in its file a face is: pages, frames, views. What is to be said of photos that show only a part of themselves.

So far only the first picture of a file was looked at: the faces that there are come from page 1.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From version 4 to version 5."""
    op.add_column("faces", sa.Column("page", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("faces", sa.Column("seconds", sa.Double()))
    op.add_column("faces", sa.Column("notice", sa.Text()))
    op.add_column("photos", sa.Column("pages", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("photos", sa.Column("unlooked", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("photos", sa.Column("notice", sa.Text()))
    op.create_index(
        "ix_photos_remarkable", "photos", ["id"], sqlite_where=sa.text("unlooked > 0 OR notice IS NOT NULL")
    )
