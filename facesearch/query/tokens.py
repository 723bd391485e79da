"""A statement as words, numbers and marks, in sentences."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple


def word_set(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}`\N{PRIME}"
DASHES = "-\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{FIGURE DASH}\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}"

_TOKEN = re.compile(
    rf"(?P<word>[^\W\d_]+(?:[{APOSTROPHES}][^\W\d_]+)?(?:/[opOP](?![^\W\d_])|/out(?![^\W\d_])|(?<=\b[wW])/(?=\s|$))?)"
    r"|(?P<number>\d+(?:[.,:]\d+)*[^\W\d_]*)"
    r"|(?P<line>[^\S\n]*\n\s*)"
    r"|(?P<space>\s+)"
    r"|(?P<mark>\.{2,}|\?{2,}|.)",
    re.DOTALL,
)
_BROKEN = re.compile(rf"(?<=[^\W\d_])[{DASHES}]\n\s*(?=[a-z])")
_CLITIC = re.compile(rf"^(?P<stem>.+?)(?P<clitic>n[{APOSTROPHES}]t|[{APOSTROPHES}](?:s|d|ll|re|ve|m))$", re.IGNORECASE)
_NO_APOSTROPHE = re.compile(
    r"^(?:(?P<not>is|was|has|had|did|does|do|were|are|have|would|could|should|ca|wo)(?P<nt>nt)"
    r"|(?P<is>he|she|that|who|there|where|what|here)(?P<s>s)|(?P<are>they|you)(?P<re>re)|(?P<have>they|you|i)(?P<ve>ve)"
    r"|(?P<am>i)(?P<m>m)|(?P<had>he|they)(?P<d>d))$",
    re.IGNORECASE,
)
"""Words with a clitic whose apostrophe was left out: "hasnt", "hes"."""
_ABBREVIATIONS = word_set(
    "mr mrs ms dr st no approx poss prob probs est desc ht wt etc vs ca c sgt insp inc ltd jr sr ave rd "
    "capt lt det ref tel lbs ft ins yrs min mins occ lge med blk reg veh susp sus def "
    "jan feb mar apr jun jul aug sept sep oct nov dec"
)


_NEVER_LAST = word_set("mr mrs ms dr st sgt insp poss approx prob desc c ca est")
"""Abbreviations with which no sentence ends."""


class Token(NamedTuple):
    """normal: in lower case with plain apostrophes, "n't" and "'s" as words of their own. glued: a hyphen or slash
    joins
    it to the token before. sort: "word", "number", "mark" or "line"."""

    normal: str
    start: int
    end: int
    typed: str
    sort: str
    glued: bool = False
    spaced: bool = False
    """A blank stands before it."""


QUOTES = frozenset("\"'\u201c\u201d\u2018\u2019")
_QUOTES = dict.fromkeys(map(ord, APOSTROPHES), "'")


def normal(word: str) -> str:
    plain = word if word.isascii() else unicodedata.normalize("NFKC", word)
    return plain.casefold().translate(_QUOTES)


def is_picture(text: str) -> bool:
    """An emoji or another picture among the signs, with nothing else; but no degree or copyright sign."""
    return all(letter >= "\u2600" and unicodedata.category(letter) == "So" for letter in text)


_LABELS = word_set("first second third fourth")
_ORDINALS = {"1st": "first", "2nd": "second", "3rd": "third"}


def tokens(text: str) -> list[Token]:
    """Every word, number and mark of `text`, with where it stands."""
    found: list[Token] = []
    glued = spaced = False
    broken = {match.start(): match.end() for match in _BROKEN.finditer(text)}
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match is not None
        sort = match.lastgroup or "mark"
        end = match.end()
        if sort == "word" and end in broken and (rest := _TOKEN.match(text, broken[end])) and rest.lastgroup == "word":
            end = rest.end()
            found.append(Token(normal(match.group() + rest.group()), at, end, text[at:end], "word", glued, spaced))
        elif sort == "word":
            found.extend(_words(match.group(), at, glued, spaced))
        elif sort == "mark" and match.group() in DASHES and _joins(text, at):
            at, glued, spaced = end, True, False
            continue
        elif sort == "number" and match.group() in _ORDINALS:
            found.append(Token(_ORDINALS[match.group()], at, end, match.group(), "word", glued, spaced))
        elif sort != "space":
            found.append(Token(normal(match.group()), at, end, match.group(), sort, glued, spaced))
        glued, spaced = False, sort in ("space", "line")
        at = end
    return found


_BOX = re.compile(r"\[\s?(?P<tick>[xX✓✔*]?)\s?\]|\(\s?(?P<round>[xX✓✔]?)\s?\)|(?P<sign>[☐☑☒✓✔□■])")


def ticked(text: str, found: list[Token]) -> tuple[list[Token], list[tuple[int, int]]]:
    """The boxes of a form: a ticked one parts what stands before and behind it; what belongs to an empty one is left
    out, and where that stands."""
    boxes = {match.start(): match for match in _BOX.finditer(text)}
    if not boxes:
        return found, []
    lines: list[list[Token]] = [[]]
    for token in found:
        lines[-1].append(token)
        if token.sort == "line":
            lines.append([])
    words: list[Token] = []
    left_out: list[tuple[int, int]] = []
    for line in lines:
        _tick_line(line, boxes, words, left_out)
    return words, left_out


def _tick_line(
    line: list[Token], boxes: dict[int, re.Match[str]], words: list[Token], left_out: list[tuple[int, int]]
) -> None:
    """The fields of a line, which "|" parts."""
    borders = [at for at, token in enumerate(line) if token.normal == "|"]
    for start, end in pairwise([0, *borders, len(line)]):
        _tick_field(line[start:end], boxes, words, left_out)


def _tick_field(
    field: list[Token], boxes: dict[int, re.Match[str]], words: list[Token], left_out: list[tuple[int, int]]
) -> None:
    first = next((at for at, token in enumerate(field) if token.start in boxes), len(field))
    words += field[:first]
    named = not _opens(words)
    leads = not named or _is_led(field, boxes)
    for token, box, behind in _boxes_of(field[first:], boxes):
        left_out += () if leads else _taken_back(words, box)
        words += _for_box(token, box, words, ":" if named and leads else ";")
        said, unsaid = _parted(behind, leads and _is_empty(box))
        words += said
        left_out += unsaid


def _parted(behind: list[Token], empty: bool) -> tuple[list[Token], list[tuple[int, int]]]:
    """What counts of the words behind a box, and where the others stand."""
    said = [token for token in behind if not empty or token.sort == "line"]
    return said, [(token.start, token.end) for token in behind if token not in said]


def _boxes_of(
    field: list[Token], boxes: dict[int, re.Match[str]]
) -> Iterator[tuple[Token, re.Match[str], list[Token]]]:
    """Each box: its first token, and the tokens behind it up to the next one."""
    places = [at for at, token in enumerate(field) if token.start in boxes]
    for start, end in pairwise([*places, len(field)]):
        box = boxes[field[start].start]
        yield field[start], box, [token for token in field[start:end] if token.start >= box.end()]


def _for_box(token: Token, box: re.Match[str], words: list[Token], mark: str) -> Iterator[Token]:
    """The mark that a box parts words by; none behind the name of a field."""
    if not (mark == ":" and words[-1].normal == ":"):
        yield token._replace(normal=mark, sort="mark", end=box.end())


def _is_led(field: list[Token], boxes: dict[int, re.Match[str]]) -> bool:
    """ "Sex [x] M [ ] F": the boxes of a field stand before their words, since a word is the last in it."""
    found = [boxes[token.start] for token in field if token.start in boxes]
    return len(found) > 1 and any(t.sort in ("word", "number") for t in field if t.start >= found[-1].end())


def _taken_back(words: list[Token], box: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The words before an empty box that stands behind them."""
    while _is_empty(box) and not _opens(words):
        last = words.pop()
        yield last.start, last.end


def _opens(words: list[Token]) -> bool:
    return not words or words[-1].sort == "line" or words[-1].normal in (":", ";", ",", "|")


def _is_empty(box: re.Match[str]) -> bool:
    return box["sign"] in ("☐", "□") if box["sign"] else not (box["tick"] or box["round"])


def _joins(text: str, at: int) -> bool:
    """The dash at `at` stands within a word, as in "dark-haired"."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return before.isalnum() and after.isalpha() and text[at] not in "\N{EM DASH}"


def _words(typed: str, start: int, glued: bool, spaced: bool) -> Iterator[Token]:
    clitic = _CLITIC.match(typed)
    if clitic is None and (bare := _NO_APOSTROPHE.match(typed)) is not None:
        stem, rest = (part for part in bare.groups() if part is not None)
        cut = start + len(stem)
        normal_stem = {"ca": "can", "wo": "will"}.get(normal(stem), normal(stem))
        yield Token(normal_stem, start, cut, stem, "word", glued, spaced)
        yield Token("n't" if normal(rest) == "nt" else f"'{normal(rest)}", cut, start + len(typed), rest, "word")
        return
    if clitic is None:
        yield Token(normal(typed), start, start + len(typed), typed, "word", glued, spaced)
        return
    cut = start + clitic.end("stem")
    stem = normal(clitic["stem"])
    stem = {"ca": "can", "wo": "will", "sha": "shall"}.get(stem, stem) if clitic["clitic"][0] in "nN" else stem
    yield Token(stem, start, cut, clitic["stem"], "word", glued, spaced)
    yield Token(normal(clitic["clitic"]), cut, start + len(typed), clitic["clitic"], "word")


_CLITICS = frozenset(("'s", "'d", "'ll", "'re", "'ve", "'m", "n't"))
_SIMPLE = re.compile(r"[^\W\d_]+(?:[ -][^\W\d_]+)*", re.ASCII)


def said(text: str) -> tuple[str, ...]:
    """The normal words of a phrase, as the lexicon compares them."""
    if _SIMPLE.fullmatch(text):
        return tuple(text.casefold().replace("-", " ").split(" "))
    words = text.split(" ")
    if any(word in _CLITICS for word in words):  # "'m not sure": alone, the apostrophe would be a mark
        return tuple(each for word in words for each in ((word,) if word in _CLITICS else said(word)))
    return tuple(token.normal for token in tokens(text))


def sentences(found: list[Token]) -> Iterator[list[Token]]:
    """The sentences, the longest of them in parts."""
    for sentence in _sentences(found):
        yield from _in_parts(sentence)


def _sentences(found: list[Token]) -> Iterator[list[Token]]:
    """What full stops, question marks and new lines part."""
    sentence: list[Token] = []
    for at, token in enumerate(found):
        if sentence and (token.sort == "line" or _begins(found, at)):
            yield sentence
            sentence = []
        if token.sort == "line":
            continue
        sentence.append(token)
        if token.sort == "mark" and token.normal[0] in ".!?" and _ends(found, at):
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def _begins(found: list[Token], at: int) -> bool:
    """Here begins something new without a full stop before: "Second suspect: ...", "... as: 1. White male"."""
    labelled = found[at].normal in _LABELS and [each.normal for each in found[at + 2 : at + 3]] == [":"]
    return labelled or (found[at - 1].normal == ":" and _opens_list(found, at))


def _opens_list(found: list[Token], at: int) -> bool:
    """ "... are described as: 1. White male"."""
    number = found[at].sort == "number" and len(found[at].normal) <= 2
    return (
        number
        and found[at + 1 : at + 2] != []
        and found[at + 1].normal in (".", ")")
        and found[at + 1].start == found[at].end
    )


LONGEST = 90
"""Words of a sentence; a longer one is parted at its commas, or where it is this long."""


def _in_parts(sentence: list[Token]) -> Iterator[list[Token]]:
    while len(sentence) > LONGEST:
        cut = next((at + 1 for at in range(LONGEST, LONGEST // 2, -1) if sentence[at].normal == ","), LONGEST)
        yield sentence[:cut]
        sentence = sentence[cut:]
    yield sentence


_WIDTH = 50
_SHORT = 30


def unwrapped(text: str) -> str:
    """The text, as long as before, with spaces for the new lines that part no sentence: those at which the next word
    would not have fitted any more, or goes on in small letters."""
    if "\n" not in text:
        return text
    found = tokens(text)
    lines = [-1, *(at for at, token in enumerate(found) if token.sort == "line"), len(found)]
    rows = [found[start + 1 : end] for start, end in pairwise(lines)]
    width = max(_width(row) for row in rows)
    flows = width >= _WIDTH and any(_goes_on(row) for row in rows[1:])
    for at, (before, after) in zip(lines[1:], pairwise(rows), strict=False):
        room = width - _width(before) if flows else len(text)
        full = bool(after) and len(text[after[0].start : after[0].start + room + 1].split(None, 1)[0]) + 1 > room
        if _is_wrap(found[at].typed, before, after, full):
            start, end = found[at].start, found[at].end
            text = text[:start] + " " * (end - start) + text[end:]
    return text


def _is_wrap(line: str, before: list[Token], after: list[Token], full: bool) -> bool:
    if not before or not after or line.count("\n") > 1 or _opens_line(after):
        return False
    return full or (_goes_on(after) and before[-1].sort == "word" and _width(before) > _SHORT)


def _width(row: list[Token]) -> int:
    return row[-1].end - row[0].start if row else 0


def _goes_on(row: list[Token]) -> bool:
    return bool(row) and row[0].sort == "word" and row[0].typed[0].islower()


def _opens_line(row: list[Token]) -> bool:
    """A line that begins something new: with a mark, a number in a list, or the name of a field."""
    if row[0].sort == "mark" and row[0].normal not in ("(", '"', "'"):
        return True
    listed = len(row) > 1 and len(row[0].normal) == 1 and row[0].sort == "number" and row[1].normal in (")", ".")
    dashed = any(token.normal in DASHES and token.sort == "mark" and token.spaced for token in row[1:3])
    return listed or dashed or any(token.normal in (":", "=") for token in row[1:4])


def _ends(found: list[Token], at: int) -> bool:
    """The mark at `at` ends a sentence, and is not that of an abbreviation or a number."""
    token = found[at]
    before = found[at - 1] if at else None
    after = found[at + 1] if at + 1 < len(found) else None
    if token.normal[0] in "!?" or len(token.normal) > 1 or after is None or after.sort == "line":
        return True
    if not after.spaced:
        return after.sort == "word" and before is not None and len(before.normal) > 2 and after.typed[0].isupper()
    if before is None or before.end != token.start:
        return True
    if _numbers(found, at):
        return False  # "1. White male, 30s"
    return _ends_behind(before, after, coded=at > 1 and found[at - 2].normal == "/")


def _numbers(found: list[Token], at: int) -> bool:
    """The full stop at `at` belongs to the number of a list."""
    before = found[at - 1]
    if before.sort != "number" or len(before.normal) > 2:
        return False
    return at == 1 or found[at - 2].sort == "line" or found[at - 2].normal[0] in "./:"


def _ends_behind(before: Token, after: Token, coded: bool) -> bool:
    """A full stop between these words ends a sentence. coded: the word before is the last of a code ("W/Ms")."""
    if before.normal == "no":
        return after.sort != "number"  # "No. 5"
    if before.normal in _ABBREVIATIONS and not coded:
        return before.normal not in _NEVER_LAST and after.typed[0].isupper()
    initial = len(before.normal) == 1 and before.typed.isalpha() and before.typed != "I"
    return not (initial and after.typed[0].islower())
