"""Index runs that a page starts: the command `facesearch index` as a process of its own.

A search must not wait for torch, and a fault in a photo's decoder must not end the server, so the work is done
elsewhere. How far it is stands in the catalogue, whoever started it.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from facesearch.custody.acting import acting_now

_PATIENCE = 20.0
"""Seconds in which a run that was asked to stop stores what it has done."""
_TAIL = 4_000


@dataclass(frozen=True, slots=True)
class RunState:
    """The last run that was started here. code: its exit code, None while it is at work; said: the last lines that it
    said; stopping: whether it was asked to stop."""

    began: datetime
    folders: tuple[str, ...]
    code: int | None
    said: str
    stopping: bool

    @property
    def at_work(self) -> bool:
        return self.code is None


class IndexRuns:
    """The runs of one server on one catalogue, one at a time."""

    def __init__(self, catalogue: Path, folder: Path, *, keep_crops: bool = True) -> None:
        self._catalogue, self._folder, self._keep_crops = catalogue, folder, keep_crops
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._began = datetime.now(UTC)
        self._folders: tuple[str, ...] = ()
        self._stopping = False

    def start(self, folders: Sequence[bytes]) -> bool:
        """Index these folders (absolute paths), or all that were indexed before; whether a run was started: not while
        one is at work. Raises OSError where no process can be started."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return False
            command = [sys.executable, "-P", "-c", "from cli.main import main; main()", "index"]
            command += ["--catalogue", os.fspath(self._catalogue)]
            command += [] if self._keep_crops else ["--no-crops"]
            with open(self._folder / "index.log", "wb") as log:  # noqa: PTH123
                self._process = subprocess.Popen(
                    [*map(os.fsencode, command), b"--", *folders],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=_environment(),
                    start_new_session=True,  # Ctrl-C at the server's terminal is passed on by `close`
                )
            self._began, self._stopping = datetime.now(UTC), False
            self._folders = tuple(os.fsdecode(each) for each in folders)
            return True

    def stop(self) -> None:
        """Ask the run to store what it has done and to end."""
        with self._lock, suppress(ProcessLookupError):
            if self._process is not None and self._process.poll() is None and not self._stopping:
                self._stopping = True
                self._process.send_signal(signal.SIGINT)

    @property
    def state(self) -> RunState | None:
        """None where none was started."""
        with self._lock:
            if self._process is None:
                return None
            return RunState(self._began, self._folders, self._process.poll(), self._said(), self._stopping)

    def close(self) -> None:
        """Stop the run, and wait until it has stored what it has done."""
        self.stop()
        if self._process is not None:
            try:
                self._process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _said(self) -> str:
        try:
            with open(self._folder / "index.log", "rb") as log:  # noqa: PTH123
                log.seek(max(0, os.fstat(log.fileno()).st_size - _TAIL))
                return log.read().decode("utf-8", "replace")
        except OSError:
            return ""


def _environment() -> dict[str, str]:
    """That of the server, with on whose behalf it works."""
    who = acting_now()
    named = {"FACESEARCH_EXAMINER": who.examiner, "FACESEARCH_CASE": who.case, "FACESEARCH_REASON": who.reason}
    return {**os.environ, **{key: value for key, value in named.items() if value}}
