"""The wheel that users install: complete, without the tests, and working where no source tree is at hand."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
ROOMS = {"cli", "db", "facesearch", "indexer"}


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What a command prints; it must succeed and knows nothing of this source tree."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    ran = subprocess.run(command, cwd=cwd, env={**clean, **environment}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, since building leaves folders beside the sources."""
    source = tmp_path_factory.mktemp("source") / "facesearch"
    source.mkdir()
    for name in (*ROOMS, "tests"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    target = tmp_path_factory.mktemp("wheel")
    run(
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"),
        *(target, source),
        cwd=target,
    )
    return next(target.glob("facesearch-*.whl"))


def test_the_wheel_holds_our_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == ROOMS
    assert {"facesearch/py.typed", "facesearch/search/ranking/witness.tsv", "cli/report/templates/label.js"} <= set(
        names
    )
    assert "facesearch/weights/mcnn_aux.safetensors" in names
    assert "facesearch/training/recipes/standard.toml" in names
    assert {"facesearch/query/english/words.txt", "facesearch/query/english/words.LICENSE"} <= set(names)
    sources = {
        str(file.relative_to(ROOT)) for room in ROOMS for file in (ROOT / room).rglob("*.py") if file.stat().st_size
    }
    assert sources <= set(names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert any(name.endswith(".dist-info/licenses/facesearch/weights/TERMS.md") for name in names)


def test_an_installed_wheel_indexes_and_searches_from_another_folder(
    wheel: Path, gallery: Path, tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=tmp_path)
    python = environment / "bin" / "python"
    run(
        *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel),
        cwd=tmp_path,
    )
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip()
    # The dependencies are those of this environment; its own link to our sources is not followed from here.
    installed = [path for path in sys.path if path.endswith("-packages")]
    (Path(site) / "dependencies.pth").write_text("\n".join(installed) + "\n")
    assert run(python, "-c", "import cli.main; print(cli.main.__file__)", cwd=tmp_path).startswith(site)

    photos = tmp_path / "photos"
    photos.mkdir()
    shutil.copy(gallery / "man-goatee-1.jpg", photos)
    home = {"HOME": str(tmp_path), "FACESEARCH_CATALOGUE": str(tmp_path / "faces.db"), "OMP_NUM_THREADS": "1"}
    facesearch = environment / "bin" / "facesearch"
    assert "(1 with faces" in run(facesearch, "index", photos, cwd=tmp_path, **home)
    assert "man-goatee-1.jpg" in run(facesearch, "search", "man", cwd=tmp_path, **home)
    assert "CelebA" in run(facesearch, "status", cwd=tmp_path, **home)
