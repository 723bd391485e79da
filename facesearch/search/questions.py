"""What is asked of a witness: open prompts first, then one short question for each attribute, in everyday words.

A closed question leads: it puts a word into the witness's mouth. What people judge badly, what changes in a moment and
what follows origin more than the face (lips, nose, eyes, skin, cheekbones, the face's shape, looks, smile, mouth), and
what is about the picture, has no question at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from facesearch.attributes import ATTRIBUTES, BY_NAME, Attribute

_TEXTS: dict[str, str] = {
    "5_o_Clock_Shadow": "Did {person} have stubble?",
    "Arched_Eyebrows": "Did {person} have arched eyebrows?",
    "Bald": "Was {person} bald?",
    "Bangs": "Did {person} have bangs (a fringe)?",
    "Black_Hair": "Did {person} have black hair?",
    "Blond_Hair": "Did {person} have blond hair?",
    "Brown_Hair": "Did {person} have brown hair?",
    "Bushy_Eyebrows": "Did {person} have bushy eyebrows?",
    "Chubby": "Was {person} chubby?",
    "Double_Chin": "Did {person} have a double chin?",
    "Eyeglasses": "Did {person} wear glasses?",
    "Goatee": "Did {person} have a goatee?",
    "Gray_Hair": "Did {person} have gray hair?",
    "Heavy_Makeup": "Did {person} wear heavy makeup?",
    "Male": "Was the person a man?",
    "Mustache": "Did {person} have a mustache?",
    "No_Beard": "Did {person} have a beard?",
    "Receding_Hairline": "Did {person} have a receding hairline?",
    "Sideburns": "Did {person} have sideburns?",
    "Straight_Hair": "Did {person} have straight hair?",
    "Wavy_Hair": "Did {person} have wavy or curly hair?",
    "Wearing_Earrings": "Did {person} wear earrings?",
    "Wearing_Hat": "Did {person} wear a hat or cap?",
    "Wearing_Lipstick": "Did {person} wear lipstick?",
    "Wearing_Necklace": "Did {person} wear a necklace?",
    "Wearing_Necktie": "Did {person} wear a tie?",
    "Young": "Was {person} young?",
}
ASKED: frozenset[int] = frozenset(BY_NAME[name].index for name in _TEXTS)
"""Attributes that there is a question for."""

_LASTS: dict[str, float] = {
    "5_o_Clock_Shadow": 0.48,
    "Arched_Eyebrows": 0.46,
    "Bald": 0.60,
    "Bangs": 0.39,
    "Black_Hair": 0.46,
    "Blond_Hair": 0.57,
    "Brown_Hair": 0.34,
    "Bushy_Eyebrows": 0.47,
    "Chubby": 0.47,
    "Double_Chin": 0.37,
    "Eyeglasses": 0.46,
    "Goatee": 0.47,
    "Gray_Hair": 0.57,
    "Heavy_Makeup": 0.61,
    "Male": 0.98,
    "Mustache": 0.48,
    "No_Beard": 0.64,
    "Receding_Hairline": 0.38,
    "Sideburns": 0.43,
    "Straight_Hair": 0.30,
    "Wavy_Hair": 0.39,
    "Wearing_Earrings": 0.35,
    "Wearing_Hat": 0.30,
    "Wearing_Lipstick": 0.74,
    "Wearing_Necklace": 0.21,
    "Wearing_Necktie": 0.36,
    "Young": 0.82,
}


def lasting(attribute: int) -> float:
    """How far a look lasts from one photo of a person to another, 0..1: how much more likely an attribute that there is
    a question for holds in the one when it holds in the other. CelebA's training people, each counted alike;
    benchmarks/lasting.py."""
    return _LASTS[ATTRIBUTES[attribute].name]


FREE_RECALL = "Tell all that you remember of the head and face; leave out what you do not remember."
OPEN_PROMPTS: tuple[str, ...] = (
    FREE_RECALL,
    "What do you remember of the hair and the head?",
    "What, if anything, was worn on the head or the face?",
    "What, if anything, do you remember of hair on the face?",
    "How old did the person look?",
    "What else do you remember of the head and face?",
)
"""In this order, each once: none names what could be answered."""

CLOSED_HEADING = "Closed questions, asked last: a closed question leads."


def statement_text(told: Sequence[tuple[str, str]], closed: Sequence[tuple[str, str]] = ()) -> str:
    """A statement as it was taken: prompts and questions with their answers, word by word, those without an answer
    left out; "" where nothing was said."""
    open_part = [_asked_and_said(*each) for each in told if each[1].strip()]
    closed_part = [_asked_and_said(*each) for each in closed if each[1].strip()]
    return "\n\n".join([*open_part, *([CLOSED_HEADING, *closed_part] if closed_part else [])])


def _asked_and_said(prompt: str, said: str) -> str:
    return f"Q: {prompt}\nA: {said.strip()}"


_ASKED_AS_OPPOSITE = frozenset((BY_NAME["No_Beard"].index,))
_SUBJECTS: dict[bool | None, str] = {None: "the person", True: "he", False: "she"}


@dataclass(frozen=True)
class Question:
    """`text`: as it is put to the witness. `wanted`: what "yes" says of the attribute; False where the question names
    the opposite, as for No_Beard."""

    attribute: Attribute
    text: str
    wanted: bool


def question(attribute: int, man: bool | None = None) -> Question:
    """The question about attribute number `attribute`, one of `ASKED`. man: whether it is about a man, None where that
    is not known."""
    each = ATTRIBUTES[attribute]
    text = _TEXTS[each.name].format(person=_SUBJECTS[man])
    return Question(each, text, attribute not in _ASKED_AS_OPPOSITE)
