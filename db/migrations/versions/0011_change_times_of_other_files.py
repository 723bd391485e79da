"""When a file that is no photo was changed last: a photo may take its place and keep its size and date.

Of those that are known it stays unknown: the next run takes over what it finds, without reading them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the version before."""
    op.add_column("others", sa.Column("ctime_ns", sa.Integer()))
