"""Which packages are loaded for what. Help and searches must start fast, and the rooms depend on each other one way."""

import ast
from pathlib import Path

import pytest

from tests.support.imports import loaded
from tests.support.squares import album, index

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "db": set(),
    "facesearch": {"db"},
    "indexer": {"db", "facesearch"},
    "cli": {"db", "facesearch", "indexer"},
}


def test_help_loads_nothing_heavy() -> None:
    assert loaded("--help") == set()
    assert loaded("search", "--help") == set()


def test_a_search_loads_nothing_heavy(tmp_path: Path) -> None:
    catalogue = index(tmp_path / "faces.db", album(tmp_path / "album"))
    page = tmp_path / "sheet.html"
    assert loaded("search", "stubble", "--catalogue", catalogue, "--html", page) == set()
    assert loaded("status", "--catalogue", catalogue) <= {"faiss"}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_the_rooms_import_each_other_in_one_direction_only(room: str) -> None:
    for file in (ROOT / room).rglob("*.py"):
        imported = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
        assert imported & (MAY_IMPORT.keys() | {"tests"}) <= MAY_IMPORT[room] | {room}, file
