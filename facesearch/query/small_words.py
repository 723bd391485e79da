"""The small words: those that join, deny, hedge or name a person, and those that say nothing."""

from itertools import product


def words(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


NOT_WORDS = words(
    "not no without neither lacks lacking lacked isnt wasnt arent werent hasnt havent hadnt doesnt didnt dont cant "
    "cannot couldnt never sans minus aint none nope"
)
AND_WORDS = words("and plus but also yet though although")
WITH_WORDS = words("with wearing wears wear wore worn sporting sports")
NOT_PHRASES = frozenset(
    tuple(said.split())
    for said in (
        *("hardly any", "barely any", "scarcely any", "almost no", "free of", "devoid of"),
        *("could not", "can not", "not yet", "anything but"),
        *("any colour but", "any colour hair but", "any hair colour but", "hair any colour but"),
        *("any color but", "any color hair but", "any hair color but", "hair any color but"),
    )
)
OR_WORDS = words("or")
NOR_WORDS = words("nor")
HE_WORDS = words("he hes him his himself")
SHE_WORDS = words("she shes her hers herself")
PERSON_WORDS = words(
    "person persons people someone somebody anyone anybody everyone everybody individual individuals human suspect "
    "suspects perpetrator perp offender witness victim subject"
)
FILLERS = (
    HE_WORDS
    | SHE_WORDS
    | words(
        "a an the some any of in on at to is are was were be been being am as has have had having got it its they "
        "them their theirs i we you me my us he she there here one ones pair lot lots"
    )
    | words(
        "who whos whose whom that thats which this these those very really quite rather somewhat fairly just so too "
        "extremely slightly bit does did do look looks looked looking like kind sort type kinda sorta about around "
        "roughly approximately approx circa ca either both "
        "particularly especially terribly going getting turning visible noticeable whatsoever "
        "completely totally entirely fully almost nearly mostly partly partially much all must im ive hed shed "
        "sex gender um uh ok okay description police bolo"
    )
    | words("face faces colour color coloured colored colours colors")
    | words("saw see seen noticed remember recall find show search please described appears appeared appear only")
    | words("seems seemed seem")
)
YES_WORDS = words("yes yeah yep")
ANSWERS = YES_WORDS | words("no none nope")
NEVER_DOUBTED = words("sex gender hair colour color age race ethnicity build height eyes complexion")
"""What everybody has: "Sex? Male" asks and answers, where "hat? glasses" doubts."""
DEGREES = words(
    "very too extremely completely totally entirely fully almost nearly mostly partly partially much all lot lots quite"
)
"""Fillers that a "not" in front of them would deny, and not what follows: "not completely bald"."""
DEGREES_OF_A_WORD = words("that so as really rather particularly especially terribly")
"""The same where they stand right before a word: "not that old", but not "Beard? Not really."."""
COPULAS = words("is was are were be been being look looks looked seems seemed appears appeared hes shes")
"""Verbs that say of what stands before them what stands behind: no colour behind them is that of a later hair."""
WITHIN_LISTS = DEGREES | words(
    "a an the to quite really rather somewhat fairly slightly just so kind sort kinda sorta of bit"
)
"""Fillers that part no adjective from its noun, as verbs and pronouns do: "black or very dark brown hair"."""

HEDGES: dict[tuple[str, ...], float] = {
    tuple(said.split()): certainty
    for certainty, phrases in {
        0.5: "maybe/perhaps/possibly/possible/might/mightve/may/could/may be/quite possibly/very possibly",
        0.8: "probably/likely/presumably/apparently/most probably/very probably/quite probably/most likely/very likely/"
        "seemingly/supposedly/reportedly/believed/thought/id say/i would say/"
        "quite likely/more likely/i think/i believe/i guess/i suppose/i suspect/"
        + "/".join(
            f"{whose}{degree} {surety}"
            for whose in ("", "im ", "i am ")
            for degree in ("fairly", "quite", "rather", "almost", "nearly", "mostly", "reasonably", "pretty")
            for surety in ("sure", "certain")
        ),
        1.0: "no doubt/without doubt/definitely/surely/certainly/clearly/obviously/undoubtedly/absolutely/"
        "for sure/for certain/im sure/im certain/i am sure/i am certain",
    }.items()
    for said in phrases.split("/")
}
"""What each hedge says: the certainty of the words that follow."""

UNKNOWN_TO_THE_WITNESS = frozenset(
    (*denial.split(), *known.split())
    for denials, knows in (
        (
            "dont/do not/didnt/did not/cant/cannot/can not/couldnt/could not",
            "remember/recall/know/say/tell/think/believe/clearly remember/clearly recall/exactly remember",
        ),
        ("cant/cannot/can not/couldnt/could not", "see/make out/clearly see/properly see/exactly see/clearly make out"),
        ("didnt/did not/never", "see/saw/notice/noticed/look at"),
        ("havent/have not/hasnt/has not/hadnt/had not", "seen/noticed"),
        ("not/isnt/wasnt/arent/werent", "visible/seen/shown/noticed/noted/noticeable"),
        ("no", "hair visible/visible hair"),
        ("not", "remember/recall/know"),
        ("not/isnt/wasnt/arent/never", "sure/certain/known/clear"),
        ("no", "idea/memory/recollection"),
        ("unsure/uncertain/unknown/unclear", ""),
    )
    for denial, known in product(denials.split("/"), knows.split("/"))
)
"""What people say of a thing when they do not know whether it was there: no denial of it."""

FILLER_PHRASES = frozenset(
    tuple(said.split())
    for said in (
        *("not only", "not just", "at all", "pretty much", "more or less", "full head", "looking for", "last seen"),
        *("or so", "or thereabouts", "or something", "or similar", "or both"),
        *("could see", "can see", "could clearly see", "can clearly see"),
    )
)
AFTER_OR_SO = AND_WORDS | WITH_WORDS | words("who which that he she they had has was is on in at")
"""What may stand behind "or so" and the like where these say nothing."""
BEFORE_A_MONTH = words("in of last this next early mid late since until by on")
AND_PHRASES = frozenset(
    tuple(said.split())
    for said in ("as well as", "along with", "together with", "in addition to", "and also", "but also")
)
