"""How an answer to a closed question is understood: a word, a hedge, or a whole sentence.

"Don't know", in whatever words, counts as nothing. What a sentence says beside the question counts as well.
"""

import re
from dataclasses import dataclass

from facesearch.attributes import BY_NAME
from facesearch.errors import FacesearchError
from facesearch.query.statement import understand
from facesearch.query.tree import Node, Term, Weighted, hedge, parts_of
from facesearch.search.questions import Question

_YES = "yes|yeah|yep|yup|y|he did|she did|he was|she was|they did|they were|correct|right"
_NO = "no|nope|nah|n|he did not|he didn't|she did not|she didn't|he was not|he wasn't|she was not|she wasn't|none"
_SURELY = r"definitely|certainly|absolutely|of course|for sure|i am sure|i'm sure"
_PROBABLY = r"probably|likely|pretty sure|fairly sure|i think|i think so|i believe|i believe so|i guess|i guess so"
_PERHAPS = r"maybe|perhaps|possibly|could be|might be|i'm not sure but|not sure but"
_THINKS_NOT = r"i don't think so|i do not think so|i don't believe so|not really|not that i saw|not that i noticed"
_NO_ANSWER = re.compile(
    r"\?+|unsure|not sure|skip|dunno|no idea|pass|hard to (say|tell)|(i )?(really |just |honestly )*"
    r"((do|did|could|can|am|was|have)( not|n't)|cannot|can't|couldn't|don't|didn't|haven't|'m not|i'm not|not)"
    r"( \w+){0,2} (know|remember|recall|sure|say|tell|see|notice|look|seen|noticed|certain)\b.*"
)
_CERTAINTY = {"surely": 1.0, "probably": 0.8, "perhaps": 0.5}
_SHORT = re.compile(
    rf"(?P<before>(?:{_SURELY}|{_PROBABLY}|{_PERHAPS})(?:,? ))?(?P<what>{_YES}|{_NO}|not)"
    rf"(?P<after>,? (?:{_SURELY}|{_PROBABLY}|{_PERHAPS}))?"
    rf"|(?P<alone>{_SURELY}|{_PROBABLY}|{_PERHAPS})|(?P<thinks_not>{_THINKS_NOT})"
)
_LONGEST = 2000
_MALE = BY_NAME["Male"].index


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. words: as it was given; parts: what of it is searched, none where the witness does not know."""

    words: str
    parts: tuple[Node, ...]


def read_answer(asked: Question, words: str) -> Said | None:
    """How an answer is understood; None where it is no answer, and has to be asked for again."""
    plain = " ".join(words.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").strip(" .!,;").split())
    if not plain or len(plain) > _LONGEST or not plain.isprintable():
        return None
    short = _SHORT.fullmatch(plain)
    if short is not None:
        return Said(words, (_short(asked, short),))
    if _NO_ANSWER.fullmatch(plain):
        return Said(words, ())
    first = re.match(rf"({_YES}|{_NO})\b[ ,.;:]+(.*)", plain)
    if first is not None and _SHORT.fullmatch(first[2]):  # "yes no"
        return None
    # What it says by itself, so that the question puts nothing into it.
    said = _parts(words)
    own = asked.attribute.index
    if first is not None and not any(own in part.attributes for part in said):
        said = (_term(asked, re.fullmatch(_YES, first[1]) is not None), *said)
    if own != _MALE and all(part.attributes == {_MALE} for part in said):  # "he had none": of what was asked
        with_question = _parts(f"Q: {asked.text}\nA: {words}")
        sure = [part for part in with_question if own in part.attributes and not _is_perhaps(part)]
        said = (*said, *sure) if said and sure else ()
    return Said(words, said) if said else None


def recorded(asked: Question, words: str) -> str:
    """An answer as it goes into the statement, word by word. One that counts as nothing says so first: by itself, "not
    sure" is read as "maybe" in a statement."""
    said = read_answer(asked, words)
    known = said is None or said.parts or words.casefold().startswith("don't know")
    return words if known else f'don\'t know ("{words.strip()}")'


def _parts(text: str) -> tuple[Node, ...]:
    """What a text says of one person, part by part; none where it says nothing or is about several."""
    try:
        statement = understand(text)
    except FacesearchError:
        return ()
    if len(statement.persons) != 1:
        return ()
    return tuple(part for part in parts_of(statement.persons[0].tree) if part.attributes)


def _is_perhaps(part: Node) -> bool:
    return isinstance(part, Weighted) and part.certainty <= _CERTAINTY["perhaps"]


def _term(asked: Question, yes: bool) -> Node:
    return Term(asked.attribute.index, asked.wanted is yes)


def _short(asked: Question, found: re.Match[str]) -> Node:
    if found["thinks_not"]:
        return hedge(_term(asked, False), _CERTAINTY["probably"])
    hedged = (found["before"] or found["after"] or found["alone"] or "").strip(" ,")
    kinds = {"probably": _PROBABLY, "perhaps": _PERHAPS}
    kind = next((kind for kind, ways in kinds.items() if re.fullmatch(ways, hedged)), "surely")
    yes = found["alone"] is not None or re.fullmatch(_YES, found["what"]) is not None
    return hedge(_term(asked, yes), _CERTAINTY[kind])
