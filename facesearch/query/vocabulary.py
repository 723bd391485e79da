"""The words people say, and what each means as a tree.

In the tables, alternatives for one place in a phrase are joined by "/". Case, hyphens and apostrophes do not matter
("Grey-haired" is "grey haired"), and filler words may stand between the words of a phrase ("bags under her eyes", "his
hair is black").
"""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from facesearch.attributes import BY_NAME, NAMES, Attribute
from facesearch.query.phrases import phrase
from facesearch.query.tree import Node, Term, all_of, any_of

_HOLDS: dict[str, tuple[str, ...]] = {
    "5_o_Clock_Shadow": (
        "stubble/stubbly/unshaven",
        "stubble/stubbly beard",
        "5/five oclock shadow/shadows",
        "five/5 o clock shadow",
    ),
    "Arched_Eyebrows": ("arched/arching/curved eyebrows/eyebrow/brows/brow", "high arched eyebrows/brows"),
    "Attractive": ("attractive", "good looking", "handsome/beautiful/pretty/cute"),
    "Bags_Under_Eyes": (
        "bags/bag/pouches under/below/beneath eyes/eye",
        "eye bags/bag",
        "eyebags",
        "under eye bags",
        "undereye bags",
        "baggy eyes/eyed",
    ),
    "Bald": ("bald/balding/baldness/hairless", "bald head/headed", "shaved/shaven head"),
    "Bangs": ("bangs/fringe/fringes",),
    "Big_Lips": ("big/large/full/thick/plump/fat lips/lip/lipped",),
    "Big_Nose": ("big/large/huge nose/nosed/noses",),
    "Blurry": ("blurry/blurred/unsharp", "blurry/blurred/unsharp picture/photo/photograph/image", "out of focus"),
    "Bushy_Eyebrows": ("bushy/thick/heavy eyebrows/eyebrow/brows/brow",),
    "Chubby": ("chubby/plump/fat/overweight", "chubby/plump/fat face/faced/cheeks/cheeked"),
    "Double_Chin": ("double chin/chins/chinned",),
    "Eyeglasses": ("glasses/eyeglasses/spectacles/specs/bespectacled", "eye/reading glasses"),
    "Goatee": ("goatee/goatees/goateed", "goatee/chin beard"),
    "Heavy_Makeup": (
        "heavy/strong makeup",
        "heavy/strong make up",
        "heavily made up",
        "makeup",
        "make up",
    ),
    "High_Cheekbones": ("high/prominent cheekbones/cheekbone/cheekboned", "high/prominent cheek bones/bone"),
    "Male": ("man/male/men/males", "guy/guys/gentleman/gentlemen/bloke/blokes/lad/lads/fellow/dude/masculine"),
    "Mouth_Slightly_Open": (
        "mouth slightly open",
        "slightly open mouth",
        "open mouth/mouthed",
        "mouth open",
        "parted lips",
        "lips parted",
    ),
    "Mustache": ("mustache/moustache/mustaches/moustaches/mustached/moustached/mustachioed/moustachioed",),
    "Narrow_Eyes": ("narrow/narrowed/slit/squinty eyes/eye/eyed", "squinting"),
    "No_Beard": ("beardless", "clean/smooth shaven/shaved", "cleanshaven"),
    "Oval_Face": ("oval face/faced/faces", "oval shaped face", "face oval"),
    "Pale_Skin": ("pale", "pale/fair skin/skinned/complexion", "pale face/faced"),
    "Pointy_Nose": ("pointy/pointed/sharp nose/nosed/noses",),
    "Receding_Hairline": (
        "receding",
        "receding hairline/hairlines/hair",
        "receding hair line",
        "hairline/hair receding",
    ),
    "Rosy_Cheeks": ("rosy/red/pink/flushed/ruddy cheeks/cheeked",),
    "Sideburns": ("sideburns/sideburn/sideboards/muttonchops", "side burns", "mutton chops"),
    "Smiling": ("smiling/smile/smiles/grinning/grin/laughing",),
    "Straight_Hair": ("straight/sleek hair/haired", "hair straight"),
    "Wavy_Hair": ("wavy/curly", "wavy/curly hair/haired", "hair wavy/curly", "curls/waves"),
    "Wearing_Earrings": ("earrings/earring", "ear rings/ring"),
    "Wearing_Hat": ("hat/hats/cap/caps/beanie/helmet/headwear/headgear", "baseball cap"),
    "Wearing_Lipstick": ("lipstick/lipsticks", "lip stick"),
    "Wearing_Necklace": ("necklace/necklaces",),
    "Wearing_Necktie": ("necktie/neckties/tie/ties", "neck tie/ties"),
    "Young": ("young/younger/youthful/youth",),
}

_DOES_NOT_HOLD: dict[str, tuple[str, ...]] = {
    "Attractive": ("unattractive/ugly",),
    "Bald": ("full head of hair", "hair"),
    "Blurry": ("in focus", "sharp picture/photo/photograph/image"),
    "Male": ("woman/female/women/females", "lady/ladies/gal/gals/feminine"),
    "Mouth_Slightly_Open": ("mouth closed/shut", "closed/shut mouth", "lips closed", "closed lips"),
    "No_Beard": ("beard/beards/bearded", "full beard"),
    "Smiling": ("unsmiling/serious",),
    "Wearing_Hat": ("hatless/bareheaded", "bare headed"),
    "Young": ("old/older",),
}

_AGES: dict[bool, tuple[str, ...]] = {
    True: ("teen/teens/teenage/teenager/teenagers/twenties/thirties/20s/30s",),
    False: (
        "elderly/aged/senior/seniors/pensioner",
        "middle aged",
        "forties/fifties/sixties/seventies/eighties/40s/50s/60s/70s/80s",
    ),
}

_COLOURS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("black",): ("Black_Hair",),
    ("blond", "blonde", "fair", "golden"): ("Blond_Hair",),
    ("brown", "brunette", "brunet", "chestnut"): ("Brown_Hair",),
    ("gray", "grey", "white", "silver", "graying", "greying"): ("Gray_Hair",),
    ("dark",): ("Black_Hair", "Brown_Hair"),
}
_OF_HAIR_ALONE: dict[str, str] = {
    "blond/blonde/blondes": "Blond_Hair",
    "brunette/brunettes/brunet": "Brown_Hair",
    "graying/greying": "Gray_Hair",
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NOT_WORDS = _words("not no without neither lacks lacking isnt wasnt hasnt doesnt didnt dont havent arent never")
AND_WORDS = _words("and plus but also")
WITH_WORDS = _words("with wearing wears wear wore")
OR_WORDS = _words("or")
NOR_WORDS = _words("nor")
HE_WORDS = _words("he hes him his himself")
SHE_WORDS = _words("she shes her hers herself")
PERSON_WORDS = _words("person persons people someone somebody individual human suspect")
FILLERS = (
    HE_WORDS
    | SHE_WORDS
    | _words(
        "a an the some any of in on at to is are was were be has have had having it its they them their i we you pair"
    )
    | _words(
        "who whos whose that thats which this these those there very really does did do look looks looking either both "
        "face faces"
    )
)

_OF_PERSONS = _words("young younger old older")
_THINGS = _words(
    "beard beards goatee goatees mustache mustaches moustache moustaches sideburns stubble eyebrows eyebrow brows brow "
    "glasses eyeglasses spectacles specs sunglasses shades hat hats cap caps beanie helmet headwear headgear "
    "earrings earring necklace necklaces necktie neckties tie ties lipstick makeup"
)

_HAIR_COLOURS = frozenset(BY_NAME[name].index for names in _COLOURS.values() for name in names)
_HAIR_KINDS = frozenset((BY_NAME["Straight_Hair"].index, BY_NAME["Wavy_Hair"].index))
_MALE, _YOUNG, _NO_BEARD = (BY_NAME[name].index for name in ("Male", "Young", "No_Beard"))


@dataclass(frozen=True)
class Entry:
    """What one phrase means.

    `bare`: it is a colour or kind that means hair only beside that word ("black or brown hair", "hair is black or
    brown"). `remark`: a sentence for the user, where the meaning is rougher than the word.
    """

    said: str
    meaning: Node
    bare: bool = False
    remark: str | None = None

    @property
    def person(self) -> bool:
        """It names a man or a woman."""
        return _MALE in self.meaning.attributes

    @property
    def colour(self) -> bool:
        """It is a colour of hair."""
        return self.meaning.attributes <= _HAIR_COLOURS

    @property
    def kind(self) -> bool:
        """It is a kind of hair, straight or wavy."""
        return self.meaning.attributes <= _HAIR_KINDS

    @property
    def says_hair(self) -> bool:
        """It is a colour or kind of hair and says so itself."""
        return "hair" in self.said and (self.colour or self.kind)


def _phrases(patterns: Iterable[str]) -> Iterator[str]:
    for pattern in patterns:
        for words in product(*(place.split("/") for place in pattern.split())):
            yield " ".join(words)


def _attribute_entries() -> Iterator[Entry]:
    for index in range(len(NAMES)):
        for holds in (True, False):
            plain = phrase(index, holds)
            if not plain.startswith(("no ", "not ")):  # those are a "not" and a word
                yield Entry(plain, Term(index, holds))
    for table, holds in ((_HOLDS, True), (_DOES_NOT_HOLD, False)):
        for name, patterns in table.items():
            for said in _phrases(patterns):
                yield Entry(said, Term(BY_NAME[name].index, holds))


def _hair_entries() -> Iterator[Entry]:
    for pattern, name in _OF_HAIR_ALONE.items():
        for said in _phrases((pattern,)):
            yield Entry(said, Term(BY_NAME[name].index))
    for colours, names in _COLOURS.items():
        meaning = any_of(Term(BY_NAME[name].index) for name in names)
        for colour in colours:
            for said in (f"{colour} hair", f"{colour} haired", f"hair {colour}"):
                yield Entry(said, meaning)
            yield Entry(colour, meaning, bare=True)
    yield Entry("straight", Term(BY_NAME["Straight_Hair"].index), bare=True)
    for said in ("salt and pepper hair", "salt and pepper"):
        yield Entry(said, Term(BY_NAME["Gray_Hair"].index))


def _rough_entries() -> Iterator[Entry]:
    for holds, patterns in _AGES.items():
        for said in _phrases(patterns):
            remark = f'The network knows no ages: "{said}" is searched as "{phrase(_YOUNG, holds)}".'
            yield Entry(said, Term(_YOUNG, holds), remark=remark)
    for said in ("sunglasses", "sun glasses", "shades", "dark glasses"):
        remark = f'The network does not tell sunglasses from glasses: "{said}" is searched as "glasses".'
        yield Entry(said, Term(BY_NAME["Eyeglasses"].index), remark=remark)
    for pattern, man in (("boy/boys", True), ("girl/girls", False)):
        for said in _phrases((pattern,)):
            yield Entry(said, all_of((Term(_YOUNG), Term(_MALE, man))))
    for said in ("facial hair", "hair on face"):
        yield Entry(said, any_of((Term(_NO_BEARD, False), Term(BY_NAME["Mustache"].index))))


def _vocabulary() -> dict[tuple[str, ...], Entry]:
    entries: dict[tuple[str, ...], Entry] = {}
    for table in (_attribute_entries(), _hair_entries(), _rough_entries()):
        for entry in table:
            entries.setdefault(tuple(entry.said.split()), entry)
    return entries


VOCABULARY: dict[tuple[str, ...], Entry] = _vocabulary()
"""Every phrase, as its words, in the order in which they are listed for the user."""

LONGEST = max(map(len, VOCABULARY))

OFFICIAL: dict[str, Attribute] = {name.casefold(): BY_NAME[name] for name in NAMES if "_" in name}
"""The data set's own names that are no plain word, as they may stand in a query."""


def is_one_thing(before: Entry, after: Entry) -> bool:
    """The words of two phrases, one directly behind the other, name one thing that is not scored: "curly beard", "old
    hat", "hair tie". Bare colours are left out: they are refused wherever there is no hair.
    """
    thing = after.said.split()[-1]
    if before.said == "hair":
        return thing in ("tie", "ties")
    of_hair = (before.colour or before.kind) and not before.bare and not before.says_hair
    return thing in _THINGS and (of_hair or before.said in _OF_PERSONS)


def words_for(attribute: Attribute, holds: bool = True) -> tuple[str, ...]:
    """The phrases that ask for `attribute` to hold, the plainest first. With `holds` False: those that ask for the
    opposite without a "not", as "woman" for Male; for most attributes there are none.
    """
    term = Term(attribute.index, holds)
    said = (e.said for e in VOCABULARY.values() if e.meaning == term and not e.bare)
    return tuple(dict.fromkeys((phrase(attribute.index, True), *said) if holds else said))


_CONNECTIVES = sorted(NOT_WORDS | AND_WORDS | WITH_WORDS | PERSON_WORDS)
_SUGGESTED: dict[str, Node] = {e.said: e.meaning for e in VOCABULARY.values() if not e.bare}


def suggestions(words: Sequence[str], most: int = 3) -> list[str]:
    """What may have been meant where `words` stand, the first of them unknown: likeliest first, each meaning once."""
    typed = [word[:40] for word in words[:LONGEST]]  # difflib takes quadratic time
    likeness: dict[str, float] = {}
    for length in range(1, len(typed) + 1):
        said = " ".join(typed[:length])
        for match in difflib.get_close_matches(said, _SUGGESTED, 4 * most, 0.75):
            if length > 1 and difflib.SequenceMatcher(None, match.split()[0], typed[0]).ratio() < 0.6:
                continue  # alike only in the words that follow the unknown one: "long brown hair" is no "brown hair"
            likeness[match] = max(likeness.get(match, 0.0), difflib.SequenceMatcher(None, match, said).ratio())
    for match in difflib.get_close_matches(typed[0], _CONNECTIVES, 1, 0.8):
        likeness[match] = difflib.SequenceMatcher(None, match, typed[0]).ratio()
    if not likeness:
        return _phrases_with(typed[0], most)
    each_meaning: dict[object, str] = {}
    for match in sorted(likeness, key=lambda match: -likeness[match]):
        each_meaning.setdefault(_SUGGESTED.get(match, match), match)
    return list(each_meaning.values())[:most]


def _phrases_with(word: str, most: int) -> list[str]:
    """Plain phrases of which `word` is only a part, as "narrow eyes" for "eyes"."""
    plain = [phrase(index, index != _NO_BEARD) for index in range(len(NAMES))]
    parts = sorted({part for said in plain for part in said.split() if len(part) > 2})
    near = difflib.get_close_matches(word, parts, 1, 0.75)
    return [said for said in plain if near and near[0] in said.split()][:most]
