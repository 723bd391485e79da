"""The versions of several witnesses: which part of a text is whose."""

import re
from typing import NamedTuple

_LABEL = re.compile(
    r"(?:^|(?<=[\n.;/!?\"”]))[^\S\n]*(?P<name>(?:witness|wit|caller|informant|complainant|bystander)\s*(?:no\.?|number|\#)?\s*"
    r"(?P<key>[A-Za-z]|\d{1,2}|one|two|three|four)|(?P<first>(?:first|second|third|fourth)\s+(?:witness|caller))"
    r"|W(?P<code>\d))\s*(?::|[-\u2013]\s)",
    re.IGNORECASE | re.MULTILINE,
)


class Version(NamedTuple):
    """What one witness says. witness: as typed ("Witness A"; "": what stands before all of them); start, end: code
    points of the text behind the name."""

    witness: str
    start: int
    end: int


def versions(text: str) -> list[Version]:
    """The parts of a text in which two or more witnesses are told apart; none of any other."""
    labels = list(_LABEL.finditer(text))
    keys = {(label["key"] or label["first"] or label["code"]).casefold() for label in labels}
    if len(keys) < 2:
        return []
    ends = [*(label.start() for label in labels[1:]), len(text)]
    found = [
        Version(" ".join(label["name"].split()), label.end(), end) for label, end in zip(labels, ends, strict=True)
    ]
    opening = Version("", 0, labels[0].start())
    return [*([opening] if text[: opening.end].strip() else []), *found]
