"""Programs run in a terminal."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Sequence


def in_terminal(command: Sequence[str], columns: int = 90) -> tuple[int, str]:
    """Exit code and output of a command that finds itself in a terminal which answers no question."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {**os.environ, "COLUMNS": str(columns), "LINES": "40", "TERM": "xterm-256color"}
    program = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    while True:
        try:
            data = os.read(ours, 1 << 16)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        shown += data
    os.close(ours)
    return program.wait(timeout=60), shown.decode("utf-8", "replace")
