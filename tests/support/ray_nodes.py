"""A Ray cluster of two nodes on this machine, each with one core, that asks for a token; and what its workers run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from facesearch.vision.decode import Limits
from indexer.cluster.node import Stages
from tests.support.deadly import decoder
from tests.support.stand_ins import DotColours, RedSquares

PROJECT = Path(__file__).parent.parent.parent
_STORE = "80000000"  # bytes of Ray's object store, about the least that it takes


def red_squares() -> Stages:
    """Stand-ins that answer by rule, and photos that end whoever decodes them."""
    return Stages(Limits(), decoder(), RedSquares, DotColours)


class Nodes:
    """The cluster. address: "host:port"."""

    def __init__(self, folder: Path, token: str) -> None:
        self._folder, self._token = folder, token
        self.address = f"127.0.0.1:{_free_port()}"
        self._environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT),
            "HOME": str(folder),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_prestart_worker_first_driver": "0",
            "RAY_health_check_failure_threshold": "3",
            "RAY_health_check_period_ms": "1000",
        }
        self._environment["RAY_AUTH_MODE"] = "token" if token else "disabled"
        self._environment["RAY_AUTH_TOKEN"] = token
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """One node more, in a process group of its own: the first one is the head."""
        port = self.address.rpartition(":")[2]
        head = ["--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={self._folder}"]
        where = ["--address", self.address] if self.processes else head
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start", "--block", *where),
                *("--num-cpus=1", f"--object-store-memory={_STORE}", "--disable-usage-stats", *options),
            ],
            env=self._environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        if len(self.processes) == 1:
            self._await_port()
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """A node as by a power failure: Ray's own processes and all workers."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        for each in reversed(self.processes):
            self.kill(each)

    def _await_port(self) -> None:
        from threading import Event

        host, _, port = self.address.rpartition(":")
        for _ in range(300):
            with suppress(OSError), socket.create_connection((host, int(port)), 1.0):
                return
            Event().wait(0.1)
        raise TimeoutError("Ray does not start")


def skip_without_ray() -> None:
    """Skip the test that calls this, where Ray cannot be had."""
    import pytest

    pytest.importorskip("ray", reason="Ray is not installed: pip install 'facesearch[ray]'")


@contextmanager
def two_nodes(token: str, nodes: int = 2) -> Iterator[Nodes]:
    """So many nodes, to which this process may connect. Skips the test where Ray cannot be had."""
    skip_without_ray()
    with TemporaryDirectory(prefix="ray") as folder:
        cluster = Nodes(Path(folder), token)
        try:
            for _ in range(nodes):
                cluster.start()
            yield cluster
        finally:
            cluster.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
