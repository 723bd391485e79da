"""What each word of a sentence may be: the entries of the lexicon, numbers, names, and words that no table has."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from facesearch.attributes import NAMES
from facesearch.query.chart import Edge
from facesearch.query.grammar import Quality, Thing
from facesearch.query.lexicon import Entry, Lexicon, PersonWord, lexicon
from facesearch.query.measures import Measure
from facesearch.query.reading import reading_of
from facesearch.query.said_ages import YOUNG
from facesearch.query.tokens import QUOTES, Token, word_set
from facesearch.query.tree import Term

_BEHIND_IS = word_set("a an not n't been being wearing got approximately about described")
_ROLES = {"S": "described", "V": "bystander", "W": "bystander"}
_ORDINALS = word_set("first second third fourth")
_BEHIND_ORDINALS = word_set("is was had has wore wears wearing , - :")
_SEXES = {
    **dict.fromkeys(("him", "he", "male", "man"), True),
    **dict.fromkeys(("her", "she", "female", "woman"), False),
}
"""Words before a colon that tell two persons apart: "Him: bald. Her: blonde"."""
_COUNTS = {
    word: n
    for n, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
}
_LONGEST_COMPOUND = 6
_MARKS = {
    ",": ",",
    ";": ";",
    ":": ":",
    "/": "/",
    "(": "(",
    ")": ")",
    "|": ";",
    "?": "?",
    "\N{EN DASH}": "DASH",
    "\N{EM DASH}": "DASH",
    "-": "DASH",
    "=": ":",
    "•": ";",
    "*": ";",
    "#": "HASH",
    "+": "AND",
    "&": "AND",
}
_OFFICIAL = {name.casefold(): index for index, name in enumerate(NAMES)}
_SEX_CODE = re.compile(r"[wbhailo]", re.IGNORECASE)
_EYE_CODES = word_set("blu bro brn grn hzl haz gry blk blue brown green hazel gray grey")
_CODE = 3
_HAIR_WORDS = word_set("hair haired")
_HAIR_CODES = word_set("brn bro blk bln gry red blo whi sdy brown gray grey black")


def terminals(
    sentence: list[Token], measured: dict[int, tuple[int, Measure]], words: Lexicon, named: set[str]
) -> list[list[Edge]]:
    """For each word the edges that begin there. measured: at which words numbers begin, and where they end. named: the
    names that the sentences before have said, to which this one's are added."""
    found: list[list[Edge]] = [[] for _ in sentence]
    shouted = all(token.typed.isupper() for token in sentence if token.sort == "word" and len(token.typed) > 2)
    names = {} if shouted else _names(sentence, words, named)
    named |= {token.typed for at, end in names.items() for token in sentence[at:end] if _is_surname(token, words)}
    inside: set[int] = set()
    for at, token in enumerate(sentence):
        if at in measured:
            end, measure = measured[at]
            found[at] += _measure_edges(at, end, measure, token.normal.endswith(("ties", "0s")))
            inside.update(range(at + 1, end))
            continue
        if at in inside:
            continue
        if at in names:
            end = names[at]
            found[at].append(Edge("NX", at, end, -0.5, Thing(None, at, end, name=True)))
        found[at] += _edges(sentence, at, token, words, bool(found[at]))
    return found


def _measure_edges(at: int, end: int, measure: Measure, decade: bool) -> list[Edge]:
    if not measure.age:
        quality = Quality("#style" if decade else "#measure", at, end)
        return [Edge("A", at, end, 0.0, quality), Edge("X", at, end, 0.1, "measure")]
    node = None if measure.young is None else Term(YOUNG, measure.young, (measure.low, measure.high))
    return [Edge("A", at, end, -0.2, Quality("#age", at, end, node, narrow=True))]


def _edges(sentence: list[Token], at: int, token: Token, words: Lexicon, named: bool) -> list[Edge]:
    """What begins at a token that is within no number."""
    if token.sort == "mark":
        return [Edge(_MARKS.get(token.normal, "X"), at, at + 1, 0.0, token.normal), *_quoted(sentence, at)]
    entries = words.at(sentence, at)
    longest = max((end for end, _ in entries), default=at)
    whole = [each for each in entries if each[0] == longest or not _is_glued(sentence, each[0])]  # "ear-ring"
    known = [edge for end, found in whole for entry in found for edge in _entry_edges(entry, at, end, sentence)]
    if token.sort == "number":
        return [*_number_edges(sentence, at, token), *known]
    if token.normal == "'s" and at:
        return _s_edges(sentence, at)
    edges = [*_codes(sentence, at, token), *_label_parts(sentence, at, token), *known]
    if token.normal in _COUNTS and not token.glued:
        edges.append(Edge("NUM", at, at + 1, 0.0, _COUNTS[token.normal]))
    if not entries and not named and not edges:
        edges += _unknown(at, token, words)
    return [*edges, *_compound(sentence, at, entries), Edge("SKIP", at, at + 1, 0.0, token.normal)]


def _quoted(sentence: list[Token], at: int) -> Iterator[Edge]:
    """ "A white 'Londis' plastic bag": a name in quotation marks within a phrase."""
    inside = sentence[at - 1 : at + 4]
    if at == 0 or len(inside) < 5 or not (inside[1].normal in QUOTES and inside[3].normal in QUOTES):
        return
    if all(token.sort == "word" for token in inside[::2]) and inside[2].typed.istitle():
        yield Edge("A", at, at + 3, 0.1, Quality("#name", at, at + 3, known=False))


def _number_edges(sentence: list[Token], at: int, token: Token) -> list[Edge]:
    edges = [Edge("X", at, at + 1, 0.0, "number")]
    if at == 0 and token.normal.isdecimal() and _is_listed(sentence):
        edges.append(Edge("LABEL", 0, 2, -1.0, (token.normal, None)))
    if token.normal.isdecimal() and len(token.normal) < 3:
        if at + 1 < len(sentence) and sentence[at + 1].normal == "x":
            edges.append(Edge("NUM", at, at + 2, 0.0, int(token.normal)))
        edges.append(Edge("NUM", at, at + 1, 0.0, int(token.normal)))
    return edges


_LEAD = 5


def _is_listed(sentence: list[Token]) -> bool:
    """ "1. White male, 30s": a line of a list of persons."""
    if len(sentence) < _LEAD - 2 or sentence[1].normal not in (".", ")", ":") or not sentence[2].spaced:
        return False
    words = lexicon()
    for at, token in enumerate(sentence[2 : 2 + _LEAD], 2):
        if token.normal in _NO_ITEM:
            return False
        entries = [entry for _, found in words.at(sentence, at) for entry in found]
        described = any(entry.category == "PN" and entry.value.role == "described" for entry in entries)
        if described or _codes(sentence, at, token):
            return True
    return False


_NO_ITEM = word_set("i we he she the my is was were saw had on at in")
"""Words of running text that has numbers."""


def _s_edges(sentence: list[Token], at: int) -> list[Edge]:
    before = sentence[at - 1].normal
    edges = [Edge("BE", at, at + 1, 0.0, "be"), Edge("V", at, at + 1, 0.0, "be")]
    after = sentence[at + 1].normal if at + 1 < len(sentence) else ""
    if before not in ("he", "she", "it", "that", "who", "there", "here", "what") and after not in _BEHIND_IS:
        edges.append(Edge("'s", at, at + 1, -0.3, "'s"))
    return edges


def _label_parts(sentence: list[Token], at: int, token: Token) -> list[Edge]:
    """What numbers persons: "Suspect B", "Accused No. 1", "youths x3"."""
    after = sentence[at + 1].normal if at + 1 < len(sentence) else ""
    found = (rule(sentence, at, token, after) for rule in _LABELS)
    return next(([edge] for edge in found if edge is not None), [])


def _opening(sentence: list[Token], at: int, token: Token, after: str) -> Edge | None:
    """Words that begin to tell of somebody: "second was ...", "Him: ...", "Me: ..."."""
    if at and sentence[at - 1].normal not in (",", ";", "and", ".", "/"):
        return None
    acts = after in _BEHIND_ORDINALS or (lexicon().is_verb(after) and not lexicon().is_person(after))
    if token.normal in _ORDINALS and acts:
        return Edge("MEM", at, at + 1, -0.5, f"the {token.normal}")
    if token.normal == "me" and after in (":", ","):  # "You: tall. Me: short"
        return Edge("SPEAKER", at, at + 2, -1.0, "i")
    colon = after == ":" and at + 2 < len(sentence)
    if token.normal in _SEXES and (colon or (token.normal in ("him", "her") and after in ("in", "with", "wearing"))):
        sex = _sex(at, at + 1, _SEXES[token.normal])
        return Edge("LABEL", at, at + 1 + colon, -1.0, (token.normal, sex))
    return None


def _letter(sentence: list[Token], at: int, token: Token, after: str) -> Edge | None:
    """ "Suspect B", "suspect a is ..."."""
    called = at > 0 and lexicon().is_person(sentence[at - 1].normal) and after in ("is", "was", "has", "had", ":")
    if called and token.normal in ("a", "b", "c", "d"):
        return Edge("LETTER", at, at + 1, -0.3, token.normal.upper())
    if at and token.typed in ("A", "B", "C", "D", "Alpha", "Bravo", "Charlie", "Delta"):
        return Edge("LETTER", at, at + 1, -0.3, token.typed[0])
    return None


def _number_sign(sentence: list[Token], at: int, token: Token, after: str) -> Edge | None:
    """ "No. 1", "No 1:"."""
    dot = after == "."
    follows = [each.normal for each in sentence[at + 1 + dot : at + 3 + dot]]
    if token.normal != "no" or not follows or not follows[0].isdecimal():
        return None
    return Edge("NO", at, at + 1 + dot, -0.3, None) if at or follows[1:] == [":"] else None


def _times(_sentence: list[Token], at: int, token: Token, after: str) -> Edge | None:
    """ "Youths x3", "youths x 3"."""
    if token.normal == "x" and after.isdecimal():
        return Edge("X_TIMES", at, at + 2, 0.0, int(after[:2]))
    return Edge("X_TIMES", at, at + 1, 0.0, int(token.normal[1])) if re.fullmatch(r"x\d", token.normal) else None


def _numbered_role(sentence: list[Token], at: int, token: Token, _after: str) -> Edge | None:
    """ "S-1", "V1", "W#2": a suspect, victim or witness with a number."""
    marked = sentence[at + 1 : at + 2] != [] and sentence[at + 1].normal in ("-", "#")
    if token.typed not in _ROLES or (
        at and not marked and sentence[at - 1].normal in lexicon().sets["AT"]
    ):  # a postcode
        return None
    number = at + 1 + marked
    key = sentence[number].normal if number < len(sentence) else ""
    if len(key) != 1 or not key.isdecimal() or sentence[number].start != sentence[at].end + number - at - 1:
        return _role_letter(sentence, at, token)
    thing = Thing(None, at, at + 1, person=PersonWord(None, _ROLES[token.typed], False), word="suspect")
    return Edge("LABEL", at, number + 1, -1.0, (key, thing))


def _role_letter(sentence: list[Token], at: int, token: Token) -> Edge | None:
    """ "V advised S was ...", "V, a 34 yoa WF": a victim, a suspect, a witness by a letter."""
    before, after = (sentence[each].normal if 0 <= each < len(sentence) else "" for each in (at - 1, at + 1))
    told = lexicon().is_verb(after) or (after == "," and (at == 0 or before == "."))
    if not told or before in (*QUOTES, "/", "-", "&"):
        return None
    role = _ROLES[token.typed]
    word = "suspect" if role == "described" else "victim"
    return Edge("PN", at, at + 1, -0.8, Thing(None, at, at + 1, person=PersonWord(None, role, False), word=word))


def _many(sentence: list[Token], at: int, token: Token, after: str) -> Edge | None:
    """ "Suspect 12: ...", which is no age."""
    role = _OF_MANY.get(token.normal)
    colon = sentence[at + 2].normal if at + 2 < len(sentence) else ""
    if role is None or colon != ":" or len(after) != 2 or not after.isdecimal():
        return None
    thing = Thing(None, at, at + 1, person=PersonWord(None, role, False), word=token.normal)
    return Edge("LABEL", at, at + 2, -1.0, (after, thing))


_OF_MANY = dict.fromkeys(("suspect", "offender", "subject", "accused", "person"), "described")
_OF_MANY |= dict.fromkeys(("victim", "witness"), "bystander")

_LABELS: tuple[Callable[[list[Token], int, Token, str], Edge | None], ...] = (
    _many,
    _numbered_role,
    _opening,
    _letter,
    _number_sign,
    _times,
)


def _codes(sentence: list[Token], at: int, token: Token) -> list[Edge]:
    """ "W/M", "WM", "BRO/BLU"."""
    if _is_code(sentence, at, token):
        return [Edge("PN", at, at + 1, -0.8, _sex(at, at + 1, token.normal[1] == "m"))]
    slash, second = ([each.normal for each in sentence[at + 1 : at + 3]] + ["", ""])[:2]
    if slash != "/":
        return []
    if second in ("m", "f") and _SEX_CODE.fullmatch(token.normal):
        return [Edge("PN", at, at + 3, -1.0, _sex(at, at + 3, second == "m"))]
    if sentence[at + 2 : at + 3] and sentence[at + 2].typed in ("Ms", "Fs") and _SEX_CODE.fullmatch(token.normal):
        sex = reading_of("man" if second == "ms" else "woman")  # "two W/Ms"
        many = Thing(None, at, at + 3, person=PersonWord(sex, "described", True), word="sex")
        return [Edge("PN", at, at + 3, -1.0, many)]
    of_hair = any(each.normal in _HAIR_WORDS for each in (*sentence[max(0, at - 2) : at], *sentence[at + 3 : at + 4]))
    coded = len(token.normal) == _CODE or second not in _HAIR_CODES  # but "Hair: Brown/Grey"
    if token.normal in _HAIR_CODES and second in _EYE_CODES and coded and not of_hair:  # but "brown/gray hair"
        pair = lexicon().pair("hair", token.normal)
        node = pair.reading.node if pair is not None and pair.reading is not None else None
        return [Edge("A", at, at + 3, -0.6, Quality("#fact", at, at + 3, node))]
    return []


def _is_code(sentence: list[Token], at: int, token: Token) -> bool:
    """ "WM", "HFA"; in small letters at the beginning, before a number, or between marks."""
    if re.fullmatch(r"[WBHA][MF][AJ]?|[IO][MF][AJ]", token.typed):
        return not (token.normal == "am" and at > 0 and sentence[at - 1].normal == "i")
    if at == 0:
        return re.fullmatch(r"[wbha][mf]", token.normal) is not None
    after = sentence[at + 1].sort if at + 1 < len(sentence) else ""
    between = after == "mark" and sentence[at - 1].sort == "mark"
    return (after == "number" or between) and re.fullmatch(r"[wbh][mf]", token.normal) is not None


def _sex(start: int, end: int, man: bool) -> Thing:
    return Thing(
        None, start, end, person=PersonWord(reading_of("man" if man else "woman"), "described", False), word="sex"
    )


def _entry_edges(entry: Entry, at: int, end: int, sentence: list[Token]) -> list[Edge]:
    """What an entry of the tables may be in a sentence; a longer one is cheaper."""
    category, value = entry
    word = " ".join(token.normal for token in sentence[at:end])
    if category == "A" and word.endswith(" wearing") and not sentence[at + 1].glued:
        return []
    longer = -0.15 * (end - at - 1)
    special = _SPECIAL.get(category)
    if special is not None:
        return special(value, at, end, longer, word, sentence)
    if category == "HEDGE" and word == "may" and at and sentence[at].typed == "May":
        return [Edge("NX", at, end, 0.0, Thing(None, at, end, name=True))]
    return [Edge(category, at, end, longer, word if category in _BY_WORD or value == "" else value)]


_BY_WORD = word_set("POSS HE SHE OBJ DET THEY BOTH MEM MEMS")
"""Categories whose rules ask for the word."""


def _is_glued(sentence: list[Token], at: int) -> bool:
    return at < len(sentence) and sentence[at].glued


def _noun(value: Any, at: int, end: int, cost: float, word: str, sentence: list[Token]) -> list[Edge]:
    if end < len(sentence) and sentence[end].glued and sentence[end].sort == "word":  # "tie-dye"
        return [Edge("NX", at, end, 0.3, Thing(None, at, end, word=word))]
    category = "N+ed" if word.split()[-1] in lexicon().sets["ED"] else "N"
    owner = next((each.normal for each in sentence[at:end] if each.normal in ("his", "her")), "")
    return [Edge(category, at, end, cost, Thing(value, at, end, word=word, owner=owner))]  # "anything on his head"


def _person(value: Any, at: int, end: int, cost: float, word: str, sentence: list[Token]) -> list[Edge]:
    if len(word) == 1 and (_is_letter(sentence, at) or not _stands_alone(sentence, at)):
        return []
    around = (sentence[at - 1].normal, sentence[end].normal) if at > 0 and end < len(sentence) else ("", "")
    if sentence[at].typed.isupper() and QUOTES.issuperset(around):  # tattooed 'MUM'
        return [Edge("NX", at, end, 0.0, Thing(None, at, end, name=True))]
    return [Edge("PN", at, end, cost, Thing(None, at, end, person=value, word=word))]


def _fact(value: Any, at: int, end: int, cost: float, _word: str, _sentence: list[Token]) -> list[Edge]:
    return [Edge("A", at, end, cost - 0.3, Quality("#fact", at, end, None if value is None else value.node))]


def _verb(value: Any, at: int, end: int, cost: float, _word: str, _sentence: list[Token]) -> list[Edge]:
    verb = Edge("V", at, end, cost, value)
    return [Edge("BE", at, end, cost, value), verb] if value == "be" else [verb]


def _preposition(_value: Any, at: int, end: int, cost: float, word: str, _sentence: list[Token]) -> list[Edge]:
    edges = [Edge("PREP", at, end, 5 * cost, word)]
    return [*edges, Edge("TO", at, end, 0.0, word)] if word == "to" else edges


_SPECIAL: dict[str, Callable[[Any, int, int, float, str, list[Token]], list[Edge]]] = {
    "N": _noun,
    "PN": _person,
    "FACT": _fact,
    "V": _verb,
    "PREP": _preposition,
    "A": lambda value, at, end, cost, word, _: [Edge("A", at, end, cost, Quality(value or word, at, end))],
    "NX": lambda _, at, end, cost, word, _s: [Edge("NX", at, end, cost, Thing(None, at, end, word=word))],
}


def _is_letter(sentence: list[Token], at: int) -> bool:
    """ "Initial M", 'marked "F"'."""
    before = sentence[at - 1].normal if at else ""
    return before in QUOTES or before in ("initial", "initials", "letter", "letters", "size", "grade")


def _stands_alone(sentence: list[Token], at: int) -> bool:
    """A single small letter is a code: "m, 30s", "white f", "m/50's"."""
    if sentence[at].typed.isupper():
        return True
    before = sentence[at - 1] if at else None
    after = sentence[at + 1] if at + 1 < len(sentence) else None
    coded = before is None or before.sort == "mark" or before.normal in _BEFORE_CODES or before.sort == "number"
    return coded or (after is not None and after.normal == "/")


_BEFORE_CODES = word_set("white black ic1 sex gender")


def _unknown(at: int, token: Token, words: Lexicon) -> list[Edge]:
    """A word that no table has: what the list of ordinary words makes of it; of any other, a thing or an adjective."""
    word = token.normal
    thing = Thing(None, at, at + 1, word=word)
    if word.endswith(("man", "woman")) and len(word) > 5 and token.typed.islower() and word not in _NO_MEN:
        sex = reading_of("woman" if word.endswith("woman") else "man")
        return [Edge("PN", at, at + 1, 0.0, thing._replace(person=PersonWord(sex, "described", False)))]
    quality = Quality(word, at, at + 1, known=False)
    if (stem := _stem(word, words)) is not None:
        return [Edge("A", at, at + 1, 0.0, Quality(stem, at, at + 1))]
    classes = words.classes(word)
    if classes is None or classes == "-":
        costs = (
            {"DEG": 0.0}
            if word.endswith("ly") and len(word) > _ADVERB
            else {"NX": 0.1, "A": 0.4, **({"V": 0.2} if word.endswith(("ed", "ing")) else {})}
        )
    else:
        costs = _costs(classes)
    sems: dict[str, Any] = {"NX": thing, "A": quality, "V": "act"}
    return [Edge(category, at, at + 1, cost, sems.get(category, word)) for category, cost in costs.items()]


_ADVERB = 5


def _stem(word: str, words: Lexicon) -> str | None:
    """The colour that "blondie", "greyey" or "brownish" are made of."""
    stems = (word.removesuffix(end) for end in ("ish", "ie", "y", "ey", "ied") if word.endswith(end))
    shapes = (each for stem in stems for each in (stem, f"{stem}e", stem[:-1]))
    return next((each for each in shapes if len(each) > 3 and words.pairs.get(("hair", each)) is not None), None)


def _costs(classes: str) -> dict[str, float]:
    """The categories of an ordinary word: the likelier a class, the cheaper."""
    found: dict[str, float] = {}
    for place, letter in enumerate(classes):
        for category, more in _CLASSES[letter]:
            found[category] = min(found.get(category, 9.0), 0.1 + 0.25 * place + more)
    return found


_NO_MEN = frozenset(("human", "roman", "german", "talisman"))
_CLASSES: dict[str, tuple[tuple[str, float], ...]] = {
    "n": (("NX", 0.0),),
    "v": (("V", 0.0),),
    "p": (("V", 0.0), ("A", 0.3)),
    "a": (("A", 0.0),),
    "r": (("DEG", 0.0), ("X", 0.0)),
    "x": (("X", 0.0),),
}
"""The categories of a class of ordinary words, and what each costs more."""


def _compound(sentence: list[Token], at: int, entries: list[tuple[int, list[Entry]]]) -> list[Edge]:
    """Words joined by hyphens that no table has as a whole: an adjective, or a thing."""
    end = at + 1
    while end < min(len(sentence), at + _LONGEST_COMPOUND) and sentence[end].glued and sentence[end].sort == "word":
        end += 1
    if end == at + 1 or sentence[at].glued or any(place >= end for place, _ in entries):
        return []
    first = [entry for _, found in entries for entry in found if entry.category == "PN"]
    if first and sentence[at + 1].normal == "of":  # "father-of-two"
        thing = Thing(None, at, end, person=first[0].value, word=sentence[at].normal)
        return [Edge("PN", at, end, -0.3, thing)]
    last = sentence[end - 1].normal
    if last in lexicon().sets["ED"] or any(
        _is_read(entry) for _, found in lexicon().at(sentence, end - 1) for entry in found
    ):
        return []
    return [
        Edge("A", at, end, -0.1, Quality("#compound", at, end)),
        Edge("NX", at, end, 0.0, Thing(None, at, end, word=last)),
    ]


def _is_read(entry: Entry) -> bool:
    """The word has a meaning of its own at the end of a compound: "dyed-blonde"."""
    return entry.category in ("N", "PN") or (entry.category == "A" and bool(entry.value))


def _is_surname(token: Token, words: Lexicon) -> bool:
    return token.typed.isalpha() and token.normal not in words.sets["TITLE"] | words.sets["PLACE"]


def _names(sentence: list[Token], words: Lexicon, named: set[str]) -> dict[int, int]:
    """Where names begin and end: a capitalised word behind a title or before Street, several in a row that no table
    has,
    one within a sentence that is in small letters."""
    names: dict[int, int] = {}
    at = 0
    while at < len(sentence):
        end = at
        while _capital(sentence, end) or (
            end > at and sentence[end : end + 1] and sentence[end].normal == "'s" and _capital(sentence, end + 1)
        ):
            end += 1
        again = end == at + 1 and sentence[at].typed in named and _acts(sentence[end:], words)
        if end > at and (again or _is_name(sentence, at, end, words)):
            names[at] = end
        at = max(end, at + 1)
    return names


def _acts(behind: list[Token], words: Lexicon) -> bool:
    """What follows a name that is the subject: "Brown said ...", "Gray, 57, is ..."; but "Brown hair"."""
    return bool(behind) and (behind[0].normal in _BEHIND_NAMES or words.is_verb(behind[0].normal))


def _capital(sentence: list[Token], at: int) -> bool:
    if at >= len(sentence) or sentence[at].sort != "word":
        return False
    typed = sentence[at].typed
    return typed[0].isupper() and len(typed) > 1


def _is_name(sentence: list[Token], start: int, end: int, words: Lexicon) -> bool:
    """Capitalised words are a name."""
    before = sentence[start - 1].normal if start else ""
    name = [token for token in sentence[start:end] if token.normal != "'s"]
    if _is_titled(name, before):
        return True
    known = [bool(words.at([token], 0)) for token in name]
    ordinary = words.classes(name[0].normal) not in (None, "-")
    if len(name) == 1 and ordinary and name[0].typed.isupper() and not _is_shouted(sentence):
        return False  # "a LOT of makeup"
    small = sum(token.typed.islower() for token in sentence if token.sort == "word")
    if _is_place(sentence, start, name, known, small, words) or _is_within(sentence, start, name, known):
        return True
    if before in _BEFORE_NAMES and small:
        return not all(known) or _BEFORE_NAMES[before]
    return not any(known) and _stands_out(sentence, start, end, len(name), small, words)


def _is_shouted(sentence: list[Token]) -> bool:
    return all(token.typed.isupper() for token in sentence if token.sort == "word")


_SENTENCE = 3
"""Words in small letters that a sentence has."""


def _is_within(sentence: list[Token], start: int, name: list[Token], known: list[bool]) -> bool:
    """ "A Kaizer Chiefs beanie"."""
    within = start > 0 and sentence[start - 1].sort == "word"
    return within and len(name) > 1 and not known[0] and not all(token.typed.isupper() for token in name)


def _is_first_name(token: Token, behind: list[Token], words: Lexicon) -> bool:
    """ "Amy is 22"."""
    aged = len(behind) > 1 and behind[0].normal == "," and behind[1].sort == "number"  # "Amy, 22, ..."
    is_ = aged or (bool(behind) and behind[0].normal in _BEHIND_NAMES)
    return is_ and words.classes(token.normal) in (None, "-")


def _stands_out(sentence: list[Token], start: int, end: int, count: int, small: int, words: Lexicon) -> bool:
    """Capitals that only a name has: one within a sentence, several where one begins."""
    opens = start == 0 or sentence[start - 1].sort == "mark"
    if start == 0 and count == 1:
        return _is_first_name(sentence[0], sentence[end:], words)
    return count > 1 if opens else small >= 2


_BEHIND_NAMES = word_set("is was has had wears wore 's went left may")
_BEFORE_NAMES = {
    **dict.fromkeys(("suspect", "named", "called", "offender"), False),
    **dict.fromkeys(("witness", "as", "nickname"), True),
}
"""Words behind which a capitalised word is a name; True: also one that the tables have."""


def _is_titled(name: list[Token], before: str) -> bool:
    if len(name) > 1 and name[-1].normal in lexicon().sets["PLACE"]:
        return True
    return (name[0].normal in lexicon().sets["TITLE"] and len(name) > 1) or (
        before in lexicon().sets["TITLE"] and before not in ("lady", "officer")
    )


def _is_place(
    sentence: list[Token], start: int, name: list[Token], known: list[bool], small: int, words: Lexicon
) -> bool:
    """ "At the Red Beard", "in Gray's Yard"; but not "with a Black male"."""
    before = sentence[start - 1].normal if start else ""
    at = before in lexicon().sets["AT"] or (
        before == "the" and start > 1 and sentence[start - 2].normal in lexicon().sets["AT"]
    )
    if not at or small < _SENTENCE or (len(name) == 1 and known[0]):
        return False
    return not all(_is_of_people(token, words) for token in name)


def _is_of_people(token: Token, words: Lexicon) -> bool:
    """A word for people or for where they come from."""
    entries = [entry for _, found in words.at([token], 0) for entry in found]
    return any(entry.category == "PN" or (entry.category == "A" and not entry.value) for entry in entries)
