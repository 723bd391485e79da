"""What those who answer for a catalogue demand of everybody who works with it, and what they switch off.

A policy is a TOML file beside the catalogue: `policy.toml` in its folder is for all catalogues there, the catalogue's
own name with `.policy.toml` behind it for one. Where both are, both hold. It binds whoever may not write there; who
owns the files can change them, as they can the catalogue.

    demand = ["case", "reason", "examiner", "log"]
    similar = false
    export = ["csv"]
    off = ["chubby", "Pale_Skin"]
    blur = true
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from db.catalogue import Catalogue
from facesearch.attributes import ATTRIBUTES, BY_NAME
from facesearch.custody.acting import acting_now
from facesearch.errors import FacesearchError, QueryError, UsageError, enumerated

if TYPE_CHECKING:
    from facesearch.search.request import Request

DEMANDS = ("case", "examiner", "log", "reason")
FORMS = ("csv", "html", "json")
"""In which faces are exported."""
_KEYS = ("demand", "similar", "export", "off", "blur")


class PolicyError(FacesearchError, kinds=("policy",)):
    """A policy with a mistake: nothing runs until it is mended."""


class PolicyRefusal(UsageError, kinds=("policy refuses", "policy demands")):  # noqa: N818 (named after what it is)
    """What a policy does not allow, or demands first."""


@dataclass(frozen=True)
class Policy:
    """files: where it stands, () for none. demands: some of DEMANDS. similar: whether faces may be looked for by a
    face. exports: the FORMS that may be written. off: indexes of attributes that are neither asked for nor shown. blur:
    whether pages show other people's faces blurred."""

    files: tuple[Path, ...] = ()
    demands: frozenset[str] = frozenset()
    similar: bool = True
    exports: frozenset[str] = frozenset(FORMS)
    off: frozenset[int] = frozenset()
    blur: bool = False

    def __bool__(self) -> bool:
        return bool(self.files)

    def __str__(self) -> str:
        """What it says, in one line."""
        said = [f"{' and '.join(map(str, self.files))}:"] if self.files else ["none"]
        told = []
        if self.demands:
            told.append(f"demands {enumerated([_NOUNS[each] for each in sorted(self.demands)])}")
        if not self.similar:
            told.append("similar is off")
        if self.exports != frozenset(FORMS):
            allowed = f"only as {enumerated(sorted(self.exports))}" if self.exports else "off"
            told.append(f"exports are {allowed}")
        if self.off:
            told.append(f"words that are off: {', '.join(sorted(ATTRIBUTES[each].name for each in self.off))}")
        if self.blur:
            told.append("other faces are blurred")
        return " ".join([*said, "; ".join(told) or ("nothing is restricted" if self.files else "")]).strip()

    def permit(self, *, similar: bool = False, attributes: Collection[int] = ()) -> None:
        """Raises PolicyRefusal where it demands more than is said about whoever acts, or where what is asked is
        switched off. similar: a face is what is asked by; attributes: indexes of those that are asked for."""
        who = acting_now()
        lacking = [each for each in sorted(self.demands - {"log"}) if not getattr(who, each)]
        if lacking:
            wanted = enumerated([_NOUNS[each] for each in lacking])
            raise PolicyRefusal(f"The policy {self._where} demands {wanted}.", "policy demands", lacking=lacking)
        if similar and not self.similar:
            raise PolicyRefusal(
                f"The policy {self._where} switches off searching by a face: describe the person in words."
            )
        if refused := sorted(self.off & set(attributes)):
            names = ", ".join(ATTRIBUTES[each].name for each in refused)
            raise PolicyRefusal(f"The policy {self._where} switches off {names}: leave it out of what is asked.")

    def permit_export(self, form: str) -> None:
        """Raises PolicyRefusal where faces may not be written in this one of FORMS."""
        if form not in self.exports:
            allowed = f"; {enumerated(sorted(self.exports))} may be written" if self.exports else ""
            raise PolicyRefusal(
                f"The policy {self._where} switches off exports as {form.upper()}{allowed}: look at the result here."
            )

    def permit_every_export(self) -> None:
        """The same for what holds faces in several forms, or all that is known of them."""
        for form in FORMS:
            self.permit_export(form)

    def masked(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 [40]: nan for attributes that are off."""
        if not self.off:
            return probabilities
        shown = probabilities.copy()
        shown[sorted(self.off)] = np.nan
        return shown

    @property
    def _where(self) -> str:
        return " and ".join(map(str, self.files))


_NOUNS = {"case": "a case", "examiner": "an examiner", "log": "that all is logged", "reason": "a reason"}


def policy_of(catalogue: Catalogue) -> Policy:
    """What holds for this catalogue. Raises PolicyError."""
    return policy_at(catalogue.path)


def policy_at(path: Path) -> Policy:
    """The same for the catalogue at a path, whether or not there is one."""
    real = Path(os.path.realpath(path))
    policies = [_read(file) for file in (real.with_name("policy.toml"), real.with_name(f"{real.name}.policy.toml"))]
    found = [each for each in policies if each is not None]
    whole = Policy()
    for each in found:
        whole = Policy(
            (*whole.files, *each.files),
            whole.demands | each.demands,
            whole.similar and each.similar,
            whole.exports & each.exports,
            whole.off | each.off,
            whole.blur or each.blur,
        )
    return whole


def permit(catalogue: Catalogue, *, similar: bool = False, attributes: Collection[int] = ()) -> Policy:
    """The policy of this catalogue, after `Policy.permit`. Raises PolicyRefusal and PolicyError."""
    policy = policy_of(catalogue)
    policy.permit(similar=similar, attributes=attributes)
    return policy


def asked_attributes(request: Request) -> frozenset[int]:
    """The indexes of all attributes that a request asks for, bounds, or changes."""
    query = request.query
    named = [query.tree.attributes, *(each.attributes for each in query.musts)]
    named += [frozenset({each.attribute}) for each in query.thresholds]
    named.append(frozenset(attribute for attribute, _ in request.changes.made))
    return frozenset().union(*named)


# Reading


@dataclass
class _File:
    """A file that is being read."""

    path: Path
    text: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    def wrong(self, key: str, what: str) -> PolicyError:
        """The sentence for a mistake in the value of a key."""
        found = re.search(rf"^[ \t\"']*{re.escape(key)}[ \t\"']*=", self.text, re.MULTILINE)
        line = self.text.count("\n", 0, found.start()) + 1 if found else 1
        return self._mistake(line, f"{key}: {what}")

    def _mistake(self, line: int, what: str) -> PolicyError:
        return PolicyError(
            f"The policy {self.path}, line {line}, {what}; nothing runs until it is mended (docs/administration.md)."
        )

    def read(self) -> Policy:
        try:
            self.text = self.path.read_bytes().decode("utf-8")
            self.values = tomllib.loads(self.text)
        except OSError as error:
            raise PolicyError(
                f"The policy {self.path} cannot be read ({error.strerror}): nothing runs until its permissions are "
                "mended."
            ) from error
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise self._mistake(line, "is no UTF-8 text") from None
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"\(at line (\d+), column \d+\)", str(error))
            line = int(place[1]) if place else max(1, self.text.rstrip().count("\n") + 1)
            raise self._mistake(line, f"is no TOML ({re.sub(r' *[(]at .*', '', str(error))})") from None
        for key in self.values:
            if key not in _KEYS:
                raise self.wrong(key, f"there is no such key, but {', '.join(_KEYS)}")
        return Policy(
            (self.path,),
            frozenset(self._some("demand", DEMANDS)),
            self._switch("similar", True),
            self._exports(),
            frozenset(index for word in self._texts("off") for index in self._attributes(word)),
            self._switch("blur", False),
        )

    def _switch(self, key: str, usual: bool) -> bool:
        value = self.values.get(key, usual)
        if not isinstance(value, bool):
            raise self.wrong(key, f"{value!r} is neither true nor false")
        return value

    def _texts(self, key: str) -> list[str]:
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.wrong(key, f'{value!r} is no list of texts, such as ["case"]')
        return value

    def _some(self, key: str, known: Collection[str]) -> list[str]:
        for each in self._texts(key):
            if each not in known:
                raise self.wrong(key, f"{each!r} is none of {', '.join(known)}")
        return self._texts(key)

    def _exports(self) -> frozenset[str]:
        value = self.values.get("export", True)
        if isinstance(value, bool):
            return frozenset(FORMS if value else ())
        return frozenset(self._some("export", FORMS))

    def _attributes(self, word: str) -> frozenset[int]:
        """Those that a word means, or the one that is called so."""
        if word in BY_NAME:
            return frozenset({BY_NAME[word].index})
        from facesearch.query import parse

        try:
            found = parse(word).tree.attributes
        except QueryError:
            found = frozenset()
        if not found:
            raise self.wrong("off", f"{word!r} is no word that the network scores")
        return found


def _read(path: Path) -> Policy | None:
    return _File(path).read() if os.path.lexists(path) else None
