"""Requests that are too long, or too private, for an address: kept in the user's own folder under an id.

A statement names people; an address stays in the history of a browser. So a statement stands in no address, and its
file is readable by the user alone. The oldest go when there are many.
"""

import hashlib
import json
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from facesearch.errors import RequestError
from facesearch.search.request import Request

_MOST = 2_000
_ID = re.compile(r"[a-z0-9]{16}")
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Stored:
    """text: the statement as it was typed or pasted. changed: what is searched for a person (0: the only one) in place
    of what the statement says. case, statement: where it is a statement of a case, which and its number."""

    text: str
    changed: dict[int, Request] = field(default_factory=dict)
    case: str = ""
    statement: int | None = None


class Requests:
    """The stored requests of one catalogue."""

    def __init__(self, catalogue: Path, folder: Path) -> None:
        """folder: the user's own, which is made when needed."""
        key = hashlib.sha256(os.fsencode(os.path.realpath(catalogue))).hexdigest()[:16]
        self._folder = folder / "requests" / key
        self._memory: dict[str, Stored] = {}

    def keep(self, stored: Stored) -> str:
        """Its id. Where it cannot be written it is kept as long as the server runs."""
        name = "".join(secrets.choice(_ALPHABET) for _ in range(16))
        record: dict[str, object] = {"text": stored.text}
        record["changed"] = {str(n): each.to_json() for n, each in stored.changed.items()}
        if stored.statement is not None:
            record |= {"case": stored.case, "statement": stored.statement}
        self._memory[name] = stored
        while len(self._memory) > 200:
            self._memory.pop(next(iter(self._memory)))
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(self._folder / f"{name}.json", flags, 0o600), "w", encoding="utf-8") as file:
                json.dump(record, file)
            self._drop_oldest()
        return name

    def find(self, name: str) -> Stored | None:
        """What is stored under this id; None where there is nothing, or it cannot be read."""
        if not _ID.fullmatch(name):
            return None
        if name in self._memory:
            return self._memory[name]
        try:
            record = json.loads((self._folder / f"{name}.json").read_text(encoding="utf-8"))
            changed = {int(n): Request.from_json(each) for n, each in record["changed"].items()}
            number = record.get("statement")
            return Stored(
                str(record["text"]), changed, str(record.get("case", "")), None if number is None else int(number)
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RequestError):
            return None

    def _drop_oldest(self) -> None:
        files = list(self._folder.glob("*.json"))
        if len(files) > _MOST:
            for each in sorted(files, key=lambda file: file.stat().st_mtime)[: len(files) - _MOST]:
                each.unlink(missing_ok=True)
