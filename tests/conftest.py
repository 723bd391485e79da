"""What several test files share: a home that is nobody's, and the program run as a user runs it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from cli import main
from tests.support.checkpoints import random_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.catalogues import Opened
    from tests.support.index_runs import Runs

if "PYTEST_XDIST_WORKER" in os.environ:  # as many workers as cores: each with more threads would wait for the others
    os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("patient", deadline=None)  # how fast a machine is decides nothing
settings.load_profile("patient")

GALLERY = Path(__file__).parent / "gallery"
YESTERDAYS = "rank,score,photo,face,x,y,width,height,detection,sha256,model\nof yesterday\n"
"""A table that this program has written before."""


@dataclass(frozen=True)
class Ran:
    """How a command ended. out and err: what stood on stdout and stderr, bytes that are no UTF-8 as surrogates."""

    code: int
    out: str
    err: str


Program = Callable[..., Ran]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files that are slow as a whole are not even imported for the fast tests, which torch would delay most."""
    if config.option.markexpr != "fast" or collection_path.suffix != ".py":
        return None
    return "\npytestmark = pytest.mark.slow\n" in collection_path.read_text(encoding="utf-8") or None


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is neither slow nor soak is fast, so that a new test is in `make check` until somebody measures it."""
    for item in items:
        if not any(item.get_closest_marker(name) for name in ("slow", "soak")):
            item.add_marker(pytest.mark.fast)


@pytest.fixture(autouse=True)
def nobodys_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds the catalogue of whoever runs it, or writes one there."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("FACESEARCH_CATALOGUE", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def facesearch(capfdbinary: pytest.CaptureFixture[bytes]) -> Program:
    """The program, in this process."""

    def ran(*arguments: str | Path) -> Ran:
        capfdbinary.readouterr()
        code = main.run([str(each) for each in arguments])
        out, err = capfdbinary.readouterr()
        return Ran(code, out.decode("utf-8", "surrogateescape"), err.decode("utf-8", "surrogateescape"))

    return ran


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that has learnt nothing."""
    return random_checkpoint(tmp_path_factory.mktemp("checkpoints") / "random.safetensors")


@pytest.fixture(scope="session")
def gallery() -> Path:
    """The demo's composite portraits."""
    return GALLERY


@pytest.fixture
def opened(tmp_path: Path) -> "Iterator[Opened]":
    """A new catalogue with a root and a serving model."""
    from tests.support.catalogues import new_catalogue

    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    with catalogue:
        yield catalogue, root_id, model_id


@pytest.fixture
def run(tmp_path: Path) -> "Iterator[Runs]":
    """Index runs into a new catalogue, by stand-ins."""
    from db.catalogue import open_catalogue
    from tests.support.index_runs import Runs

    with open_catalogue(tmp_path / "catalogue" / "faces.db", create=True) as catalogue:
        yield Runs(catalogue)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Three photos: one face, two faces, none."""
    from tests.support.squares import BLUE, GREEN, WHITE
    from tests.support.stand_ins import picture, save

    folder = tmp_path / "album"
    save(folder / "1.png", picture(GREEN))
    save(folder / "2.png", picture(BLUE, WHITE))
    save(folder / "sub" / "3.png", picture())
    return folder


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The squares' album, indexed: one for all tests of a file that only search it."""
    from tests.support.squares import album, index

    folder = tmp_path_factory.mktemp("shared")
    return index(folder / "faces.db", album(folder / "album"))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The same, for a test that may change it, beside its album."""
    from tests.support.squares import album, index

    return index(tmp_path / "faces.db", album(tmp_path / "album"))


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    """32 pictures of noise in the official layout: 20 train, 8 val, 4 test; two persons' pictures each."""
    from tests.support import labelled

    pictures = [labelled.noise(48, 64, seed) for seed in range(32)]
    return labelled.celeba(tmp_path / "celeba", pictures, [0] * 20 + [1] * 8 + [2] * 4)
