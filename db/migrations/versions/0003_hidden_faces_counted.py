"""How many faces are visible, without a look at each: every search says how many of them it could not look at."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From version 2 to version 3."""
    op.create_index("ix_faces_hidden", "faces", ["id"], sqlite_where=sa.text("hidden IS 1"))
