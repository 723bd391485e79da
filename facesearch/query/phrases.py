"""How each attribute is said, either way: the words in which a query prints itself and a hit is explained.

Every phrase here is also understood by the parser, with exactly the meaning that it prints (a test says so).
"""

from facesearch.attributes import ATTRIBUTES, BY_NAME

_OWN_WORDS: dict[str, tuple[str, str]] = {
    "5_o_Clock_Shadow": ("stubble", "no stubble"),
    "Attractive": ("attractive", "not attractive"),
    "Bald": ("bald", "not bald"),
    "Bangs": ("bangs", "no bangs"),
    "Blurry": ("blurry", "not blurry"),
    "Chubby": ("chubby", "not chubby"),
    "Male": ("man", "woman"),
    "Mouth_Slightly_Open": ("mouth slightly open", "mouth closed"),
    "No_Beard": ("no beard", "beard"),
    "Smiling": ("smiling", "not smiling"),
    "Young": ("young", "old"),
}


def _both_ways(name: str) -> tuple[str, str]:
    label = BY_NAME[name].label
    return _OWN_WORDS.get(name, (label, f"no {label}"))


_PHRASES: tuple[tuple[str, str], ...] = tuple(_both_ways(a.name) for a in ATTRIBUTES)


DENIALS = ("no ", "not ")
"""What a phrase begins with that says by a small word that something does not hold: "no hat", but not "old"."""


def phrase(attribute: int, holds: bool) -> str:
    """The plain words for "attribute number `attribute` holds" or, with `holds` False, "does not hold"."""
    return _PHRASES[attribute][0 if holds else 1]
