"""A real browser at the page of a real server: Debian's Chromium through playwright, where both are there."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
AXE = ROOT / "tests" / "vendor" / "axe.min.js"
_SERVE = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\nfrom cli.main import main\nmain()\n"


def chromium() -> str:
    """Where the browser is. Skips the test where there is none."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    return found


_RUN = """
axe.run(document, {runOnly: [RULES]}).then(found => JSON.stringify(found.violations.map(each =>
    `${each.id}: ${each.help} ${each.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(" | ")}`)))
"""


@dataclass
class Server:
    """A server that runs. address: what it printed first."""

    process: subprocess.Popen[str]
    address: str
    said: list[str] = field(default_factory=list)

    @property
    def root(self) -> str:
        return self.address.partition("/enter")[0]

    def stop(self) -> int:
        """Ctrl-C; its exit code."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(30)
        assert self.process.stderr is not None
        self.said += self.process.stderr.read().splitlines()
        return code


def start(catalogue: Path, *options: str, port: int = 0) -> Server:
    """Start a server; it is there when it has printed its address."""
    command = [
        sys.executable,
        "-c",
        _SERVE,
        "serve",
        "--no-browser",
        "--port",
        str(port),
        "--catalogue",
        str(catalogue),
    ]
    process = subprocess.Popen(
        [*command, *options], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line.rstrip())
        if found := re.search(r"http://\S+token=\S+", line):
            return Server(process, found[0], said)
    raise AssertionError("\n".join(said))


@contextmanager
def running(catalogue: Path, *options: str) -> Iterator[Server]:
    server = start(catalogue, *options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            try:
                server.stop()  # so that it leaves nothing behind
            finally:
                server.process.kill()


class Watched:
    """A tab, and all that it has complained of: nothing may be in the console."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("requestfailed", self._failed)

    def _failed(self, request: Any) -> None:
        if "ERR_ABORTED" not in (request.failure or ""):  # what a page that is left had still asked for
            self.complaints.append(f"{request.url}: {request.failure}")


def violations(page: Any, *, colours_alone: bool = False) -> list[str]:
    """What axe-core finds wrong with the page as it is shown: rule, what it says, and where. colours_alone: of what
    depends on the colour scheme."""
    levels = "'wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'"
    rules = "'color-contrast'" if colours_alone else levels
    client = page.context.new_cdp_session(page)
    # Through the debugger, since the page lets no script in from elsewhere.
    client.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
    answer = client.send(
        "Runtime.evaluate",
        {
            "expression": _RUN.replace("RULES", rules),
            "awaitPromise": True,
            "returnByValue": True,
        },
    )
    client.detach()
    found: list[str] = json.loads(answer["result"]["value"])
    return found
