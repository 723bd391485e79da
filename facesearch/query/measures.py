"""Numbers that a witness says: ages, and what is no age (heights, weights, times, dates, distances).

The network knows only young and not young: an age below 40, and a range up to 40, is young; from 40 on old; a range
across 40 says nothing.
"""

import re
from typing import NamedTuple

OLD_FROM = 40

_UNITS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES = {
    **{word: n for n, word in enumerate(_UNITS, 1)},
    **{word: n for n, word in enumerate(_TEENS, 10)},
    **{word: 10 * n for n, word in enumerate(_TENS, 2)},
    "fourty": 40,
}
_WORDS = re.compile(
    r"\b(?:(?:twenty|thirty|forty|fourty|fifty|sixty|seventy|eighty|ninety)"
    r"(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine)\b)?|ten|eleven|twelve"
    r"|(?:thir|four|fif|six|seven|eigh|nine)teen|one|two|three|four|five|six|seven|eight|nine)"
    r"(?=\b|ish\b)"
)
_N = r"(?:\d{1,3})(?:(?=years?|yrs?|yo\b|y/o)|(?![\w½]|[.,:/]\d|['’′\"”](?!(?<=\d\d['’”])(?:[\s.,;]|$))))"
_D = r"(?:\d+(?:[.,]\d+)?)"
_DASH = r"[-\u2013\u2014]"
_TO = rf"(?:\s*{_DASH}\s*|\s+(?:to|or|till|and|up\ to)\s+|\s*/\s*)"
_FOOT = r"(?:f(?:oo|ee)?t\.?|feet|foot|['’′](?!s\b))"
_INCH = r"(?:ins?\b(?!\s(?:a|the|his|her|\w+ed|\w+ing|black|blue|dark)\b)|inch(?:es)?|[\"”″]|''|’’)"
_NUMBER_OF_FEET = r"\d{1,2}"
_HEIGHT = (
    rf"{_NUMBER_OF_FEET}[\s-]?{_FOOT}(?:[\s-]?(?:{_NUMBER_OF_FEET}(?:[\s.]?[½¼¾]|\.5|\sand\sa\s(?:half|quarter))?[\s-]?{_INCH}?)(?![\w]))?"
    rf"(?:[\s-]?{_INCH})?"
)
_NUMBERED = (
    r"photo|picture|image|frame|cam|camera|exhibit|channel|unit|units|row|seats?|gate|platform|route|bus|page|item|room|flat|"
    r"ward|floor|junction|highway|interstate|bay|box|aisle|track|section|sector|apartment|apt|suite|lot|stop|size|car|coach|"
    r"carriage|lane|pump|till|table|cad|ref|log|exit|tape|clip|still|counter|desk|line|locker|court|stand|block"
)
"""Things that have numbers."""
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)"
)
_MEASURE = rf"""
    (?:between\s+|from\s+|about\s+|around\s+|approx\w*\.?\s+|roughly\s+|some\s+|over\s+|under\s+|just\s+(?:over|under)\s+)*
    (?:
        {_HEIGHT}(?:{_TO}{_HEIGHT})?
      | [4-7]-(?:0\d|1[01]|\d)(?![\d\w])
      | \d['’′]\d{{1,2}}[\"”″]?
      | (?:{_D}|\d{{1,2}})(?:{_TO}(?:{_D}|\d{{1,2}}))?[\s-]?(?:cms?|centimet(?:re|er)s?|met(?:re|er)s?|m|kgs?|kilos?|kilograms?|lbs?|pounds?|stones?|st(?!\w)|inch(?:es)?|ins?(?=[\s.,;)]|$)(?=\s(?:tall|high|long|in))|yards?|yds?|miles?|mph|km|kilometres?|mm|percent|per\s?cent|%|euros?|dollars?|quid|rows?|pages?|times)(?!\w)
        (?:\s+\d+\s?(?:lbs?|pounds?|oz))?
      | 10-\d(?!\d|\s*(?:y|old))
      | \d{{1,3}}\s+of\s+\d{{1,3}}(?!\w)
      | (?:{_NUMBERED})\s+(?:no\.?\s*|number\s+|\#)?\d{{1,4}}[a-z]?(?:\s+of\s+\d{{1,4}})?(?!\w|[’'.]?\s?(?:years|yrs|yo\b|y/o))
      | [£$€]\s?\d[\d.,]*\w?
      | \d{{1,2}}(?:[:.]\d\d)?\s?(?:am|pm|a\.m\.?|p\.m\.?|o[’']clock)(?!\w)(?!\s+shadow)(?:{_TO}\d{{1,2}}(?:[:.]\d\d)?\s?(?:am|pm|a\.m\.?|p\.m\.?)(?!\w))?
      | \d{{1,2}}:\d\d(?::\d\d)?(?!\w)
      | \d{{3,4}}\s?(?:hrs?|hours?)(?!\w)
      | (?:5|10|20|25|quarter|half|\d{{1,2}}\sminutes)\s+(?:minutes?\s+)?(?:past|to)\s+(?:1?\d|midnight|noon)(?!\w|\s?(?:years|yrs|y))
      | (?:{_D}|\d{{1,2}}|half\s+an?|an?(?!\s(?:second|minute)\s[a-z])|few|several|couple(?:\s+of)?)[\s-](?:or\s+(?:so|two|three)\s+)?(?:secs?|seconds?|mins?|minutes?|hours?|hrs?|days?(?!['’]?s?['’]?\s+(?:growth|beard|stubble|of\s+growth|old|worth))|weeks?(?!['’]?s?['’]?\s+(?:growth|beard|stubble)))(?!\w)(?:\s+(?:ago|later|earlier|before|after))?
      | \d{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH}(?!\w)(?:\s+\d{{4}})?
      | {_MONTH}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?(?![\w+]|\s?(?:years|yrs|or\b|to\b|-))
      | \d{{1,2}}[/.]\d{{1,2}}[/.]\d{{2,4}}
      | (?:for|in|over|past|last|these|known\ him|known\ her)\s+(?:about\s+)?(?:\d{{1,2}}|\d{{1,2}})\s+years(?!\s+(?:old|of\s+age))(?=\s+(?:from|now|so|as|since|in|on|and|at|ago)|[,.])
      | (?:[12]\d{{3}})(?![\d\w'’]|[.,]\d)
      | \d{{3,}}(?!\w)
      | \((?:(?:far|top|bottom|front|back|second\s+from|cent(?:re|er))\s+)?(?:left|right|l|r|cent(?:re|er)|middle|above|below|top|bottom|pictured)\)
    )
"""
_DECADE = (
    rf"(?:(?:early|mid|middle|late|high|low)(?:(?:{_TO}|[\s-])(?:early|mid|late))?[\s-]+)?"
    rf"(?:(?:in|into)\s+(?:his|her|their|the)\s+)?"
    rf"(?:[1-9]0['’]?s|(?:twen|thir|for|four|fif|six|seven|eigh|nine)ties|teens|teenage\s+years)(?!\w)"
)
_ABOUT = (
    r"(?:(?:(?:would|could|was|is|were)(?:n['’]?t|\s+not)\s+(?:be\s+|have\s+been\s+)?|not\s+)?far\s+(?:off|short\s+of|from)|"
    r"about|aboot|abt|around|approximately|roughly|approx\.?|circa|ca?\.?|just|only|nearly|almost|perhaps|rising|pushing|"
    r"(?:knocking|getting|going|coming)\s+(?:on|up)(?:\s+(?:for|to|towards))?|nudging|approaching|nearing|turned|turning|"
    r"shy\s+of|close\s+(?:on|to)|closer\s+to|more\s+like|touching|(?<!['’]d\s)(?<!would\s)(?<!should\s)(?<!could\s)(?<!to\s)say|some|est\.?|estimated)"
)
_YEARS = r"(?:\s+(?:summers|winters)\b|[\s-]*(?:years?|yrs?\.?|year)[\s-]*(?:olds?\b|of\s+age|approx\.?|or\s+so)?|[\s-]*(?:y/?o/?a?|y\.o\.?|yoa|yo)\b)"
_LOOSE = r"(?:\s?-?ish\b|[\s-]something\b|[\s-]odd\b|s?\s+or\s+so\b|\s+or\s+thereabouts\b)"
_CANNOT = r"(?:(?:cannot|can['’]?t|couldn['’]?t|(?:can|could)\s+not)(?:\s+possibly)?\s+(?:have\s+been|be)|(?:was|is|were)(?:\s+not|n['’]?t))\s+(?:much\s+|any\s+)?"
_MORE = (
    rf"{_CANNOT}(?:under|younger\s+than|less\s+than|below)|must\s+(?:have\s+been|be)\s+(?:over|at\s+least)|"
    r"over|above|at\s+least|older\s+than|upwards\s+of|more\s+than|well\s+over|the\s+wrong\s+side\s+of|past|not\s+under"
)
_LESS = (
    rf"{_CANNOT}(?:over|older\s+than|more\s+than|above)|"
    r"(?:not|(?:is|was|are|were)n['’]?t)\s+yet|the\s+right\s+side\s+of|under|below|younger\s+than|less\s+than|no\s+(?:older|more)\s+than|not\s+(?:older|more)\s+than|not\s+over|up\s+to|at\s+most"
)
_AGE = rf"""
    (?P<decade>(?:\bage[ds]?:?\s+(?:about\s+)?)?(?:in\s+(?:his|her|their|the)\s+)?{_DECADE})(?:{_TO}(?:in\s+(?:his|her|their)\s+)?(?P<decade2>{_DECADE}))?
  | (?P<cue>\b(?:apparent\s+|estimated\s+|est\.?\s+|approximate\s+)?(?:aged?|ages)(?:\s+(?:range|group|of|in))?\b\s*(?:is\s+|:\s*|=\s*|-\s+|\u2013\s+)?|\blook(?:s|ed|ing)?\s+|\bcould\s+be\s+(?=\d))?
    (?:{_ABOUT}\s+|c(?:a|irca)?\.)*(?:(?P<more>{_MORE})\s+|(?P<less>{_LESS})\s+|(?P<between>(?:anything\s+|anywhere\s+|somewhere\s+)?(?:between|from)(?:\s+the\s+ages\s+of)?\s+))?
    (?:the\s+age\s+of\s+)?(?:{_ABOUT}\s+)*
    (?P<first>{_N}|(?:\d{{1,2}}|\d\d)(?=ish\b|[\s-](?:something|odd|ish)\b)|\d{{1,2}}(?=-)|\d\d(?=/\d\d(?![\w/'’]|[.,:]\d)))
    (?:{_TO}(?:about\s+)?(?P<last>{_N}))?(?P<months>[\s-](?:months?|weeks?)(?:[\s-]old)?\b)?(?P<years>{_YEARS})?(?P<loose>{_LOOSE})?
    (?P<up>\s?\+|\s+(?:or|and)\s+(?:older|over|above|up(?:wards)?)|\s+upwards)?(?P<down>\s+(?:or|and)\s+(?:younger|under))?
"""
_BOTH = re.compile(rf"(?<![\w.:£$€½])(?<!\d,)(?<!\d\d\d/)(?:(?P<measure>{_MEASURE})|{_AGE})", re.VERBOSE)
_BEFORE = re.compile(
    r"(?:^|[\],;(\n|:•*=\u2013/\u2014+]|\.\s|\?\s|\s-|\b(?:is|was|be|been|he['’]s|she['’]s|i['’]m|['’]s|man|woman|male|female|girl|boy|lad|(?:\w*man|\w*er|\w*or|male|lady|guy|bloke|chap|lad|boy|girl|fella|person|youth|age|lass|couple|one) of|"
    r"hes|shes|theyre|yet|maybe|perhaps|possibly|probably|likely|poss|say|have said|only|just|like|m|f|guy|at|than|about|around|lady|guy|bloke|chap|lad|kid|child|fella|teenager|named|exactly|am|were|person|youth|suspect|sus|[wbhao]/?[mf]|ic\d|"
    r"well\s+into|into|fem|approx\.?|roughly|nearly|over|as))\s*$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\s*(?:$|['’”\"](?=\W|$)|[\[,;)\n|☑☒✓✔.?!/*•\u2013\u2014:]|(?:with|and|or|who|in|n|when|but|next|this|last|wearing|wears|wore|hasnt|hasn|bald|blond|blonde|clean|grey|gray|brown|dark|fair|at|on|had|has|to|white|black|male|female|asian|now|today|tall|if|than|because|years|he|she|I|maybe|perhaps|possibly|probably|prob|"
    r"tops|max|maximum|at|give|never|always|or)\b|-\s|\d['’-]|\d\s?f(?:oo|ee)?t)",
    re.IGNORECASE,
)


_PERSON = re.compile(
    r"\b(?:\w*man|male|female|lady|guy|bloke|chap|lad|boy|girl|kid|child|fella|teenager|youth|person)\s+(?:of\s+|maybe\s+|perhaps\s+|probably\s+|prob\s+|about\s+|around\s+|only\s+)?$"
)


_OF_SOMEBODY = re.compile(
    r"\b(?:(?:s?he|who|man|woman|male|female|suspect|offender|lad|girl|boy|guy|culprit|thief|prowler|driver)"
    r"(?:['’]s|s|\s(?:is|was|looked|looks|seemed|appeared))(?:\s(?:to\sbe|probably|maybe|perhaps|only|just|thought|believed))*"
    r"|[wbh]?[mf]|ic\d|approx\.?|black|asian|white)\s+$"
)
"""Of whom a figure is said, so that it is an age whatever follows."""
_COUNTED = re.compile(
    r"\s+(?:\w*[^su\W]s(?<!\bwas)(?<!\bhas)(?<!wears)(?<!specs)(?<!sports)|people|men|women|children|of|cctv|more|other)\b"
)


class Measure(NamedTuple):
    """start, end: code points. young: what an age says (None: nothing that is searched). age: it is an age at all, and
    not any other number; low, high: the years said."""

    start: int
    end: int
    age: bool
    young: bool | None = None
    low: int = 0
    high: int = 0


_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def measures(text: str, answer: tuple[int, int] = (0, 0)) -> list[Measure]:
    """Every number in `text` that is an age or a measure; bare numbers that are neither are left out. answer: where an
    age was asked for, so that bare numbers are one."""
    figures, places, spoken = _in_figures(text.translate(_LOWER))
    found = []
    at = 0
    while (match := _BOTH.search(figures, at)) is not None:
        asked = match["first"] is not None and answer[0] <= places[match.start("first")][0] < answer[1]
        measure = _measure(figures, match, match.start("first") in spoken, asked)
        if measure is not None:
            found.append(measure._replace(start=places[measure.start][0], end=places[measure.end - 1][1]))
        at = match.end() if measure is not None or match["measure"] else _past_word(figures, match)
    return found


def _in_figures(text: str) -> tuple[str, list[tuple[int, int]], set[int]]:
    """The text with numbers in figures: for each character the place in `text` that it stands for, and where figures
    begin that were words."""
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    spoken: set[int] = set()
    at = 0
    for match in _WORDS.finditer(text):
        if match.group() in ("one", "two", "three") and text[: match.start()].rstrip()[-1:] in ("", "."):
            continue  # "... about 6ft. One is ..."
        parts.append(text[at : match.start()])
        places += ((place, place + 1) for place in range(at, match.start()))
        figure = str(_value(match.group()))
        spoken.add(len(places))
        places += [match.span()] * len(figure)
        parts.append(figure)
        at = match.end()
    parts.append(text[at:])
    places += ((place, place + 1) for place in range(at, len(text)))
    return "".join(parts), places, spoken


def _past_word(text: str, match: re.Match[str]) -> int:
    """Where to look next if the match was none: behind its first word."""
    word = re.compile(r"\w+").search(text, match.start())
    return word.end() if word is not None else match.end()


def _measure(text: str, match: re.Match[str], spoken: bool, asked: bool) -> Measure | None:
    """What a match is; None: neither an age nor a measure. spoken: its figure was a word; asked: it answers."""
    start, end = match.start(), match.start() + len(match.group().rstrip())
    if match["measure"]:
        return Measure(start, end, False)
    if match["decade"]:
        if _OF_STYLE.search(text[:start]) and _STYLED.match(text, end) and not match["decade2"]:
            return Measure(start, end, False)  # "one of those seventies moustaches"
        decades = [_decade(each) for each in (match["decade"], match["decade2"]) if each]
        return _age(start, end, decades[0][0], decades[-1][1])
    low, high, end = _years(text, match, end)
    if match["months"]:
        return _age(start, end, 0, 3) if high < OLD_FROM else Measure(start, end, False)
    said = asked or _said_as_age(match) or _alone(text, match, (start, end), (low, high), spoken)
    if not said or _is_date(match, low) or _numbers_somebody(text, start, end):
        return None
    if _is_duration(text, match, end):
        return Measure(start, end, False)
    return _age(start, end, *_bounded(match, low, high))


_OF_SEVERAL = re.compile(r"\b(?:suspect|offender|subject|accused|person|victim|witness)\s$")
_OF_STYLE = re.compile(
    r"\b(?:a|an|those|them|these|thick|big|old|style|proper|some|his|her|that|real|typical|classic|like)\s+$"
)
_STYLED = re.compile(
    r"[\s-](?:style|type|kind|era|look|1(?!\d)|ones|pair|job|number|effort|affair|moustache|mustache|tache|tash|hair|glasses|specs|sunglasses|shades|sideburns|beard)"
)


def _numbers_somebody(text: str, start: int, end: int) -> bool:
    """ "Suspect 12: ..."."""
    return text[end : end + 1] == ":" and _OF_SEVERAL.search(text[:start]) is not None


def _is_date(match: re.Match[str], low: int) -> bool:
    return "/" in match.group() and not (match["cue"] or match["years"]) and low < _GROWN


def _years(text: str, match: re.Match[str], end: int) -> tuple[int, int, int]:
    """The first and last year of an age, and where it ends: "25", "25 to 30", "sixty-five, seventy"."""
    low = int(match["first"])
    if match["last"]:
        return low, max(low, int(match["last"])), end
    listed = _OR_SO.match(text, end)
    if listed is not None and low < int(listed[1]) <= low + _APART:
        return low, int(listed[1]), listed.end()
    return low, low, end


_OR_SO = re.compile(r",\s+(\d\d)(?=\s*(?:[,;.?!)\n]|$|(?:or|and|with|maybe|years|something|ish)\b))(?!\.\d)")
_APART = 10
"""Years between two figures that say one age: "sixty-five, seventy"."""


def _said_as_age(match: re.Match[str]) -> bool:
    """ "30 years old", "aged 30", "30ish", "between 30 and 40"."""
    cue = match["cue"] is not None and bool(match["cue"].strip())
    between = match["between"] and match["last"] and int(match["first"]) >= _CHILD
    return bool(match["years"] or match["loose"] or cue or between)


def _bounded(match: re.Match[str], low: int, high: int) -> tuple[int, int]:
    if match["more"] or match["up"]:
        return low, 120
    if match["less"] or match["down"]:
        without = match["less"] and re.match(r"under|below|less|younger|the|\S+\s+yet", match["less"])
        return 0, high - bool(without)
    return low, high


def _is_duration(text: str, match: re.Match[str], end: int) -> bool:
    """ "For 22 years": bare years that stand within a sentence."""
    bare = (match["years"] or "").strip(" -") in ("year", "years", "yrs", "yr") and not match["cue"]
    before = re.search(r"\b(?:for|over|past|last|in)\s+$", text[: match.start()])
    of_somebody = _PERSON.search(text[max(0, match.start() - 30) : match.start()]) and not _LATER.match(text, end)
    return bare and (not (_AFTER.match(text, end) or of_somebody) or before is not None)


_LATER = re.compile(r"\s+(?:ago|later|earlier|before|after|back|in|for|on|from|service|inside)\b")

_CHILD, _TEN, _GROWN = 4, 10, 13
"""Least ages: where a child is spoken of, and for a bare figure."""
_OF_A_CHILD = re.compile(
    r"\b(?:boy|girl|child|kid|son|daughter|brother|sister|i am|s?he(?: is|['’]?s)|hurt is)\W+(?:\w+\W+){0,2}$"
)
_CHILD_OF = re.compile(r"\b(?:boy|girl|child|kid)s?\s+of\s+$")


def _alone(text: str, match: re.Match[str], span: tuple[int, int], years: tuple[int, int], spoken: bool) -> bool:
    """The figures stand alone, as an age does: "man, 25", "he is 25", "woman of 25", "about 60"."""
    start, end = span
    low, high = years
    before = text[max(0, start - 30) : start]
    ranged = match["last"] is not None
    apposed = text[start - 2 : start] == ", " and text[end : end + 1] == ","  # "Daniel, 10, has ..."
    of_him = spoken and _OF_SOMEBODY.search(before) is not None
    child = ranged or apposed or of_him or _OF_A_CHILD.search(before)
    if not (_CHILD if child else _GROWN) <= low <= high <= 110:
        return False
    few = ranged and (low >= _TEN or _CHILD_OF.search(before))
    if spoken and low < _GROWN and not (of_him or few):
        return False
    if (_PERSON.search(before) and not _COUNTED.match(text, end)) or (
        _OF_SOMEBODY.search(before) and not _COUNTED.match(text, end)
    ):
        return True
    return _stands_alone(text, match, span, years)


def _stands_alone(text: str, match: re.Match[str], span: tuple[int, int], years: tuple[int, int]) -> bool:
    """Marks or words stand around the figures as around an age."""
    start, end = span
    ranged = match["last"] is not None
    about = re.match(_ABOUT, match.group()) or match["more"] or match["less"] or match["up"]
    likely = ranged and (re.match(r"\s+\d", text[end:]) or (years[0] > 9 and years[1] - years[0] <= 15))
    return bool((about or _BEFORE.search(text[max(0, start - 30) : start])) and (likely or _AFTER.match(text, end)))


def _age(start: int, end: int, low: int, high: int) -> Measure:
    young = True if high <= OLD_FROM and low < OLD_FROM else False if low >= OLD_FROM else None
    return Measure(start, end, True, young, low, high)


def _decade(said: str) -> tuple[int, int]:
    words = said.casefold()
    if "teen" in words:
        return 13, 19
    digits = re.search(r"\d+", words)
    stem = re.search(r"(twen|thir|for|four|fif|six|seven|eigh|nine)ties", words)
    tens = int(digits.group()) if digits else _VALUES[f"{stem[1]}ty"] if stem else 0
    return tens, tens + 9


def _value(number: str) -> int:
    if number[0].isdecimal():
        return int(number)
    return sum(_VALUES[part] for part in re.split(r"[\s-]+", number.casefold()) if part)
