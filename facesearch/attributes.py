"""The 40 CelebA attributes: official names in official order, and the groups in which MCNN shares its layers.

Order: list_attr_celeba.txt of CelebA (Liu et al., ICCV 2015). Every array of 40 numbers in this project is in this
order. Groups: Hand & Chellappa, AAAI 2017, Table 1, under the data set's own attribute names (the paper says Balding,
Earrings, Hat, Lipstick, Necklace, Necktie for Bald, Wearing_Earrings, ...).
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """The nine groups of Table 1; each has its own FC1 and FC2 in the network."""

    GENDER = "Gender"
    NOSE = "Nose"
    MOUTH = "Mouth"
    EYES = "Eyes"
    FACE = "Face"
    AROUND_HEAD = "AroundHead"
    FACIAL_HAIR = "FacialHair"
    CHEEKS = "Cheeks"
    FAT = "Fat"

    @property
    def heading(self) -> str:
        """As people read it: "Facial hair"."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.value).capitalize()


@dataclass(frozen=True, slots=True)
class Attribute:
    """One of the 40. `index`: its place in every array of 40; `label`: how people say that it holds."""

    index: int
    name: str
    group: Group
    label: str


_TABLE: tuple[tuple[str, Group, str], ...] = (
    ("5_o_Clock_Shadow", Group.FACIAL_HAIR, "stubble (5 o'clock shadow)"),
    ("Arched_Eyebrows", Group.EYES, "arched eyebrows"),
    ("Attractive", Group.FACE, "attractive (as the annotators saw it)"),
    ("Bags_Under_Eyes", Group.EYES, "bags under the eyes"),
    ("Bald", Group.AROUND_HEAD, "bald"),
    ("Bangs", Group.AROUND_HEAD, "bangs (a fringe)"),
    ("Big_Lips", Group.MOUTH, "big lips"),
    ("Big_Nose", Group.NOSE, "big nose"),
    ("Black_Hair", Group.AROUND_HEAD, "black hair"),
    ("Blond_Hair", Group.AROUND_HEAD, "blond hair"),
    ("Blurry", Group.FACE, "blurry picture"),
    ("Brown_Hair", Group.AROUND_HEAD, "brown hair"),
    ("Bushy_Eyebrows", Group.EYES, "bushy eyebrows"),
    ("Chubby", Group.FAT, "chubby"),
    ("Double_Chin", Group.FAT, "double chin"),
    ("Eyeglasses", Group.EYES, "glasses"),
    ("Goatee", Group.FACIAL_HAIR, "goatee"),
    ("Gray_Hair", Group.AROUND_HEAD, "gray hair"),
    ("Heavy_Makeup", Group.FACE, "heavy makeup"),
    ("High_Cheekbones", Group.CHEEKS, "high cheekbones"),
    ("Male", Group.GENDER, "man"),
    ("Mouth_Slightly_Open", Group.MOUTH, "mouth slightly open"),
    ("Mustache", Group.FACIAL_HAIR, "mustache"),
    ("Narrow_Eyes", Group.EYES, "narrow eyes"),
    ("No_Beard", Group.FACIAL_HAIR, "no beard"),
    ("Oval_Face", Group.FACE, "oval face"),
    ("Pale_Skin", Group.FACE, "pale skin"),
    ("Pointy_Nose", Group.NOSE, "pointy nose"),
    ("Receding_Hairline", Group.AROUND_HEAD, "receding hairline"),
    ("Rosy_Cheeks", Group.CHEEKS, "rosy cheeks"),
    ("Sideburns", Group.FACIAL_HAIR, "sideburns"),
    ("Smiling", Group.MOUTH, "smiling"),
    ("Straight_Hair", Group.AROUND_HEAD, "straight hair"),
    ("Wavy_Hair", Group.AROUND_HEAD, "wavy hair"),
    ("Wearing_Earrings", Group.AROUND_HEAD, "earrings"),
    ("Wearing_Hat", Group.AROUND_HEAD, "hat"),
    ("Wearing_Lipstick", Group.MOUTH, "lipstick"),
    ("Wearing_Necklace", Group.AROUND_HEAD, "necklace"),
    ("Wearing_Necktie", Group.AROUND_HEAD, "necktie"),
    ("Young", Group.FACE, "young"),
)

ATTRIBUTES: tuple[Attribute, ...] = tuple(Attribute(i, *row) for i, row in enumerate(_TABLE))
NAMES: tuple[str, ...] = tuple(a.name for a in ATTRIBUTES)
BY_NAME: dict[str, Attribute] = {a.name: a for a in ATTRIBUTES}

FOLLOW_ORIGIN: frozenset[int] = frozenset(
    BY_NAME[name].index for name in ("Attractive", "Big_Lips", "Big_Nose", "Narrow_Eyes", "Pale_Skin")
)
"""Attributes whose labels follow colour of skin, origin and taste more than the face: searched where somebody says
them, never proposed."""


def members(group: Group) -> tuple[Attribute, ...]:
    """The attributes of one group, in official order."""
    return tuple(a for a in ATTRIBUTES if a.group is group)
