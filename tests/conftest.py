"""What several test files share: a home that is nobody's, and the program run as a user runs it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from cli.main import run
from tests.support.checkpoints import random_checkpoint

settings.register_profile("patient", deadline=None)  # how fast a machine is decides nothing
settings.load_profile("patient")

GALLERY = Path(__file__).parent / "gallery"


@dataclass(frozen=True)
class Ran:
    """How a command ended. out and err: what stood on stdout and stderr, bytes that are no UTF-8 as surrogates."""

    code: int
    out: str
    err: str


Program = Callable[..., Ran]


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
        code = run([str(each) for each in arguments])
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
