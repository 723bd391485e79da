"""When and with what a photo was taken, for filters; of photos that are there already the next index run reads it.

The columns are added without rewriting the table: a catalogue of a million photos is brought up to date in a moment.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From version 1 to version 2."""
    op.add_column("photos", sa.Column("taken", sa.DateTime()))
    op.add_column("photos", sa.Column("camera", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("photos", sa.Column("exif_read", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_photos_taken_camera", "photos", ["taken", "camera"])
    op.create_index(
        "ix_photos_exif_unread", "photos", ["id"], sqlite_where=sa.text("exif_read IS 0 AND outcome = 'indexed'")
    )
