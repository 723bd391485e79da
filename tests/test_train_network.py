"""Training beside other work: it stops while it is told to, loses nothing, and says how long it has run."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from db.lock import exclusive

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "benchmarks" / "train_network.py"

COUNTS = "import sys\nwith open(sys.argv[1], 'a') as f:\n    while True:\n        f.write('x'), f.flush()\n"
SUPERVISES = (
    "import runpy, sys; from pathlib import Path\n"
    "module = runpy.run_path(sys.argv[1])\n"
    "sys.exit(module['supervise'](Path(sys.argv[2]), [sys.executable, '-c', sys.argv[3], sys.argv[4]]))"
)


def _eventually(holds: object, seconds: float = 30.0) -> bool:
    """Whether a thing becomes true: it is looked at again and again, and how fast a machine is decides nothing."""
    assert callable(holds)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def counting(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A supervised process that writes without end, and what it writes to."""
    written = tmp_path / "written"
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISES, str(SCRIPT), str(tmp_path / "work"), COUNTS, str(written)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    yield process, tmp_path / "work", written
    process.kill()
    process.wait()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _grows(path: Path) -> bool:
    before = _size(path)
    return _eventually(lambda: _size(path) > before)


def _stands_still(path: Path) -> bool:
    def twice_the_same() -> bool:
        before = _size(path)
        time.sleep(0.3)
        return _size(path) == before

    return _eventually(twice_the_same)


def test_a_run_stands_still_while_the_pause_file_is_there_and_goes_on_after(counting) -> None:  # type: ignore[no-untyped-def]
    _, work, written = counting
    assert _grows(written)
    (work / "PAUSE").touch()
    assert _stands_still(written)
    (work / "PAUSE").unlink()
    assert _grows(written)


def test_a_second_run_in_the_folder_is_refused(counting) -> None:  # type: ignore[no-untyped-def]
    _, work, written = counting
    assert _grows(written)
    second = subprocess.run(
        [sys.executable, "-c", SUPERVISES, str(SCRIPT), str(work), COUNTS, str(written)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == os.EX_TEMPFAIL and "Another run works in" in second.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_computes_on_when_the_run_is_ended_even_while_paused(counting, how: signal.Signals) -> None:  # type: ignore[no-untyped-def]
    process, work, written = counting
    assert _grows(written)
    (work / "PAUSE").touch()
    assert _stands_still(written)
    os.kill(process.pid, how)
    assert process.wait(30) != 0
    (work / "PAUSE").unlink()
    assert _stands_still(written)
    with exclusive(work / "run.lock") as free:
        assert free


def test_the_hours_that_were_really_run_add_up_over_runs(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("train_network", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["train_network"] = module
    spec.loader.exec_module(module)
    busy = "import time; end = time.process_time() + .3\nwhile time.process_time() < end: pass"
    for runs in (1, 2):
        assert module.supervise(tmp_path, [sys.executable, "-c", busy]) == 0
        noted = json.loads((tmp_path / "hours.json").read_text())
        assert noted["starts"] == runs and noted["computing"] >= 0.3 * runs and noted["running"] >= 0.3 * runs
    assert "started 2 times" in module.status(tmp_path)
    assert module.main(["pause", "--work", str(tmp_path)]) == 0 and (tmp_path / "PAUSE").exists()
    assert module.main(["resume", "--work", str(tmp_path)]) == 0 and not (tmp_path / "PAUSE").exists()
    assert module.main(["status", "--work", str(tmp_path / "nowhere")]) == 1
