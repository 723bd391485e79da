"""The migrations lead to the tables that the code maps, wholly or not at all."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from db.catalogue import SCHEMA_VERSION, open_catalogue
from db.errors import CatalogueError, CatalogueReadOnly
from db.migrations.run import config
from db.schema import Base
from tests.powers import without_root_powers


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

    def tables(path: Path) -> dict[str, list[str]]:
        connection = sqlite3.connect(path)
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        connection.close()
        # Column order and spacing may differ; AUTOINCREMENT, WITHOUT ROWID, CHECK and ON DELETE may not.
        return {name: sorted(sql.replace(",", " ").split()) for name, sql in rows if name != "alembic_version"}

    assert tables(tmp_path / "faces.db") == tables(tmp_path / "mapped.db")


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
