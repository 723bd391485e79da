"""A yes or no from whoever sits at the terminal, before something that cannot be undone."""

import sys

from cli.errors import UsageProblem
from cli.terminal.console import printable

_YES = ("y", "yes")


def agreed(question: str, *, yes: bool) -> bool:
    """Whether the user agrees, or has said so beforehand (`yes`). Raises UsageProblem where nobody can be asked."""
    if yes:
        return True
    print(f"{printable(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline() if sys.stdin is not None else ""
    if not answer:
        print(file=sys.stderr)
        raise UsageProblem("Nobody answered, so nothing was changed: give --yes where nobody can be asked.")
    return answer.strip().casefold() in _YES
