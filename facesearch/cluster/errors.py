"""What can go wrong with a cluster, each in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from facesearch.errors import FacesearchError

_CAUSES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "no ray": lambda _: "Ray is not installed here: install it.",
    "no cluster": lambda of: (
        f"No Ray cluster can be used at {of['address']} ({of['reason']}): check the address, the port and the token, "
        "and that this machine has joined the cluster."
    ),
    "open cluster": lambda of: (
        f"The Ray cluster at {of['address']} asks for no token (RAY_AUTH_MODE=token on {of['node']}), so that whoever "
        "reaches its ports can run programs on its nodes and read the photos: start it with a token."
    ),
    "no node": lambda of: (
        f"The Ray cluster at {of['address']} has no node with a free core: start nodes, or wait until other work is "
        "done."
    ),
    "node unusable": lambda of: (
        f"The node {of['node']} cannot run facesearch ({of['reason']}): install the same version there, in the Python "
        "that started Ray."
    ),
    "node differs": lambda of: (
        f"The node {of['node']} has another {of['what']} than this machine ({of['there']} there, {of['here']} here): "
        "bring both to the same."
    ),
    "nodes lost": lambda of: (
        f"No node of the Ray cluster at {of['address']} is left ({of['reason']}): what was stored stays; mend the "
        "cluster, and run this again."
    ),
}


class ClusterError(FacesearchError, kinds=tuple(_CAUSES)):
    """A cluster that cannot be used, or is no longer there."""

    def __init__(self, kind: str, values: Mapping[str, object] = MappingProxyType({})) -> None:
        super().__init__(_CAUSES[kind](values), kind, **values)
