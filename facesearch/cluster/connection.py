"""The connection to a Ray cluster, as long as one command needs it.

Whoever reaches Ray's ports can run any program on its nodes: there is no lesser right. So a cluster without a token is
refused, and what nodes are told and answer is plain: text (JSON), bytes and arrays. Nodes run what is installed there,
not what is sent to them; so before any work each is asked which version and which checkpoint it has.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from facesearch.cluster.errors import ClusterError
from facesearch.errors import on_one_line

_TO_ANSWER = 5.0  # seconds
_TO_CHECK = 120.0  # a node may load what it has never loaded before
_TOKEN = "RAY_AUTH_MODE"


@dataclass(frozen=True, slots=True)
class Node:
    """One machine. id: Ray's; name: for people, no two alike; cores, gpus: what Ray may give out there."""

    id: str
    name: str
    cores: int
    gpus: int


@dataclass(frozen=True, slots=True)
class About:
    """What a node has to have in common with the driver, by what it is called in a sentence."""

    version: str
    checkpoint: str = ""
    decoder: str = ""
    detector: str = ""

    def difference(self, other: Mapping[str, str]) -> tuple[str, str, str] | None:
        """The first thing in which a node differs: what, there, here."""
        for what in ("version", "checkpoint", "decoder", "detector"):
            here, there = getattr(self, what), str(other.get(what, ""))
            if here != there:
                return what, there[:12] or "none", here[:12] or "none"
        return None


class Cluster:
    """A cluster that this process is connected to. Made by `connected`."""

    def __init__(self, ray: Any, address: str, trust: bool) -> None:
        self.ray = ray
        self.address = address
        self._trust = trust

    def nodes(self) -> list[Node]:
        """Those that live and have a core, in a stable order."""
        found = [each for each in self.ray.nodes() if each["Alive"] and each["Resources"].get("CPU", 0) >= 1]
        found.sort(key=lambda each: (each["NodeManagerHostname"], each["NodeManagerAddress"], each["NodeID"]))
        names = Counter(each["NodeManagerHostname"] for each in found)
        return [
            Node(
                each["NodeID"],
                name if names[name] == 1 else f"{name} ({each['NodeID'][:6]})",
                int(each["Resources"]["CPU"]),
                int(each["Resources"].get("GPU", 0)),
            )
            for each in found
            for name in [each["NodeManagerHostname"]]
        ]

    def lives(self, node: Node) -> bool:
        """Whether Ray takes this node for alive."""
        return any(each["NodeID"] == node.id and each["Alive"] for each in self.ray.nodes())

    def check(self, nodes: Sequence[Node], about: About, question: Mapping[str, str]) -> None:
        """Ask every node what it has. question: as of `node_about`. Raises ClusterError: the cluster asks for no token,
        a node has no facesearch, or another version or checkpoint."""
        if not nodes:
            raise ClusterError("no node", {"address": self.address})
        asked = self.ray.remote(num_cpus=0, max_retries=1)(node_about)
        answers = [self.at(asked, node).remote(json.dumps(question)) for node in nodes]
        for node, answer in zip(nodes, answers, strict=True):
            try:
                said = json.loads(self.ray.get(answer, timeout=_TO_CHECK))
            except Exception as error:
                raise ClusterError("node unusable", {"node": node.name, "reason": reason_of(error)}) from error
            if not said["token"] and not self._trust:
                raise ClusterError("open cluster", {"address": self.address, "node": node.name})
            if "problem" in said:
                raise ClusterError("node unusable", {"node": node.name, "reason": said["problem"]})
            differs = about.difference(said)
            if differs is not None:
                what, there, here = differs
                raise ClusterError("node differs", {"node": node.name, "what": what, "there": there, "here": here})

    def at(self, remote: Any, node: Node, **options: Any) -> Any:
        """A remote function or class that runs on this node and no other."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return remote.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False), **options)


def node_about(question: str) -> str:
    """Runs on a node: what it has, as JSON. question: JSON of `checkpoint`, the path of one or "" for the one in the
    package, and where faces are looked for `detector` (likewise) and `look`."""
    asked = json.loads(question)
    said: dict[str, object] = {"token": os.environ.get(_TOKEN, "").lower() == "token"}
    try:
        said.update(_have(asked))
    except Exception as error:
        said["problem"] = on_one_line(error)
    return json.dumps(said)


def _have(asked: Mapping[str, str]) -> dict[str, str]:
    have = {"version": own_version()}
    if "checkpoint" in asked:
        import hashlib
        from pathlib import Path

        from facesearch.network.checkpoint import packaged_checkpoint

        path = Path(asked["checkpoint"]) if asked["checkpoint"] else packaged_checkpoint()
        have["checkpoint"] = hashlib.sha256(path.read_bytes()).hexdigest()
    if "look" in asked:
        from pathlib import Path

        from facesearch.vision.decode import decoder_name
        from facesearch.vision.detection import Look, yunet_name

        have["decoder"] = decoder_name()
        have["detector"] = yunet_name(Path(asked["detector"]) if asked["detector"] else None, Look(asked["look"]))
    return have


def own_version() -> str:
    """Of facesearch, as it is installed here."""
    return version("facesearch")


def reason_of(error: BaseException) -> str:
    """What Ray says went wrong, as a clause; its exceptions are pages long."""
    text = str(error)
    for sign in ("ModuleNotFoundError: ", "ImportError: ", "OutOfMemory", "OutOfDiskError", "No space left"):
        if sign in text:
            return on_one_line(RuntimeError(text[text.index(sign) :].splitlines()[0]))
    name = type(error).__name__
    return f"{name}: {on_one_line(RuntimeError(text.splitlines()[0] if text else name))}"


@contextmanager
def connected(address: str, *, trust: bool = False) -> Iterator[Cluster]:
    """The cluster at this address ("host:port", or "auto" for the one that this machine is in). trust: also one without
    a token. Raises ClusterError."""
    # Read as Ray is imported.
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "3")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError:
        raise ClusterError("no ray") from None
    _knock(address)
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    try:
        _quiet()
        ray.init(address=address, log_to_driver=False, configure_logging=False, logging_level=logging.CRITICAL)
    except Exception as error:
        raise ClusterError("no cluster", {"address": address, "reason": reason_of(error)}) from error
    try:
        yield Cluster(ray, address, trust)
    finally:
        with suppress(Exception):
            ray.shutdown()


def _knock(address: str) -> None:
    """Where nobody listens Ray waits for more than a minute, and ends the process. Raises ClusterError."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ClusterError("no cluster", {"address": address, "reason": 'an address is "host:port", or "auto"'})
    try:
        socket.create_connection((host, int(port)), _TO_ANSWER).close()
    except (OSError, OverflowError) as error:
        raise ClusterError("no cluster", {"address": address, "reason": on_one_line(error)}) from error


def _quiet() -> None:
    """Ray prints on stdout, where results go, when a worker has died. We say so ourselves."""
    with suppress(ImportError, AttributeError):
        worker: Any = importlib.import_module("ray._private.worker")
        worker.print_worker_logs = lambda *_, **__: None


class Pace:
    """How many things a node has done, and how fast, since the first of them came."""

    def __init__(self) -> None:
        self.done = 0
        self._since: float | None = None
        self._first = 0

    def add(self, number: int) -> None:
        self.done += number
        if self._since is None:
            self._since, self._first = time.monotonic(), self.done

    @property
    def speed(self) -> float:
        """A second; 0 while nothing can be said."""
        if self._since is None or time.monotonic() <= self._since:
            return 0.0
        return (self.done - self._first) / (time.monotonic() - self._since)
