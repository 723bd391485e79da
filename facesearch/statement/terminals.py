"""What each word of a sentence may be: the entries of the lexicon, numbers, names, and words that no table has."""

import re

from facesearch.attributes import NAMES
from facesearch.statement.chart import Edge
from facesearch.statement.grammar import Quality, Thing
from facesearch.statement.lexicon import Entry, Lexicon, PersonWord, lexicon
from facesearch.statement.measures import Measure
from facesearch.statement.reading import reading_of
from facesearch.statement.tokens import Token

_COUNTS = {
    word: n for n, word in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"])
}
_ED = frozenset(
    ["haired", "eyed", "skinned", "faced", "nosed", "lipped", "browed", "eyebrowed", "chinned", "cheeked", "mouthed", "complexioned", "complected", "built", "headed", "bodied", "toothed", "eared", "cheekboned", "jawed"]
)
_TITLES = frozenset(
    ["mr", "mrs", "ms", "miss", "dr", "sgt", "sergeant", "pc", "dc", "ds", "di", "dci", "insp", "inspector", "constable", "officer", "deputy", "sheriff", "sir", "lord", "lady", "rev", "judge", "chief", "captain", "capt", "lt", "lieutenant", "detective", "det", "prof", "professor", "wpc", "pcso", "supt", "superintendent", "agent", "trooper", "cllr", "mister"]
)
_PLACES = frozenset(
    ["street", "st", "road", "rd", "lane", "avenue", "ave", "close", "drive", "way", "inn", "arms", "pub", "hotel", "yard", "court", "square", "park", "place", "terrace", "crescent", "gardens", "hill", "bridge", "station", "house", "row", "green", "mews", "grove", "walk", "estate", "centre", "center", "hall", "school", "church", "club", "bar", "cafe", "store", "shop", "mall", "market", "farm", "mill", "tavern", "stag", "horse", "lion", "swan", "crown", "theatre", "library", "college", "university", "hospital", "boulevard", "highway"]
)
_AT = frozenset(
    ["at", "in", "near", "outside", "on", "by", "from", "of", "to", "towards", "into", "through", "behind", "opposite", "around", "off", "along", "inside"]
)
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
_EYE_CODES = frozenset(["blu", "bro", "brn", "grn", "hzl", "haz", "gry", "blk", "blue", "brown", "green", "hazel", "gray", "grey"])
_HAIR_CODES = frozenset(["bro", "brn", "blk", "bln", "blo", "bld", "gry", "red", "whi", "sdy", "brown", "blonde", "blond", "black"])


def terminals(sentence: list[Token], measured: dict[int, tuple[int, Measure]], words: Lexicon) -> list[list[Edge]]:
    """For each word the edges that begin there. measured: at which words numbers begin, and where they end."""
    found: list[list[Edge]] = [[] for _ in sentence]
    shouted = all(token.typed.isupper() for token in sentence if token.sort == "word" and len(token.typed) > 2)
    names = {} if shouted else _names(sentence, words)
    inside: set[int] = set()
    for at, token in enumerate(sentence):
        if at in measured:
            end, measure = measured[at]
            found[at] += _measure_edges(at, end, measure)
            inside.update(range(at + 1, end))
            continue
        if at in inside:
            continue
        if at in names:
            end = names[at]
            found[at].append(Edge("NX", at, end, -0.5, Thing(None, at, end, name=True)))
        found[at] += _edges(sentence, at, token, words, bool(found[at]))
    return found


def _measure_edges(at: int, end: int, measure: Measure) -> list[Edge]:
    if not measure.age:
        quality = Quality("#measure", at, end)
        return [Edge("A", at, end, 0.0, quality), Edge("X", at, end, 0.1, "measure")]
    node = None if measure.young is None else reading_of("young" if measure.young else "old").node
    return [Edge("A", at, end, -0.2, Quality("#age", at, end, node))]


def _edges(sentence: list[Token], at: int, token: Token, words: Lexicon, named: bool) -> list[Edge]:
    edges: list[Edge] = []
    if token.sort == "mark":
        category = _MARKS.get(token.normal, "X")
        return [Edge(category, at, at + 1, 0.0, token.normal)]
    if token.sort == "number":
        whole = [
            e for end, es in words.at(sentence, at) for entry in es for e in _entry_edges(entry, at, end, sentence, 1)
        ]
        return [*_number_edges(sentence, at, token), *whole]
    if token.normal == "'s" and at:
        return [*_s_edges(sentence, at)]
    edges += _codes(sentence, at, token)
    edges += _label_parts(sentence, at, token)
    entries = words.at(sentence, at)
    for end, found in entries:
        for entry in found:
            edges += _entry_edges(entry, at, end, sentence, len(entries))
    if token.normal in _COUNTS and not token.glued:
        edges.append(Edge("NUM", at, at + 1, 0.0, _COUNTS[token.normal]))
    if not entries and not named and not edges:
        edges += _unknown(sentence, at, token, words)
    edges += _compound(sentence, at, entries)
    edges.append(Edge("SKIP", at, at + 1, 0.0, token.normal))
    return edges


def _number_edges(sentence: list[Token], at: int, token: Token) -> list[Edge]:
    edges = [Edge("X", at, at + 1, 0.0, "number")]
    if token.normal.isdecimal() and len(token.normal) < 3:
        if at + 1 < len(sentence) and sentence[at + 1].normal == "x":
            edges.append(Edge("NUM", at, at + 2, 0.0, int(token.normal)))
        edges.append(Edge("NUM", at, at + 1, 0.0, int(token.normal)))
    return edges


def _s_edges(sentence: list[Token], at: int) -> list[Edge]:
    before = sentence[at - 1].normal
    edges = [Edge("BE", at, at + 1, 0.0, "be"), Edge("V", at, at + 1, 0.0, "be")]
    if before not in ("he", "she", "it", "that", "who", "there", "here", "what"):
        edges.append(Edge("'s", at, at + 1, -0.3, "'s"))
    return edges


def _label_parts(sentence: list[Token], at: int, token: Token) -> list[Edge]:
    """What numbers persons: "Suspect B", "Accused No. 1", "youths x3"."""
    if token.typed in ("A", "B", "C", "D", "Alpha", "Bravo", "Charlie", "Delta") and at:
        return [Edge("LETTER", at, at + 1, -0.3, token.typed[0])]
    if token.normal == "no" and at and at + 1 < len(sentence):
        dot = sentence[at + 1].normal == "."
        follows = sentence[at + 1 + dot : at + 2 + dot]
        if follows and follows[0].normal.isdecimal():
            return [Edge("NO", at, at + 1 + dot, -0.3, None)]
    if token.normal == "x" and at + 1 < len(sentence) and sentence[at + 1].normal.isdecimal():
        return [Edge("X_TIMES", at, at + 2, 0.0, int(sentence[at + 1].normal[:2]))]
    if re.fullmatch(r"x\d", token.normal):
        return [Edge("X_TIMES", at, at + 1, 0.0, int(token.normal[1]))]
    return []


def _codes(sentence: list[Token], at: int, token: Token) -> list[Edge]:
    """ "W/M", "WM", "BRO/BLU"."""
    after = [each.normal for each in sentence[at + 1 : at + 3]]
    edges: list[Edge] = []
    if len(after) == 2 and after[0] == "/" and after[1] in ("m", "f") and _SEX_CODE.fullmatch(token.normal):
        edges.append(Edge("PN", at, at + 3, -1.0, _sex(at, at + 3, after[1] == "m")))
    if re.fullmatch(r"[WBHA][MF]", token.typed) or (at == 0 and re.fullmatch(r"[wbha][mf]", token.normal)):
        edges.append(Edge("PN", at, at + 1, -0.5, _sex(at, at + 1, token.typed[1] == "M")))
    if (
        len(after) == 2
        and after[0] == "/"
        and token.normal in _HAIR_CODES
        and after[1] in _EYE_CODES
        and len(token.normal) <= 5
    ):
        pair = lexicon().pair("hair", token.normal)
        node = pair.reading.node if pair is not None and pair.reading is not None else None
        if token.normal in ("brn", "bro", "blk", "bln", "gry", "red", "blo", "whi", "sdy", "brown"):
            edges.append(Edge("A", at, at + 3, -0.6, Quality("#fact", at, at + 3, node)))
    return edges


def _sex(start: int, end: int, man: bool) -> Thing:
    return Thing(
        None, start, end, person=PersonWord(reading_of("man" if man else "woman"), "described", False), word="sex"
    )


def _entry_edges(entry: Entry, at: int, end: int, sentence: list[Token], rivals: int) -> list[Edge]:
    category, value = entry
    word = " ".join(token.normal for token in sentence[at:end])
    longer = -0.15 * (end - at - 1)
    if category == "N":
        if end < len(sentence) and sentence[end].glued and sentence[end].sort == "word":
            return [Edge("NX", at, end, 0.3, Thing(None, at, end, word=word))]
        thing = Thing(value, at, end, word=word)
        if word.split()[-1] in _ED:
            return [Edge("N+ed", at, end, longer, thing)]
        return [Edge("N", at, end, longer, thing)]
    if category == "PN":
        if (
            word in ("m", "f", "n", "child")
            and sentence[at].typed.islower()
            and len(word) == 1
            and not _stands_alone(sentence, at)
        ):
            return []
        return [Edge("PN", at, end, longer, Thing(None, at, end, person=value, word=word))]
    if category == "A":
        return [Edge("A", at, end, longer, Quality(value or word, at, end))]
    if category == "NX":
        return [Edge("NX", at, end, longer, Thing(None, at, end, word=word))]
    if category == "FACT":
        node = None if value is None else value.node
        return [Edge("A", at, end, longer - 0.3, Quality("#fact", at, end, node))]
    if category == "V" and value == "be":
        return [Edge("BE", at, end, longer, "be"), Edge("V", at, end, longer, "be")]
    if category == "PREP" and word == "to":
        return [Edge("PREP", at, end, 0.0, word), Edge("TO", at, end, 0.0, word)]
    if category == "PREP":
        longer *= 5
    if category == "HEDGE" and word == "may" and at and sentence[at].typed == "May":
        return [Edge("NX", at, end, 0.0, Thing(None, at, end, name=True))]
    if category in ("POSS", "HE", "SHE", "OBJ", "DET", "PREP", "THEY", "BOTH", "MEM", "MEMS"):
        value = word
    return [Edge(category, at, end, longer, value if value != "" else word)]


def _stands_alone(sentence: list[Token], at: int) -> bool:
    before = sentence[at - 1] if at else None
    after = sentence[at + 1] if at + 1 < len(sentence) else None
    if after is not None and after.normal == "/":
        return True
    return (before is None or before.sort == "mark" or before.normal in ("white", "black", "ic1")) and (
        after is None or after.sort != "word" or True
    )


def _unknown(sentence: list[Token], at: int, token: Token, words: Lexicon) -> list[Edge]:
    """A word that no table has: what the list of ordinary words makes of it; of any other, a thing or an adjective."""
    classes = words.classes(token.normal)
    thing = Thing(None, at, at + 1, word=token.normal, lexical=False)
    if (
        token.normal.endswith(("man", "woman"))
        and len(token.normal) > 5
        and token.typed.islower()
        and token.normal not in ("human", "roman", "german", "talisman")
    ):
        sex = reading_of("woman" if token.normal.endswith("woman") else "man")
        return [Edge("PN", at, at + 1, 0.0, thing._replace(person=PersonWord(sex, "described", False)))]
    quality = Quality(token.normal, at, at + 1, known=False)
    if classes is None or classes == "-":
        edges = [Edge("NX", at, at + 1, 0.1, thing), Edge("A", at, at + 1, 0.4, quality)]
        if token.normal.endswith(("ed", "ing")):
            edges.append(Edge("V", at, at + 1, 0.2, "act"))
        return edges
    costs = {}
    for place, letter in enumerate(classes):
        costs.setdefault(letter, 0.1 + 0.25 * place)
    edges = []
    if "n" in costs:
        edges.append(Edge("NX", at, at + 1, costs["n"], thing))
    if "v" in costs or "p" in costs:
        edges.append(Edge("V", at, at + 1, min(costs.get("v", 9), costs.get("p", 9)), "act"))
    if "a" in costs or "p" in costs:
        edges.append(Edge("A", at, at + 1, min(costs.get("a", 9), costs.get("p", 9) + 0.3), quality))
    if "r" in costs:
        edges.append(Edge("DEG", at, at + 1, costs["r"], token.normal))
        edges.append(Edge("X", at, at + 1, costs["r"], token.normal))
    if "x" in costs:
        edges.append(Edge("X", at, at + 1, costs["x"], token.normal))
    return edges


def _compound(sentence: list[Token], at: int, entries: list[tuple[int, list[Entry]]]) -> list[Edge]:
    """Words joined by hyphens that no table has as a whole: an adjective, or a thing."""
    end = at + 1
    while end < min(len(sentence), at + 6) and sentence[end].glued and sentence[end].sort == "word":
        end += 1
    if end == at + 1 or sentence[at].glued or any(place >= end for place, _ in entries):
        return []
    last = sentence[end - 1].normal
    if sentence[at + 1].normal == "of" and any(e.category == "PN" for _, found in entries for e in found):
        return [
            Edge("PN", at, end, -0.3, Thing(None, at, end, person=e.value, word=sentence[at].normal))
            for _, found in entries
            for e in found
            if e.category == "PN"
        ]
    if last in _ED or any(
        entry.category in ("N", "PN") or (entry.category == "A" and entry.value)
        for _, found in _last_entries(sentence, end - 1)
        for entry in found
    ):
        return []
    return [
        Edge("A", at, end, -0.1, Quality("#compound", at, end)),
        Edge("NX", at, end, 0.0, Thing(None, at, end, word=last)),
    ]


def _last_entries(sentence: list[Token], at: int) -> list[tuple[int, list[Entry]]]:
    return lexicon().at(sentence, at)


def _names(sentence: list[Token], words: Lexicon) -> dict[int, int]:
    """Where names begin and end: a capitalised word behind a title or before Street, several in a row that no table has,
    one within a sentence that is in small letters."""
    names: dict[int, int] = {}
    at = 0
    while at < len(sentence):
        if not _capital(sentence, at):
            at += 1
            continue
        end = at
        while end < len(sentence) and (
            _capital(sentence, end) or (sentence[end].normal == "'s" and _capital(sentence, end + 1))
        ):
            end += 1
        while end > at and sentence[end - 1].sort != "word":
            end -= 1
        start = at
        if _is_name(sentence, start, end, words) or (end - start > 1 and sentence[start].normal in _TITLES and _is_name(sentence, start, end, words)):
            names[start] = end
        at = max(end, at + 1)
    return names


def _capital(sentence: list[Token], at: int) -> bool:
    if at >= len(sentence) or sentence[at].sort != "word":
        return False
    typed = sentence[at].typed
    return typed[0].isupper() and (len(typed) > 1 or False) and typed not in ("I",)


def _is_name(sentence: list[Token], start: int, end: int, words: Lexicon) -> bool:
    before = sentence[start - 1].normal if start else ""
    said = [token.normal for token in sentence[start:end] if token.normal != "'s"]
    if said[0] in _TITLES and len(said) > 1:
        return True
    if before in _TITLES and before not in ("lady", "officer"):
        return True
    if len(said) > 1 and said[-1] in _PLACES:
        return True
    known = [bool(words.at([token], 0)) for token in sentence[start:end] if token.normal != "'s"]
    lower = sum(token.typed.islower() for token in sentence if token.sort == "word")
    if before in _AT or (before == "the" and start > 1 and sentence[start - 2].normal in _AT):
        if (
            lower >= 3
            and (len(said) > 1 or not known[0])
            and not all(
                words.at([t], 0)
                and any(
                    e.category in ("PN",) or (e.category == "A" and not e.value)
                    for _, es in words.at([t], 0)
                    for e in es
                )
                for t in sentence[start:end]
            )
        ):
            return True
    if before in ("suspect", "witness", "named", "called", "nickname", "as", "offender") and start and lower >= 1:
        return not all(known) or before in ("witness", "as", "nickname")
    if start == 0 or sentence[start - 1].sort == "mark":
        return len(said) > 1 and not any(known)
    return not any(known) and lower >= 2
