"""By which versions a photo was looked at, so that a newer one looks again; faces that a new look does not find.

`photos` is written anew, in one pass: two of its columns go and a reference comes, which SQLite cannot add. What is
known of photos so far: the detector, and whether the decoder read EXIF data (version 1, as
`facesearch.vision.decode` counts) or not (0, which also stands for all that failed: a decoder that knows more
may read them now).
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEPT = "id, sha256, size, outcome, reason, retry, width, height, format, taken, camera"


def upgrade() -> None:
    """From version 3 to version 4."""
    op.create_table(
        "provenances",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("decoder", sa.Text(), nullable=False),
        sa.Column("detector", sa.Text()),
        sa.Column("again", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.execute(
        "INSERT INTO provenances (decoder, detector) SELECT DISTINCT CAST(exif_read AS TEXT), detector FROM photos"
    )
    op.create_table(
        "new_photos",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("retry", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("width", sa.Integer()),
        sa.Column("height", sa.Integer()),
        sa.Column("format", sa.Text()),
        sa.Column("taken", sa.DateTime()),
        sa.Column("camera", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("provenance_id", sa.Integer(), sa.ForeignKey("provenances.id"), nullable=False),
        sa.CheckConstraint("outcome IN ('indexed', 'no face', 'failed')", name="known_outcome"),
    )
    op.execute(
        f"INSERT INTO new_photos ({_KEPT}, provenance_id) "
        f"SELECT {_KEPT}, (SELECT provenances.id FROM provenances WHERE provenances.detector IS photos.detector "
        "AND provenances.decoder = CAST(exif_read AS TEXT)) FROM photos ORDER BY photos.id"
    )
    op.drop_table("photos")
    op.rename_table("new_photos", "photos")
    op.create_index("ix_photos_taken_camera", "photos", ["taken", "camera"])
    op.create_index("ix_photos_provenance", "photos", ["provenance_id", "outcome"])
    op.add_column("faces", sa.Column("unfound", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("scores", sa.Column("stale", sa.Boolean(), nullable=False, server_default=sa.false()))
