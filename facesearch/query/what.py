"""What is said: things, adjectives, and phrases joined by "or"."""

from collections.abc import Callable
from typing import Any

from facesearch.query import groups, whom
from facesearch.query.chart import Edge
from facesearch.query.grammar import Choice, Denied, Found, Qualities, Said, Thing, meaning
from facesearch.query.lexicon import NounClass
from facesearch.query.reading import reading_of
from facesearch.query.scene import MAN, OF_PEOPLE, SPEAKERS, WOMAN, WORN, Clause, Fact, Person, Scene
from facesearch.query.tokens import word_set
from facesearch.query.tree import Node, Not, all_of, any_of, negate

_YOUNG_AND_OLD = {reading_of("young").node, reading_of("old").node}
_BY_HOW_MUCH = word_set("bit little slightly somewhat years few much lot")
_PARTLY = word_set(
    "completely totally entirely fully quite too very that so particularly especially really overly exactly as"
)
"""What a "no" before them denies, and not what follows: "not completely bald"."""
_AWAY = frozenset(["hand", "hands", "pocket", "bag", "belt"])
_NOT_AT = {
    "necktie": frozenset(["head", "hair", "waist", "wrist", "forehead"]),
    "earrings": word_set("nose lip lips eyebrow eyebrows tongue navel"),
    "necklace": frozenset(["wrist", "ankle", "waist"]),
    "glasses": word_set("neck chest shirt collar lap"),
    "hat": word_set("neck back lap"),
}
_OPENS = 4
_NEVER = word_set("never rarely seldom")
_NOT_HAIR_ALONE = frozenset(["black", "white", "light", "dark", "straight"])
"""Colours and kinds that are said of more than hair."""


# --- things ---


def thing(scene: Scene, edge: Edge) -> None:
    """A noun with its adjectives."""
    said: Thing = edge.sem
    scene.clause.acted_on = scene.clause.acted_on or (scene.clause.mode == "act" and _is_object(scene))
    if _names_somebody(scene, said, edge):
        return
    _note_topic(scene, said)
    noun = said.noun
    if noun is None or not is_read(scene, said):
        _not_read(scene, said, edge)
        return
    said = _with_colour_before(scene, said)
    if not is_own(scene, said) or _instead_of(scene):
        scene.set_aside(edge.start, edge.end, "somebody else")
        return
    if _elsewhere(scene, said):
        return
    if noun.name in WORN and _is_off(scene):
        scene.set_aside(edge.start, edge.end, "not worn")
        return
    if scene.clause.negative and _is_partly_denied(scene, said, edge):
        scene.aside_and_spent(edge, "quality")
    elif scene.clause.before == "ON" and noun.name == "necklace" and _hangs(scene):
        scene.set_aside(edge.start, edge.end, "not scored")  # "glasses on a chain"
    else:
        _worn_or_grown(scene, said, noun, edge)


def _is_object(scene: Scene) -> bool:
    """ "Smashed a window", "picked up the bag", "tried on hats"."""
    clause = scene.clause
    phrasal = clause.before == "PREP" and clause.preposition in ("up", "out", "off", "down", "away", "over")
    return phrasal or clause.before in ("V", "ON")


def _hangs(scene: Scene) -> bool:
    """Something worn stands before: "glasses on a chain"; but "a cross on a chain"."""
    row = scene.row[max(0, scene.at - _OPENS) : scene.at]
    before = next((edge.sem for edge in reversed(row) if isinstance(edge.sem, Thing)), None)
    return scene.context is not None or (before is not None and before.noun is not None and before.noun.name in WORN)


def _names_somebody(scene: Scene, said: Thing, edge: Edge) -> bool:
    """The phrase is a person."""
    if said.person is not None:
        whom.person(scene, said, edge)
        return True
    if said.noun is not None:
        return False
    if (
        said.word in _SHADES
        and scene.last_noun is not None
        and "hair" in (scene.last_noun.name, scene.last_noun.parent)
    ):
        return _of_hair_before(scene, said, edge)
    if groups.one_like(scene, said, edge):
        return True
    if _is_somebody(scene, said):
        whom.somebody(scene, said, edge)
        return True
    return False


_SHADES = word_set("colour color shade")


def _of_hair_before(scene: Scene, said: Thing, edge: Edge) -> bool:
    """ "Red hair, no, more of a sandy colour"."""
    found = meaning(scene.words, scene.words.nouns["hair"], said.qualities)
    if found.node is None or scene.clause.mode != "say" or scene.clause.negative:
        return False
    scene.say(found, edge, "hair")
    return True


def _is_off(scene: Scene) -> bool:
    """ "Cap off, bald"."""
    ahead = scene.row[scene.at + 1 : scene.at + 3]
    if not _NEVER.isdisjoint(scene.said_words[: scene.row[scene.at].start]):  # "never takes his cap off"
        return False
    off = bool(ahead) and ahead[0].category == "PREP" and ahead[0].sem == "off"
    return off and (len(ahead) == 1 or ahead[1].category in (",", ".", ";", "AND", "X"))


def _worn_or_grown(scene: Scene, said: Thing, noun: NounClass, edge: Edge) -> None:
    clause = scene.clause
    found = meaning(scene.words, noun, said.qualities, clause.negative)
    joined = clause.before in ("AND", ",") and not (said.determiner or said.owner or clause.negative)
    if clause.listed and joined and clause.denied_list and found.node is not None:
        denied = clause.denied_list[0][1]
        scene.reach.append(((denied.start, denied.end), (scene.offset + edge.start, scene.offset + edge.end)))
    clause.listed = clause.negative
    if found.node is not None:
        found = found._replace(used=(*found.used, (said.start, said.end)))
    scene.add(found, edge.start, edge.end, noun.name)
    if clause.negative and found.node is not None:
        clause.denied_list = clause.facts_here[-1:]
    scene.spent()


def _is_partly_denied(scene: Scene, said: Thing, edge: Edge) -> bool:
    """ "Not a lot of hair", "no hair visible"."""
    behind = scene.said_words[edge.end : edge.end + 1]
    unseen = said.word.startswith("hair") and behind in (["visible"], ["showing"], ["seen"])
    return unseen or said.determiner in ("a lot of", "lots of", "plenty of")


def _is_somebody(scene: Scene, said: Thing) -> bool:
    """ "A retired teacher": a word that no table has, with an adjective that only people have."""
    clause = scene.clause
    of_people = any(q.key in scene.words.strong or q.key == "#age" for q in said.qualities)
    others = clause.speaker or (clause.subject is not None and not clause.subject.described)
    return of_people and clause.mode == "say" and not said.owner and not others


def _note_topic(scene: Scene, said: Thing) -> None:
    clause = scene.clause
    if said.noun is not None:
        scene.last_noun = said.noun
        if said.noun.name in WORN:
            scene.last_worn = said.noun
    if clause.mode != "say":
        return
    if said.noun is None:
        if said.owner in ("his", "her"):
            is_own(scene, said)
        return
    clause.topic = said.noun
    opens = clause.before in ("", ",", "AND", "BUT", "PREP", ";")
    clause.topic_subject = clause.verb == "" and opens and clause.pronoun == ""


def _not_read(scene: Scene, said: Thing, edge: Edge) -> None:
    """A thing that is set aside; a name may be that of somebody described."""
    clause = scene.clause
    where = said.noun is None and not said.owner and clause.before in ("PREP", "IN", "ON")
    scene.set_aside(edge.start, edge.end, "name" if said.name else "place" if where else "not scored")
    if _elsewhere(scene, said):
        return
    _note_whose(scene, said)
    if said.noun is not None:
        _doubt(scene, said.noun)
    if said.name and (_names_subject(scene) or _names_wanted(scene)):
        whom.name(scene)
    elif said.noun is None and clause.before in ("", ",") and clause.verb == "":
        clause.thing = True
    clause.listed = clause.negative
    if not _denies_more(scene) and not _hedged_list(scene, said):
        scene.spent()


def _note_whose(scene: Scene, said: Thing) -> None:
    """What is known of the person by whose thing it is."""
    clause = scene.clause
    if said.owner in ("his", "her") and clause.mode == "unknown":
        _note_owner(scene, MAN if said.owner == "his" else WOMAN)
    if said.owner == "other" and scene.is_subject() and clause.before == "BUT":
        clause.subject = Person(described=False)  # "but Mum's blind without her specs"


def _note_owner(scene: Scene, sex: Node) -> None:
    """ "I could not see his face": the sex of whose it is."""
    found = whom.pronoun_target(scene, sex)
    if found is not None and found.described and found.pronoun_sex is None and not found.group:
        found.pronoun_sex = sex


def _denies_more(scene: Scene) -> bool:
    """ "No time for make-up"."""
    after = scene.following()
    goes_on = after is not None and after.category in ("OF", "PREP") and after.sem in ("of", "for")
    return scene.clause.negative and goes_on


def _hedged_list(scene: Scene, said: Thing) -> bool:
    """ "Thought to be wearing a blue cagoule, boots and a flat cap": a hedge on "wearing" reaches what is scored."""
    clause = scene.clause
    worn = any(edge.sem == "wear" for edge in scene.row[: scene.at])
    return worn and clause.verb == "have" and said.noun is None and clause.certainty < 1.0


def _names_wanted(scene: Scene) -> bool:
    """ "Concerned for Jamie", "the mother of Jamie"; but "residents of Hale"."""
    before = scene.thing_behind(2)
    place = before is not None and before.person is not None and before.word not in scene.words.relatives
    return whom.is_first_wanted(scene) and not (scene.clause.before == "OF" and place)


def _names_subject(scene: Scene) -> bool:
    """The name is a subject, and not the last of those behind a preposition: "booked in as Mr and Mrs Grey"."""
    before = scene.behind(3)
    listed = scene.clause.before == "AND" and before is not None and before.category == "PREP"
    return scene.is_subject() and not listed


def _with_colour_before(scene: Scene, said: Thing) -> Thing:
    """ "Gray beard and hair": the colour is of both."""
    before = scene.thing_behind(2)
    if said.noun is None or said.noun.name != "hair" or said.qualities or scene.clause.before != "AND":
        return said
    if scene.clause.listed:  # "no gray beard and hair"
        return said
    shares = (
        before is not None
        and before.noun is not None
        and (before.noun.parent == "beard" or before.noun.name in ("beard", "skin"))
    )
    if before is not None and shares and meaning(scene.words, said.noun, before.qualities).used:
        return said._replace(qualities=before.qualities)
    return said


def _instead_of(scene: Scene) -> bool:
    return scene.clause.before == "PREP" and scene.clause.preposition in ("instead of", "rather than", "unlike", "than")


def _doubt(scene: Scene, noun: NounClass) -> None:
    """ "Now I am not certain about the hat": what was said of it before is doubtful."""
    if scene.clause.mode != "unknown" or noun.bare is None:
        return
    for fact in scene.used_facts():
        if fact.kind == noun.name:
            fact.certainty = min(fact.certainty, 0.5)


def _elsewhere(scene: Scene, said: Thing) -> bool:
    """A thing is worn elsewhere than its word says ("hat in hand", "stud in his nose"): it is set aside."""
    clause = scene.clause
    in_it = clause.before == "V" and scene.said_words[said.start - 2 : said.start - 1] in (
        ["in"],
        ["on"],
    )  # "was in his"
    if not (in_it or clause.before in ("PREP", "IN", "ON")) or not clause.facts_here:
        return False
    fact, between = scene.fact_before(), scene.behind(2)
    if fact is None or (between is not None and between.category == "MEM"):  # "a ring in his ear and one in his nose"
        return False
    lies = "there" in scene.said_words[:_OPENS] and said.noun is None and clause.before in ("ON", "PREP")
    places = _AWAY | _NOT_AT.get(fact.kind, frozenset())
    if lies and clause.verb == "be" and fact.kind in WORN:  # "there was a pair of glasses on the floor"
        scene.cancel(fact, "not worn")
        return True
    if fact.kind not in WORN or isinstance(fact.node, Not) or places.isdisjoint(said.word.split()):
        return False
    scene.cancel(fact, "not worn")
    return True


def is_read(scene: Scene, said: Thing) -> bool:
    """What stands here describes somebody: not the object of what is done, but what is worn or grown beside it."""
    clause, noun = scene.clause, said.noun
    if clause.mode != "act" or noun is None:
        return clause.mode == "say"
    if noun.name in WORN:
        return _is_worn(scene, said, noun)
    if clause.thing or (clause.taking and clause.before != "IN"):
        return False
    if _is_of_subject(scene, said):
        return True
    return clause.before in (",", "AND", "WITH", "") and (clause.subject is None or clause.subject.described)


def _is_worn(scene: Scene, said: Thing, noun: NounClass) -> bool:
    """Where somebody does something, a thing is worn behind "in" and "under", and where it is only moved."""
    clause = scene.clause
    if clause.handling:
        return _stays_on(scene, said)
    if clause.thing:
        return _under(scene, noun)
    if clause.taking and clause.before != "IN":
        return False
    listed = clause.before in (",", "AND")
    bare = listed and not clause.acted_on and not said.owner and clause.subject is not None and clause.subject.described
    if clause.before == "IN" or (listed and clause.wearing) or bare:  # "smartly turned out, collar and tie"
        clause.wearing = True
        return True
    return _under(scene, noun)


def _stays_on(scene: Scene, said: Thing) -> bool:
    """ "Adjusting his glasses", "pulled a cap down"; but "pulled a cap out of his pocket", "lifted his hat off"."""
    after = scene.following()
    to: str = after.sem if after is not None and after.category in ("PREP", "ON") else ""
    subject = scene.clause.subject
    if to in ("off", "out", "from") or subject is None or not subject.described or scene.clause.taking:
        return False
    return said.owner in ("his", "her") or to in ("down", "over", "up", "on") or scene.clause.before == "PREP"


def _is_of_subject(scene: Scene, said: Thing) -> bool:
    """ "He kept stroking his beard", where nobody else can be meant."""
    subject = scene.clause.subject
    if said.owner not in ("his", "her") or subject is None or not subject.described:
        return False
    sex = MAN if said.owner == "his" else WOMAN
    others = (each for each in (*scene.persons, *scene.others) if each is not subject and each.fits(sex))
    return subject.fits(sex) and next(others, None) is None


def _under(scene: Scene, noun: NounClass) -> bool:
    clause = scene.clause
    over = clause.preposition in ("under", "beneath", "underneath", "over")
    return clause.before == "PREP" and over and noun.name in WORN


def is_own(scene: Scene, said: Thing) -> bool:
    """It is the described person's, and not the speaker's or somebody else's."""
    if said.owner in SPEAKERS or said.owner == "other":
        return False
    if said.owner not in ("his", "her"):
        return True
    sex = MAN if said.owner == "his" else WOMAN
    target = _owner(scene, sex)
    if target is None:
        return False
    if target.pronoun_sex is None and not target.group:
        target.pronoun_sex = sex
    return True


def _owner(scene: Scene, sex: Node) -> Person | None:
    """The described person whom "his" or "her" means."""
    clause = scene.clause
    target = scene.target()
    if target is None:
        return None
    if clause.subject is None and clause.near is None:
        target = whom.pronoun_target(scene, sex) or (None if scene.persons else scene.focused())
        if target is None or not target.described:
            return None
        clause.subject = target
    if not target.fits(sex):
        clause.near = next((p for p in reversed(scene.persons) if p.sex == sex), None) or clause.near
        target = clause.near if clause.near is not None and clause.near.fits(sex) else None
    return target


# --- adjectives ---


def adjectives(scene: Scene, edge: Edge) -> None:
    """Adjectives without a noun: of what the clause is about, or of the person."""
    clause = scene.clause
    qualities = _not_compared(scene, edge.sem)
    of_another = clause.near is not None and not clause.near.described
    if clause.mode == "act" and clause.before in (",", "DASH") and not of_another:
        clause.mode = "say"
        clause.near = None
    if clause.thing and any(quality.key == "#age" for quality in qualities):
        clause.thing = False
    for rule in _ADJECTIVE_RULES:
        if rule(scene, edge, qualities):
            return
    qualities = _hedge_first(scene, edge, qualities)
    negative, found = clause.negative, _trait(scene, qualities)
    chosen = any(quality.joined == "or" for quality in qualities[1:])
    if not (chosen and clause.denied_traits and clause.before == "," and _denied_as_well(scene, edge, found)):
        scene.say(found, edge, "trait")
    clause.denied_traits = clause.facts_here[-1:] if negative and found.node is not None else []


def _not_compared(scene: Scene, qualities: Qualities) -> Qualities:
    """ "Younger than her years", "maybe 30, maybe a bit older" say nothing."""
    last, after = qualities[-1], scene.following()
    than = after is not None and after.sem == "than" and last.key.endswith("er")
    degree = scene.said_words[max(0, last.start - 2) : last.start]
    age = any(fact.node in _YOUNG_AND_OLD for fact in scene.used_facts())
    age = age and (
        scene.clause.before == "OBJ" or (scene.last_given is not None and scene.last_given[1].node in _YOUNG_AND_OLD)
    )
    compared = last.key in ("older", "younger") and (age or not _BY_HOW_MUCH.isdisjoint(degree))
    return qualities[:-1] if than or compared else qualities


def _compared(scene: Scene, edge: Edge, _: Qualities) -> bool:
    """ "More grey than blond"."""
    than = scene.clause.before == "PREP" and scene.clause.preposition == "than"
    if than:
        scene.aside_and_spent(edge, "quality")
    return than


def _nothing_left(scene: Scene, edge: Edge, qualities: Qualities) -> bool:
    if not qualities:
        scene.set_aside(edge.start, edge.end, "not scored")
    return not qualities


def _of_field(scene: Scene, edge: Edge, qualities: Qualities) -> bool:
    """The value of a field, or an answer: said of what was named before."""
    context = scene.context
    if context is None or scene.clause.mode != "say":
        return False
    found = meaning(scene.words, context, qualities)
    if found.node is None or not found.used:
        own = meaning(scene.words, OF_PEOPLE, qualities)
        found = own if own.node is not None and context.name in _FIELDS_OF_PEOPLE else found
    if scene.clause.negative:
        found = found.denied()
    scene.say(found, edge, "trait")
    return True


_FIELDS_OF_PEOPLE = word_set("facial beard person build face skin sex hair")


def _partly_denied(scene: Scene, edge: Edge, _: Qualities) -> bool:
    """ "Not completely bald", "not that old"."""
    around = {scene.said_words[edge.start], *scene.said_words[edge.end : edge.end + 1]}
    if not scene.clause.negative or _PARTLY.isdisjoint(around):
        return False
    scene.aside_and_spent(edge, "quality")
    return True


def _of_corrected(scene: Scene, edge: Edge, qualities: Qualities) -> bool:
    """ "He had brown hair. No, sorry, it was blond"."""
    noun = scene.correction.noun if scene.correction is not None and scene.is_corrected() else None
    return (
        noun is not None and meaning(scene.words, noun, qualities).used != () and _of_noun(scene, noun, edge, qualities)
    )


def _of_now(scene: Scene, edge: Edge, qualities: Qualities) -> bool:
    """ "Her hair used to be blond but is now brown": what was before is not searched."""
    clause = scene.clause
    now = "now" in scene.said_words[max(edge.start - 3, 0) : edge.end] and clause.before in ("BE", "V", "HEDGE", "DEG")
    row = scene.row[: scene.at] if now else []
    things = (edge.sem.thing if isinstance(edge.sem, Said) else edge.sem for edge in reversed(row))
    nouns = (thing.noun for thing in things if isinstance(thing, Thing) and thing.noun is not None)
    noun = next((noun for noun in nouns if meaning(scene.words, noun, qualities).used != ()), None)
    if noun is None:
        return False
    for _, fact in list(clause.facts_here):
        if fact.kind == noun.name and clause.certainty == 1:
            scene.cancel(fact, "corrected")
    clause.mode, clause.thing = "say", False
    return _of_noun(scene, noun, edge, qualities)


def _of_topic(scene: Scene, edge: Edge, qualities: Qualities) -> bool:
    """ "Her hair is dark and usually worn straight", "black hair, straight"."""
    clause = scene.clause
    noun = clause.topic
    if noun is None or clause.mode != "say" or clause.before not in ("BE", "V", "HEDGE", "NEG", ",", "("):
        return False
    found = meaning(scene.words, noun, qualities)
    of_people = meaning(scene.words, OF_PEOPLE, qualities)
    if clause.before == "," and of_people.node is not None and len(of_people.used) >= len(found.used):
        return False
    return found.used != () and _of_noun(scene, noun, edge, qualities)


def _of_hair(scene: Scene, edge: Edge, qualities: Qualities) -> bool:
    """ "Grey in her hair", "bald with grey at the sides", "black short hair"."""
    hair = scene.words.nouns["hair"]
    if meaning(scene.words, hair, qualities).node is None:
        return False
    after = scene.following()
    before_hair = after is not None and isinstance(after.sem, Thing) and after.sem.noun is hair
    last = scene.row[scene.at + 2] if scene.at + 2 < len(scene.row) else None
    in_hair = scene.ahead(1) == ["IN"] and last is not None and isinstance(last.sem, Thing) and last.sem.noun is hair
    kinds = len(qualities) > 1 and any(quality.key in _KINDS_OF_HAIR for quality in qualities)
    if kinds and meaning(scene.words, OF_PEOPLE, qualities).used != meaning(scene.words, hair, qualities).used:
        own = all(scene.words.pair("hair", quality.key) is not None for quality in qualities)
        return own and _of_noun(scene, hair, edge, qualities)  # "black and curly"
    black = before_hair and qualities[0].key in ("black", "white") and scene.clause.before != "NP"
    listed = scene.said_words[edge.start - 1 : edge.start] == ["including"]  # "wigs, including blond"
    topic = scene.clause.topic
    grown = topic is not None and "beard" in (topic.name, topic.parent)  # "a beard with grey in it"
    with_ = (
        scene.clause.before == "WITH"
        and not listed
        and not grown
        and meaning(scene.words, OF_PEOPLE, qualities).node is None
    )
    return (in_hair or black or with_) and _of_noun(scene, hair, edge, qualities)


_KINDS_OF_HAIR = word_set("curly wavy frizzy")


def _of_noun(scene: Scene, noun: NounClass, edge: Edge, qualities: Qualities) -> bool:
    found = meaning(scene.words, noun, qualities)
    if scene.clause.negative:
        found = found.denied()
    scene.say(found, edge, noun.name)
    return True


def _of_something_else(scene: Scene, edge: Edge, qualities: Qualities) -> bool:
    """Said of a thing, or of somebody who is not described."""
    clause = scene.clause
    of_subject = clause.topic_subject and clause.before in ("BE", "V") and clause.mode == "say"
    if scene.clause.before == "PREP" and scene.clause.preposition == "how":  # "dunno how old"
        scene.aside_and_spent(edge, "quality")
        return True
    wig = scene.last_noun is not None and scene.last_noun.name == "wig"
    if scene.said_words[edge.start - 1 : edge.start] == ["including"] and wig:  # "wigs, including blond and red"
        scene.aside_and_spent(edge, "quality")
        return True
    aged = any(quality.key == "#age" for quality in qualities)
    age = aged and clause.mode == "act" and clause.before in (",", "", ":")
    if of_subject or ((clause.mode != "say" or clause.thing) and not age):
        scene.aside_and_spent(edge, "quality")
        return True
    return False


def _denied_colour(scene: Scene, edge: Edge, qualities: Qualities) -> bool:
    """ "Not blonde", "any colour but grey"; what else is denied and not scored says nothing."""
    if not scene.clause.negative or _trait(scene, qualities).node is not None:
        return False
    hair = meaning(scene.words, scene.words.nouns["hair"], qualities).denied()
    own = scene.words.pair("hair", qualities[0].key) is not None and qualities[0].key not in _NOT_HAIR_ALONE
    if hair.node is not None and own:
        scene.say(hair, edge, "hair")
    else:
        scene.aside_and_spent(edge, "quality")
    return True


_ADJECTIVE_RULES: tuple[Callable[[Scene, Edge, Qualities], bool], ...] = (
    _nothing_left,
    _compared,
    _of_field,
    _partly_denied,
    _of_corrected,
    _of_now,
    _of_topic,
    _of_hair,
    _of_something_else,
    _denied_colour,
)


def _hedge_first(scene: Scene, edge: Edge, qualities: Qualities) -> Qualities:
    """ "Maybe 30, unshaven": the hedge is on the first of the list. What is left to be said."""
    cut = next((at for at, quality in enumerate(qualities) if at and quality.joined in (",", "and")), 0)
    if not cut or scene.clause.certainty == 1 or scene.clause.negative:
        return qualities
    scene.add(_trait(scene, qualities[:cut]), edge.start, qualities[cut - 1].end, "trait")
    scene.spent()
    return (qualities[cut]._replace(joined=""), *qualities[cut + 1 :])


def _trait(scene: Scene, qualities: Qualities) -> Found:
    """What adjectives say of a person. A "no" reaches over "or", and else only the first."""
    qualities = whom.degrees(scene, qualities)
    found = meaning(scene.words, OF_PEOPLE, qualities)
    if not scene.clause.negative or found.node is None:
        return found
    if all(quality.joined == "or" for quality in qualities[1:]):
        return found.denied()
    ends_in_or = qualities[-1].joined == "or" and all(quality.joined in (",", "or") for quality in qualities[1:])
    if ends_in_or and scene.choose(f"denied traits {scene.offset + qualities[0].start}", 0.0, 0.0):
        each_alone = [meaning(scene.words, OF_PEOPLE, (quality._replace(joined=""),)).node for quality in qualities]
        return found._replace(node=any_of([node for node in each_alone if node is not None])).denied()
    first, rest = (meaning(scene.words, OF_PEOPLE, part) for part in (qualities[:1], qualities[1:]))
    nodes = [node for node in (first.denied().node, rest.node) if node is not None]
    return Found(all_of(nodes) if nodes else None, (*first.used, *rest.used), (*first.aside, *rest.aside))


def said(scene: Scene, edge: Edge) -> None:
    """ "His hair was short and brown"."""
    phrase: Said = edge.sem
    clause = scene.clause
    noun, topic = phrase.thing.noun, clause.topic
    left = noun is None and topic is not None and clause.verb == "have"  # "what hair he had left was grey"
    if left and topic is not None and meaning(scene.words, topic, phrase.qualities).node is not None:
        _of_noun(scene, topic, edge, phrase.qualities)
        return
    if noun is None or not is_read(scene, phrase.thing) or not is_own(scene, phrase.thing):
        scene.aside_and_spent(edge, "not scored")
        return
    clause.topic = scene.last_noun = noun
    qualities = phrase.qualities if phrase.denied else (*phrase.thing.qualities, *phrase.qualities)
    found = meaning(scene.words, noun, qualities, phrase.denied or clause.negative)
    if phrase.denied and found.node is None and noun.bare is not None and noun.name not in WORN:
        found = Found(noun.bare.node, (), tuple((quality.start, quality.end) for quality in qualities))
    if found.node is not None:
        found = found._replace(used=(*found.used, (phrase.thing.start, phrase.thing.end)))
    clause.certainty = min(clause.certainty, phrase.certainty)
    _share(scene, phrase)
    scene.say(found, edge, noun.name)


def _share(scene: Scene, phrase: Said) -> None:
    """ "Beard and moustache shaved": said of both."""
    before = scene.thing_behind(2)
    if scene.clause.before != "AND" or before is None or before.noun is None or before.qualities:
        return
    kind, noun = before.noun, phrase.thing.noun
    if noun is None or "beard" not in (noun.name, noun.parent):
        return
    fact, both = scene.fact_before(), meaning(scene.words, kind, phrase.qualities)
    if fact is not None and "beard" in (kind.name, kind.parent) and both.node is not None and both.used:
        fact.node = both.node


# --- "or" ---


def choice(scene: Scene, edge: Edge) -> None:
    """Phrases joined by "or"."""
    options: tuple[Any, ...] = edge.sem.options
    if _choice_of_persons(scene, edge, options):
        return
    options = _last_of_list(scene, edge, options)
    nodes, used, rough = _options(scene, options)
    if not _says_something(scene, nodes, options):
        scene.aside_and_spent(edge, "not scored")
        return
    negative = scene.clause.negative or edge.sem.nor
    if len(nodes) < len(options) and not negative:
        scene.alternatives.append((scene.offset + edge.start, scene.offset + edge.end))
    if negative and any(isinstance(option, Denied) for option in options):
        nodes[0], negative = negate(nodes[0]), False  # "no beard or no mustache"
    if edge.sem.nor:
        scene.clause.sticky = False
    both = edge.sem.together or (edge.sem.unclear and scene.choose(f"slash {scene.offset + edge.start}", 0.0, 0.0))
    node = all_of(nodes) if both else any_of(nodes)
    if not (isinstance(options[0], Thing) and not negative and _denied_list(scene, edge, node, used)):
        scene.say(Found(negate(node) if negative else node, used, (), rough=rough), edge, "choice")


def _last_of_list(scene: Scene, edge: Edge, options: tuple[Any, ...]) -> tuple[Any, ...]:
    """ "Possibly Polish, clean-shaven or with stubble": the last of the list is one of two."""
    first = options[0]
    if isinstance(first, (Thing, Said, Denied, Choice)) or scene.clause.negative:
        return options
    cut = max((at for at, quality in enumerate(first) if quality.joined == ","), default=0)
    if not cut:
        return options
    adjectives(scene, edge._replace(category="AP", end=first[cut - 1].end, sem=first[:cut]))
    scene.clause.before = ","
    return ((first[cut]._replace(joined=""), *first[cut + 1 :]), *options[1:])


def _choice_of_persons(scene: Scene, edge: Edge, options: tuple[Any, ...]) -> bool:
    people = [isinstance(each, Thing) and each.person is not None for each in options]
    if people[-1] and not people[0] and whom.alternative(scene, options[-1]):
        return True
    if not any(people) or any(isinstance(each, Denied) for each in options):
        return False
    if edge.sem.nor and all(people):
        _neither_of(scene, edge, options)
        return True
    _persons_or(scene, edge, [each for each, person in zip(options, people, strict=True) if person], len(options))
    return True


def _neither_of(scene: Scene, edge: Edge, persons: tuple[Any, ...]) -> None:
    """ "Neither the man nor the woman wore glasses": a denial of each."""
    clause = scene.clause
    for each in persons:
        scene.clause = Clause(facts_here=clause.facts_here, created=clause.created)
        whom.person(scene, each, edge._replace(start=each.start, end=each.end))
    groups.both(scene, edge._replace(sem="both"))
    scene.clause.negative = scene.clause.sticky = True


def _options(scene: Scene, options: tuple[Any, ...]) -> tuple[list[Node], tuple[tuple[int, int], ...], bool]:
    """What the options mean that are scored, with which words, and whether these say more."""
    found = [each for option in options if (each := _told_option(scene, option)) is not None]
    scored = [(each.node, each.used) for each in found if each.node is not None]
    rough = any(each.rough for each in found)
    return [node for node, _ in scored], tuple(span for _, spans in scored for span in spans), rough


def _says_something(scene: Scene, nodes: list[Node], options: tuple[Any, ...]) -> bool:
    """Something is scored, and of the described; "30s or 40s" says nothing."""
    return bool(nodes) and _all_read(scene, options) and not set(nodes) >= _YOUNG_AND_OLD


def _all_read(scene: Scene, options: tuple[Any, ...]) -> bool:
    things = [each for each in options if isinstance(each, Thing)]
    return (
        all(is_read(scene, each) and is_own(scene, each) for each in things) if things else scene.clause.mode == "say"
    )


def _denied_list(scene: Scene, edge: Edge, node: Node, used: tuple[tuple[int, int], ...]) -> bool:
    """ "No hat, glasses or beard" may be a denial of all three, which costs the same."""
    clause = scene.clause
    if not (clause.listed and clause.before == "," and clause.denied_list):
        return False
    if not scene.choose(f"denied list {scene.offset + edge.start}", 0.0, 0.0):
        return False
    fact: Fact = clause.denied_list[0][1]
    fact.node = negate(any_of([negate(fact.node), node]))
    fact.used = (*fact.used, *((scene.offset + a, scene.offset + b) for a, b in used))
    scene.spent()
    return True


def _denied_as_well(scene: Scene, edge: Edge, found: Found) -> bool:
    """ "Not bald, old or fat" may be a denial of all three, which costs the same."""
    if found.node is None or not scene.choose(f"denied traits {scene.offset + edge.start}", 0.0, 0.0):
        return False
    fact: Fact = scene.clause.denied_traits[0][1]
    fact.node = negate(any_of([negate(fact.node), found.node]))
    fact.used = (*fact.used, *((scene.offset + a, scene.offset + b) for a, b in found.used))
    return True


def _option(scene: Scene, option: Any) -> Found | None:
    """What one of several phrases means."""
    if isinstance(option, Choice):
        return _any_option(scene, option.options)
    if isinstance(option, Denied):
        denied = _option(scene, option.phrase)
        return None if denied is None else denied.denied()
    if isinstance(option, Thing):
        return _thing_option(scene, option, ())
    if isinstance(option, Said):
        return _thing_option(scene, option.thing, option.qualities)
    return meaning(scene.words, OF_PEOPLE, option)


def _told_option(scene: Scene, option: Any) -> Found | None:
    """What an option means; what of it is not scored is set aside."""
    found = _option(scene, option)
    if found is not None:
        scene.set_all_aside(found)
    if isinstance(option, Thing) and (found is None or found.node is None):
        scene.set_aside(option.qualities[0].start if option.qualities else option.start, option.end, "not scored")
    return found


def _any_option(scene: Scene, options: tuple[Any, ...]) -> Found | None:
    found = [each for option in options if (each := _option(scene, option)) is not None]
    nodes = [each.node for each in found if each.node is not None]
    return Found(any_of(nodes), tuple(span for each in found for span in each.used), ()) if nodes else None


def _thing_option(scene: Scene, said: Thing, more: Qualities) -> Found | None:
    if said.person is not None:
        return None if said.person.reading is None else Found(said.person.reading.node, (), ())
    if said.noun is None:
        return None
    found = meaning(scene.words, said.noun, (*said.qualities, *more))
    return found._replace(used=(*found.used, (said.start, said.end)))


def _persons_or(scene: Scene, edge: Edge, named: list[Thing], count: int) -> None:
    """ "A man or a woman", "bald man or woman"."""
    sexes = [each.person.reading.node for each in named if each.person is not None and each.person.reading is not None]
    if len(sexes) < count or scene.clause.mode != "say":
        scene.set_aside(edge.start, edge.end, "somebody else")
        return
    found = [meaning(scene.words, OF_PEOPLE, each.qualities) for each in named]
    for span in (span for each in found for span in each.aside):
        scene.set_aside(*span, "quality")
    node = _persons_of(named, sexes, [each.node for each in found])
    used = (*(span for each in found for span in each.used), *((each.start, each.end) for each in named))
    scene.add(Found(node, used, ()), edge.start, edge.end, "person")
    target = scene.target()
    if target is not None:
        target.named = True


def _persons_of(named: list[Thing], sexes: list[Node], traits: list[Node | None]) -> Node:
    """An adjective before the first alone is of all."""
    if traits[0] is not None and not any(each.qualities for each in named[1:]):
        return all_of([traits[0], any_of(sexes)])
    return any_of(sex if trait is None else all_of([trait, sex]) for trait, sex in zip(traits, sexes, strict=True))
