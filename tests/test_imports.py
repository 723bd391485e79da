"""Which packages are loaded for what. Help and searches must start fast, and the rooms depend on each other one way."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.squares import album, index

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "cv2", "alembic", "faiss")
MAY_IMPORT = {
    "db": set(),
    "facesearch": {"db"},
    "indexer": {"db", "facesearch"},
    "cli": {"db", "facesearch", "indexer"},
}


def loaded(*arguments: str | Path) -> set[str]:
    """The heavy packages among all that a run of the program has loaded at its end."""
    script = (
        "import sys\n"
        "from cli.main import run\n"
        "code = run(sys.argv[1:])\n"
        f"print('loaded', *[name for name in {HEAVY} if name in sys.modules], file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(ran.stderr.splitlines()[-1].split()[1:])


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
