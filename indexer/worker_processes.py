"""Worker processes: started when they are needed, replaced when they die.

They are programs of their own (`indexer.worker`), so a decoder that crashes, hangs or eats the memory ends one of them
and not the run. What crosses are plain messages (`indexer.messages`).
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, TypeVar

from indexer import messages
from indexer.messages import Arrays, Head, NoMessageError

Result = TypeVar("Result")

KILLS = 3
"""So often a batch may end its worker before it is halved, or the one photo in it fails."""
SECONDS = 60.0
"""A worker that says nothing for so long is ended; decoding may take a second more for each megapixel."""
_TO_START = 120.0
_PIPE = 1 << 20
_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ of Linux

_BEGIN = "import sys; sys.path[:] = sys.argv[1:]; from indexer.worker import main; main()"


class WorkerDiedError(Exception):
    """A worker ended in the middle of a request, or was ended since it did not answer. reason: a clause that reads well
    after "it" and a space; retry: whether another try may end differently."""

    def __init__(self, reason: str, *, retry: bool, hung: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry
        self.hung = hung


@dataclass(frozen=True)
class WorkerSetup:
    """What workers do. kind: "decoder" or "processor"; factory: "module:function", which makes one of these from the
    arguments (plain values; of a processor's, the first two are `admit` and the budget). seconds: see `SECONDS`."""

    kind: str
    factory: str
    arguments: Head = field(default_factory=dict)
    seconds: float = SECONDS


class WorkerProcess:
    """One worker, from its start to its end. Not to be used by two threads at once."""

    def __init__(self, setup: WorkerSetup) -> None:
        """Raises WorkerDiedError where it cannot start."""
        self._seconds = setup.seconds
        paths = [os.path.abspath(path or os.curdir) for path in sys.path]  # noqa: PTH100 (may be a zip file)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BEGIN, *paths],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **os.environ},
                process_group=0,  # Ctrl-C is for whoever has started it
            )
        except OSError as error:  # for want of memory, or of processes that the user may have
            raise WorkerDiedError(f"could not be started ({error.strerror or error})", retry=True) from error
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout
        for pipe in (self._requests, self._answers):
            _widen(pipe)
        asked = {"kind": setup.kind, "factory": setup.factory, "arguments": setup.arguments, "seconds": setup.seconds}
        ready, _ = self.request(asked, seconds=_TO_START)
        if "broken" in ready:
            self.kill()
            raise WorkerDiedError(f"could not be started ({ready['broken'].strip().splitlines()[-1]})", retry=True)

    def request(
        self,
        head: Head,
        arrays: Arrays | None = None,
        *,
        reply: Callable[[Head], Head] = lambda _: {},
        seconds: float | None = None,
    ) -> tuple[Head, Arrays]:
        """The answer. reply: to what the worker asks back meanwhile. Raises WorkerDiedError."""
        seconds = self._seconds if seconds is None else seconds
        watch = _Watch(self._process)
        try:
            watch.expect_within(seconds)
            messages.send(self._requests, head, arrays or [])
            while True:
                answer, received = messages.receive(self._answers)
                watch.relax()
                if "ask" not in answer:
                    return answer, received
                replied = reply(answer)
                watch.expect_within(seconds + answer.get("pixels", 0) / 1e6)
                messages.send(self._requests, replied)
        except (NoMessageError, OSError) as error:
            raise self._died(watch, seconds) from error
        finally:
            watch.relax()

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._answers):
            with suppress(OSError):
                pipe.close()

    def _died(self, watch: _Watch, seconds: float) -> WorkerDiedError:
        self.kill()
        if watch.expired:
            return WorkerDiedError(f"was given up after {seconds:.0f} seconds", retry=False, hung=True)
        code = self._process.returncode
        if code == -signal.SIGKILL:  # by the system, which does so where memory runs out
            return WorkerDiedError("was ended by the system, which may lack memory", retry=True)
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return WorkerDiedError(f"crashed ({name})", retry=False)


class _Watch:
    """Ends a process that does not answer in time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._timer: threading.Timer | None = None
        self.expired = False

    def expect_within(self, seconds: float) -> None:
        self.relax()
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def relax(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        self.expired = True
        self._process.kill()


class WorkerPool:
    """Workers of one kind, as many as are used at once; idle ones are kept for the next use."""

    def __init__(self, setup: WorkerSetup) -> None:
        self._setup = setup
        self._idle: list[WorkerProcess] = []
        self._guard = threading.Lock()
        self._closed = False
        self.started = 0

    @property
    def seconds(self) -> float:
        """As in `WorkerSetup`."""
        return self._setup.seconds

    def take(self) -> WorkerProcess:
        with self._guard:
            if self._idle:
                return self._idle.pop()
            self.started += 1
        return WorkerProcess(self._setup)

    def give_back(self, worker: WorkerProcess) -> None:
        with self._guard:
            if not self._closed:
                self._idle.append(worker)
                return
        worker.kill()

    @contextmanager
    def worker(self) -> Iterator[WorkerProcess]:
        """One worker for a while; it is ended if anything is raised."""
        worker = self.take()
        try:
            yield worker
        except BaseException:
            worker.kill()
            raise
        self.give_back(worker)

    def close(self) -> None:
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.kill()


def in_three_tries(work: Callable[[], Result], *, again_if_hung: bool = False) -> Result:
    """Try again when a worker dies, for `KILLS` times in all; one that hung is not waited for again, unless it may have
    hung for another reason than its work. Raises the last WorkerDiedError."""
    for _ in range(KILLS - 1):
        try:
            return work()
        except WorkerDiedError as error:
            if error.hung and not again_if_hung:
                raise
    return work()


def _widen(pipe: IO[bytes]) -> None:
    """A pipe of Linux holds 64 kB: a picture would go through in a thousand pieces."""
    with suppress(OSError, ValueError):
        fcntl.fcntl(pipe.fileno(), _SET_PIPE_SIZE, _PIPE)
