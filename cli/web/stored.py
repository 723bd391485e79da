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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Draft:
    """A statement that is being taken. told: what was said to each open prompt, word by word, the free recall first;
    closed: attributes that were asked for, and what was said. began: by the clock of the place."""

    witness: str = ""
    taken_by: str = ""
    how: str = ""
    began: str = ""
    told: tuple[str, ...] = ()
    closed: tuple[tuple[int, str], ...] = ()


class _Records:
    """Small records of one catalogue in the user's own folder, which is made when needed. One that cannot be written is
    kept as long as the server runs."""

    def __init__(self, catalogue: Path, folder: Path, kind: str) -> None:
        key = hashlib.sha256(os.fsencode(os.path.realpath(catalogue))).hexdigest()[:16]
        self._folder = folder / kind / key
        self._memory: dict[str, dict[str, Any]] = {}

    def new_name(self) -> str:
        return "".join(secrets.choice(_ALPHABET) for _ in range(16))

    def write(self, name: str, record: dict[str, Any]) -> None:
        self._memory[name] = record
        while len(self._memory) > 200:
            self._memory.pop(next(iter(self._memory)))
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = self._folder / f"{name}.{secrets.token_hex(4)}.part"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(part, flags, 0o600), "w", encoding="utf-8") as file:
                json.dump(record, file)
            part.replace(self._folder / f"{name}.json")
            self._drop_oldest()

    def read(self, name: str) -> dict[str, Any] | None:
        """None where there is nothing, or it cannot be read."""
        if not _ID.fullmatch(name):
            return None
        if name in self._memory:
            return self._memory[name]
        try:
            record = json.loads((self._folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) else None

    def remove(self, name: str) -> None:
        self._memory.pop(name, None)
        if _ID.fullmatch(name):
            with suppress(OSError):
                (self._folder / f"{name}.json").unlink(missing_ok=True)

    def _drop_oldest(self) -> None:
        files = list(self._folder.glob("*.json"))
        if len(files) > _MOST:
            for each in sorted(files, key=lambda file: file.stat().st_mtime)[: len(files) - _MOST]:
                each.unlink(missing_ok=True)


class Requests:
    """The stored requests of one catalogue."""

    def __init__(self, catalogue: Path, folder: Path) -> None:
        """folder: the user's own."""
        self._records = _Records(catalogue, folder, "requests")

    def keep(self, stored: Stored) -> str:
        """Its id."""
        record: dict[str, Any] = {"text": stored.text}
        record["changed"] = {str(n): each.to_json() for n, each in stored.changed.items()}
        if stored.statement is not None:
            record |= {"case": stored.case, "statement": stored.statement}
        name = self._records.new_name()
        self._records.write(name, record)
        return name

    def find(self, name: str) -> Stored | None:
        """What is stored under this id; None where there is nothing, or it cannot be read."""
        record = self._records.read(name)
        if record is None:
            return None
        try:
            changed = {int(n): Request.from_json(each) for n, each in record["changed"].items()}
            number = record.get("statement")
            return Stored(
                str(record["text"]), changed, str(record.get("case", "")), None if number is None else int(number)
            )
        except (ValueError, KeyError, TypeError, AttributeError, RequestError):
            return None


class Drafts:
    """The statements that are being taken, of one catalogue."""

    def __init__(self, catalogue: Path, folder: Path) -> None:
        """folder: the user's own."""
        self._records = _Records(catalogue, folder, "statements")

    def begin(self, draft: Draft) -> str:
        """Its id."""
        name = self._records.new_name()
        self.keep(name, draft)
        return name

    def keep(self, name: str, draft: Draft) -> None:
        self._records.write(name, asdict(draft))

    def find(self, name: str) -> Draft | None:
        """None where there is none, or it cannot be read."""
        record = self._records.read(name)
        if record is None:
            return None
        try:
            closed = tuple((int(attribute), str(said)) for attribute, said in record["closed"])
            told = tuple(str(each) for each in record["told"])
            witness, taken_by, how, began = (str(record[each]) for each in ("witness", "taken_by", "how", "began"))
            return Draft(witness, taken_by, how, began, told, closed)
        except (ValueError, KeyError, TypeError):
            return None

    def remove(self, name: str) -> None:
        self._records.remove(name)
