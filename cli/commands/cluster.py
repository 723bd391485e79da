"""What the options for a Ray cluster mean, for the commands that can use one."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.errors import UsageProblem
from cli.report.wording import notice_in_words

if TYPE_CHECKING:
    from db.values.told import Notice
    from facesearch.cluster.connection import Cluster
    from facesearch.network.checkpoint import Checkpoint
    from facesearch.vision.decode import Limits
    from facesearch.vision.detection import Look
    from indexer.claims import Admit
    from indexer.cluster.crew import NodeSetup
    from indexer.cluster.executor import RayExecutor
    from indexer.cluster.paths import PathMap
    from indexer.media import PhotoFiles

_NAMED = 4  # nodes whose speeds are told one by one


@dataclass(frozen=True, slots=True)
class ClusterChoice:
    """address: None for this machine alone; mappings, ship, trust: as the options say."""

    address: str | None
    mappings: tuple[str, ...] = ()
    ship: bool = False
    trust: bool = False

    def used(
        self,
        stack: ExitStack,
        *,
        network: "Checkpoint",
        checkpoint: Path | None,
        detector_model: Path | None,
        look: "Look",
        limits: "Limits | None",
        device: str,
        small: bool,
        note: Callable[[str], object],
    ) -> "ByNodes | None":
        """The cluster, connected as long as the stack is open, its nodes checked; None where none is wanted. Raises
        UsageProblem, BadMapping, ClusterError."""
        if self.address is None:
            if self.mappings or self.ship or self.trust:
                raise UsageProblem("--map, --ship and --trust-cluster say how a cluster is used: give --ray as well.")
            return None
        from db.paths import absolute
        from facesearch.cluster.connection import About, connected, own_version
        from facesearch.vision.decode import Limits, decoder_name
        from facesearch.vision.detection import yunet_name
        from indexer.cluster.crew import NodeSetup
        from indexer.cluster.paths import PathMap
        from indexer.media import PhotoFiles

        paths = PathMap.parse(self.mappings)
        limits = limits or Limits()

        def there(path: Path | None) -> str:
            return "" if path is None else os.fsdecode(paths.there(absolute(path)))

        files = {"checkpoint": there(checkpoint), "detector": there(detector_model), "look": look.value}
        setup = NodeSetup(
            "indexer.cluster.node:stages",
            {**files, "limits": asdict(limits), "device": device},
            About(own_version(), network.digest, decoder_name(), yunet_name(detector_model, look)),
            files,
            small,
        )
        cluster = stack.enter_context(connected(self.address, trust=self.trust))
        cluster.check(cluster.nodes(), setup.about, setup.asked)
        return ByNodes(cluster, setup, paths, PhotoFiles(limits) if self.ship else None, note)


class ByNodes:
    """An index run by the nodes of a cluster."""

    def __init__(
        self,
        cluster: "Cluster",
        setup: "NodeSetup",
        paths: "PathMap",
        ship: "PhotoFiles | None",
        note: Callable[[str], object],
    ) -> None:
        self._cluster, self._setup, self._paths, self._ship, self._note = cluster, setup, paths, ship, note
        self._executor: RayExecutor | None = None

    def executor(self, admit: "Admit") -> "RayExecutor":
        """As `index_folders` wants it."""
        from indexer.cluster.executor import RayExecutor

        self._executor = RayExecutor(
            self._cluster, self._setup, admit, paths=self._paths, ship=self._ship, tell=self._tell
        )
        return self._executor

    def speeds_in_words(self) -> list[str]:
        """ "node-a 12.1 photos/s"; of many nodes the slowest and the fastest."""
        told = self._executor.speeds() if self._executor is not None else {}
        speeds = {name: each for name, each in told.items() if each}
        if len(speeds) > _NAMED:
            return [f"{len(speeds):,} nodes, {min(speeds.values()):.1f} to {max(speeds.values()):.1f} photos/s each"]
        return [f"{name} {speed:.1f} photos/s" for name, speed in speeds.items()]

    def _tell(self, notice: "Notice") -> None:
        self._note(notice_in_words(notice))
