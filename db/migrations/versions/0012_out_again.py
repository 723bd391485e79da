"""What was taken out again, and what may not be; since when a photo is known; what backups are known by.

Of photos that are known by now no more is known than that they came before the end of the last run.
"""

import secrets
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the version before."""
    op.add_column("state", sa.Column("secret", sa.LargeBinary()))
    op.add_column("state", sa.Column("backed_up", sa.DateTime()))
    op.get_bind().execute(sa.text("UPDATE state SET secret = :secret"), {"secret": secrets.token_bytes(32)})
    op.add_column("photos", sa.Column("first_indexed", sa.DateTime()))
    op.create_index("ix_photos_first_indexed", "photos", ["first_indexed"])
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    op.get_bind().execute(
        sa.text(
            "UPDATE photos SET first_indexed = coalesce((SELECT max(coalesce(finished, started)) FROM runs), :now)"
        ),
        {"now": now},
    )
    op.create_table(
        "tombstones",
        sa.Column("face_id", sa.Integer(), primary_key=True),
        sa.Column("generation", sa.Integer(), nullable=False, index=True),
        sa.Column("photo", sa.LargeBinary(), nullable=False),
    )
    op.create_table("forgotten", sa.Column("digest", sa.LargeBinary(), primary_key=True), sqlite_with_rowid=False)
    op.create_table(
        "masks",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("photo_id", sa.Integer(), sa.ForeignKey("photos.id"), nullable=False, index=True),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("x", sa.Double(), nullable=False),
        sa.Column("y", sa.Double(), nullable=False),
        sa.Column("width", sa.Double(), nullable=False),
        sa.Column("height", sa.Double(), nullable=False),
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("photo_id", sa.Integer(), sa.ForeignKey("photos.id"), nullable=False, index=True),
        sa.Column("face_id", sa.Integer(), sa.ForeignKey("faces.id"), index=True),
        sa.Column("since", sa.DateTime(), nullable=False),
    )
    op.create_table(
        "erasures",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("began", sa.DateTime(), nullable=False),
        sa.Column("finished", sa.DateTime()),
        sa.Column("photos", sa.Integer(), nullable=False),
        sa.Column("faces", sa.Integer(), nullable=False),
        sa.Column("override", sa.Text()),
    )
