"""Searches that are proposed to the user, ready for a shell."""

import shlex
from collections.abc import Mapping, Sequence

_UNSAFE = frozenset('"$`\\!')  # within double quotes


def search_command(description: str, given: Mapping[str, Sequence[str]]) -> str:
    """given: options with their values; one without any is a flag that is set where its list holds ""."""
    quoted = shlex.quote(description) if _UNSAFE & set(description) else f'"{description}"'
    chosen = [
        f"{option} {shlex.quote(value)}" if value else option for option, values in given.items() for value in values
    ]
    return " ".join(["facesearch search", *chosen, quoted])
