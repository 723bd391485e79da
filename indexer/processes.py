"""Other processes that decode or process files: started when they are needed, replaced when they die.

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
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from typing import IO, TypeVar

import numpy as np

from db.values.box import FacePlace
from facesearch.vision.decode import DecodedPhoto, EncodedPhoto, Limits, PhotoError
from indexer import messages
from indexer.admissions import Admissions, DigestWantedError, RemoteContent
from indexer.claims import Admit
from indexer.items import Crop, FailureReason, ProcessedFile, RecognisedContent
from indexer.listing import Job
from indexer.messages import Arrays, Head, NoMessageError
from indexer.ports import Budget, PixelShare, Processor
from indexer.threads import ordered_thread_map

Item = TypeVar("Item")
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


def decoding(limits: Limits, seconds: float = SECONDS) -> WorkerSetup:
    """Workers that decode as this process would."""
    return WorkerSetup("decoder", "indexer.worker:photo_decoder", {"limits": asdict(limits)}, seconds)


class WorkerProcess:
    """One worker, from its start to its end. Not to be used by two threads at once."""

    def __init__(self, setup: WorkerSetup) -> None:
        """Raises WorkerDiedError where it cannot start."""
        self._seconds = setup.seconds
        paths = [os.path.abspath(path or os.curdir) for path in sys.path]  # noqa: PTH100 (may be a zip file)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BEGIN, *paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **os.environ},
            process_group=0,  # Ctrl-C is for whoever has started it
        )
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


def in_three_tries(work: Callable[[], Result]) -> Result:
    """Try again when a worker dies, for `KILLS` times in all; one that hung is not waited for again. Raises the last
    WorkerDiedError."""
    for _ in range(KILLS - 1):
        try:
            return work()
        except WorkerDiedError as error:
            if error.hung:
                raise
    return work()


class UnforeseenInWorkerError(Exception):
    """What a worker raised that nobody foresaw; its traceback is a note of this."""


class IsolatedDecoder:
    """Decodes in other processes: a decoder that crashes or hangs is the failure of one photo."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    def open(self, medium: EncodedPhoto, admit: Callable[[int], None], *, unlimited: bool = False) -> IsolatedPhoto:
        """As in `indexer.ports.Decoder`."""
        photo = IsolatedPhoto(self._pool, medium, admit, unlimited)
        photo.open()
        return photo

    def close(self) -> None:
        self._pool.close()


class IsolatedPhoto:
    """A photo that was opened in another process; its pictures come from there one by one."""

    def __init__(self, pool: WorkerPool, medium: EncodedPhoto, admit: Callable[[int], None], unlimited: bool) -> None:
        self._pool = pool
        self._medium = medium
        self._admit = admit
        self._unlimited = unlimited
        self._worker: WorkerProcess | None = None
        self._admitted = False
        self._seconds: float | None = None
        self._position = 0  # pictures that the worker has come past
        self.pages = 1
        self.unlooked = 0

    def open(self) -> None:
        """Raises `PhotoError`."""
        self._as_photo_error(lambda: in_three_tries(self._open))

    def pictures(self) -> Iterator[DecodedPhoto | tuple[int, PhotoError]]:
        """As in `indexer.ports.Pictures`. A worker that dies is replaced, and goes on behind the last picture."""
        shown, page = 0, 0
        while True:
            try:
                head, arrays = self._as_photo_error(partial(in_three_tries, partial(self._next, shown)))
            except PhotoError as error:
                self.unlooked = max(self.unlooked, self.pages - page - 1)
                yield page + 1, error
                return
            if head.get("end"):
                return
            shown += 1
            if "broken" in head:
                page = head["page"]
                yield page, messages.plain_to_error(head["broken"])
            else:
                picture = messages.plain_to_picture(head["picture"], arrays)
                page = picture.page
                del arrays
                yield picture

    def picture(self, page: int) -> DecodedPhoto:
        """As in `indexer.ports.Pictures`."""

        def show() -> tuple[Head, Arrays]:
            return self._ask({"do": "picture", "page": page})

        head, arrays = self._as_photo_error(lambda: in_three_tries(show))
        return messages.plain_to_picture(head["picture"], arrays)

    def close(self) -> None:
        """Let others use the worker."""
        if self._worker is not None:
            self._pool.give_back(self._worker)
            self._worker = None

    def _open(self) -> None:
        if self._worker is None:
            self._worker = self._pool.take()
        asked = {"do": "open", "sha256": self._medium.sha256, "unlimited": self._unlimited}
        self._request(asked, [np.frombuffer(self._medium.data, np.uint8)])
        self._position = 0

    def _next(self, shown: int) -> tuple[Head, Arrays]:
        """The picture behind those that were shown."""
        if self._worker is None:
            self._open()
        while self._position < shown:
            self._request({"do": "next"})
            self._position += 1
        answer = self._request({"do": "next"})
        self._position += 1
        return answer

    def _ask(self, head: Head) -> tuple[Head, Arrays]:
        if self._worker is None:
            self._open()
        return self._request(head)

    def _request(self, head: Head, arrays: Arrays | None = None) -> tuple[Head, Arrays]:
        assert self._worker is not None
        try:
            answer, received = self._worker.request(head, arrays, reply=self._reply, seconds=self._seconds)
        except BaseException:
            self._worker.kill()
            self._worker = None
            raise
        if "error" in answer:
            raise messages.plain_to_error(answer["error"])
        if "unforeseen" in answer:
            error = UnforeseenInWorkerError(answer["unforeseen"])
            error.add_note(answer["trace"])
            raise error
        self.pages, self.unlooked = answer["pages"], answer["unlooked"]
        return answer, received

    def _reply(self, question: Head) -> Head:
        if not self._admitted:  # once, also where another worker opens it anew
            self._admit(question["pixels"])
            self._admitted = True
            self._seconds = self._pool.seconds + question["pixels"] / 1e6
        return {}

    def _as_photo_error(self, work: Callable[[], Result]) -> Result:
        try:
            return work()
        except WorkerDiedError as error:
            raise PhotoError(f"its decoder {error.reason}", retry=error.retry) from error


class ProcessExecutor:
    """Processes whole files in other processes, in batches.

    A worker that dies is replaced, and its batch tried again. A batch that ends `KILLS` workers is halved, and so are
    its halves, until it is known which photo does it: that one fails, and says so.
    """

    def __init__(
        self,
        setup: WorkerSetup,
        admit: Admit,
        *,
        budget: Budget,
        workers: int,
        batch: int = 8,
    ) -> None:
        """setup: of processors; admit: as in `PhotoProcessor`; batch: how many files a worker is given at a time."""
        self.pool = WorkerPool(setup)
        self._admit = admit
        self._budget = budget
        self._workers = workers
        self._batch = batch

    def prepare(self) -> None:
        """As in `indexer.ports.Executor`: start the first worker."""
        try:
            self.pool.give_back(self.pool.take())
        except WorkerDiedError as error:
            raise RuntimeError(f"no worker process can be started: it {error.reason}") from error

    def process(
        self, jobs: Iterable[Job], *, stop: threading.Event
    ) -> Generator[tuple[Job, ProcessedFile], None, None]:
        """As in `indexer.ports.Executor`."""
        batches = batched(jobs, self._batch)
        with closing(ordered_thread_map(self._process, batches, workers=self._workers, stop=stop)) as done:
            for batch, results in done:
                for job, result in zip(batch, results, strict=True):
                    yield job, result
                    if stop.is_set():
                        return

    def map(
        self, work: Callable[[Processor, Item], Result], items: Iterable[Item], *, stop: threading.Event
    ) -> Generator[tuple[Item, Result], None, None]:
        """As in `indexer.ports.Executor`."""
        remote = _RemoteProcessor(self)
        return ordered_thread_map(lambda item: work(remote, item), items, workers=self._workers, stop=stop)

    def close(self) -> None:
        """As in `indexer.ports.Executor`."""
        self.pool.close()

    def process_paths(self, paths: Sequence[bytes]) -> list[ProcessedFile]:
        """What became of these files (absolute paths), in their order."""
        return self._halve(list(paths), Admissions(self._admit))

    def crop_again(self, path: bytes, sha256: str, places: Sequence[FacePlace]) -> list[Crop] | FailureReason:
        """As in `indexer.ports.Processor`."""
        asked = {
            "do": "crop",
            "path": messages.path_to_text(path),
            "sha256": sha256,
            "places": messages.places_to_plain(places),
        }
        try:
            head, arrays = in_three_tries(lambda: self._request(asked, _Replies(Admissions(self._admit), self._budget)))
        except WorkerDiedError as error:
            return FailureReason(f"it {error.reason}", error.retry)
        return messages.plain_to_failure(head["failure"]) or [crop for stacked in arrays for crop in stacked]

    def _process(self, batch: Sequence[Job]) -> list[ProcessedFile]:
        return self.process_paths([job.path for job in batch])

    def _halve(self, paths: list[bytes], admissions: Admissions) -> list[ProcessedFile]:
        try:
            return in_three_tries(lambda: self._ask(paths, admissions))
        except WorkerDiedError as error:
            if len(paths) == 1:
                return [admissions.failed(paths[0], FailureReason(f"it {error.reason}", error.retry))]
        middle = len(paths) // 2
        return self._halve(paths[:middle], admissions) + self._halve(paths[middle:], admissions)

    def _ask(self, paths: list[bytes], admissions: Admissions) -> list[ProcessedFile]:
        asked = {"do": "process", "paths": list(map(messages.path_to_text, paths))}
        with closing(_Replies(admissions, self._budget, paths)) as replies:
            head, arrays = self._request(asked, replies)
        rest = iter(arrays)
        return [messages.plain_to_result(each, list(islice(rest, each["holds"]))) for each in head["results"]]

    def _replies(self) -> _Replies:
        return _Replies(Admissions(self._admit), self._budget)

    def _request(self, asked: Head, replies: _Replies) -> tuple[Head, Arrays]:
        with closing(replies), self.pool.worker() as worker:
            return worker.request(asked, reply=replies.reply)


class _RemoteProcessor:
    """A `Processor` that asks whichever worker is idle."""

    def __init__(self, executor: ProcessExecutor) -> None:
        self._executor = executor

    def process(self, path: bytes) -> ProcessedFile:
        return self._executor.process_paths([path])[0]

    def crop_again(self, path: bytes, sha256: str, places: Sequence[FacePlace]) -> list[Crop] | FailureReason:
        return self._executor.crop_again(path, sha256, places)


class _Replies:
    """What a worker is told that asks back, in the course of one request."""

    def __init__(self, admissions: Admissions, budget: Budget, paths: Sequence[bytes] = ()) -> None:
        self._admissions = admissions
        self._budget = budget
        self._paths = paths
        self._place = 0
        self._held = ExitStack()
        self._share: PixelShare | None = None

    def reply(self, question: Head) -> Head:
        if question["ask"] == "next":
            self.close()
            self._place = question["place"]
        elif question["ask"] == "content":
            return self._admission(question)
        else:
            self._share = self._share or self._held.enter_context(self._budget.share())
            self._share.take(question["pixels"])
        return {}

    def _admission(self, question: Head) -> Head:
        content = RemoteContent(question["sha256"], question["size"], question["digests"])
        try:
            admission = self._admissions.of(self._paths[self._place], content)
        except DigestWantedError as wanted:
            return {"digest": wanted.algorithm}
        if isinstance(admission, RecognisedContent):
            return {"hash_set_id": admission.hash_set_id}
        return {"admission": str(admission)}

    def close(self) -> None:
        """Give back the memory of the last photo."""
        self._held.close()
        self._share = None


def batched(jobs: Iterable[Job], size: int) -> Iterator[list[Job]]:
    remaining = iter(jobs)
    while batch := list(islice(remaining, size)):
        yield batch


def _widen(pipe: IO[bytes]) -> None:
    """A pipe of Linux holds 64 kB: a picture would go through in a thousand pieces."""
    with suppress(OSError, ValueError):
        fcntl.fcntl(pipe.fileno(), _SET_PIPE_SIZE, _PIPE)
