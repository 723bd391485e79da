"""Forms and answered questions as plain sentences: "Hat: no Hair: brown", "Was he wearing a hat or glasses? No."

A field ends where the next begins. "No" denies all that is named before it, a colour is of what the field names, and
"yes" and names that ask for nothing ("Sex:") are left out.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import dropwhile, pairwise, takewhile

from facesearch.attributes import BY_NAME
from facesearch.errors import QueryError
from facesearch.query.entries import Entry, of_another
from facesearch.query.groups import LISTING, is_adjective
from facesearch.query.lexicon import known
from facesearch.query.pieces import normal
from facesearch.query.tokens import Kind, Token

_FACIAL_HAIR = frozenset(
    BY_NAME[name].index for name in ("No_Beard", "Mustache", "Goatee", "Sideburns", "5_o_Clock_Shadow")
)
_NAMES_OF_HAIR_COLOUR = ("hair colour", "hair color")
_BEFORE_NAMES = (Kind.WITH, Kind.PRONOUN, Kind.PERSON)
_ENDS = (Kind.COMMA, Kind.OPEN, Kind.CLOSE)


def as_sentences(found: Sequence[Token]) -> list[Token]:
    """Raises QueryError where it is not clear what an answer answers."""
    _refuse_answers_without_commas(found)
    _refuse_negative_questions(found)
    found = _with_plain_answers(found)
    said: list[Token] = []
    field: Token | None = None  # that what stands here belongs to
    for at, each in enumerate(found):
        if each.kind is Kind.YES:
            continue
        if each.kind in _ENDS and not _goes_on(field, found, at):
            field = None
        if not each.field and each.kind is not Kind.FIELD:
            said.append(each if field is None or not _stands_alone(found[at + 1 :]) else _value(field, each))
            continue
        following = found[at + 1 :]
        value = list(takewhile(lambda each: not _is_over([each]), following))
        if field is not None or _ends_a_field(said):
            _end_field(said, each)
        elif each.kind is Kind.TERM:
            _join_names(said, each, following)
            _colour_of_both(said, each, value)
        in_list = bool(said) and said[-1].kind in LISTING
        if each.kind is Kind.TERM and (in_list or not _is_told_by_its_value(each, value)):
            said.append(each)
        field = each
    return said


def _refuse_negative_questions(found: Sequence[Token]) -> None:
    """ "Wasn't he wearing glasses?": asks whether he did, and a "yes" may mean either."""
    for at, (word, who) in enumerate(pairwise(found)):
        verb = normal(word.shown).endswith("nt") or normal(word.shown) == "aint"
        if word.kind is not Kind.NOT or not verb or who.kind not in (Kind.PRONOUN, Kind.PERSON):
            continue
        sentence = list(takewhile(lambda each: each.kind is not Kind.COMMA, found[at:]))
        if any(each.shown == "?" or each.field for each in sentence):
            raise QueryError(
                f'"{word.shown} {who.shown} ...?" can be meant either way: ask it without "not".', word.position
            )


def _with_plain_answers(found: Sequence[Token]) -> list[Token]:
    """ "Hat? No, he was not." as "Hat? No."."""
    plain: list[Token] = []
    at = 0
    while at < len(found):
        plain.append(found[at])
        at += 1
        if plain[-1].kind is not Kind.NOT or len(plain) < 2 or not plain[-2].field:
            continue
        rest = at + (at < len(found) and found[at].shown == ",")
        again = rest + (rest < len(found) and found[rest].kind is Kind.PRONOUN)
        if again < len(found) and found[again].kind is Kind.NOT and _is_over(found[again + 1 :]):
            at = again + 1
    return plain


def _goes_on(field: Token | None, found: Sequence[Token], at: int) -> bool:
    """A comma at `at` ends no field: "Hat: yes, black", "Hair: balding, grey"."""
    if field is None or found[at].shown != ",":
        return False
    return (at > 0 and found[at - 1].kind is Kind.YES) or _names_hair(field)


def _stands_alone(following: Sequence[Token]) -> bool:
    """No noun follows to which a colour before it would belong."""
    if not following:
        return True
    noun = next((each for each in following if each.kind not in LISTING and not is_adjective(each)), None)
    return noun is None or noun.field or noun.entry is None


def _refuse_answers_without_commas(found: Sequence[Token]) -> None:
    """ "glasses yes beard no hat yes": the "no" answers, and would deny what follows."""
    kinds = [each.kind for each in found]
    if not any(one.kind is Kind.TERM and not one.field and two.kind is Kind.YES for one, two in pairwise(found)):
        return
    for at in range(1, len(found) - 1):
        if kinds[at - 1 : at + 2] == [Kind.TERM, Kind.NOT, Kind.TERM] and not found[at - 1].field:
            before, word, after = (each.shown for each in found[at - 1 : at + 2])
            raise QueryError(
                f'"{word}" can answer "{before}" or deny "{after}": put a comma behind each answer.', found[at].position
            )


def _ends_a_field(said: Sequence[Token]) -> bool:
    """What was said before a field's name is whole: "male Hair: brown", but not "black or" and not "without"."""
    if not said or said[-1].kind not in (Kind.TERM, Kind.CERTAINTY, Kind.BOUND, Kind.PHOTO):
        return False
    entry = said[-1].entry
    return entry is None or not entry.adjective


def _end_field(said: list[Token], name: Token) -> None:
    while said and said[-1].kind in LISTING:  # "Hair: brown / Glasses: yes"
        said.pop()
    first = len(said)
    while first and (said[first - 1].position > name.position or said[first - 1].kind in _BEFORE_NAMES):
        first -= 1  # the "not" of "Nose: not big", read as "not big nose", and the "he wear" of "did he wear glasses?"
    if first and said[first - 1].kind not in _ENDS:
        said.insert(first, Token(Kind.COMMA, name.position, name.position, ","))


def _join_names(said: list[Token], name: Token, value: Sequence[Token]) -> None:
    """ "Beard and moustache: no" denies both. Raises QueryError where an answer may be that of one name only."""
    first = len(said)
    while first > 1 and said[first - 1].kind in LISTING and said[first - 2].kind is Kind.TERM:
        first -= 2
        while first and said[first].touches and is_adjective(said[first - 1]):
            first -= 1
    answer = value[0] if value and value[0].kind in (Kind.NOT, Kind.HEDGE) else None
    if first == len(said) or answer is None or not _is_all(answer, value[1:]):
        return
    alternatives = all(each.kind is not Kind.AND for each in said[first:])
    start = first - 1 if first and said[first - 1].kind is Kind.WITH else first
    opens = not start or said[start - 1].kind in (Kind.COMMA, Kind.OPEN, Kind.PRONOUN, Kind.PERSON)
    if not opens or not (alternatives or answer.kind is Kind.NOT):
        raise QueryError(
            f'"{answer.shown}" can be said of "{name.shown}" alone or of all that stands before it: answer each for '
            "itself.",
            answer.position,
        )
    said[first:] = [replace(each, kind=Kind.OR) if each.kind is Kind.AND else each for each in said[first:]]


def _colour_of_both(said: list[Token], name: Token, value: Sequence[Token]) -> None:
    """ "Hair and beard: grey". Raises QueryError where several colours may be those of one name each."""
    hair = said[-2] if len(said) > 1 and said[-1].kind in LISTING else None
    if hair is None or hair.entry is None or not hair.entry.plain_hair:
        return
    of_name = name.entry is not None and name.entry.meaning is None and _names_a_colour(name.entry)  # "Hair/eyes: blue"
    colour = name if of_name or not value else value[0]
    if not of_name and (colour.entry is None or not colour.entry.bare):
        return
    of_hair = None if of_name or colour.entry is None or len(value) > 1 else known("hair", *colour.entry.said.split())
    if of_hair is None:
        raise QueryError(
            f'"{colour.shown}" may be the colour of one of the two named before it: give each a field of its own.',
            colour.position,
        )
    said[-2:] = [replace(hair, entry=of_hair), replace(said[-1], kind=Kind.AND)]


def _is_all(answer: Token, following: Sequence[Token]) -> bool:
    """Nothing but the answer is said: "no" and "probably not", but not "no beard"."""
    after = following[1:] if following and (answer.kind, following[0].kind) == (Kind.HEDGE, Kind.NOT) else following
    return _is_over(after)


def _is_over(following: Sequence[Token]) -> bool:
    return not following or following[0].kind in _ENDS or following[0].field or following[0].kind is Kind.FIELD


def _names_a_colour(entry: Entry) -> bool:
    return any((word := known(each)) is not None and word.colour for each in entry.said.split())


def _value(field: Token, said: Token) -> Token:
    """A colour in the field of anything but hair is of that: "Race: white", "Hat: black"."""
    of, entry = field.entry, said.entry
    if of is None or entry is None or not (entry.colour and entry.bare):
        return said
    if of.said in _NAMES_OF_HAIR_COLOUR:
        return replace(said, entry=known(*entry.said.split(), "hair") or entry)
    if _names_hair(field):
        beside = of.meaning is not None and not of.plain_hair  # "Hair: receding grey"
        return replace(said, entry=(known("hair", *entry.said.split()) if beside else None) or entry)
    return replace(said, entry=of_another(entry))


def _names_hair(field: Token) -> bool:
    entry = field.entry
    return entry is not None and (entry.said.split()[0] == "hair" or (entry.of_hair and not entry.says_hair))


def _is_told_by_its_value(name: Token, value: Sequence[Token]) -> bool:
    """ "Facial hair: stubble" asks for stubble alone, "Hair: bald" for that, "Hair colour: brown" for brown hair."""
    value = list(dropwhile(lambda each: each.kind in (Kind.HEDGE, Kind.NOT), value))
    if name.entry is None or not value or value[0].entry is None:
        return False
    if name.entry.said in _NAMES_OF_HAIR_COLOUR:
        return value[0].entry.colour
    said = next((e for each in value if (e := each.entry) is None or not e.adjective), None)
    if said is None or said.meaning is None or said.bare:
        return False
    if name.entry.meaning is None:  # "Build: chubby"
        return value[0].entry is said
    asked = name.entry.meaning.attributes
    of_facial_hair = asked <= _FACIAL_HAIR and said.meaning.attributes <= _FACIAL_HAIR
    return of_facial_hair or said.meaning.attributes == asked
