"""From text to tokens: the longest known phrases, small words left out."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import dropwhile

from facesearch.errors import QueryError
from facesearch.query import known_unscored, small_words
from facesearch.query.entries import Entry, Role
from facesearch.query.lexicon import KEYWORDS, LONGEST, known, longest_phrase
from facesearch.query.pieces import DASHES, Word, normal, pieces, visible
from facesearch.query.suggestions import suggestions
from facesearch.query.tokens import Kind, Token, token

MAX_LENGTH = 10_000
MAX_TERMS = 100

_LONGEST_NUMBER = 10  # characters of "180cm" and the like
_LONGEST_PLACE = 12  # words of "on the left side of the upper lip and chin"


def tokens(text: str) -> list[Token]:
    """The tokens of a description, filler words left out. Raises QueryError."""
    if len(text) > MAX_LENGTH:
        raise QueryError(
            f"A description may have {MAX_LENGTH:,} characters and this one has {len(text):,}: shorten it.", MAX_LENGTH
        )
    found: list[Token] = []
    terms = 0
    to: Word | None = None
    apart = predicate = False
    read = _with_names_of_fields(_with_denied_values_before(_with_values_before(list(pieces(text)))))
    at = 0
    while at < len(read):
        piece = read[at]
        if isinstance(piece, Token):
            new, used = piece, 1
        else:
            words = _run_of_words(read, at)
            token_or_filler, used = _word_token(text, words, read[at - 1] if at else None)
            if token_or_filler is None:
                _refuse_joined_in_two_ways(text, words, found)
                if found and found[-1].kind is Kind.NOT and used == 1 and _is_degree(words):
                    raise _denied_degree(text, found[-1], words[0])
                to = words[0] if words[0].normal == "to" else to
                apart = apart or used > 1 or words[0].normal not in small_words.WITHIN_LISTS
                if words[0].normal not in small_words.WITHIN_LISTS:
                    predicate = words[0].normal in small_words.COPULAS or words[0].normal == "in"
                at += used
                continue
            new = token_or_filler
        at += used
        if new.kind is Kind.PRONOUN and [each.kind for each in found[-2:]] == [Kind.PRONOUN, Kind.OR]:
            found.pop()  # "he or she", "his/her"
            continue
        terms += new.kind in (Kind.TERM, Kind.PHOTO)
        if terms > MAX_TERMS:
            raise QueryError(f"A description may name {MAX_TERMS} things at most: shorten it here.", new.position)
        if to is not None and found and _is_colour(found[-1]) and _is_colour(new):  # "dark blond to brown hair"
            found.append(Token(Kind.OR, to.start, to.end, to.typed))
        to = None
        if found and found[-1].kind is Kind.NOT and "hair" in found[-1].shown.casefold() and _is_colour(new):
            new = _of_hair(new)  # "hair any colour but black"
        if found and found[-1].kind is Kind.PRONOUN:
            apart, predicate = True, predicate or normal(found[-1].shown) in small_words.COPULAS
        between = text[found[-1].end if found else 0 : new.position].strip()
        touches = bool(found) and (not between or between in DASHES)
        found.append(replace(new, touches=touches, apart=apart, predicate=predicate))
        apart = predicate = False
    return found


def _refuse_joined_in_two_ways(text: str, words: Sequence[Word], found: Sequence[Token]) -> None:
    """ "either a hat and glasses or a beard", "not both bald and fat": fillers elsewhere, here they group."""
    first, said = words[0], [word.normal for word in words]
    if first.normal == "both" and found and found[-1].kind is Kind.NOT and not small_words.AND_WORDS.isdisjoint(said):
        raise QueryError(
            f"{visible(text[found[-1].position : first.end])} denies that the two are there together: say "
            '"not (... and ...)", or "no" before each if neither was there.',
            found[-1].position,
        )
    if first.normal == "either" and "or" in said and said[1] not in ("sex", "gender"):
        silent = small_words.FILLERS | small_words.WITH_WORDS
        between = list(dropwhile(lambda word: word in silent, said[: said.index("or")]))
        if not (small_words.AND_WORDS | small_words.WITH_WORDS).isdisjoint(between):
            raise QueryError(
                '"either" joins more than one word on a side: put each side of the "or" in parentheses, as in '
                '"(bald and glasses) or beard".',
                first.start,
            )


def _is_degree(words: Sequence[Word]) -> bool:
    """The first of these words says how much of what follows there is: "very tall", "a lot of hair"."""
    goes_on = len(words) > 1 and words[1].normal not in small_words.FILLERS
    said = words[0].normal
    return said in small_words.DEGREES or (said in small_words.DEGREES_OF_A_WORD and goes_on)


def _is_colour(token: Token) -> bool:
    return token.entry is not None and token.entry.colour


def _of_hair(colour: Token) -> Token:
    assert colour.entry is not None
    return replace(colour, entry=known(*colour.entry.said.split(), "hair") or colour.entry)


def _denied_degree(text: str, denial: Token, degree: Word) -> QueryError:
    said = visible(text[denial.position : degree.end])
    return QueryError(
        f'{said} can mean a little, or not at all: leave out "{degree.typed}" if you mean not at all, and all of it if '
        "you do not.",
        denial.position,
    )


def _with_values_before(read: list[Token | Word]) -> list[Token | Word]:
    """ "Makeup: light" as "light makeup" and "Nose: not big" as "not big nose", where only that order is known."""
    turned = list(read)
    for at, name in enumerate(read[:-1]):
        if isinstance(name, Token) or not name.labels or name.normal == "hair":
            continue
        value: list[Word] = []
        for piece in read[at + 1 : at + 5]:
            if isinstance(piece, Token) or piece.labels:
                break
            value.append(piece)
        lead = next((n for n, word in enumerate(value) if not _qualifies(word.normal)), len(value))
        said = [word.normal for word in value[lead:]]
        if longest_phrase(said)[1] > 1:
            continue  # "Hat: baseball cap"
        for used in range(len(said), 0, -1):
            in_order = known(name.normal, *said[:used]) is not None
            if in_order and not lead:
                break
            if in_order or known(*said[:used], name.normal) is not None:
                words = [name, *value[lead : lead + used]] if in_order else [*value[lead : lead + used], name]
                words = [*value[:lead], *words]
                turned[at : at + lead + used + 1] = [replace(words[0], begins_field=True), *words[1:]]
                break
    return turned


def _with_denied_values_before(read: list[Token | Word]) -> list[Token | Word]:
    """ "his mouth was not open" and "her lips weren't big" as "not mouth open" and "not big lips"."""
    turned = list(read)
    for at in range(len(read) - 2):
        words = [piece for piece in read[at : at + 4] if isinstance(piece, Word) and not piece.labels]
        verb = len(words) == 4 and words[1].normal in small_words.COPULAS  # "was not", where "wasn't" is one word
        said = words[:1] + words[2:] if verb else words[:3]
        if len(said) < 3 or said != [*words[:1], *read[at + 1 + verb : at + 3 + verb]]:
            continue
        name, denial, value = said
        if not (verb or denial.normal.removesuffix("nt") in small_words.COPULAS):
            continue
        if denial.normal not in small_words.NOT_WORDS or name.normal == "hair":
            continue
        before = read[at - 1] if at else None
        if isinstance(before, Word) and known(before.normal, name.normal) is not None:  # "thick lips were not parted"
            continue
        if known(name.normal, "not", value.normal) is not None:  # "makeup not heavy"
            turned[at : at + 3 + verb] = [*words[: 1 + verb], replace(denial, normal="not"), value]
        elif known(value.normal, name.normal) is not None:
            turned[at : at + 3 + verb] = [*words[1 : 1 + verb], denial, value, name]
        elif known(name.normal, value.normal) is not None:
            turned[at : at + 3 + verb] = [*words[1 : 1 + verb], denial, name, value]
    return turned


def _qualifies(word: str) -> bool:
    """A "not", a hedge or a word that says nothing: "not very", "probably"."""
    return word in small_words.NOT_WORDS or (word,) in small_words.HEDGES or word in small_words.FILLERS


def _with_names_of_fields(read: list[Token | Word]) -> list[Token | Word]:
    """Each word marked that begins the name of a field, so that "Race: white Hair: short" holds no white hair."""
    marked = list(read)
    opened = False  # a field, and nothing has ended it
    start = 0
    for at, piece in enumerate(read):
        if isinstance(piece, Token):
            opened = opened and piece.kind is not Kind.COMMA
            start = at + 1
        elif piece.labels:
            words = [word for word in read[start : at + 1] if isinstance(word, Word)]
            if not any(word.begins_field for word in words):
                first = at + 1 - len(_name(words, opened))
                marked[first] = replace(words[first - start], begins_field=True)
            opened, start = True, at + 1
        elif piece.normal in small_words.ANSWERS:
            opened = False
    return marked


def _name(words: Sequence[Word], opened: bool) -> Sequence[Word]:
    """The words at the end of `words` that name a field. opened: what stands before them may be the last field's value,
    so that no adjective is of the name.
    """
    said = [word.normal for word in words]
    for first in range(max(0, len(said) - 2 * LONGEST), len(said) - 1):
        meaning, used = longest_phrase(said[first:])
        adjective = known(said[first])
        if first + used < len(said) or not isinstance(meaning, Entry):
            continue
        if not opened or adjective is None or not (adjective.adjective or adjective.of_hair):
            return words[first:]
    return words[-1:]


def _run_of_words(read: list[Token | Word], at: int) -> list[Word]:
    run: list[Word] = []
    for piece in read[at : at + 4 * LONGEST + _LONGEST_PLACE]:  # room for fillers within a phrase
        if isinstance(piece, Token) or (run and piece.begins_field):
            break
        run.append(piece)
    return run


def _word_token(text: str, words: list[Word], before: Token | Word | None) -> tuple[Token | None, int]:
    """The token that begins with the first of `words` (None: a filler), and how many of them it takes.

    before: what stands before them.
    """
    said = [word.normal for word in words]
    meaning, used = longest_phrase(said)
    if said[0] in small_words.NOT_WORDS and 1 < used < len(said) and known(said[used - 1], said[used]) is not None:
        meaning, used = None, 0  # "does not have clear skin", "not shaved head": what is denied goes on
    if isinstance(meaning, Entry):
        used += _words_about(meaning, said[used:])
    taken = words[: max(used, 1)]
    first, end = min(taken, key=lambda word: word.start), max(word.end for word in taken)
    field = any(word.labels for word in taken)
    if isinstance(meaning, Entry):
        return replace(token(Kind.TERM, text, first.start, end, entry=meaning), field=field), used
    if isinstance(meaning, float):
        if said[:used] == ["may"] and _is_before_a_month(before):
            return token(Kind.TERM, text, first.start, end, entry=Entry("may", None, role=Role.TRAIT)), used
        return token(Kind.HEDGE, text, first.start, end, certainty=meaning), used
    if meaning is Kind.UNSURE:
        raise QueryError(
            f'"{text[first.start : end]}" leaves open whether it was there: leave out what the witness does not know, '
            'or say "no" or "probably no" of what was not there.',
            first.start,
        )
    if isinstance(meaning, Kind):
        return token(meaning, text, first.start, end), used
    if used and meaning is None:
        goes_on = used < len(said) and said[used] not in small_words.AFTER_OR_SO
        return (token(Kind.OR, text, first.start, first.end) if said[0] == "or" and goes_on else None), used
    if first.normal in KEYWORDS:
        return token(KEYWORDS[first.normal], text, first.start, first.end), 1
    if first.normal in small_words.FILLERS:
        return (token(Kind.FIELD, text, first.start, end) if field else None), 1
    if first.normal[0].isdecimal() and len(first.normal) <= _LONGEST_NUMBER:
        number = Entry(first.normal, None, role=Role.TRAIT)
        return token(Kind.TERM, text, first.start, end, entry=number), 1
    raise _unknown(text[first.start : first.end], words)


def _words_about(thing: Entry, following: list[str]) -> int:
    """How many of the words that follow a thing say what it shows ("tattoo of a rose") and where on the body it is."""
    shows = 0
    if thing.said.split()[-1] in known_unscored.PICTURES and following[:1] == ["of"]:
        shows = next((n for n, word in enumerate(following) if word not in small_words.FILLERS), len(following))
        while shows < len(following) and (entry := known(following[shows])) is not None:
            if entry.thing or entry.names_person:
                break
            shows += 1  # "of a bald man"
        shows += max(1, longest_phrase(following[shows:])[1]) if shows < len(following) else 0
    if thing.role is not Role.MARK and not thing.worn:
        return shows
    places = known_unscored.BODY if thing.role is Role.MARK else known_unscored.usual_places(thing)
    return shows + known_unscored.words_of_place(following[shows:], small_words.FILLERS, places)


def _is_before_a_month(before: Token | Word | None) -> bool:
    return isinstance(before, Word) and (before.normal in small_words.BEFORE_A_MONTH or before.normal[0].isdecimal())


def _unknown(shown: str, words: list[Word]) -> QueryError:
    position = words[0].start
    near = suggestions([word.normal for word in words])
    meant = [f'"{said}"' for said in near]
    if meant:
        shown, position = _to_replace(shown, words, near[0].split())
        choice = " or ".join(filter(None, (", ".join(meant[:-1]), meant[-1])))
        return QueryError(f"Search does not know {visible(shown)}: did you mean {choice}?", position)
    return QueryError(
        f'Search does not know {visible(shown)}: say it in other words ("facesearch attributes" lists what it knows).',
        position,
    )


def _to_replace(shown: str, words: list[Word], likeliest: list[str]) -> tuple[str, int]:
    """What a suggestion replaces, and where its first wrong word begins: "bags under eys" is wrong at its end."""
    said = [word.normal for word in words[: len(likeliest)]]
    alike = sum(one == other for one, other in zip(said, likeliest, strict=False))
    if not alike or len(said) < len(likeliest):
        return shown, words[0].start
    differs = next(at for at, (one, other) in enumerate(zip(said, likeliest, strict=True)) if one != other)
    return " ".join(word.typed for word in words[: len(likeliest)]), words[differs].start
