"""Cases: investigations within a catalogue, with their statements, searches and marks."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision: str | None = "0013"
branch_labels = None
depends_on = None


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer(), primary_key=True)


def _of(table: str, *, name: str, index: bool = False, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), sa.ForeignKey(f"{table}.id"), nullable=nullable, index=index)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())


def _empty(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("''"))


def upgrade() -> None:
    """From the version before."""
    op.create_table(
        "cases",
        _id(),
        sa.Column("key", sa.Text(), nullable=False, unique=True),
        *map(_text, ("reference", "name")),
        _moment("opened"),
        _text("opened_by"),
        _moment("closed", nullable=True),
        _empty("closed_by"),
    )
    op.create_table(
        "case_notes", _id(), _of("cases", name="case_id", index=True), *map(_text, ("text", "who")), _moment("moment")
    )
    op.create_table(
        "case_statements",
        _id(),
        _of("cases", name="case_id"),
        _number("number"),
        *map(_text, ("text", "witness", "taken_by")),
        _moment("taken", nullable=True),
        *map(_text, ("how", "who")),
        _moment("added"),
        sa.UniqueConstraint("case_id", "number"),
    )
    op.create_table(
        "case_searches",
        _id(),
        _of("cases", name="case_id"),
        _number("number"),
        _text("kind"),
        _of("case_statements", name="statement_id", nullable=True),
        sa.Column("request", sa.Text()),
        sa.Column("digest", sa.LargeBinary()),
        sa.Column("about", sa.JSON(), nullable=False),
        _text("model"),
        *map(_number, ("generation", "searched", "answered")),
        _flag("blind"),
        sa.Column("probes", sa.LargeBinary()),
        _number("row", nullable=True),
        *map(_text, ("who", "reason")),
        _moment("moment"),
        sa.UniqueConstraint("case_id", "number"),
    )
    op.create_table(
        "case_hits",
        sa.Column("search_id", sa.Integer(), sa.ForeignKey("case_searches.id"), primary_key=True),
        sa.Column("rank", sa.Integer(), primary_key=True),
        _of("faces", name="face_id", index=True),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("shown", sa.JSON(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "case_departures",
        _id(),
        _of("case_searches", name="search_id", index=True),
        *map(_text, ("change", "words", "who")),
        _moment("moment"),
        _text("why"),
    )
    op.create_table(
        "marks",
        _id(),
        _of("cases", name="case_id", index=True),
        _of("faces", name="face_id", index=True),
        _of("case_searches", name="search_id", nullable=True),
        *map(_text, ("state", "role", "note", "who")),
        _moment("moment"),
        _flag("blind"),
        _moment("undone", nullable=True),
        _empty("undone_by"),
    )
    op.create_table(
        "shortlists",
        _id(),
        _of("cases", name="case_id"),
        *map(_text, ("name", "who")),
        _moment("made"),
        sa.UniqueConstraint("case_id", "name"),
    )
    op.create_table(
        "shortlist_faces",
        sa.Column("shortlist_id", sa.Integer(), sa.ForeignKey("shortlists.id"), primary_key=True),
        sa.Column("face_id", sa.Integer(), sa.ForeignKey("faces.id"), primary_key=True, index=True),
        _number("place"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "blind_reviews",
        _id(),
        _of("case_searches", name="search_id"),
        *map(_text, ("reviewer", "seed")),
        _number("faces"),
        _moment("began"),
        sa.UniqueConstraint("search_id", "reviewer"),
    )
