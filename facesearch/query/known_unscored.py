"""Words that people say of faces and that no attribute stands for: known, so that search can say that it leaves them
out, where an unknown word is taken for a typo.
"""

from facesearch.query.entries import Entry, Role, spread
from facesearch.query.small_words import FILLERS, words

_COLOURS = (
    "red/reddish/ginger/auburn/copper/strawberry/blue/green/pink/purple/violet/orange/yellow/turquoise/teal/beige/maroon/"
    "navy/gold/multicoloured/multicolored/colourful/colorful/hazel"
)
_EYE_COLOURS = (
    "blue/green/brown/hazel/gray/grey/black/dark/light/amber/blue-green/gray-green/grey-green/blue-gray/blue-grey/"
    "light-blue/dark-blue/light-brown/dark-brown/light-green/dark-green/bright-blue/bloodshot/red"
)
_SKINS = (
    "dark/black/brown/white/light/tan/tanned/olive/yellow/freckled/wrinkled/bad/good/clear/smooth/rough/oily/dry/"
    "light-brown/dark-brown/medium/ebony/spotty/leathery"
)
_HAIRSTYLES = (
    "long/short/medium/longish/shortish/medium-length/shoulder-length/neck-length/chin-length/close-cropped/cropped/"
    "thick/thin/thinning/fine/frizzy/spiky/spiked/messy/untidy/tousled/unkempt/neat/tidy/greasy/oily/dirty/wet/shiny/"
    "dyed/coloured/colored/bleached/highlighted/braided/plaited/permed/gelled/combed/combed-over/slicked-back/swept-back/"
    "backcombed/parted/layered/feathered/styled/shaggy/fluffy/bushy/big/afro/bobbed/tied-back/pulled-back/loose/buzzed/"
    "fake/real/natural/pulled-back/combed-back/brushed-back/tied-up/pinned-up/mid-length/collar-length/waist-length"
)
_ORIGINS = (
    "asian/oriental/caucasian/african/african-american/afro-american/afro-caribbean/caribbean/hispanic/latino/latina/"
    "latin/latinx/arab/arabic/arabian/middle-eastern/mediterranean/european/eastern-european/nordic/scandinavian/slavic/"
    "indian/native-american/pakistani/bangladeshi/chinese/japanese/korean/vietnamese/thai/filipino/indonesian/american/"
    "british/english/irish/scottish/welsh/french/german/dutch/italian/spanish/portuguese/greek/polish/russian/ukrainian/"
    "romanian/turkish/kurdish/iranian/persian/iraqi/israeli/jewish/muslim/mexican/brazilian/cuban/somali/nigerian/"
    "ethiopian/moroccan/algerian/australian/canadian/swedish/norwegian/danish/finnish/biracial/mixed-race/multiracial/"
    "foreign/foreigner"
)

_TABLE: dict[Role, tuple[str, ...]] = {
    Role.MARK: (
        "scar/scars/scarred/scarring/scab/scabs/tattoo/tattoos/tattooed/tatoo/tatoos/birthmark/birthmarks/mole/moles/"
        "wart/warts/bruise/bruises/bruised/wound/wounds/stitches/bandage/bandages/bandaid/plaster/blemish/blemishes/mark/"
        "marks/spots/rash/burn/burns/piercing/piercings/pierced/pimple/pimples/cut/cuts/scratch/scratches/beauty-spot/"
        "port-wine-stain",
        "face/facial/neck/arm/hand/teardrop/tribal/sleeve tattoo/tattoos/scar/scars/piercing/piercings",
        "nose/lip/eyebrow/ear/tongue/chin/facial/multiple piercing/piercings",
        "pierced nose/lip/eyebrow/ear/ears/tongue",
        "tattooed neck/face/arm/arms/hand/hands",
    ),
    Role.THING: (
        "freckles/freckle/freckled/freckly/dimple/dimples/dimpled/acne/pockmarks/pockmarked/wrinkles/wrinkled/wrinkly/"
        "wrinkle/complexion/crows-feet/laugh-lines/frown-lines/sunburn/sunburned/sunburnt/vitiligo/albino/dandruff",
        f"{_EYE_COLOURS} eyes/eye/eyed",
        "eyes blue/green/brown/hazel/gray/grey/black/dark/light",
        "big/large/small/round/wide/wide-set/close-set/closeset/deep-set/deepset/sunken/bulging/hooded/almond/"
        "almond-shaped/slanted/slanting/droopy/crossed/cross/lazy/glass/beady/piercing/kind/sad/closed/half-closed/"
        "open eyes/eye/eyed",
        "eye colour/color",
        "eye patch",
        "one eyed",
        "eyepatch/eyelashes/lashes/eyelids/monocle",
        "long/short/thick/fake/false eyelashes/lashes",
        "contact lenses/lens",
        f"{_SKINS} skin/skinned/complexion/complexioned",
        f"skin {_SKINS}",
        "skin colour/color",
        "straight/small/little/long/short/wide/broad/flat/thin/narrow/crooked/broken/bent/hooked/roman/aquiline/snub/"
        "button/upturned/turned-up/round/bumpy/hook/bony/red nose/nosed/noses",
        "thin/small/narrow/red/pink/cracked/chapped/dry/pursed/wide lips/lip/lipped/mouth",
        "lip gloss/balm/ring/stud",
        "nose ring/stud",
        "thin/light/sparse/plucked/straight/pencilled/penciled/shaped/dark/black/brown/blond/blonde/gray/grey/white/"
        "joined eyebrows/brows/eyebrowed",
        "unibrow/monobrow",
        "strong/square/weak/pointed/pointy/long/cleft/dimpled/prominent/receding/round/small/big/large/double-jointed "
        "chin/chinned/jaw/jawed/jawline",
        "jaw/jawline/lantern-jaw/underbite/overbite",
        "cleft lip/palate",
        "low/flat cheekbones/cheekbone",
        "hollow/sunken/thin/hairy/dimpled cheeks/cheeked",
        "round/square/long/thin/narrow/wide/broad/angular/triangular/heart-shaped/diamond-shaped/symmetrical/small/big/"
        "long-thin/gaunt face/faced",
        "high/low/big/large/broad/wide/wrinkled forehead",
        "forehead/ears/teeth/tooth/braces/dentures/adams-apple",
        "big/large/small/protruding/sticking-out/pointed/pointy/cauliflower ears/ear/eared",
        "white/yellow/gold/crooked/missing/bad/good/straight/rotten/buck tooth/teeth/toothed",
        "gap/gaps between/in teeth",
        "gap toothed",
        "light/little/natural/subtle/minimal/dark/bright makeup/make-up",
        "makeup/make-up not heavy/strong/thick",
        "makeup light/little/natural/subtle/minimal/dark/bright",
        f"{_HAIRSTYLES} hair/haired",
        f"hair {_HAIRSTYLES}",
        "hair colour/color/length/style/down/up/tied",
        "ties/tied/tying/pinned hair",
        "hairstyle/haircut/hairdo/ponytail/ponytails/pigtails/pigtail/braid/braids/plait/plaits/dreadlocks/dreads/cornrows/"
        "afro/bun/topknot/mohawk/mohican/mullet/quiff/fade/undercut/bob/wig/toupee/highlights/parting/comb-over/combover/"
        "buzz-cut/buzzcut/crew-cut/crewcut/bowl-cut/pixie-cut/cowlick/widows-peak/hairspray/hairband/headband/hairclip/"
        "hair-clip/hair-band/hair-tie/ribbon/soul-patch/van-dyke",
        "tie/ties/ribbon/ribbons/bow/pearls/beads/chain/clip/clips/pin/pins/band/flower/flowers in hair",
        "bald patch/spot",
        "middle/side/centre/center parting/part",
        "parted/parted-in-middle/parted-in-centre/parted-in-center/parted-on-side",
        "jacket/coat/hoodie/hoody/hooded/sweatshirt/tracksuit/fleece/parka/tuxedo/waistcoat/denim/camouflage/camo/plaid/checked/hood/shirt/tshirt/t-shirt/blouse/top/dress/suit/blazer/sweater/jumper/cardigan/pullover/vest/"
        "uniform/scarf/gloves/glove/jeans/trousers/pants/shorts/skirt/shoes/trainers/sneakers/boots/belt/backpack/rucksack/"
        "handbag/bag/umbrella/clothes/clothing/collar/turtleneck/polo-shirt/overalls/bow-tie/bowtie/apron/robe",
        "mask/masks/masked/facemask/face-mask/surgical-mask/balaclava/veil/veiled/hijab/niqab/burka/burqa/headscarf/"
        "head-scarf/turban/bandana/kerchief/crown/tiara/headphones/earphones/earbuds/airpods/hearing-aid/goggles",
        "photo/photos/picture/pictures/photograph/image/images/expression",
        "black and white photo/picture/photograph/image",
        "watch/ring/rings/bracelet/bracelets/jewellery/jewelry/brooch/badge/cigarette/cigar/pipe",
        "accent/accents/voice/lisp/stutter/dialect",
        "deep/high/low/soft/loud/rough/hoarse voice",
        "irish/scottish/welsh/english/british/american/foreign/french/german/spanish/italian/russian/indian/african/"
        "southern/northern/local/strong/eastern-european accent",
        "height/weight/build/age/race/ethnicity/nationality/shoulders/foot/ft/feet/inches/cm/kg/pounds/limp",
        "muscular/athletic/slim/slender/thin/medium/average/stocky/large/small/big/strong/broad/lean build/built",
        "average/medium height/weight/length",
        "broad/narrow/wide/hunched shoulders/shouldered",
        "years old",
        "streaks/roots/tips/locks/temples/head/appearance/belly/features/frames",
        "distinguishing/distinctive marks/features/feature/mark",
        "blond/blonde/brown/light/dark/red/grey/gray highlights/streaks/roots/tips",
        "blond/blonde/brown/red/dark/grey/gray ponytail/ponytails/braid/braids/bob/plaits/pigtails/dreadlocks",
        "pale blue/pink/green/grey/gray/brown/yellow shirt/tshirt/jacket/coat/dress/top/jumper/lipstick",
        "pale blue/green/grey/gray/brown eyes/eye/eyed",
        "eyes closed/shut/open",
    ),
    Role.TRAIT: (
        _ORIGINS,
        "tall/taller/tallish/shorter/petite/lanky/slim/slender/skinny/lean/athletic/muscular/muscly/stocky/burly/built/"
        "underweight/bony/gaunt/broad/strong/well-built/well-dressed/scruffy/tanned/hairy/heavy/curvy/pregnant",
        "adult/adults/gay/transgender/trans/nonbinary/non-binary/androgynous/homeless/drunk/rich/poor/famous/"
        "friendly/nervous/smart/intelligent/nice/tired/sleepy/blind/deaf/disabled/left-handed/right-handed",
        "stern/sad/angry/happy/crying/frowning/frown/surprised/scared/afraid/fearful/disgusted/neutral/calm/shouting/talking/"
        "smoking/winking/blinking/grimacing/scowling/pouting/smirking/smirk",
        "lbs/stone/weathered/clean-cut/well-groomed/red-faced/baby-faced/strapping/medium/normal/average",
        "married/single/doctor/policeman/policewoman/soldier/nurse/worker/student/celebrity/actor/actress/singer/driver",
        "profile/side-view/sideways/left-side/right-side",
    ),
    Role.MODIFIER: (
        "long/longish/short/shortish/thick/thin/big/large/small/little/tiny/huge/wide/narrow/round/square/flat/bright/"
        "fancy/plain/striped/patterned/spotted/leather/woollen/cotton/plastic/metal/gold-rimmed/wire-rimmed/horn-rimmed/"
        "thick-rimmed/thin-rimmed/black-rimmed/black-framed/dark-rimmed/rimmed/framed/rimless/large-framed/pearl/diamond/"
        "trimmed/bleached/peroxide/dyed/natural/pointed/thinning/slight/full/neat/neatly-trimmed/well-trimmed/unkempt/"
        "shaggy/bushy/patchy/wispy/sparse/fake/false/new/dirty/expensive/cheap/backwards/broken/prominent/distinctive/"
        "faint/deep/fresh/several/many/few/two/three/loose/tight/crooked/yellowed",
    ),
    Role.COLOUR: (_COLOURS,),
}


def _entries() -> dict[tuple[str, ...], Entry]:
    entries: dict[tuple[str, ...], Entry] = {}
    for role, patterns in _TABLE.items():
        for said in spread(patterns):
            entries.setdefault(tuple(said.split()), Entry(said, None, bare=role is Role.COLOUR, role=role))
    for said in spread((_COLOURS,)):
        for with_hair in (f"{said} hair", f"{said} haired", f"hair {said}"):
            entries.setdefault(tuple(with_hair.split()), Entry(with_hair, None, role=Role.COLOUR))
    for said in spread((_HAIRSTYLES,)):
        if said not in FILLERS:
            entries.setdefault(tuple(said.split()), Entry(said, None, role=Role.MODIFIER))
    for said in ("redhead", "redheads", "redheaded", "red headed"):
        entries[tuple(said.split())] = Entry(said, None, role=Role.COLOUR)
    entries["haired",] = Entry("haired", None, role=Role.THING)
    return entries


ENTRIES: dict[tuple[str, ...], Entry] = _entries()
"""Every phrase that is known and not scored, as its words."""

_PREPOSITIONS = words(
    "on over under above below beneath near across by beside behind around round between along through in at next"
)
_SIDES = words("left right upper lower both middle side sides center centre inner outer one of to the")
BODY = words(
    "face forehead brow cheek cheeks chin jaw neck throat nose lip lips mouth eye eyes eyebrow eyebrows ear ears head "
    "scalp arm arms forearm hand hands finger fingers knuckles wrist shoulder shoulders chest back leg temple temples "
    "cheekbone"
)


PICTURES = words("tattoo tattoos tatoo tatoos")
"""Marks that show something: "tattoo of a rose"."""

_USUAL_PLACES = {
    words("hat hats cap caps headwear headgear beanie helmet fedora beret trilby bonnet sombrero toque"): words(
        "head forehead brow eyes ears hair"
    ),
    words("glasses eyeglasses spectacles specs sunglasses shades"): words("nose eyes face"),
    words("earrings earring hoops studs"): words("ear ears"),
    words("necklace necklaces chain chains pendant pendants choker necktie neckties tie ties cravat"): words(
        "neck throat"
    ),
    words("beard beards stubble goatee mustache moustache"): words("face chin jaw lip cheek cheeks"),
}


def usual_places(worn: Entry) -> frozenset[str]:
    """Where a thing is worn or grown that is meant by its word; elsewhere (an earring in the nose) it is another."""
    last = worn.said.split()[-1]
    return next((places for things, places in _USUAL_PLACES.items() if last in things), frozenset())


def words_of_place(said: list[str], fillers: frozenset[str], body: frozenset[str]) -> int:
    """How many of the words `said` behind a thing say where on the `body` it is: 4 of "under his left eye, man"."""
    used = 0
    at = 0
    while at < len(said) and (said[at] in _PREPOSITIONS if used == 0 else said[at] in ("and", "or")):
        at += 1
        while at < len(said) and said[at] not in body and (said[at] in fillers or said[at] in _SIDES | _PREPOSITIONS):
            at += 1
        if at == len(said) or said[at] not in body:
            break
        at += 1
        used = at
    return used
