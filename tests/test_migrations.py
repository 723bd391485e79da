"""The migrations lead to the tables that the code maps, wholly or not at all."""

import re
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, delete, inspect, select

from db import provenance
from db.catalogue import SCHEMA_VERSION, open_catalogue
from db.errors import CatalogueError, CatalogueReadOnly
from db.faces import details
from db.migrations.run import config
from db.photos import remarkable
from db.provenance import Provenance
from db.schema import Base, Face, Photo, Score
from db.values.photo import Outcome
from tests.support.catalogues import index, make_version, migrated_to, new_catalogue
from tests.support.powers import without_root_powers


def test_the_newest_migration_is_the_version_that_the_code_expects() -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        script = ScriptDirectory.from_config(config(connection))
    heads = script.get_heads()
    assert [int(head) for head in heads] == [SCHEMA_VERSION]
    assert all(step.revision == f"{int(step.revision):04d}" for step in script.walk_revisions())


def test_a_migrated_catalogue_has_exactly_the_mapped_tables(tmp_path: Path) -> None:
    open_catalogue(tmp_path / "faces.db", create=True).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'faces.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
        tables = set(inspect(connection).get_table_names()) - {"alembic_version"}
    assert tables == set(Base.metadata.tables)
    engine.dispose()


def test_details_that_a_comparison_overlooks_are_as_mapped(tmp_path: Path) -> None:
    open_catalogue(tmp_path / "faces.db", create=True).close()
    mapped = create_engine(f"sqlite:///{tmp_path / 'mapped.db'}")
    Base.metadata.create_all(mapped)
    mapped.dispose()

    assert tables(tmp_path / "faces.db") == tables(tmp_path / "mapped.db")


def tables(path: Path) -> dict[str, list[str]]:
    """The words of every table and index. AUTOINCREMENT, WITHOUT ROWID, CHECK and ON DELETE are among them."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    # The order of columns, the spacing and the quotes around a table that was renamed may differ.
    return {name: sorted(re.sub(r'[,()"]', " ", sql).split()) for name, sql in rows if name != "alembic_version"}


def test_a_catalogue_of_the_first_version_keeps_its_photos_which_have_no_date_yet(tmp_path: Path) -> None:
    path = tmp_path / "faces.db"
    migrated_to(path, 1)
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO photos (sha256, size, outcome, width) VALUES (x'ab', 5, 'indexed', 640)")
    connection.execute("INSERT INTO photos (sha256, size, outcome, reason) VALUES (x'cd', 6, 'failed', 'torn')")
    connection.commit()
    connection.close()
    with open_catalogue(path) as catalogue, catalogue.read() as session:
        first, second = session.execute(select(Photo).order_by(Photo.id)).scalars()
        assert (first.sha256, first.size, first.outcome, first.width) == ("ab", 5, Outcome.INDEXED, 640)
        assert (second.reason, second.retry) == ("torn", False)
        assert {(each.taken, each.camera) for each in (first, second)} == {(None, "")}
        assert provenance.known(session)[first.provenance_id] == Provenance("0", None)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_what_other_tests_take_for_an_older_catalogue_is_one_and_is_brought_up_to_date(
    tmp_path: Path, version: int
) -> None:
    migrated_to(tmp_path / "old.db", version)
    catalogue, root_id, model_id = new_catalogue(tmp_path / "turned.db")
    with catalogue:
        index(catalogue, root_id, model_id, range(5), faces=2)
        with catalogue.write() as session:
            session.execute(delete(Score).where(Score.face_id == 10))
            session.execute(delete(Face).where(Face.id == 10))
    before = contents(tmp_path / "turned.db")
    make_version(tmp_path / "turned.db", version)
    assert tables(tmp_path / "turned.db") == tables(tmp_path / "old.db")
    open_catalogue(tmp_path / "turned.db").close()
    open_catalogue(tmp_path / "new.db", create=True).close()
    assert tables(tmp_path / "turned.db") == tables(tmp_path / "new.db")
    after = contents(tmp_path / "turned.db")
    assert after.pop("provenances") == [(0, "1" if version > 1 else "0", "d" * 64, 1)]
    assert after == {name: rows for name, rows in before.items() if name != "provenances"}
    assert after["sqlite_sequence"] == [("faces", 10)], "the number of a deleted face is never given again"


MADE_ANEW = {"secret", "first_indexed"}
"""Columns that a migration fills with what no older version knew."""


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, columns by name."""
    connection = sqlite3.connect(path)
    found = {}
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        rows = connection.execute(f"SELECT * FROM {table}")
        columns = {place: column[0] for place, column in enumerate(rows.description) if column[0] not in MADE_ANEW}
        order = sorted(columns, key=lambda place: columns[place])
        if table != "alembic_version":
            found[table] = sorted((tuple(row[place] for place in order) for row in rows), key=repr)
    connection.close()
    return found


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "faces.db"
    open_catalogue(path, create=True).close()
    # A catalogue that claims to be older than its tables: the first migration finds them in its way.
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 0")
    connection.execute("DELETE FROM alembic_version")
    connection.execute("DROP TABLE runs")
    connection.commit()
    before = connection.execute("SELECT name, sql FROM sqlite_master").fetchall()
    connection.close()
    with pytest.raises(CatalogueError, match="already exists"):
        open_catalogue(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name, sql FROM sqlite_master").fetchall() == before
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 0
    connection.close()


def test_an_older_catalogue_that_is_read_only_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "faces.db"
    open_catalogue(path, create=True).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 0")
    connection.close()
    path.chmod(0o400)
    with without_root_powers(), pytest.raises(CatalogueReadOnly, match=r"older version.*copy it"):
        open_catalogue(path)


def test_faces_of_version_4_are_on_the_first_page_of_a_photo_that_was_looked_at_as_a_whole(tmp_path: Path) -> None:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    with catalogue:
        index(catalogue, root_id, model_id, range(3))
    make_version(tmp_path / "faces.db", 4)
    with open_catalogue(tmp_path / "faces.db") as migrated, migrated.read() as session:
        assert [(each.page, each.seconds, each.notice) for each in session.execute(select(Face)).scalars()] == [
            (1, None, None)
        ] * 3
        first = details(session, [1])[0]
        assert (first.where, first.pages) == ("", 1)
        assert remarkable(session) == []
