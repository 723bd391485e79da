"""What one phrase of the vocabulary is, and how tables of phrases are written."""

from collections.abc import Iterable, Iterator
from enum import Enum, auto
from itertools import product
from typing import NamedTuple

from facesearch.attributes import BY_NAME
from facesearch.query.small_words import words
from facesearch.query.tree import Node

HAIR_COLOURS = frozenset(BY_NAME[name].index for name in ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"))
HAIR_KINDS = frozenset(BY_NAME[name].index for name in ("Straight_Hair", "Wavy_Hair"))
MALE, YOUNG, NO_BEARD, BALD = (BY_NAME[name].index for name in ("Male", "Young", "No_Beard", "Bald"))


class Role(Enum):
    """What a phrase that is not scored does in a sentence."""

    THING = auto()  # "scar", "blue eyes"
    MARK = auto()  # a THING that may be anywhere, which may follow: "scar under his left eye"
    TRAIT = auto()  # said of a person, or of the thing that follows: "tall", "nice"
    MODIFIER = auto()  # said of the thing that follows, or of a person: "long", "thick"
    COLOUR = auto()  # of the hair or thing that follows: "red"


_PERSONS_OF_AN_AGE = words(
    "teen teens teenager teenagers adolescent adolescents child children kid kids baby toddler infant juvenile youth "
    "youngster youngsters pensioner pensioners senior seniors oap"
)
_HAIR = words("hair haired redhead redheads redheaded headed")


class Entry(NamedTuple):  # not a dataclass: there are thousands, and every search makes them
    """What one phrase means.

    meaning: None where it is known but not scored; `role` then says how it stands in a sentence. bare: it is a colour
    or kind that means hair only beside that word ("black or brown hair", "hair is black or brown"). remark: a sentence
    for the user, where the meaning is rougher than the word. narrow: it says more than its meaning ("white hair",
    "huge nose"), so that who denies it does not deny that.
    """

    said: str
    meaning: Node | None
    bare: bool = False
    remark: str | None = None
    role: Role | None = None
    narrow: bool = False

    @property
    def person(self) -> bool:
        """It names a man or a woman."""
        return self.meaning is not None and MALE in self.meaning.attributes

    @property
    def names_person(self) -> bool:
        """It is a noun for a person: "man", "teenager"."""
        return self.person or self.said in _PERSONS_OF_AN_AGE

    @property
    def colour(self) -> bool:
        """It is a colour of hair, or could be one."""
        return self.role is Role.COLOUR or (self.meaning is not None and self.meaning.attributes <= HAIR_COLOURS)

    @property
    def kind(self) -> bool:
        """It is a kind of hair, straight or wavy."""
        return self.meaning is not None and self.meaning.attributes <= HAIR_KINDS

    @property
    def of_hair(self) -> bool:
        return self.colour or self.kind

    @property
    def adjective(self) -> bool:
        """It is said of a thing behind it, and there not scored: "long", "tall", "black"."""
        return self.role in (Role.MODIFIER, Role.TRAIT) or (self.bare and self.colour)

    @property
    def says_hair(self) -> bool:
        """It says the word "hair", and what hair."""
        return not _HAIR.isdisjoint(self.said.split()) and (self.of_hair or self.meaning is None)

    @property
    def says_hair_last(self) -> bool:
        """It ends in that word: "black hair", but not "hair black"."""
        return self.says_hair and self.said.split()[-1] in _HAIR

    @property
    def plain_hair(self) -> bool:
        """It says that there is hair, not what hair."""
        return self.said in ("hair", "haired")

    @property
    def worn(self) -> bool:
        """It ends in a thing that is worn or grown, whose place may follow: "hat on his head"."""
        return self.said.split()[-1] in WORN_OR_GROWN

    @property
    def eyes(self) -> bool:
        return self.said.endswith(("eyes", "eye", "eyed"))

    @property
    def thing(self) -> bool:
        """It ends in a thing that an adjective before it would belong to: "(long) beard", "(black) hat"."""
        return self.role in (Role.THING, Role.MARK) or self.said.split()[-1] in _THINGS


def of_another(colour: Entry) -> Entry:
    """A colour that is said of something else than hair, and so not scored."""
    return Entry(f"{colour.said} of another", None, role=Role.TRAIT)


def spread(patterns: Iterable[str]) -> Iterator[str]:
    """ "big/very-big nose" -> "big nose", "very big nose": a dash joins the words of one alternative."""
    for pattern in patterns:
        for said in product(*(place.split("/") for place in pattern.split())):
            yield " ".join(said).replace("-", " ")


WORN_OR_GROWN = words(
    "beard beards goatee goatees mustache mustaches moustache moustaches stache tash tache sideburns sideboards "
    "stubble eyebrows eyebrow brows brow glasses eyeglasses spectacles specs sunglasses shades hat hats cap caps "
    "beanie helmet headwear headgear fedora beret trilby bonnet sombrero toque visor earrings earring necklace "
    "necklaces pendant pendants choker chain chains necktie neckties tie ties cravat lipstick makeup mascara"
)
"""Last words of things that search would take for a whole if their adjective went astray: "curly beard", "old hat"."""

_THINGS = WORN_OR_GROWN | words(
    "hair haired hairline bangs fringe nose noses nosed lips lip lipped cheeks cheekbones cheekbone chin chins face "
    "smile smiles grin grins laugh skin eyes eye bags up curls waves"
)
