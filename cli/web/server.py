"""Run the page: a port of this machine and of no other, an address that works once, and a clean end."""

import os
import socket
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path

from cli.terminal.console import say
from cli.web.app import build
from cli.web.security import Keys
from cli.web.workplace import Workplace

HOST = "127.0.0.1"
PORT = 8765
"""Where the page is found, if the port is free."""
_NEXT = 20
_GRACE = 5
"""Seconds in which requests under way are answered when the server ends."""


class PortTaken(Exception):  # noqa: N818 (an answer)
    """Another program listens there."""


def listen(port: int | None) -> socket.socket:
    """A socket on this port, 0 for any that is free; without one on the usual port, or one of the next. Raises
    PortTaken."""
    for wanted in [port] if port is not None else range(PORT, PORT + _NEXT):
        # Named as TCP, since asyncio sends at once (TCP_NODELAY) only from such a socket: else each picture that comes
        # over an open connection waits 40 ms for the acknowledgement of the one before.
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((HOST, wanted))
            made.listen(128)  # at once: two that only bind may both get the port
        except OSError:
            made.close()
            continue
        return made
    raise PortTaken


def serve(place: Workplace, made: socket.socket, *, browser: bool, bearer: str = "") -> None:
    """Serve until Ctrl-C. made: from `listen`. browser: whether to open one. bearer: the token for programs, "" for a
    new one."""
    import uvicorn

    port = made.getsockname()[1]
    keys = Keys(port, bearer) if bearer else Keys(port)
    config = uvicorn.Config(
        build(place, keys),
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE,
        limit_concurrency=200,
        h11_max_incomplete_event_size=64 * 1024,
        lifespan="on",
    )
    server = uvicorn.Server(config)
    say(f"The page: {keys.first_address}")
    say("The address lets one browser in, once. Ctrl-C ends the server.")
    with _opened(keys, browser), suppress(KeyboardInterrupt):  # which is how it is meant to end
        server.run(sockets=[made])


@contextmanager
def _opened(keys: Keys, wanted: bool) -> Iterator[None]:
    """A browser at the page. It is given a file of the user's own that leads there: the command line of a process is
    seen by everybody on the machine, and the address lets in."""
    if not wanted:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="facesearch-") as folder:
        file = Path(folder) / "facesearch.html"
        file.write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
            f'<title>facesearch</title><meta http-equiv="refresh" content="0;url={escape(keys.first_address)}">'
            f'<p><a href="{escape(keys.first_address)}">Go on to facesearch</a></p></html>',
            encoding="utf-8",
        )
        os.chmod(file, 0o600)  # noqa: PTH101
        with suppress(webbrowser.Error):
            webbrowser.open(file.as_uri())
        yield
