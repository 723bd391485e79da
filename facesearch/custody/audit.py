"""Who did what with a catalogue: written by the use cases, so that commands, Python and pages all log.

Where the catalogue cannot be written, a row waits in a file of the user's folder, and goes into the catalogue with the
next one that can; where that fails as well, the work goes on, and its result says that it was not logged.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from db import audit
from db.audit import Head
from db.catalogue import Catalogue
from db.errors import CatalogueError
from facesearch.custody.acting import acting_now
from facesearch.custody.policy import Policy, PolicyRefusal

if TYPE_CHECKING:
    from facesearch.search.request import Request

MOST_FACES = 10_000
"""Faces of one result that are logged one by one; of more the first so many, and how many there were."""


@dataclass(frozen=True, slots=True)
class Logged:
    """How something was logged. head: the log's, with this row at its end; None where the row waits in the user's
    folder. problem: why it could not be written to the catalogue; lost: why nor anywhere else."""

    head: Head | None
    problem: Exception | None = None
    lost: str = ""


def log(catalogue: Catalogue, kind: str, values: Mapping[str, Any], policy: Policy | None = None) -> Logged:
    """Add a row about something that was done with this catalogue. values: any JSON.

    Raises PolicyRefusal where the row is lost and the policy demands it, and nothing else."""
    logged = _written(catalogue, kind, values)
    if logged.lost and policy is not None and "log" in policy.demands:
        raise PolicyRefusal(
            f"The policy demands that all is logged, and this could not be: {logged.problem} Nothing is shown."
        )
    return logged


def _written(catalogue: Catalogue, kind: str, values: Mapping[str, Any]) -> Logged:
    row = {"moment": datetime.now(UTC).isoformat(), "kind": kind, "payload": {**by_whom(), **values}}
    try:
        waiting = _waiting(catalogue)
        with catalogue.write() as session:
            for each in (*(json.loads(path.read_text()) for path in waiting), row):
                head = audit.note(session, each["kind"], each["payload"], datetime.fromisoformat(each["moment"]))
        for path in waiting:
            path.unlink(missing_ok=True)
    except (CatalogueError, OSError, ValueError, KeyError) as error:
        return _spooled(catalogue, row, error.with_traceback(None))
    return Logged(head)


def count_waiting(catalogue: Catalogue) -> int:
    """How many rows about this catalogue wait in the user's folder."""
    return len(_waiting(catalogue))


def log_result(
    catalogue: Catalogue,
    kind: str,
    request: "Request",
    model: str,
    hits: Sequence[tuple[int, float]],
    policy: Policy,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> Logged:
    """Log a question and its answer: ids and scores of the faces as they are shown. model: digest of the checkpoint.
    more: what else is to be said. Raises as `log`."""
    typed = {"text": request.query.text} if acting_now().keep_text else {}
    answer = {
        "request": request.digest,
        "reading": str(request),
        **typed,
        **({"catalogues": list(request.catalogues)} if len(request.catalogues) > 1 else {}),
        "model": model,
        "hits": len(hits),
        "faces": [[face, round(score, 6)] for face, score in hits[:MOST_FACES]],
        **more,
    }
    return log(catalogue, kind, answer, policy)


def log_export(
    catalogue: Catalogue, files: Sequence[tuple[str, str]], faces: Sequence[int], of: Logged | None = None
) -> Logged:
    """Log files that show faces (ids): absolute paths with their SHA-256 (hexadecimal). of: how the answer was logged
    that they hold."""
    written = [{"file": file, "sha256": sha256} for file, sha256 in files]
    row = of.head.sequence if of is not None and of.head is not None else None
    return log(catalogue, "export", {"files": written, "of": row, "faces": list(faces)})


def by_whom() -> dict[str, Any]:
    """Who acts, on which machine, on whose behalf: the first part of every row."""
    now = acting_now()
    who = {"examiner": now.examiner, "case": now.case, "reason": now.reason}
    return {"user": _user(), "host": os.uname().nodename, **{key: value for key, value in who.items() if value}}


def actor() -> str:
    """Who acts, in a word: the examiner, else the user of the system."""
    return acting_now().examiner or _user()


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _spooled(catalogue: Catalogue, row: Mapping[str, Any], problem: Exception) -> Logged:
    folder = _spool()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{_key(catalogue)}-{row['moment']}-{secrets.token_hex(4)}.json"
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(row, file)
    except OSError as error:
        return Logged(None, problem, f"{folder}: {error.strerror}")
    return Logged(None, problem)


def _waiting(catalogue: Catalogue) -> list[Path]:
    """Rows of this catalogue that wait in the user's folder, oldest first."""
    return sorted(_spool().glob(f"{_key(catalogue)}-*.json"))


def _key(catalogue: Catalogue) -> str:
    return hashlib.sha256(os.fsencode(os.path.realpath(catalogue.path))).hexdigest()[:16]


def _spool() -> Path:
    home = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")  # noqa: PTH111, PTH118
    return Path(home) / "facesearch" / "audit"
