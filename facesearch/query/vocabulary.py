"""The words that are scored, and what each means as a tree.

In the tables, alternatives for one place in a phrase are joined by "/", the words of one of them by "-". Case, hyphens
and apostrophes do not matter ("Grey-haired" is "grey haired"), and filler words may stand between the words of a phrase
("bags under her eyes", "his hair is black").
"""

from collections.abc import Iterator
from itertools import permutations, product

from facesearch.attributes import BY_NAME, NAMES, Attribute
from facesearch.query.entries import MALE, NO_BEARD, YOUNG, Entry, spread
from facesearch.query.phrases import DENIALS, phrase
from facesearch.query.small_words import words
from facesearch.query.tree import Node, Term, all_of, any_of, negate

_SHAVED = "shaved/shaven/shaved-off/shaven-off"

_HOLDS: dict[str, tuple[str, ...]] = {
    "5_o_Clock_Shadow": (
        "stubble/stubbly/unshaven/unshaved",
        "stubble/stubbly beard",
        "5/five oclock shadow/shadows",
        "five/5 o clock shadow",
    ),
    "Arched_Eyebrows": (
        "arched/arching/curved eyebrows/eyebrow/brows/brow/eyebrowed/browed",
        "eyebrows/eyebrow/brows arched/arching/curved",
        "high arched eyebrows/brows",
    ),
    "Attractive": (
        "attractive",
        "good/nice looking",
        "goodlooking",
        "handsome/beautiful/pretty/cute/gorgeous/stunning",
    ),
    "Bags_Under_Eyes": (
        "bags/bag/pouches under/below/beneath eyes/eye",
        "eye bags/bag",
        "eyebags",
        "under eye bags",
        "undereye bags",
        "baggy/puffy eyes/eyed",
    ),
    "Bald": (
        "bald/balding/baldness/hairless/bald-headed/baldheaded/baldy/skinhead",
        "bald head/headed",
        "shaved/shaven head/headed",
        "clean/smooth/freshly shaven/shaved head",
        "head shaved/shaven/clean-shaven",
    ),
    "Bangs": ("bangs/fringe/fringes", "side/side-swept bangs/fringe"),
    "Big_Lips": ("big/large/full/thick/plump/fat/huge lips/lip/lipped", "lips big/large/full/thick/plump/fat"),
    "Big_Nose": ("big/large/huge/bulbous/prominent nose/nosed/noses", "nose big/large/huge"),
    "Blurry": (
        "blurry/blurred/unsharp/grainy/fuzzy",
        "blurry/blurred/unsharp picture/photo/photograph/image",
        "out of focus",
        "out of focus picture/photo/photograph/image",
    ),
    "Bushy_Eyebrows": (
        "bushy/thick/heavy/full eyebrows/eyebrow/brows/brow/eyebrowed/browed",
        "eyebrows/eyebrow/brows bushy/thick/heavy",
    ),
    "Chubby": (
        "chubby/plump/fat/overweight/obese/stout/heavyset/podgy/pudgy/tubby/portly/chunky",
        "heavy/thick set",
        "chubby/plump/fat face/faced/cheeks/cheeked",
        "full faced/cheeks/cheeked",
        "heavy build/built",
    ),
    "Double_Chin": ("double/second chin/chins/chinned",),
    "Eyeglasses": ("glasses/eyeglasses/spectacles/specs/bespectacled", "eye glasses"),
    "Goatee": ("goatee/goatees/goateed", "goatee/chin beard", "beard/hair on chin"),
    "Heavy_Makeup": (
        "heavy/strong/thick makeup",
        "makeup heavy/strong/thick",
        "heavy/strong/thick make up",
        "heavily/strongly made up",
        "makeup",
        "make/made up",
    ),
    "High_Cheekbones": (
        "high/prominent/pronounced/strong/defined cheekbones/cheekbone/cheekboned",
        "high/prominent/pronounced/strong/defined cheek bones/bone",
        "cheekbones high/prominent/pronounced",
    ),
    "Male": (
        "man/male/men/males/m",
        "fella/guy/guys/gentleman/gentlemen/gent/gents/bloke/blokes/chap/chaps/lad/lads/fellow/fellows/dude/dudes/masculine",
        "father/dad/brother/son/uncle/husband/businessman",
    ),
    "Mouth_Slightly_Open": (
        "mouth slightly open",
        "slightly open mouth",
        "open mouth/mouthed",
        "mouth open/opened/ajar",
        "mouth half/partly open",
        "half/partly open mouth",
        "parted lips",
        "lips parted",
    ),
    "Mustache": (
        "mustache/moustache/mustaches/moustaches/mustached/moustached/mustachioed/moustachioed/stache/tache/tash",
    ),
    "Narrow_Eyes": ("narrow/narrowed/slit/slitted/squinty/squinting eyes/eye/eyed", "eyes narrow/narrowed"),
    "No_Beard": (
        "beardless/unbearded/shaved/shaven",
        f"beard {_SHAVED}",
        "clean/smooth/freshly shaven/shaved",
        "cleanshaven",
    ),
    "Oval_Face": ("oval face/faced/faces", "oval shaped face", "face oval"),
    "Pale_Skin": (
        "pale/pallid/pasty",
        "pale/fair skin/skinned/complexion/complexioned/complected",
        "pale face/faced",
        "skin/complexion pale/fair",
    ),
    "Pointy_Nose": ("pointy/pointed/sharp nose/nosed/noses", "nose pointy/pointed/sharp"),
    "Receding_Hairline": (
        "receding",
        "receding hairline/hairlines/hair",
        "receding hair line",
        "hairline/hair receding",
    ),
    "Rosy_Cheeks": (
        "rosy/flushed/ruddy/blushing",
        "rosy/red/pink/flushed/ruddy/reddish cheeks/cheek/cheeked",
        "cheeks rosy/red/pink/flushed",
    ),
    "Sideburns": ("sideburns/sideburn/sideburned/sideboards/muttonchops", "side burns/whiskers", "mutton chops"),
    "Smiling": ("smiling/smile/smiles/smiled/smiley",),
    "Straight_Hair": ("straight/sleek hair/haired", "hair straight/sleek"),
    "Wavy_Hair": ("wavy/curly", "wavy/curly hair/haired", "hair wavy/curly", "curls/waves/ringlets"),
    "Wearing_Earrings": ("earrings/earring", "ear rings/ring"),
    "Wearing_Hat": ("hat/hats/cap/caps/headwear/headgear",),
    "Wearing_Lipstick": ("lipstick/lipsticks", "lip stick"),
    "Wearing_Necklace": ("necklace/necklaces",),
    "Wearing_Necktie": ("necktie/neckties/tie/ties", "neck tie/ties"),
    "Young": ("young/younger/youthful/youth/youngish/youngster/youngsters",),
}

_DOES_NOT_HOLD: dict[str, tuple[str, ...]] = {
    "Attractive": ("unattractive/ugly",),
    "Bald": ("full head of hair", "hair", "hair on head", "head unshaven/unshaved", "unshaven/unshaved head"),
    "Blurry": ("in focus", "sharp picture/photo/photograph/image"),
    "Goatee": (f"goatee {_SHAVED}",),
    "Male": (
        "woman/female/women/females/f",
        "lady/ladies/gal/gals/lass/lasses/feminine",
        "mother/mum/mom/sister/daughter/aunt/wife/nun/bride",
    ),
    "Mouth_Slightly_Open": ("mouth closed/shut", "closed/shut mouth", "lips closed", "closed lips"),
    "Mustache": (f"mustache/moustache {_SHAVED}",),
    "No_Beard": ("beard/beards/bearded",),
    "Sideburns": (f"sideburns {_SHAVED}",),
    "Smiling": ("unsmiling/serious/deadpan", "serious expression"),
    "Wearing_Hat": ("hatless/bareheaded", "bare headed"),
    "Young": ("old/older/oldish",),
}

_ROUGH: dict[str, tuple[str, ...]] = {
    "5_o_Clock_Shadow": (
        "designer stubble",
        "three/3/two/2 day/days beard/stubble",
        "three/3/two/2 day/days old beard",
        "few/some day/days stubble/beard/growth",
        "day/days old stubble",
        "few/some/day/days day/days growth",
    ),
    "Eyeglasses": (
        "sunglasses/shades/aviators/ray-bans/rayban/raybans/eyewear",
        "sun/dark/tinted/mirrored/reading/prescription/aviator/safety/clear glasses",
        "aviator/mirrored/dark/wraparound sunglasses",
    ),
    "Mouth_Slightly_Open": ("mouth wide open", "wide open mouth"),
    "Mustache": ("handlebar/walrus/pencil/toothbrush mustache/moustache",),
    "Narrow_Eyes": ("squinting/squint",),
    "Rosy_Cheeks": ("blush/blusher/rouge",),
    "Smiling": ("grinning/grin/grins/laughing/laugh/beaming",),
    "Wearing_Earrings": ("hoop/stud/drop/dangling/dangly earrings/earring", "hoops/studs"),
    "Bald": ("hair shaved/shaven/shaved-off", "shaved/shaven hair"),
    "Wearing_Hat": (
        "beanie/beanies/ballcap/snapback/visor/helmet/fedora/beret/trilby/bonnet/sombrero/toque/stetson",
        "baseball/ball/flat/woolly/wool/knit/knitted/peaked/trucker/skull/stocking/newsboy/bobble cap",
        "cowboy/trucker/top/straw/bowler/sun/bucket/woolly/wool/knit/knitted/winter/hard/bobble/party/felt/baseball/"
        "peaked/panama/fur/santa/ski/wide-brimmed/brimmed hat",
    ),
    "Wearing_Lipstick": ("painted lips",),
    "Wearing_Necktie": ("cravat",),
    "Bags_Under_Eyes": ("dark/black circles/rings under/below/beneath/around eyes/eye", "tired eyes"),
    "Wearing_Necklace": (
        "choker/locket/pendant/pendants/chain/chains/pearls/beads",
        "pearl/bead necklace",
        "cross/crucifix necklace",
        "neck chain",
        "gold/silver/golden chain",
    ),
    "Heavy_Makeup": ("mascara/eyeliner/eyeshadow", "eye liner/shadow", "foundation"),
    "Double_Chin": ("jowls/jowly",),
    "Receding_Hairline": ("high hairline",),
}
"""Words that the network has not learnt, searched as the attribute that comes nearest, with a remark. Denied, they are
left out: who wore no sunglasses may have worn glasses.
"""

_AGES: dict[bool, tuple[str, ...]] = {
    True: (
        "teen/teens/teenage/teenaged/teenager/teenagers/adolescent/adolescents/twenties/thirties/20s/30s",
        "early/mid/late/mid-to-late/early-to-mid teens/twenties/thirties/20s/30s",
        "child/children/kid/kids/baby/toddler/infant/juvenile",
    ),
    False: (
        "elderly/aged/ageing/aging/senior/seniors/pensioner/pensioners/oap/oaps/retired/mature",
        "middle aged/age",
        "senior citizen/citizens",
        "forties/fifties/sixties/seventies/eighties/nineties/40s/50s/60s/70s/80s/90s",
        "early/mid/late/mid-to-late/early-to-mid forties/fifties/sixties/seventies/eighties/40s/50s/60s/70s/80s",
    ),
}

_YOUNG_OR_OLD_PERSONS: dict[str, tuple[bool, bool]] = {  # young, man
    "boy/boys/schoolboy": (True, True),
    "girl/girls/schoolgirl": (True, False),
    "grandfather/grandpa/granddad/grandad": (False, True),
    "grandmother/grandma/granny/nan/nana": (False, False),
}

_COLOURS: dict[tuple[str, ...], str] = {
    ("Black_Hair",): "black/jet-black/blackish/raven",
    ("Blond_Hair",): "blond/blonde/blonds/blondes/fair/golden/light-blond/light-blonde/dark-blond/dark-blonde/"
    "dirty-blond/dirty-blonde/strawberry-blond/strawberry-blonde/platinum-blond/platinum-blonde/ash-blond/ash-blonde/platinum/sandy",
    ("Brown_Hair",): "brown/brunette/brunettes/brunet/chestnut/light-brown/dark-brown/medium-brown/mousy-brown/"
    "brownish/mousy/mousey/mid-brown",
    (
        "Gray_Hair",
    ): "gray/grey/white/silver/graying/greying/grayish/greyish/light-gray/light-grey/dark-gray/dark-grey/snow-white",
    ("Black_Hair", "Brown_Hair"): "dark",
    ("Blond_Hair", "Gray_Hair"): "light",
}
_OF_HAIR_ALONE = words("blond blonde blonds blondes brunette brunettes brunet graying greying grayish greyish")
"""Last words of colours that mean hair without saying so."""
_IN_SHADES = words("brown blond blonde gray grey")
"""Colours of which a range of shades is said: "light to medium brown"."""

OF_PEOPLE = words("black white brown")
"""Colours that, said of a person, are known but not scored."""

_OF_PERSONS = words(
    "young younger youthful old older attractive handsome beautiful pretty cute gorgeous stunning unattractive ugly "
    "oldish youngish elderly aged mature retired fuzzy grainy shaved shaven serious masculine feminine "
    "pale pallid pasty blurry blurred unsharp receding chubby plump fat"
)


def rough(said: str, meaning: Node, cause: str = "knows no closer word") -> Entry:
    """A phrase that is searched as something near it, which a remark says."""
    return Entry(said, meaning, remark=f'The network {cause}: "{said}" is searched as "{meaning}".')


def _attribute_entries() -> Iterator[Entry]:
    for index in range(len(NAMES)):
        for holds in (True, False):
            plain = phrase(index, holds)
            if not plain.startswith(DENIALS):  # those are a "not" and a word
                yield Entry(plain, Term(index, holds))
    for table, holds in ((_HOLDS, True), (_DOES_NOT_HOLD, False)):
        for name, patterns in table.items():
            for said in spread(patterns):
                yield Entry(said, Term(BY_NAME[name].index, holds))


def _hair_colours() -> dict[str, Node]:
    meanings = {
        colour: any_of(Term(BY_NAME[name].index) for name in names)
        for names, colours in _COLOURS.items()
        for colour in spread((colours,))
    }
    for colour in sorted(_IN_SHADES):
        for lighter, darker in permutations(("light", "medium", "dark"), 2):
            meanings[f"{lighter} to {darker} {colour}"] = meanings[colour]
    return meanings


def _hair_entries() -> Iterator[Entry]:
    for colour, meaning in _hair_colours().items():
        for said in (f"{colour} hair", f"{colour} haired", f"hair {colour}"):
            yield Entry(said, meaning)
        yield Entry(colour, meaning, bare=colour.split()[-1] not in _OF_HAIR_ALONE)
    yield Entry("straight", Term(BY_NAME["Straight_Hair"].index), bare=True)
    for said in spread(("salt and/n pepper", "salt and/n pepper hair/haired", "hair salt and/n pepper")):
        yield Entry(said, Term(BY_NAME["Gray_Hair"].index))
    for said in spread(("gray/grey/graying/greying at temples",)):
        yield rough(said, Term(BY_NAME["Gray_Hair"].index))


_DECADES = {
    said: 10 * tens
    for tens, stem in enumerate(("twen", "thir", "for", "fif", "six", "seven", "eigh", "nine"), 2)
    for said in (f"{stem}ties", f"{tens}0s")
}


def _decade(said: str) -> tuple[int, int] | None:
    """The years of "early forties" and "teens"; None of "retired"."""
    last = said.split()[-1]
    if last == "teens":
        return 13, 19
    return (_DECADES[last], _DECADES[last] + 9) if last in _DECADES else None


def _rough_entries() -> Iterator[Entry]:
    for holds, patterns in _AGES.items():
        for said in spread(patterns):
            age = Term(YOUNG, holds, _decade(said))
            yield rough(said, age, "knows no ages")
            if said.endswith(("ties", "0s", "teens")):
                yield rough(f"aged {said}", age, "knows no ages")
    for name, patterns in _ROUGH.items():
        for said in spread(patterns):
            yield rough(said, Term(BY_NAME[name].index))
    for pattern, (young, man) in _YOUNG_OR_OLD_PERSONS.items():
        for said in spread((pattern,)):
            yield Entry(said, all_of((Term(YOUNG, young), Term(MALE, man))))
    facial_hair = any_of((Term(NO_BEARD, False), Term(BY_NAME["Mustache"].index)))
    for said in ("facial hair", "face hair", "hair on face", "hairy face/faced", "whiskers"):
        yield from (Entry(each, facial_hair) for each in spread((said,)))
    for colour, place in product(_hair_colours(), ("face", "chin", "cheeks")):
        yield rough(f"{colour} hair on {place}", facial_hair)
    unshaven = rough("has not shaved", Term(BY_NAME["5_o_Clock_Shadow"].index))
    for said in spread(("hasnt/havent/hadnt/didnt/has-not/have-not/had-not/did-not shaved/shave",)):
        yield unshaven._replace(said=said)
    for said in spread(("hairless face/faced/chin/cheeks", "smooth face/faced/chin/cheeks")):
        yield Entry(said, negate(facial_hair))


_NARROW = words(
    "huge bulbous obese cap caps ugly serious deadpan father dad brother son uncle husband businessman "
    "mother mum mom sister daughter aunt wife nun bride white silver raven chestnut platinum sandy golden"
)
"""Words that say more than they are searched as: who was no nun may have been a woman."""
_SHADES = words("light dark medium mid mousy mousey dirty strawberry ash jet snow")


def _is_narrow(entry: Entry) -> bool:
    said = entry.said.split()
    shade = isinstance(entry.meaning, Term) and entry.of_hair and not _SHADES.isdisjoint(said)
    return shade or not _NARROW.isdisjoint(said) or entry.said in ("shaved", "shaven")  # who knows what


def _vocabulary() -> dict[tuple[str, ...], Entry]:
    entries: dict[tuple[str, ...], Entry] = {}
    for table in (_attribute_entries(), _hair_entries(), _rough_entries()):
        for entry in table:
            entries.setdefault(tuple(entry.said.split()), entry._replace(narrow=True) if _is_narrow(entry) else entry)
    return entries


VOCABULARY: dict[tuple[str, ...], Entry] = _vocabulary()
"""Every phrase that is scored, as its words, in the order in which they are listed for the user."""

OFFICIAL: dict[str, Attribute] = {name.casefold(): BY_NAME[name] for name in NAMES if "_" in name}
"""The data set's own names that are no plain word, as they may stand in a query."""


def is_one_thing(before: Entry, after: Entry) -> bool:
    """The words of two phrases, one directly behind the other, name one thing that is not scored: "curly beard", "old
    hat", "hair tie". Bare colours are left out: they never stand for hair beside another thing.
    """
    thing = after.said.split()[-1]
    if before.said == "receding" and after.says_hair:  # "receding brown hair"
        return False
    if before.said == "hair":
        return thing in ("tie", "ties")
    of_hair = before.of_hair and not before.bare and not before.says_hair
    if before.said in _OF_PERSONS:
        return after.thing
    return of_hair and after.thing and not after.says_hair and not after.of_hair


def words_for(attribute: Attribute, holds: bool = True) -> tuple[str, ...]:
    """The phrases that ask for `attribute` to hold, the plainest first. With `holds` False: those that ask for the
    opposite without a "not", as "woman" for Male; for most attributes there are none.
    """
    term = Term(attribute.index, holds)
    said = (e.said for e in VOCABULARY.values() if e.meaning == term and not e.bare)
    return tuple(dict.fromkeys((phrase(attribute.index, True), *said) if holds else said))
