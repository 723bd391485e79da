"""What is done with a catalogue is logged from now on."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the version before."""
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("moment", sa.DateTime(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary()),
        sa.Column("payload", sa.Text()),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.execute(
        "CREATE TRIGGER audit_rows_stay BEFORE DELETE ON audit "
        "BEGIN SELECT RAISE(ABORT, 'rows of the audit log stay'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_rows_keep_what_they_say BEFORE UPDATE ON audit "
        "WHEN NEW.id IS NOT OLD.id OR NEW.moment IS NOT OLD.moment OR NEW.kind IS NOT OLD.kind "
        "OR NEW.digest IS NOT OLD.digest OR NEW.chain IS NOT OLD.chain "
        "OR NEW.salt IS NOT NULL OR NEW.payload IS NOT NULL "
        "BEGIN SELECT RAISE(ABORT, 'rows of the audit log can only be blanked'); END"
    )
