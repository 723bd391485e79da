"""The first catalogue: roots, photos, files, faces, models, scores, runs and the state of the whole.

Written out and not taken from `db.schema`: a migration must go on meaning what it meant when it was released.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From an empty database to version 1."""
    op.create_table(
        "roots",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("path", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("added", sa.DateTime(), nullable=False),
    )
    op.create_table(
        "photos",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("retry", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("width", sa.Integer()),
        sa.Column("height", sa.Integer()),
        sa.Column("format", sa.Text()),
        sa.Column("detector", sa.Text()),
        sa.CheckConstraint("outcome IN ('indexed', 'no face', 'failed')", name="known_outcome"),
    )
    op.create_table(
        "files",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("root_id", sa.Integer(), sa.ForeignKey("roots.id", ondelete="CASCADE"), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("mtime_ns", sa.Integer(), nullable=False),
        sa.Column("photo_id", sa.Integer(), sa.ForeignKey("photos.id"), index=True),
        sa.Column("missing_since", sa.DateTime()),
        sa.Column("reason", sa.Text()),
        sa.Column("retry", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.UniqueConstraint("root_id", "path"),
    )
    op.create_table(
        "faces",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("photo_id", sa.Integer(), sa.ForeignKey("photos.id"), nullable=False, index=True),
        sa.Column("x", sa.Double(), nullable=False),
        sa.Column("y", sa.Double(), nullable=False),
        sa.Column("width", sa.Double(), nullable=False),
        sa.Column("height", sa.Double(), nullable=False),
        sa.Column("detection", sa.Double(), nullable=False),
        sa.Column("turned", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("landmarks", sa.LargeBinary(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("generation", sa.Integer(), nullable=False, index=True),
        sa.CheckConstraint("turned IN (0, 90, 180, 270)", name="known_turn"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "models",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("digest", sa.Text(), nullable=False, unique=True),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("calibration_scale", sa.LargeBinary(), nullable=False),
        sa.Column("calibration_bias", sa.LargeBinary(), nullable=False),
        sa.Column("profile_mean", sa.LargeBinary(), nullable=False),
        sa.Column("profile_matrix", sa.LargeBinary(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("registered", sa.DateTime(), nullable=False),
    )
    op.create_table(
        "scores",
        sa.Column("model_id", sa.Integer(), sa.ForeignKey("models.id"), primary_key=True),
        sa.Column("face_id", sa.Integer(), sa.ForeignKey("faces.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("logits", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model_id", sa.Integer(), sa.ForeignKey("models.id")),
        sa.Column("roots", sa.JSON(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("started", sa.DateTime(), nullable=False),
        sa.Column("finished", sa.DateTime()),
    )
    state = op.create_table(
        "state",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("generation", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("serving_model_id", sa.Integer(), sa.ForeignKey("models.id")),
        sa.Column("snapshot", sa.Text()),
        sa.CheckConstraint("id = 1", name="one_row"),
    )
    op.bulk_insert(state, [{"id": 1, "generation": 0}])
