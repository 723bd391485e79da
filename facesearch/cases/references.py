"""How cases are named, and which texts can be kept in them."""

import unicodedata

from facesearch.cases.errors import BadText

MOST_REFERENCE, MOST_NAME, MOST_NOTE, MOST_STATEMENT = 100, 200, 10_000, 200_000
"""Characters."""


def key_of(reference: str) -> str:
    """A reference as two are compared: without regard to case and to the blanks in it."""
    return " ".join(unicodedata.normalize("NFKC", reference).casefold().split())


def line(text: str, what: str, most: int, *, needed: bool = False) -> str:
    """A text of one line. what: what it is, for the message. Raises BadText."""
    text = " ".join(checked(text, what, most).split())
    if needed and not text:
        raise BadText(f"The {what} is empty: write one.")
    if not text.isprintable():
        raise BadText(f"The {what} holds characters that cannot be shown: write it in letters, digits and signs.")
    return text


def checked(text: str, what: str, most: int) -> str:
    """A text as it stands. Raises BadText where it is too long, or no text."""
    if len(text) > most:
        raise BadText(f"The {what} has {len(text):,} characters, and may have {most:,}: shorten it.")
    if any(0xD800 <= ord(each) <= 0xDFFF for each in text) or "\0" in text:
        raise BadText(f"The {what} holds bytes that are no text: save it as UTF-8 and give it again.")
    return text
