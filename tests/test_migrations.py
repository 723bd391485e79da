"""The migrations lead to the tables that the code maps, wholly or not at all."""

import re
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, select

from db.catalogue import SCHEMA_VERSION, open_catalogue
from db.errors import CatalogueError, CatalogueReadOnly
from db.migrations.run import config
from db.schema import Base, Outcome, Photo
from tests.support.catalogues import make_version_1
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
    # The order of columns and the spacing may differ.
    return {name: sorted(re.sub(r"[,()]", " ", sql).split()) for name, sql in rows if name != "alembic_version"}


def migrated_to(path: Path, revision: str) -> None:
    """A catalogue as the version with this newest migration made it."""
    open_catalogue(path, create=True).close()
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if name != "sqlite_sequence":
            connection.execute(f"DROP TABLE {name}")
    connection.execute(f"PRAGMA user_version = {int(revision)}")
    connection.commit()
    connection.close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as opened:
        command.upgrade(config(opened), revision)
    engine.dispose()


def test_a_catalogue_of_the_first_version_keeps_its_photos_which_have_no_date_yet(tmp_path: Path) -> None:
    path = tmp_path / "faces.db"
    migrated_to(path, "0001")
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO photos (sha256, size, outcome, width) VALUES (x'ab', 5, 'indexed', 640)")
    connection.execute("INSERT INTO photos (sha256, size, outcome, reason) VALUES (x'cd', 6, 'failed', 'torn')")
    connection.commit()
    connection.close()
    with open_catalogue(path) as catalogue, catalogue.read() as session:
        first, second = session.execute(select(Photo).order_by(Photo.id)).scalars()
        assert (first.sha256, first.size, first.outcome, first.width) == ("ab", 5, Outcome.INDEXED, 640)
        assert (second.reason, second.retry) == ("torn", False)
        assert {(each.taken, each.camera, each.exif_read) for each in (first, second)} == {(None, "", False)}
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    connection.close()


def test_what_other_tests_take_for_a_catalogue_of_the_first_version_is_one(tmp_path: Path) -> None:
    migrated_to(tmp_path / "first.db", "0001")
    open_catalogue(tmp_path / "turned.db", create=True).close()
    make_version_1(tmp_path / "turned.db")
    assert tables(tmp_path / "turned.db") == tables(tmp_path / "first.db")


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
