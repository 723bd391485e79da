"""Changes to a face in words: "beard, glasses" to be added, "hat" to be taken away, before it is looked for.

The words are those of a description (`facesearch.query`), but a change is made or it is not: only single attributes
make sense, as many as one likes, and a list means all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from db.values.scoring_model import ScoringModel
from facesearch.attributes import ATTRIBUTES
from facesearch.errors import UsageError
from facesearch.query import Asked, Statement, understand
from facesearch.query.errors import Notice
from facesearch.query.phrases import DENIALS, phrase
from facesearch.query.tree import And, Or, Term, Weighted
from facesearch.search.ranking.profiles import attribute_means, moved


class ChangeError(UsageError, kinds=("change",)):
    """Words that do not say which attributes are to be changed, and how."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is changed, in the order in which it was said: attribute numbers and whether each is to hold; each once.

    notices: words that are rougher than what is changed, and slips that were corrected."""

    made: tuple[tuple[int, bool], ...] = ()
    notices: tuple[Notice, ...] = ()

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
    present: Sequence[str] = (), absent: Sequence[str] = (), read: Callable[[str], Statement] = understand
) -> Changes:
    """What texts such as "beard, glasses" add and take away. "no beard" in `present` is "beard" in `absent`.

    read: `understand`, or what also shows the user where in a text the trouble begins. Raises ChangeError for what is
    no list of single attributes and for a contradiction, QueryError for what is no description at all.
    """
    made: dict[int, bool] = {}
    notices: list[Notice] = []
    for texts, wanted in ((present, True), (absent, False)):
        for text in texts:
            terms, said = _listed(text, wanted, read)
            notices += (each for each in said if each not in notices)
            for attribute, holds in terms:
                if made.setdefault(attribute, holds) is not holds:
                    raise ChangeError(
                        f'The face cannot be given both "{phrase(attribute, True)}" and "{phrase(attribute, False)}": '
                        "leave out one of them."
                    )
    return Changes(tuple(made.items()), tuple(notices))


def _listed(text: str, wanted: bool, read: Callable[[str], Statement]) -> tuple[list[tuple[int, bool]], list[Notice]]:
    """What a list with commas changes: each part by itself, since the changes of "black hair, blond hair" are two."""
    parts = [part for part in text.split(",") if part.strip()]
    if not parts:
        raise ChangeError("A change has no words: name what the face is to have or to lose, or leave the option out.")
    terms: list[tuple[int, bool]] = []
    notices: list[Notice] = []
    for part in parts:
        found, said = _terms(part, wanted, read)
        terms += found
        notices += said
    return terms, notices


def _terms(text: str, wanted: bool, read: Callable[[str], Statement]) -> tuple[list[tuple[int, bool]], list[Notice]]:
    statement = read(text)
    if statement.not_scored:
        raise ChangeError(
            f'The network does not score "{statement.not_scored[0]}", so a face cannot be given it: leave it out.'
        )
    query = statement.query()
    if query.thresholds or query.photo:
        raise ChangeError(f'"{query}" says which faces to search, not how to change one: name attributes only.')
    parts = query.tree.children if isinstance(query.tree, And) else (query.tree,)
    if not wanted and any(" and " in each.means for each in statement.person().used):
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
    return found, [each for each in statement.notices if each.kind in ("age", "rough", "corrected")]
