"""The workers of a cluster: started on its nodes, asked, replaced when they die, and who was to blame for it."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from facesearch.cluster.connection import About, Cluster, Node, Pace, reason_of
from facesearch.cluster.errors import ClusterError
from facesearch.errors import Notice
from indexer.messages import Head
from indexer.worker_processes import WorkerDiedError

CORES = 4
"""So many cores a worker has at most, where there is no GPU."""
_FAILURES = 3  # to start, until a node is set aside
_REFRESH = 5.0  # seconds between two looks for nodes that have joined
_LOOK = 0.2  # seconds between two looks whether the run is to stop
_MEASURED = 8  # answers from which it can be told what is slow


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds. start: for the first worker; node: for a node, where there is none; late: at
    least so long for an answer before another node is asked as well, and at least `times` as long as answers take;
    hung: until a worker is ended."""

    start: float = 120.0
    node: float = 60.0
    late: float = 10.0
    times: float = 4.0
    hung: float = 600.0


@dataclass(frozen=True, slots=True)
class NodeSetup:
    """What workers do: `factory`, "module:function", gives their `Stages` from `arguments` (plain values). about,
    asked: what every node has to have, as in `Cluster.check`. small: whether they make small pictures of faces."""

    factory: str
    arguments: Head
    about: About
    asked: dict[str, str]
    small: bool = False


class RunEndedError(Exception):
    """The run is over: nobody wants the answer."""


class _WorkerLostError(Exception):
    """A worker is gone. blamed: whether in the middle of this request; reason, retry: as in WorkerDiedError."""

    def __init__(self, reason: str, *, retry: bool, blamed: bool, hung: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.retry, self.blamed, self.hung = reason, retry, blamed, hung


@dataclass(eq=False, slots=True)
class Worker:
    """An actor on a node. calls: what it was asked and has not answered, the eldest first; abandoned:
    those of them whose answer nobody awaits; started: what tells that it is up; culprit: which of them it died of."""

    node: Node
    handle: Any
    started: Any
    calls: list[Any] = field(default_factory=list)
    abandoned: list[Any] = field(default_factory=list)
    culprit: Any = None
    dead: bool = False


class Crew:
    """All workers. May be used by several threads."""

    def __init__(
        self,
        cluster: Cluster,
        setup: NodeSetup,
        *,
        over: threading.Event,
        tell: Callable[[Notice], object],
        patience: Patience,
    ) -> None:
        """over: set when the run is; tell: is told what happens to nodes."""
        self._cluster, self._setup, self._over, self._tell = cluster, setup, over, tell
        self._patience = patience
        self._guard = threading.RLock()
        self._workers: list[Worker] = []
        self._known: dict[str, Node] = {}
        self._aside: set[str] = set()
        self._failures: dict[str, int] = {}
        self._slow: set[str] = set()
        self._refreshed = 0.0
        self._why = "none was there"
        self._times: deque[float] = deque(maxlen=64)
        self.paces: dict[str, Pace] = {}
        self.started = 0

    def start(self) -> None:
        """Workers on all nodes, at least one of them up. Raises ClusterError."""
        nodes = self._cluster.nodes()
        if not nodes:
            raise ClusterError("no node", {"address": self._cluster.address})
        with self._guard:
            for node in nodes:
                self._join(node)
        end = time.monotonic() + self._patience.start
        while not any(self._is_up(worker) for worker in list(self._workers)):
            if time.monotonic() > end:
                raise ClusterError("no node", {"address": self._cluster.address})
            self._wait([worker.started for worker in self._workers])
            for worker in list(self._workers):
                self._bury_if_it_never_started(worker)
            self._require_nodes()

    def size(self) -> int:
        """How many workers there are."""
        with self._guard:
            return len(self._workers)

    def ask(self, method: str, *arguments: Any, first: Worker | None = None) -> tuple[Any, Worker]:
        """The answer to one request, and who gave it: from the least busy worker, or from `first` while it lives; where
        that takes too long, from another as well. Raises WorkerDiedError where a worker died of it, RunEndedError,
        ClusterError."""
        while True:
            worker = first if first is not None and not first.dead else self._pick()
            try:
                return self._answer(method, arguments, worker)
            except _WorkerLostError as lost:
                if lost.blamed:
                    raise WorkerDiedError(lost.reason, retry=lost.retry, hung=lost.hung) from None
                first = None

    def drop(self, worker: Worker, batch: int) -> None:
        """Tell a worker that nobody asks for this batch any more."""
        with suppress(Exception):  # it need not live
            worker.handle.drop.remote(batch)

    def set_aside(self, worker: Worker, reason: str) -> None:
        """Give this node nothing more to do."""
        with self._guard:
            if worker.node.id in self._aside:
                return
            self._aside.add(worker.node.id)
            self._why = f"{worker.node.name}: {reason}"
            for each in [each for each in self._workers if each.node.id == worker.node.id]:
                self._remove(each)
        self._tell(Notice("node set aside", {"node": worker.node.name, "reason": reason}))

    def close(self) -> None:
        """End all workers."""
        with self._guard:
            for each in list(self._workers):
                self._remove(each)

    # ---- one request

    def _answer(self, method: str, arguments: tuple[Any, ...], worker: Worker) -> tuple[Any, Worker]:
        began = time.monotonic()
        asked = {self._send(worker, method, arguments): worker}
        while True:
            done = self._wait(list(asked))
            for call in done:
                of = asked[call]
                try:
                    answer = self._cluster.ray.get(call)
                except Exception as error:
                    lost = self._lost(of, call, error)
                    del asked[call]
                    if not asked or lost.blamed:
                        raise lost from None
                    continue
                self._answered(of, call, method, time.monotonic() - began)
                del asked[call]
                self._abandon(asked)
                return answer, of
            if self._over.is_set():
                raise RunEndedError
            age = time.monotonic() - began
            if age > self._patience.hung:
                raise self._end_hung(asked)
            if len(asked) == 1 and age > self._late():
                self._ask_another(asked, method, arguments)

    def _send(self, worker: Worker, method: str, arguments: tuple[Any, ...]) -> Any:
        with self._guard:
            call = getattr(worker.handle, method).remote(*arguments)
            worker.calls.append(call)
            return call

    def _answered(self, worker: Worker, call: Any, method: str, seconds: float) -> None:
        with self._guard:
            worker.calls.remove(call)
            self._failures[worker.node.id] = 0
            if method == "process":
                self._times.append(seconds)

    def _abandon(self, asked: dict[Any, Worker]) -> None:
        """Whoever was asked as well goes on, and is busy with it until it is done."""
        with self._guard:
            for call, worker in asked.items():
                worker.abandoned.append(call)

    def _late(self) -> float:
        times = list(self._times)
        usual = median(times) * self._patience.times if len(times) >= _MEASURED else self._patience.late * 3
        return max(self._patience.late, usual)

    def _ask_another(self, asked: dict[Any, Worker], method: str, arguments: tuple[Any, ...]) -> None:
        (slow,) = asked.values()
        with self._guard:
            others = [each for each in self._workers if each.node.id != slow.node.id] or [
                each for each in self._workers if each is not slow
            ]
            if not others:
                return
            other = min(others, key=lambda each: len(each.calls))
            asked[self._send(other, method, arguments)] = other
            is_new = slow.node.id not in self._slow
            self._slow.add(slow.node.id)
        if is_new:
            self._tell(Notice("slow node", {"node": slow.node.name}))

    def _end_hung(self, asked: dict[Any, Worker]) -> _WorkerLostError:
        for worker in asked.values():
            self._replace(worker)
        seconds = self._patience.hung
        return _WorkerLostError(f"was given up after {seconds:.0f} seconds", retry=True, blamed=True, hung=True)

    # ---- who lives

    def _pick(self) -> Worker:
        """Raises ClusterError where no node comes, RunEndedError."""
        end = time.monotonic() + self._patience.node
        while True:
            self._refresh()
            with self._guard:
                self._forget_answered()
                if self._workers:
                    return min(self._workers, key=lambda each: (len(each.calls), each.node.id in self._slow))
            if self._over.wait(_LOOK):
                raise RunEndedError
            if time.monotonic() > end:
                self._require_nodes()

    def _require_nodes(self) -> None:
        if not self._workers:
            raise ClusterError("nodes lost", {"address": self._cluster.address, "reason": self._why})

    def _forget_answered(self) -> None:
        """Requests that another answered first, and that are done by now."""
        for worker in self._workers:
            if worker.abandoned:
                done, worker.abandoned = self._cluster.ray.wait(
                    worker.abandoned, num_returns=len(worker.abandoned), timeout=0
                )
                worker.calls = [call for call in worker.calls if call not in done]

    def _refresh(self) -> None:
        """Take in nodes that have joined."""
        with self._guard:
            if time.monotonic() - self._refreshed < _REFRESH:
                return
            self._refreshed = time.monotonic()
            new = [each for each in self._cluster.nodes() if each.id not in self._known]
        for node in new:
            try:
                self._cluster.check([node], self._setup.about, self._setup.asked)
            except ClusterError as error:
                with self._guard:
                    self._known[node.id] = node
                    self._aside.add(node.id)
                self._tell(Notice("node set aside", {"node": node.name, "reason": str(error).rstrip(".")}))
                continue
            with self._guard:
                if node.id not in self._known:
                    self._join(node)

    def _join(self, node: Node) -> None:
        self._known[node.id] = node
        self.paces.setdefault(node.name, Pace())
        for _ in range(_workers_on(node)):
            self._start_one(node)

    def _start_one(self, node: Node) -> None:
        from indexer.cluster.node import NodeWorker

        cores = max(1, node.cores // _workers_on(node))
        setup = {
            "factory": self._setup.factory,
            "arguments": self._setup.arguments,
            "cores": cores,
            "small": self._setup.small,
        }
        options = {"num_cpus": cores, "num_gpus": 1 if node.gpus else 0, "max_restarts": 0, "max_task_retries": 0}
        made = self._cluster.at(self._cluster.ray.remote(NodeWorker), node, **options)
        handle = made.remote(json.dumps(setup))
        self.started += 1
        self._workers.append(Worker(node, handle, handle.ready.remote()))

    def _lost(self, worker: Worker, call: Any, error: Exception) -> _WorkerLostError:
        """What the failure of this request means; the worker is replaced."""
        ray = self._cluster.ray.exceptions
        if isinstance(error, ray.RayTaskError) and self._is_up(worker):  # raised in the worker, which lives
            with self._guard:
                worker.calls = [each for each in worker.calls if each is not call]
            return _WorkerLostError(f"failed on {worker.node.name} ({reason_of(error)})", retry=True, blamed=True)
        with self._guard:
            if not worker.dead:
                started = self._is_up(worker)
                worker.culprit = self._eldest_unanswered(worker) if started else None
                if not started:
                    self._note_failure(worker)
            blamed = worker.culprit is call
            self._replace(worker)
        gone = not self._cluster.lives(worker.node)
        if gone:
            return _WorkerLostError("was lost with its node", retry=True, blamed=blamed)
        memory = "OutOfMemory" in str(error) or "memory monitor" in str(error)
        reason = "ended its workers, for lack of memory" if memory else "ended its workers, which crashed"
        return _WorkerLostError(reason, retry=memory, blamed=blamed)

    def _eldest_unanswered(self, worker: Worker) -> Any:
        for call in worker.calls:
            try:
                self._cluster.ray.get(call, timeout=0)
            except Exception:
                return call
        return None

    def _is_up(self, worker: Worker) -> bool:
        return self._start_of(worker) is True

    def _start_of(self, worker: Worker) -> bool | Exception:
        """Whether a worker has started, or what kept it from that."""
        try:
            self._cluster.ray.get(worker.started, timeout=0)
        except self._cluster.ray.exceptions.GetTimeoutError:
            return False
        except Exception as error:
            return error
        return True

    def _bury_if_it_never_started(self, worker: Worker) -> None:
        if isinstance(self._start_of(worker), Exception):
            with self._guard:
                self._note_failure(worker)
                self._replace(worker)

    def _note_failure(self, worker: Worker) -> None:
        number = self._failures[worker.node.id] = self._failures.get(worker.node.id, 0) + 1
        if number >= _FAILURES and self._cluster.lives(worker.node):
            why = self._start_of(worker)
            reason = reason_of(why) if isinstance(why, Exception) else "it ended"
            self.set_aside(worker, f"no worker starts there: {reason}")

    def _replace(self, worker: Worker) -> None:
        """End a worker; another one takes its place if its node lives and is trusted."""
        with self._guard:
            if worker.dead:
                return
            self._remove(worker)
            if worker.node.id in self._aside or self._over.is_set():
                return
            if self._cluster.lives(worker.node):
                self._start_one(worker.node)
                return
            others = [each for each in self._workers if each.node.id == worker.node.id]
            for each in others:
                self._remove(each)
            if worker.node.id not in self._aside:
                self._aside.add(worker.node.id)
                self._why = f"{worker.node.name} was lost"
                self._tell(Notice("node lost", {"node": worker.node.name}))

    def _remove(self, worker: Worker) -> None:
        worker.dead = True
        if worker in self._workers:
            self._workers.remove(worker)
        with suppress(Exception):  # it may be gone already
            self._cluster.ray.kill(worker.handle)

    def _wait(self, calls: list[Any]) -> list[Any]:
        if not calls:
            return []
        done, _ = self._cluster.ray.wait(calls, num_returns=1, timeout=_LOOK)
        return list(done)


def _workers_on(node: Node) -> int:
    return node.gpus or -(-node.cores // CORES)
