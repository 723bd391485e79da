"""Which packages are loaded for what. Help and searches must start fast, and the rooms depend on each other one way."""

import ast
import subprocess
import sys
from functools import cache
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
FRONT_DOOR = ROOT / "facesearch" / "__init__.py"
"""The one exception: it leads to all rooms, so it knows the indexer, and nothing in its own room knows it."""


@pytest.mark.slow
def test_help_loads_nothing_heavy() -> None:
    assert loaded("--help") == set()
    assert loaded("search", "--help") == set()


@pytest.mark.slow
def test_a_search_loads_nothing_heavy(tmp_path: Path) -> None:
    catalogue = index(tmp_path / "faces.db", album(tmp_path / "album"))
    page = tmp_path / "sheet.html"
    assert loaded("search", "stubble", "--catalogue", catalogue, "--html", page) == set()
    assert loaded("status", "--catalogue", catalogue) <= {"faiss"}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_the_rooms_import_each_other_in_one_direction_only(room: str) -> None:
    for file in (ROOT / room).rglob("*.py"):
        imported = {name.partition(".")[0] for name in imports_of(file)}
        allowed = MAY_IMPORT[room] | {room} | ({"indexer"} if file == FRONT_DOOR else set())
        assert imported & (MAY_IMPORT.keys() | {"tests"}) <= allowed, file


def test_the_front_door_imports_the_indexer_in_a_function_only_and_no_room_goes_through_it() -> None:
    at_import = [
        each
        for node in ast.parse(FRONT_DOOR.read_text(encoding="utf-8")).body
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        for each in ast.walk(node)
        if isinstance(each, ast.Import | ast.ImportFrom) and not isinstance(node, ast.FunctionDef)
    ]
    assert {ast.unparse(each) for each in at_import} == {
        "from importlib import import_module",
        "from pathlib import Path",
        "from typing import TYPE_CHECKING, Any",
    }
    submodules = {file.stem for file in (ROOT / "facesearch").iterdir()}
    for file in (each for room in MAY_IMPORT for each in (ROOT / room).rglob("*.py")):
        for node in nodes_of(file):
            if isinstance(node, ast.Import):
                assert "facesearch" not in {name.name for name in node.names}, file
            elif isinstance(node, ast.ImportFrom) and node.module == "facesearch":
                assert {name.name for name in node.names} <= submodules, file


def test_the_front_door_opens_without_loading_a_room() -> None:
    script = (
        "import sys\nbefore = set(sys.modules)\nimport facesearch\n"
        "loaded = set(sys.modules) - before\n"
        "ours = sorted(name for name in loaded if name.partition('.')[0] not in sys.stdlib_module_names)\n"
        "print(ours, 'Request' in dir(facesearch))\n"
    )
    assert run_without(set(), script) == "['facesearch'] True\n"


@pytest.mark.slow
def test_a_search_through_the_front_door_loads_nothing_heavy(tmp_path: Path) -> None:
    catalogue = index(tmp_path / "faces.db", album(tmp_path / "album"))
    script = (
        "import sys, facesearch\n"
        "with facesearch.open(sys.argv[1]) as gallery:\n"
        "    hits = gallery.search('stubble')\n"
        "    gallery.similar(hits[0].face), gallery.face(hits[0].face).to_dict(), hits.to_dicts()\n"
        "print(len(hits) > 0, *sorted({'torch', 'cv2', 'alembic', 'rich', 'typer'} & set(sys.modules)))\n"
    )
    assert run_without(set(), script, catalogue) == "True\n"


@cache
def nodes_of(file: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))


def imports_of(file: Path) -> set[str]:
    """The modules that a file imports, wherever in it."""
    nodes = nodes_of(file)
    plain = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


@pytest.mark.parametrize("file", sorted((ROOT / "db" / "values").glob("*.py")), ids=lambda file: file.stem)
def test_plain_values_know_of_no_database(file: Path) -> None:
    beyond = {name for name in imports_of(file) if name.partition(".")[0] not in {*sys.stdlib_module_names, "numpy"}}
    assert {name for name in beyond if not name.startswith("db.values.")} == set()


WITHOUT_A_DATABASE = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
"""


def run_without(packages: set[str], script: str, *arguments: str | Path) -> str:
    """What a script prints in a Python that lacks these packages."""
    lacking = WITHOUT_A_DATABASE.replace("{missing!r}", repr(packages))
    ran = subprocess.run(
        [sys.executable, "-c", lacking + script, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_descriptions_are_read_where_nothing_but_numpy_is_installed() -> None:
    script = (
        "from facesearch.query import parse, understand\n"
        "from facesearch.search.request import Request\n"
        "print(Request.from_json(Request(parse('man, goatee, folder:2019')).to_json()))\n"
    )
    missing = {"sqlalchemy", "alembic", "torch", "cv2", "faiss", "onnxruntime", "PIL"}
    assert run_without(missing, script) == "man and goatee and folder:2019\n"


def test_photos_are_decoded_and_faces_found_and_cut_without_a_database(gallery: Path) -> None:
    script = """
from facesearch.vision.crop import crop_face
from facesearch.vision.decode import decode_photo
from facesearch.vision.detection import YuNet

photo = decode_photo(sys.argv[1])
(face,) = YuNet().detect([photo.rgb])[0]
print(photo.format, repr(photo.camera), crop_face(photo.rgb, face.box).shape)
"""
    printed = run_without({"sqlalchemy", "alembic"}, script, gallery / "man-goatee-1.jpg")
    assert printed == "JPEG '' (227, 227, 3)\n"


@pytest.mark.slow
def test_networks_rank_and_train_without_a_database() -> None:
    modules = ("facesearch.network.checkpoint", "facesearch.search.ranking.scan", "facesearch.search.ranking.profiles")
    run_without({"sqlalchemy", "alembic"}, f"import facesearch.training.run, {', '.join(modules)}")
