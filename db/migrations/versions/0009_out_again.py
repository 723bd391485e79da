"""A key of its own for every catalogue, and when a file that is a backup was made."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the version before."""
    op.add_column("state", sa.Column("secret", sa.LargeBinary()))
    op.add_column("state", sa.Column("backed_up", sa.DateTime()))
    op.get_bind().execute(sa.text("UPDATE state SET secret = :secret"), {"secret": secrets.token_bytes(32)})
