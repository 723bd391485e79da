"""How something was logged, in words."""

import shlex
from typing import TYPE_CHECKING, Any

from cli.report.remedies import error_in_words

if TYPE_CHECKING:
    from facesearch.cases.kept import Kept
    from facesearch.custody.audit import Logged


def unlogged_in_words(logged: "Logged | None") -> list[str]:
    """That something waits to be logged, or was not; nothing where it was."""
    if logged is None or logged.head is not None:
        return []
    start = "Not logged" if logged.lost else "Logged in your own folder, not in the catalogue"
    return [f"{start}: {_problem(logged)}"]


def kept_in_words(kept: "Kept | None") -> list[str]:
    """In which case a search is kept, or why it is not; nothing where it was made for none."""
    if kept is None:
        return []
    if kept.number is not None:
        return [f"Kept as search {kept.number} of case {kept.case}."]
    if kept.problem == "unknown":
        return [
            f"Not kept: there is no case {kept.case} in this catalogue, so this is only logged; `facesearch case new "
            f"{shlex.quote(kept.case)}` opens it."
        ]
    if kept.problem == "closed":
        return [f"Not kept: case {kept.case} is closed, so this is only logged (`facesearch case close --reopen`)."]
    return [f"Not kept in case {kept.case}: {kept.problem}"]


def audit_facts(logged: "Logged | None") -> list[tuple[str, str]]:
    """The log's head, for a page: kept elsewhere it proves later that nothing before it was changed."""
    if logged is None:
        return []
    if logged.head is None:
        return [("Audit log", " ".join(unlogged_in_words(logged)))]
    return [("Audit log", f"row {logged.head.sequence:,}, head {logged.head}")]


def logged_head(logged: "Logged | None") -> str:
    """The log's head with this row, for a table; "" where it does not stand in the catalogue."""
    return str(logged.head) if logged is not None and logged.head is not None else ""


def logged_record(logged: "Logged | None") -> dict[str, Any] | None:
    """The same for JSON; None where there is nothing to log."""
    if logged is None:
        return None
    head = logged.head
    return {
        "row": head.sequence if head else None,
        "head": str(head) if head else None,
        "problem": _problem(logged) or None,
    }


def _problem(logged: "Logged") -> str:
    if logged.problem is None:
        return ""
    return f"{error_in_words(logged.problem)} ({logged.lost})" if logged.lost else error_in_words(logged.problem)
