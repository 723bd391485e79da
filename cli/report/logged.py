"""How something was logged, in words."""

import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facesearch.cases.kept import Kept
    from facesearch.custody.audit import Logged


def unlogged_in_words(logged: "Logged | None") -> list[str]:
    """That something waits to be logged, or was not; nothing where it was."""
    if logged is None or logged.head is not None:
        return []
    if logged.lost:
        return [f"Not logged: {logged.problem}"]
    return [f"Logged in your own folder, not in the catalogue: {logged.problem}"]


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


def logged_record(logged: "Logged | None") -> dict[str, Any] | None:
    """The same for JSON; None where there is nothing to log."""
    if logged is None:
        return None
    head = logged.head
    return {
        "row": head.sequence if head else None,
        "head": str(head) if head else None,
        "problem": logged.problem or None,
    }
