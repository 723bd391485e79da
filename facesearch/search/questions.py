"""What an interview asks: one short question for each attribute, in everyday words."""

from dataclasses import dataclass

from facesearch.attributes import ATTRIBUTES, BY_NAME, Attribute

_TEXTS: dict[str, str] = {
    "5_o_Clock_Shadow": "Did {person} have stubble?",
    "Arched_Eyebrows": "Did {person} have arched eyebrows?",
    "Attractive": "Was {person} good-looking?",
    "Bags_Under_Eyes": "Did {person} have bags under the eyes?",
    "Bald": "Was {person} bald?",
    "Bangs": "Did {person} have bangs (a fringe)?",
    "Big_Lips": "Did {person} have big lips?",
    "Big_Nose": "Did {person} have a big nose?",
    "Black_Hair": "Did {person} have black hair?",
    "Blond_Hair": "Did {person} have blond hair?",
    "Blurry": "Was the picture blurry?",
    "Brown_Hair": "Did {person} have brown hair?",
    "Bushy_Eyebrows": "Did {person} have bushy eyebrows?",
    "Chubby": "Was {person} chubby?",
    "Double_Chin": "Did {person} have a double chin?",
    "Eyeglasses": "Did {person} wear glasses?",
    "Goatee": "Did {person} have a goatee?",
    "Gray_Hair": "Did {person} have gray hair?",
    "Heavy_Makeup": "Did {person} wear heavy makeup?",
    "High_Cheekbones": "Did {person} have high cheekbones?",
    "Male": "Was the person a man?",
    "Mouth_Slightly_Open": "Was the mouth slightly open?",
    "Mustache": "Did {person} have a mustache?",
    "Narrow_Eyes": "Did {person} have narrow eyes?",
    "No_Beard": "Did {person} have a beard?",
    "Oval_Face": "Did {person} have an oval face?",
    "Pale_Skin": "Did {person} have pale skin?",
    "Pointy_Nose": "Did {person} have a pointy nose?",
    "Receding_Hairline": "Did {person} have a receding hairline?",
    "Rosy_Cheeks": "Did {person} have rosy cheeks?",
    "Sideburns": "Did {person} have sideburns?",
    "Smiling": "Did {person} smile?",
    "Straight_Hair": "Did {person} have straight hair?",
    "Wavy_Hair": "Did {person} have wavy or curly hair?",
    "Wearing_Earrings": "Did {person} wear earrings?",
    "Wearing_Hat": "Did {person} wear a hat or cap?",
    "Wearing_Lipstick": "Did {person} wear lipstick?",
    "Wearing_Necklace": "Did {person} wear a necklace?",
    "Wearing_Necktie": "Did {person} wear a tie?",
    "Young": "Was {person} young?",
}
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
    """The question about attribute number `attribute`. man: whether it is about a man, None where that is not known."""
    each = ATTRIBUTES[attribute]
    text = _TEXTS[each.name].format(person=_SUBJECTS[man])
    return Question(each, text, attribute not in _ASKED_AS_OPPOSITE)
