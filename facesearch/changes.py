"""Changes to a face in words: "beard, glasses" to be added, "hat" to be taken away, before it is looked for.

The words are those of a description (`facesearch.query`), but a change is made or it is not: only single attributes
make sense, as many as one likes, and a list means all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from db.models import ScoringModel
from facesearch.attributes import ATTRIBUTES
from facesearch.errors import UsageError
from facesearch.query import Asked, Query, parse
from facesearch.query.lexer import tokens
from facesearch.query.phrases import DENIALS, phrase
from facesearch.query.tree import And, Or, Term, Weighted
from facesearch.ranking.similar import attribute_means, moved


class ChangeError(UsageError):
    """Words that do not say which attributes are to be changed, and how."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is changed, in the order in which it was said: attribute numbers and whether each is to hold; each once."""

    made: tuple[tuple[int, bool], ...] = ()
    remarks: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.made)

    @property
    def asked(self) -> tuple[Asked, ...]:
        """What the changed face has and lacks, to be shown of each hit."""
        return tuple(Asked(ATTRIBUTES[i], holds, phrase(i, holds)) for i, holds in self.made)

    def apply(self, logits: NDArray[np.float32], model: ScoringModel) -> NDArray[np.float32]:
        """One face's logits, float32 [40], with each changed attribute at its mean with, or without, it, and the others
        where they then belong (`moved`)."""
        means = attribute_means(model)
        to = [(means.present if holds else means.absent)[attribute] for attribute, holds in self.made]
        return moved(logits, [attribute for attribute, _ in self.made], np.array(to, np.float32), model)

    def __str__(self) -> str:
        """ "changed to have: beard, glasses; not: hat"; empty without changes."""
        words = [phrase(attribute, holds) for attribute, holds in self.made]
        have = ", ".join(each for each in words if not each.startswith(DENIALS))
        lack = ", ".join(each.split(" ", 1)[1] for each in words if each.startswith(DENIALS))
        if have:
            return f"changed to have: {have}" + (f"; not: {lack}" if lack else "")
        return f"changed to lack: {lack}" if lack else ""


NO_CHANGES = Changes()


def parse_changes(
    present: Sequence[str] = (), absent: Sequence[str] = (), read: Callable[[str], Query] = parse
) -> Changes:
    """What texts such as "beard, glasses" add and take away. "no beard" in `present` is "beard" in `absent`.

    read: `parse`, or what also shows the user where in a text the trouble begins. Raises ChangeError for what is no
    list of single attributes and for a contradiction, QueryError for what is no description at all.
    """
    made: dict[int, bool] = {}
    remarks: list[str] = []
    for texts, wanted in ((present, True), (absent, False)):
        for text in texts:
            terms, said = _terms(text, wanted, read)
            remarks += said
            for attribute, holds in terms:
                if made.setdefault(attribute, holds) is not holds:
                    raise ChangeError(
                        f'The face cannot be given both "{phrase(attribute, True)}" and "{phrase(attribute, False)}": '
                        "leave out one of them."
                    )
    return Changes(tuple(made.items()), tuple(dict.fromkeys(remarks)))


def _terms(text: str, wanted: bool, read: Callable[[str], Query]) -> tuple[list[tuple[int, bool]], Sequence[str]]:
    if not text.strip():
        raise ChangeError("A change has no words: name what the face is to have or to lose, or leave the option out.")
    query = read(text)
    if query.not_scored:
        raise ChangeError(
            f'The network does not score "{query.not_scored[0]}", so a face cannot be given it: leave it out.'
        )
    if query.thresholds or query.photo:
        raise ChangeError(f'"{query}" says which faces to search, not how to change one: name attributes only.')
    parts = query.tree.children if isinstance(query.tree, And) else (query.tree,)
    if not wanted and any(token.entry is not None and isinstance(token.entry.meaning, And) for token in tokens(text)):
        raise ChangeError(
            f'One word here means several attributes together ("{query}"): say which of them the face is to lose.'
        )
    found = []
    for part in parts:
        if isinstance(part, Term):
            found.append((part.attribute, part.holds is wanted))
        elif isinstance(part, Weighted):
            raise ChangeError(f'A change is made or it is not, so "{part}" cannot be one: say it without the hedge.')
        elif isinstance(part, Or):
            raise ChangeError(
                f'"{part}" leaves open what to change: say one of them, or all of them as a list with commas.'
            )
        else:
            raise ChangeError(
                f'"{part}" leaves open what to change: list what the face is to lack one by one, with commas.'
            )
    return found, query.rough
