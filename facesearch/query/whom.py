"""Of whom it is said: who is described, who is only mentioned, and which words mean the same person."""

from collections.abc import Callable
from itertools import pairwise

from facesearch.query import groups
from facesearch.query.chart import Edge
from facesearch.query.grammar import Found, Qualities, Thing, meaning
from facesearch.query.lexicon import PersonWord
from facesearch.query.reading import reading_of
from facesearch.query.scene import (
    MAN,
    OF_PEOPLE,
    PROMOTE,
    RELATION,
    SPEAKERS,
    WOMAN,
    WORN,
    Clause,
    Fact,
    Person,
    Scene,
    sex_of,
)
from facesearch.query.tokens import QUOTES, word_set
from facesearch.query.tree import Node, Not, all_of, any_of, negate, outcomes

ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4}
_OTHERS = frozenset(("other", "last", "remaining", "latter"))
_COMPARED = word_set(
    "taller shorter older younger smaller bigger larger heavier slimmer thinner fatter tallest shortest oldest youngest"
)
_POSITIONS = word_set("driver rider passenger pillion lookout accomplice ringleader bride groom robber") | {
    "pillion rider",
    "getaway driver",
}
"""Words for people of whom each is another one."""
_MATES = word_set("mate friend pal companion accomplice sidekick confederate") | {
    "co accused",
    "co defendant",
    "co offender",
}
_OF_AGE = reading_of("young").node.attributes
_LIKENESSES = frozenset(("mask", "marks", "wig"))
_PREDICATE = ("V", "BE", "DET", "HEDGE", "NEG", "PREP", "AP", "NOTHING", "CORRECT")
_SKIPPED = ("X", "SKIP", "DEG", "DET", "NOTHING")
_PARTICIPLES = word_set(
    "dressed clad attired described called named armed believed thought seen wanted known considered"
)
_MEANWHILE = word_set("as when while whilst before after")
_PLACES = frozenset(("beside", "behind", "near", "next to", "in front of", "opposite"))
_ANYONE = word_set("anyone anybody everyone everybody")
_OPENS = 3
_LOST = word_set("lost missing find disappeared vanished")
_CIVIL = word_set("mr mrs ms miss")
_DESCRIBING = word_set("describe described describes describing recalled recall remembered remember")


def person(scene: Scene, said: Thing, edge: Edge) -> None:
    """A noun for a person."""
    assert said.person is not None
    if _opens_clause(scene, said):
        scene.clause = Clause(facts_here=scene.clause.facts_here, created=scene.clause.created)
    for rule in (
        _is_victim,
        _none_of_a_group,
        _of_a_group,
        _denied_sex,
        _against_pronoun,
        _denied_age,
        _mentioned,
    ):
        if rule(scene, said, said.person, edge):
            return
    _note_owner(scene, said)
    found = _resolve(scene, said, said.person)
    _introduce(scene, found, said, edge)
    if said.person.plural or (said.person.role == "group" and len(scene.clause.created) < 2):
        groups.make_group(scene, found, said)
    if said.part:
        groups.part(scene, said.part)


def _opens_clause(scene: Scene, said: Thing) -> bool:
    """ "As I left the shop a man ...", "told police two men had ...", "..., his mate had red hair"."""
    clause = scene.clause
    told = clause.before == "NP" and (clause.speaker or clause.verb == "report")
    another = (said.owner in ("his", "her") and said.word in _MATES) or said.word in _POSITIONS
    mate = clause.before == "," and clause.verb != "" and another
    joined = clause.before in ("AND", ",") and clause.verb != "" and said.determiner == "the"
    after = scene.following()
    told = told or (joined and after is not None and after.category == "BE") or _does(scene)
    return (told or mate) and scene.is_new_subject()


def _does(scene: Scene) -> bool:
    """ "The van pulled up and two men got out": whoever stands behind "and" does something."""
    clause = scene.clause
    behind = scene.row[scene.at + 1] if scene.at + 1 < len(scene.row) else None
    if clause.before not in ("AND", "BUT") or behind is None or behind.category not in ("V", "BE"):
        return False
    word = scene.said_words[behind.start]
    within = clause.subject is None or clause.mode == "act"
    return within and clause.verb != "" and not word.endswith("ing") and word not in _PARTICIPLES


_WRONGDOERS = word_set(
    "attacker attackers assailant assailants mugger muggers robber robbers killer murderer rapist molester stalker "
    "kidnapper abductor groper flasher tormentor captor assaulter burglar"
)
_WRONGED = word_set("victim complainant witness informant caller")


def _is_victim(scene: Scene, said: Thing, _: PersonWord, edge: Edge) -> bool:
    """ "The man with the beard was the victim": whoever it was is nobody who is described."""
    clause = scene.clause
    subject = clause.subject
    is_ = clause.verb == "be" and clause.before in ("BE", "HEDGE") and not clause.negative
    if not is_ or said.word not in _WRONGED or subject is None or not subject.described:
        return False
    here = [fact for owner, fact in clause.facts_here if owner is subject]
    if any(fact not in here for fact in subject.facts):  # another than who was spoken of before
        for fact in here:
            scene.cancel(fact, "somebody else")
        clause.subject = Person(described=False, named=True)
    else:
        scene.demote(subject)
    scene.set_aside(edge.start, edge.end, "somebody else")
    return True


def _none_of_a_group(scene: Scene, said: Thing, word: PersonWord, edge: Edge) -> bool:
    """ "Neither man", "none of the men": what is denied of them is denied of each."""
    clause = scene.clause
    after = scene.following()
    neither = said.determiner == "neither"
    denied = neither or (clause.negative and clause.before in ("NEG", "OF") and word.plural)
    if not denied or after is None or after.category not in ("V", "BE") or clause.verb in ("be", "have", "act"):
        return False
    clause.negative, clause.before = False, ""
    known = scene.open_group is not None or len(scene.persons) > 1
    neither = neither or "neither" in scene.said_words[max(0, edge.start - 2) : edge.start]
    many = word._replace(plural=True)
    person(scene, said._replace(determiner="", person=many, number=2 if neither and not known else 0), edge)
    scene.clause.negative = scene.clause.sticky = True
    return True


def _of_a_group(scene: Scene, said: Thing, word: PersonWord, _: Edge) -> bool:
    """ "One of the men": what the men are, the one is."""
    clause = scene.clause
    behind = scene.behind(2)
    member = clause.before == "OF" and behind is not None and behind.category == "MEM"
    if not (member or clause.of_those) or not word.plural or clause.subject is None:
        return False
    clause.of_those = False
    one, sex = clause.subject, sex_of(said)
    scene.open_group = scene.open_group or Person(group=True, sex=sex, named=True)
    if word.reading is not None and not one.facts:
        fact = Fact(word.reading.node, scene.offset + said.start, scene.offset + said.end, kind="person")
        scene.shared.append(fact)
        one.facts.append(fact)
    one.sex = one.sex or sex
    return True


def alternative(scene: Scene, said: Thing) -> bool:
    """ "A man with long hair or a woman"."""
    first = next((fact for _, fact in scene.clause.facts_here if fact.kind == "person"), None)
    reading = said.person.reading if said.person is not None else None
    if first is None or reading is None or scene.clause.mode != "say":
        return False
    first.node = any_of([first.node, reading.node])
    for each in scene.persons:
        if first in each.facts:
            each.sex = None
    return True


def _denied_sex(scene: Scene, said: Thing, word: PersonWord, edge: Edge) -> bool:
    """ "Not male", "not a woman"."""
    clause = scene.clause
    sex = sex_of(said)
    only_sex = word.reading is not None and word.reading.node == sex and word.role == "described" and not word.plural
    if sex is None or not clause.negative or not only_sex or said.qualities:
        return False
    if clause.verb not in ("", "be") or said.determiner not in ("", "a", "an"):
        return False
    if word.narrow:
        scene.aside_and_spent(edge, "not scored")
        return True
    scene.say(Found(negate(sex), (), ()), edge, "sex")
    return True


def _against_pronoun(scene: Scene, said: Thing, _word: PersonWord, edge: Edge) -> bool:
    """ "Ruling out that she is actually a man": what is supposed against the pronoun is not known."""
    clause = scene.clause
    predicate = bool(clause.pronoun) and clause.verb == "be" and clause.before in _PREDICATE
    if not predicate or clause.subject is None or clause.subject.fits(sex_of(said)) or said.qualities:
        return False
    scene.aside_and_spent(edge, "not known")
    return True


# --- who is only mentioned ---


def _mentioned(scene: Scene, said: Thing, word: PersonWord, edge: Edge) -> bool:
    """Victims, witnesses, relations, and whom somebody does something to: what is said of them is set aside."""
    clause = scene.clause
    if not _is_mentioned(scene, said, word):
        return False
    if said.owner in ("his", "her") and not scene.persons:
        scene.owner = MAN if said.owner == "his" else WOMAN
    if _may_be_described(scene, said, word):
        has = bool(scene.persons) and clause.verb == "have"  # "she had a baby with her"
        scene.spoken_of = (scene.spoken_of or "relation") if has else "somebody"
        if scene.variant.get(PROMOTE):
            return False
    if clause.verb == "be" or clause.before == "HEDGE":
        clause.certainty = 1.0  # "who may be her daughter"
    other = _other(scene, said, word)
    scene.teller += word.role == "bystander" and scene.is_subject()
    scene.set_aside(edge.start, edge.end, "somebody else")
    _begin_other(scene, other)
    return True


def _begin_other(scene: Scene, other: Person) -> None:
    """What follows is said of somebody who is not described."""
    clause = scene.clause
    opens = clause.before in ("", ",", "AND", "BUT", ";", ":") and clause.verb in ("", "see")
    if opens or clause.before == "BUT":
        clause.subject = scene.last_subject = other
        other.assigned = True
        clause.mode = "say"
    clause.near = None if clause.before == "PREP" and clause.preposition in ("like", "than") else other
    clause.mentioned = other


def _denied_age(scene: Scene, said: Thing, _word: PersonWord, edge: Edge) -> bool:
    """ "Not a young man": a man."""
    clause = scene.clause
    if clause.before != "NEG" or said.determiner not in ("a", "an") or len(said.qualities) != 1:
        return False
    pair = scene.words.pairs.get(("person", said.qualities[0].key))
    if pair is None or pair.reading is None or pair.reading.node.attributes != _OF_AGE:
        return False
    clause.negative = False
    scene.set_aside(said.qualities[0].start, said.qualities[0].end, "quality")
    person(scene, said._replace(qualities=()), edge)
    return True


def _may_be_described(scene: Scene, said: Thing, word: PersonWord) -> bool:
    """Where nobody else is."""
    clause = scene.clause
    compared = clause.negative or (clause.before == "PREP" and clause.preposition in ("like", "than"))
    self_said = clause.speaker and (clause.verb == "be" or clause.mode == "say") and clause.before != "PREP"
    compared = compared or _likeness(scene, said, word) is not None
    return word.role == "described" and said.owner == "" and not self_said and not compared


def _other(scene: Scene, said: Thing, word: PersonWord) -> Person:
    other = Person(described=False, sex=sex_of(said), word=said.word, named=True)
    other.at = scene.offset + said.start
    other.companion = scene.clause.before == "WITH" and word.role == "described" and said.owner == ""
    if other.companion and word.reading is not None:
        other.facts.append(Fact(word.reading.node, scene.offset + said.start, scene.offset + said.end, kind="person"))
    scene.others.append(other)
    return other


def _is_mentioned(scene: Scene, said: Thing, word: PersonWord) -> bool:
    """The first rule that knows decides."""
    again = said.determiner == "the" and word.role == "relation" and said.word in [each.word for each in scene.persons]
    return not again and next((known for rule in _MENTIONED if (known := rule(scene, said, word)) is not None), False)


def _by_role(scene: Scene, said: Thing, word: PersonWord) -> bool | None:
    """ "The victim", "a neighbour", "PC White"."""
    if said.word in _ANYONE and scene.at < _OPENS and not scene.persons and _looks_so(scene):
        return False
    if word.role == "bystander" or (said.name and word.role != "described"):
        return True
    place = scene.row[scene.at + 2].sem if scene.ahead(2) in (["ON", "NP"], ["PREP", "NP"], ["OF", "NP"]) else None
    if (
        said.determiner == "the"
        and isinstance(place, Thing)
        and not scene.words.sets["POST"].isdisjoint(place.word.split())
    ):
        return True  # "the girl on the till"
    mine = said.determiner == "" and bool(scene.persons) and scene.at == 0  # "Mum is frantic"
    return True if word.role == "relation" and said.owner == "" and (word.reading is None or mine) else None


def _looks_so(scene: Scene) -> bool:
    """ "Anyone in a suit", "anyone with a beard"; but "anyone with information", "anyone in the area"."""
    ahead = scene.row[scene.at + 1 : scene.at + 3]
    thing = ahead[1].sem if len(ahead) > 1 else None
    if not isinstance(thing, Thing) or thing.name:
        return False
    return ahead[0].category in ("WITH", "IN")[thing.noun is None :] and thing.determiner != "the"


def _of_the_speaker(scene: Scene, said: Thing, word: PersonWord) -> bool | None:
    """ "My manager", "the clerk's son"; but "my attacker" is described."""
    sentence = scene.said_words
    lost = not _LOST.isdisjoint((*sentence[: said.start], *sentence[said.end : said.end + 4]))
    if said.owner in SPEAKERS and lost and word.role != "bystander" and not scene.persons:
        return False
    young = word.reading is not None and word.reading.node.attributes >= _OF_AGE  # "our two children"
    if said.owner in SPEAKERS and (word.role == "relation" or young):
        scene.spoken_of = scene.spoken_of or "relation"
        return scene.variant.get(PROMOTE) != RELATION
    mine = said.owner in SPEAKERS and (word.role != "described" or said.word in _POSITIONS)
    return True if mine or (word.role != "described" and said.owner == "other") else None


def _of_the_described(scene: Scene, said: Thing, word: PersonWord) -> bool | None:
    """ "His girlfriend, who reported him missing"; but "his mate had ginger hair"."""
    if said.owner not in ("his", "her"):
        return None
    looks = meaning(scene.words, OF_PEOPLE, said.qualities).node is not None
    if said.word in _MATES and scene.clause.before == "AND" and looks and not scene.clause.speaker:
        return False  # "and his clean-shaven companion"
    if said.word in _MATES and scene.persons and scene.is_subject():
        after = scene.following()
        return after is None or after.category == "REL"
    if _is_with_him(scene) or _is_told_of(scene):
        return False
    if word.role == "relation" and scene.is_subject() and _tells(scene):
        return True  # "her sister, who last saw her on Monday"
    return True if word.role == "relation" and (scene.persons or scene.clause.verb) else None


def _is_told_of(scene: Scene) -> bool:
    """ "A man and his partner, a woman of 28 with blonde hair": a companion with a description of her own."""
    behind = [edge for edge in scene.row[scene.at + 1 :] if edge.category not in _SKIPPED][:5]
    if len(behind) < 4 or behind[0].category != "," or scene.clause.speaker or not scene.persons:
        return False
    said = behind[1].sem
    if not isinstance(said, Thing) or said.person is None or said.determiner not in ("a", "an"):
        return False
    at = 3 if behind[2].category == "AP" else 2
    thing = behind[at + 1].sem if behind[at].category == "WITH" and len(behind) > at + 1 else None
    return isinstance(thing, Thing) and thing.noun is not None


def _is_with_him(scene: Scene) -> bool:
    """ "His wife, who was with him, had ...": a companion with a description of her own."""
    ahead = [edge for edge in scene.row[scene.at + 1 :] if edge.category != ","][:6]
    categories = [edge.category for edge in ahead]
    behind = scene.behind()
    together = scene.clause.before == "WITH" or (behind is not None and "company" in scene.said_words[: behind.end])
    if together and scene.ahead(1) == [","] and ahead:  # "travelling with her grandmother, described as ..."
        verbs = [edge.sem for edge in ahead[:3] if edge.category in ("V", "BE")]
        told = ahead[0].category == "REL" and verbs[:2] == ["be", "report"]
        return told or (ahead[0].category == "V" and ahead[0].sem == "report")
    beside = 2 if categories[:2] == ["WITH", "OBJ"] else 4 if categories[:4] == ["REL", "BE", "WITH", "OBJ"] else 0
    return bool(beside) and [edge.sem for edge in ahead[beside : beside + 1]] in (["be"], ["have"], ["wear"])


def _named_again(scene: Scene, said: Thing, word: PersonWord) -> bool | None:
    """ "The 34-year-old flagged down a taxi": who was named before and is only said to do something."""
    reading = word.reading.node.attributes if word.reading is not None else frozenset()
    of_age = any(quality.key == "#age" for quality in said.qualities) or reading >= _OF_AGE
    if said.determiner != "the" or not of_age or word.plural or not scene.is_subject():
        return None
    if any(each.word == said.word for each in scene.persons):
        return None
    wanted = scene.words.wanted
    sex = sex_of(said)
    described = [each for each in scene.persons if each.facts or each.sex is not None or each.word in wanted]
    before = [each for each in scene.others if each.fits(sex) and each.word not in scene.words.sets["AUTHORITY"]]
    return True if before and described and _acts(scene) else None


def _acts(scene: Scene) -> bool:
    """The verb behind, a relative clause aside, says what somebody does and not how they look."""
    ahead = [edge for edge in scene.row[scene.at + 1 :] if edge.category != "DEG"]
    does = [edge for edge, after in pairwise(ahead) if edge.category != "BE" or after.category != "V"]
    verbs = [edge.sem for edge in does if edge.category in ("BE", "V")]
    relative = scene.following((",", *_SKIPPED))
    last = verbs[1:2] if relative is not None and relative.category == "REL" else verbs[:1]
    return not last or last[0] not in ("be", "have", "wear", "grow", "see")


def _harmed(scene: Scene, said: Thing, word: PersonWord) -> bool | None:
    """ "A 63-year-old woman was not hurt", where somebody is described."""
    named = said.determiner == "the" and word.reading is not None and word.reading.node.attributes >= _OF_AGE
    named = named or (said.determiner == "the" and said.word in _ON_THE_ROAD)
    new = named and all(each.word != said.word for each in scene.persons)  # "the pensioner was taken to hospital"
    others = any(each.facts for each in scene.persons) and (new or said.determiner in ("a", "an", ""))
    ahead = scene.row[scene.at + 1 :]
    at = next((at for at, edge in enumerate(ahead) if edge.category in ("BE", "V", "AND", ".", ";")), None)
    if not others or at is None or ahead[at].category != "BE" or scene.clause.verb != "":
        return None
    verb = next((edge for edge in ahead[at + 1 :] if edge.category not in ("NEG", "DEG", "X")), None)
    return True if verb is not None and verb.category == "V" and verb.sem == "harm" else None


_ON_THE_ROAD = word_set("driver cyclist rider motorist motorcyclist biker passenger jogger hiker pedestrian walker")
"""Words for people who are as often hurt as looked for."""


def _in_headline(scene: Scene, said: Thing, _word: PersonWord) -> bool | None:
    """ "Search for bearded man after girl, 11, approached in park": a bare noun to whom something was done."""
    if said.determiner or said.owner or not scene.persons:
        return None
    ahead = [edge for edge in scene.row[scene.at + 1 :] if edge.category not in (",", *_SKIPPED)]
    if ahead and ahead[0].category == "AP":
        ahead = ahead[1:]
    harmed = bool(ahead) and ahead[0].category == "V" and ahead[0].sem == "harm"
    return True if harmed and (len(ahead) == 1 or ahead[1].category not in ("NP", "OBJ", "CHOICE")) else None


def _compared_or_denied(scene: Scene, _said: Thing, _word: PersonWord) -> bool | None:
    """ "Like a woman", "older than the man", "no suspect"; but "described as a man"."""
    clause = scene.clause
    described_as = clause.preposition == "as" and clause.verb in ("as", "seen", "report", "see")
    compared = clause.before == "PREP" and clause.preposition in ("like", "than", "as") and not described_as
    return True if clause.negative or compared else None


def _apposed_to_another(scene: Scene, said: Thing, _word: PersonWord | None) -> bool | None:
    """ "A passer-by, a man with a beard"; "accompanied by a child"."""
    clause = scene.clause
    if clause.verb == "company":
        return True
    behind = scene.behind(2)
    last = clause.mentioned or clause.subject
    other = (last is not None and not last.described) or _behind_a_name(scene)
    named = behind is not None and behind.category in ("NP", "LABEL")
    bracketed = clause.before == "(" and said.determiner == ""
    bare = said.determiner == "" and said.qualities != () and behind is not None and not scene.persons
    apposed = clause.before == "," and ((said.determiner in ("a", "an") and named) or bare)
    return True if other and (apposed or bracketed) else None


def _wanted(scene: Scene, _said: Thing, word: PersonWord) -> bool | None:
    """ "Police are concerned for a boy", "the mother of the missing boy"."""
    clause = scene.clause
    if is_first_wanted(scene):
        return False
    subject = clause.subject
    if clause.before != "OF" or subject is None or word.role != "described" or clause.verb:
        return None
    if subject.word in scene.words.relatives and subject in clause.created:
        scene.demote(subject)
        return False
    return None


def is_first_wanted(scene: Scene) -> bool:
    """Nobody is described yet, and this is whom others care about, or whom the text speaks to ("To the man in ...")."""
    clause = scene.clause
    if scene.at < 3 and clause.before == "PREP" and clause.preposition == "to" and not scene.persons:
        return True
    others = (clause.subject is None or not clause.subject.described) and not (clause.speaker and clause.mode == "act")
    wanted = clause.before == "OF" or (clause.before == "PREP" and clause.preposition in ("for", "about", "on"))
    return not scene.persons and others and wanted


def _said_of_another(scene: Scene, _said: Thing, _word: PersonWord) -> bool | None:
    """ "I am a 54-year-old man", "the clerk is a bald man", "her ex, described as a bald man"."""
    clause = scene.clause
    if clause.verb == "as" and clause.subject is not None and not clause.subject.described and not clause.pronoun:
        return True
    if clause.speaker and clause.before == "SPEAKER":
        return True  # "me, the woman with the trolley"
    if clause.verb != "be" or clause.before not in ("BE", "V", "DEG", "HEDGE", "NEG"):
        return None
    of_another = clause.subject is not None and not clause.subject.described
    return True if of_another or (clause.speaker and clause.before in ("BE", "V", "DEG")) else None


def _had(scene: Scene, said: Thing, _word: PersonWord) -> bool | None:
    """ "She had a baby on her hip"."""
    clause = scene.clause
    has = clause.verb == "have" and not clause.speaker and clause.before in ("V", "NEG", "AND", ",")
    verb = next((edge.sem for edge in reversed(scene.row[: scene.at]) if edge.category == "V"), "")
    if not has or verb == "wear" or clause.subject is None or not clause.subject.described:
        return None
    ahead = scene.following()
    told = (
        ahead is not None and ahead.category in ("AP", "WITH", "IN", "REL") and scene.ahead(2) != ["WITH", "OBJ"]
    )  # "..., and an old lad about 60"
    return clause.before == "V" or (said.determiner in ("a", "an") and not (told and clause.before == "AND"))


def _body(scene: Scene, _said: Thing, _word: PersonWord) -> bool | None:
    """ "A jogger found the body of a man"."""
    behind, clause = scene.thing_behind(2), scene.clause
    if clause.before != "OF" or behind is None or scene.words.sets["BODY"].isdisjoint(behind.word.split()):
        return None
    if clause.subject is not None and clause.subject in clause.created:
        scene.demote(clause.subject)
        clause.subject = None
    return False


def _object(scene: Scene, said: Thing, _word: PersonWord) -> bool | None:
    """To whom somebody does something; but "..., a bald man of about 40"."""
    clause = scene.clause
    if clause.mode == "say" or clause.by:
        return None
    subject = clause.subject
    apposed = (said.determiner in ("a", "an", "") and subject is not None) or scene.focus is not None
    return not (clause.before in (",", ":") and (apposed or subject is None))


def _likeness(scene: Scene, _said: Thing, _word: PersonWord) -> bool | None:
    """ "A mask of an old man", "a shirt with a picture of a man"."""
    picture, printed = scene.thing_behind(2), scene.behind(3)
    kind = picture.noun.name if picture is not None and picture.noun is not None else ""
    on_it = kind == "picture" and printed is not None and printed.category == "WITH"
    return True if scene.clause.before == "OF" and (kind in _LIKENESSES or on_it) else None


def _behind_preposition(scene: Scene, _said: Thing, _word: PersonWord) -> bool | None:
    """ "Arguing with a man", "the home of a pensioner"; but "a photograph of an old man"."""
    clause = scene.clause
    if clause.before == "PREP" and clause.preposition == "when":
        return None
    if clause.before == "PREP" and clause.preposition not in ("for", "as") and not clause.by:
        return not clause.introduced if _are_known(scene) or clause.preposition != "of" else None
    if clause.before == "WITH":
        return True if _in_company(scene) else None
    if clause.before == "ON" and scene.thing_behind(2) is not None:  # "an assault on a woman in her 20s"
        return True
    picture = scene.thing_behind(2)
    pictured = picture is not None and picture.noun is not None and picture.noun.name == "picture"
    return clause.before == "OF" and _are_known(scene) and not pictured


def _shouted_at(scene: Scene, _said: Thing, _word: PersonWord) -> bool | None:
    """ "Who shouted abuse at a mum"."""
    clause = scene.clause
    return True if clause.before == "PREP" and clause.preposition == "at" and clause.verb == "act" else None


def _are_known(scene: Scene) -> bool:
    """Somebody is described already, and not only their picture."""
    return any(each.named or each.pronoun_sex is not None for each in scene.persons)


def _in_company(scene: Scene) -> bool:
    """ "A woman with a child", "was with a man in a cap": of whom is with somebody nothing is asked."""
    clause = scene.clause
    if clause.verb == "be" and clause.subject is None and scene.persons:
        return True
    beside = clause.near or clause.subject
    return beside is not None and not beside.group and clause.verb in ("", "be")


def _thinks(scene: Scene, _said: Thing, _word: PersonWord) -> bool | None:
    """ "One girl thought he had a beard"."""
    ahead = scene.row[scene.at + 1 : scene.at + 3]
    thinks = len(ahead) == 2 and ahead[0].category == "HEDGE" and scene.said_words[ahead[0].start] in _THOUGHT
    return True if thinks and ahead[1].category in ("HE", "SHE", "THEY") else None


_THOUGHT = word_set("thought believed")


def _is_relation(scene: Scene, _said: Thing, word: PersonWord) -> bool | None:
    """ "The suspect is the child's father"."""
    clause = scene.clause
    is_ = clause.verb == "be" and clause.before in ("BE", "DEG") and clause.mode == "say" and not clause.negative
    described = clause.subject is not None and clause.subject.described and not clause.speaker
    return False if is_ and described and word.role == "relation" else None


def _mentioned_before(scene: Scene, said: Thing, _word: PersonWord) -> bool | None:
    """ "A woman with a baby. The baby had a hat on"; "he lured a child into a van. The child, a girl of 8, ran off"."""
    again = said.determiner == "the" and any(each.word == said.word for each in scene.others)
    nobody_described = bool(scene.persons) and all(each.word != said.word for each in scene.persons)
    return True if again and (said.word in _BABES or (nobody_described and said.word in _CHILDREN)) else None


_CHILDREN = word_set("child boy girl kid youngster toddler teenager")
_BABES = word_set("baby infant toddler newborn tot bairn wean")

_MENTIONED: tuple[Callable[[Scene, Thing, PersonWord], bool | None], ...] = (
    _is_relation,
    _by_role,
    _mentioned_before,
    _thinks,
    _of_the_speaker,
    _of_the_described,
    _named_again,
    _harmed,
    _in_headline,
    _compared_or_denied,
    _likeness,
    _apposed_to_another,
    _wanted,
    _said_of_another,
    _had,
    _body,
    _object,
    _shouted_at,
    _behind_preposition,
)


def _note_owner(scene: Scene, said: Thing) -> None:
    """ "His passenger": the sex of the one before; but "her attacker" is that one."""
    focus = scene.focus
    if said.owner not in ("his", "her") or focus is None or focus not in scene.persons:
        return
    owner = MAN if said.owner == "his" else WOMAN
    if said.word in _WRONGDOERS:
        if focus.pronoun_sex == owner and focus.word not in scene.words.wanted and scene.sentences > focus.sentence:
            scene.demote(focus)  # "the 80-year-old was robbed as she walked home. Her mugger ..."
        return
    if focus.fits(owner) and focus.pronoun_sex is None:
        focus.pronoun_sex = owner


# --- which of them ---


def _resolve(scene: Scene, said: Thing, word: PersonWord) -> Person:
    """The person whom a phrase names: the first rule that knows decides; else one of those known, or a new one."""
    for rule in _SAME:
        if (found := rule(scene, said, word)) is not None:
            return found
    sex = sex_of(said) or (None if word.plural else _sex_ahead(scene))
    told = (
        scene.clause.verb in ("report", "believe") and said.determiner == "the"
    )  # "police now say the suspect is ..."
    if scene.is_corrected() and scene.focus in scene.persons and told:
        return scene.focus
    found = _known(scene, said, sex)
    open_ = scene.open_group is not None and scene.open_group.fits(sex) and word.role == "described"
    full = said.determiner in ("a", "an") and len(scene.group) > 1 and all(each.assigned for each in scene.group)
    if found is None and open_ and not full:
        return groups.next_member(scene, None, sex)
    return found if found is not None else scene.add_person(Person(sex=sex))


def _sex_ahead(scene: Scene) -> Node | None:
    """The sex that is said of whom a clause begins with: "the driver is described as a man", "the driver, a woman"."""
    for edge in scene.row[scene.at + 1 :]:
        if edge.category == "NP" and edge.sem.person is not None:
            return None if edge.sem.person.plural or edge.sem.number else sex_of(edge.sem)
        if edge.category not in _BEFORE_SEX or (edge.category == "V" and edge.sem not in ("be", "report", "believe")):
            return None
    return None


_BEFORE_SEX = ("BE", "V", "PREP", "HEDGE", "DEG", "X", "DET", ",", "AP")


def _predicate(scene: Scene, said: Thing, word: PersonWord) -> Person | None:
    """ "The thief is a woman", "described as a man", "the rider, a lad of 17", "Suspect 1: a man"."""
    clause = scene.clause
    subject = clause.subject
    if word.role == "group" and len(clause.created) > 1 and clause.before in _PREDICATE:
        return clause.created[-1]  # "a man and a woman, thought to be a couple"
    if clause.before == "CORRECT" and scene.focus in scene.persons:
        return scene.focus  # "make that a woman"
    if subject is None:
        return None
    indefinite = said.determiner in ("a", "an", "")
    if _is_bracketed(clause, subject, said) or (clause.labelled and indefinite):
        return subject
    if _is_apposition(scene, said, subject):
        return subject
    if clause.verb not in ("be", "as") or not subject.described or clause.passive:
        return None
    direct = clause.before in _PREDICATE and clause.mode == "say"
    return subject if direct or (clause.before == "," and indefinite) else None


def _is_bracketed(clause: Clause, subject: Person, said: Thing) -> bool:
    """ "Her friend (F, brown hair)"."""
    bracketed = clause.before == "(" and clause.bracket is not None
    return bracketed and subject.described and subject.fits(sex_of(said))


def _is_apposition(scene: Scene, said: Thing, subject: Person) -> bool:
    """ "The rider, a lad of 17"."""
    behind = scene.thing_behind(2)
    if scene.clause.before != "," or behind is None or behind.person is None or subject is not scene.clause.mentioned:
        return False
    kind = said.determiner in ("a", "an") or (said.determiner == "the" and said.word in _ON_THE_ROAD)
    return kind and subject.fits(sex_of(said)) and said.word != subject.word and subject.described


def _of_group(scene: Scene, said: Thing, word: PersonWord) -> Person | None:
    """ "The second man", "the taller man", "the men", "a man" behind "three suspects:"."""
    keys = {quality.key for quality in said.qualities}
    sex, group = sex_of(said), scene.open_group
    if word.plural:
        return _group_of(scene, said, group, sex)
    ordinal = _ordinal(keys)
    keys &= ORDINALS.keys() if ordinal is not None else keys  # "the first masked man ..., the second masked man"
    if said.determiner == "the" and (known := _with_trait(scene, keys, sex)) is not None:
        return known
    if scene.group and (ordinal is not None or keys & (_OTHERS | _COMPARED) or said.number == 1):
        return groups.next_member(scene, ordinal, sex)
    free = group is not None and any(not each.assigned for each in scene.group)
    if free and group is not None and said.determiner in ("a", "an") and group.fits(sex):
        return groups.next_member(scene, None, sex) if sex is not None or group.sex is None else None
    return None


def _group_of(scene: Scene, said: Thing, group: Person | None, sex: Node | None) -> Person | None:
    if group is None or not group.fits(sex):
        return None
    return groups.part_of_group(scene, said) if said.number else groups.of_sex(scene, group, sex)


def _with_trait(scene: Scene, keys: set[str], sex: Node | None) -> Person | None:
    told_apart = (groups.by_trait(scene, f"the {key}") for key in sorted(keys))
    return next((one for one in told_apart if one is not None and one.fits(sex)), None)


def _by_position(scene: Scene, said: Thing, _word: PersonWord) -> Person | None:
    """ "The rider ... the pillion rider", "his mate"."""
    sex, focus = sex_of(said), scene.focus
    if said.word in _POSITIONS and focus is not None and (focus in scene.persons or focus.group):
        if (known := _of_word(scene.persons, said.word)) is not None:
            return known
        free = next((each for each in scene.group if not each.assigned and each.fits(sex)), None)
        if free is not None and said.determiner in ("", "the"):
            free.assigned, free.word = True, said.word
            return free
        if focus.word in _POSITIONS or said.owner in ("his", "her") or said.word == "accomplice":
            return scene.add_person(Person(sex=sex))
    return None


def _mate(scene: Scene, said: Thing, _word: PersonWord) -> Person | None:
    """ "His mate had ginger hair"."""
    if said.word not in _MATES:
        return None
    free = any(not each.assigned and len(each.facts) <= len(scene.shared) for each in scene.group)
    sex = sex_of(said)
    return groups.next_member(scene, None, sex) if free else scene.add_person(Person(sex=sex))


def _told_apart(scene: Scene, said: Thing, _word: PersonWord) -> Person | None:
    """ "The shorter male", "the second man", "another man"."""
    keys = {quality.key for quality in said.qualities}
    sex, ordinal = sex_of(said), _ordinal(keys)
    if said.determiner == "the" and not scene.group and (one := _other_or_taller(scene, keys, sex)) is not None:
        return one
    more = ordinal is not None and said.determiner == "a" and scene.persons != []
    if said.determiner == "another" or "another" in keys or more:
        return scene.add_person(Person(sex=sex))
    if ordinal is None or said.determiner not in ("the", ""):
        return None
    while len(scene.persons) <= ordinal:
        scene.add_person(Person(sex=sex))
    return scene.persons[ordinal]


def _other_or_taller(scene: Scene, keys: set[str], sex: Node | None) -> Person | None:
    """ "The other man", "the taller man", where no group is known."""
    if "other" in keys and scene.persons:
        others = [each for each in scene.persons if each is not scene.focus and each.fits(sex)]
        return others[-1] if others else scene.add_person(Person(sex=sex))
    compared = next(iter(keys & _COMPARED), None)
    if compared is None:
        return None
    known = next((each for each in scene.persons if each.label == compared), None)
    return known or scene.add_person(Person(sex=sex, label=compared))


def _by_place(scene: Scene, said: Thing, word: PersonWord) -> Person | None:
    """ "The man by the door", "the male with the knife": who was told apart so; or another, where somebody was told
    apart in the same way ("the man on the left ... the man on the right")."""
    place = groups.place_ahead(scene)
    if not place[1] or word.plural or said.determiner not in ("the", "this", "that", ""):
        return None
    sex = sex_of(said)
    here = [each for each in scene.persons if place in each.places and each.fits(sex) and not each.group]
    if here:
        return here[0] if len(here) == 1 else None
    other = scene.is_subject() and any(place[0] == each[0] for person in scene.persons for each in person.places)
    if not other:
        return None
    return groups.next_member(scene, None, sex) if scene.group else scene.add_person(Person(sex=sex))


_SAME: tuple[Callable[[Scene, Thing, PersonWord], Person | None], ...] = (
    _predicate,
    _by_place,
    _of_group,
    _by_position,
    _mate,
    _told_apart,
)


def _ordinal(keys: set[str]) -> int | None:
    return next((ORDINALS[key] for key in keys if key in ORDINALS), None)


def _known(scene: Scene, said: Thing, sex: Node | None) -> Person | None:
    """Who of those spoken of is meant; None: somebody new."""
    candidates = _candidates(scene, said, sex)
    if any(rule(scene, said, candidates) for rule in _NEW):
        return None
    if (same := _of_word(candidates, said.word)) is not None:
        return same
    created = any(each in candidates for each in scene.clause.created)
    if said.determiner in ("a", "an") and scene.clause.introduced and created:
        return None
    unnamed = [each for each in candidates if each in scene.group]
    untold = len(scene.group) > 1 and not any(each.assigned for each in scene.group)
    if untold and sex is not None and unnamed and len(unnamed) < len(scene.group):
        return unnamed[0]
    return _last_of(scene, candidates)


def _candidates(scene: Scene, said: Thing, sex: Node | None) -> list[Person]:
    """Those spoken of whom the phrase may mean: what it says can be true of them. "Two men" is nobody spoken of."""
    if said.number > 1 and said.person is not None and said.person.plural:
        return []
    fitting = (each for each in scene.persons if not each.group and each.fits(sex))
    return [each for each in fitting if not _clashes(scene, said, each)]


def _clashes(scene: Scene, said: Thing, person: Person) -> bool:
    """What the phrase says of somebody cannot be true of this person: "an elderly man ... a younger man"."""
    word = said.person.reading if said.person is not None else None
    traits = meaning(scene.words, OF_PEOPLE, said.qualities).node
    nodes = [node for node in (traits, word and word.node) if node is not None]
    plain = [fact.node for fact in person.facts if fact.certainty == 1.0]
    return any(True not in outcomes(all_of((known, node))) for known in plain for node in nodes)


def _of_word(candidates: list[Person], word: str) -> Person | None:
    return next((each for each in reversed(candidates) if word and each.word == word), None)


def _last_of(scene: Scene, candidates: list[Person]) -> Person | None:
    if scene.focus in candidates:
        return scene.focus
    return candidates[-1] if candidates else None


def _beside(scene: Scene, said: Thing, candidates: list[Person]) -> bool:
    """ "The man who was with him", "his wife, described as ..."."""
    ahead = scene.ahead(4)
    place = scene.row[scene.at + 1].sem if ahead[:2] == ["PREP", "OBJ"] else ""
    with_him = place in _PLACES or ahead[:2] == ["WITH", "OBJ"] or ahead == ["REL", "BE", "WITH", "OBJ"]
    if said.owner in ("his", "her"):
        return _is_with_him(scene)
    return said.determiner == "the" and bool(candidates) and with_him


def _another_such(scene: Scene, said: Thing, candidates: list[Person]) -> bool:
    """ "The man in black ... and the man in white"."""
    clause, after = scene.clause, scene.following()
    told_apart = after is not None and after.category in ("IN", "WITH", "REL")
    joined = clause.before == "AND" and clause.verb != "" and said.determiner == "the"
    return joined and told_apart and any(each.word == said.word for each in candidates)


def _one_more(scene: Scene, said: Thing, candidates: list[Person]) -> bool:
    """ "There was a younger guy", "a man and a woman", "followed by a boy"."""
    clause = scene.clause
    if _there_is(scene, said) and candidates and all(each.facts for each in candidates):
        return True
    joined = bool(scene.group) and clause.before == "AND"
    if not clause.created and not joined:
        return False
    return _is_listed(scene, said) or (clause.by and said.determiner in ("a", "an"))


def _other_relation(_: Scene, said: Thing, candidates: list[Person]) -> bool:
    """ "The father, 50; the son, about 20"."""
    related = said.person is not None and said.person.role == "relation" and said.determiner == "the"
    return (
        related
        and any(each.word in _KIN for each in candidates)
        and said.word in _KIN
        and all(each.word != said.word for each in candidates)
    )


_KIN = word_set("father mother son daughter brother sister husband wife uncle aunt nephew niece grandfather")

_NEW: tuple[Callable[[Scene, Thing, list[Person]], bool], ...] = (
    _beside,
    _another_such,
    _other_relation,
    _one_more,
)
"""Where a phrase means somebody new."""


def _there_is(scene: Scene, said: Thing) -> bool:
    """ "There was a younger guy waiting in the van"."""
    behind = scene.behind()
    there = (
        behind is not None
        and behind.category == "BE"
        and scene.said_words[behind.start - 1 : behind.start] == ["there"]
    )
    return there and said.determiner in ("a", "an", "another")


def _is_listed(scene: Scene, said: Thing) -> bool:
    """ "A man with a beard, a man in a hat and a woman"."""
    clause = scene.clause
    indefinite = said.determiner in ("a", "an") or said.number == 1
    if clause.before in (",", "AND", "BUT") and indefinite and said.word in [each.word for each in clause.created]:
        return True
    joined = clause.before == "AND" and (indefinite or said.determiner == "")
    joined = joined and any(each.named for each in scene.persons)  # but "not bald and man" is one
    return joined and said.word not in [each.word for each in scene.persons]


def _introduce(scene: Scene, found: Person, said: Thing, edge: Edge) -> None:
    """The phrase describes this person: its adjectives are facts, and what follows is said of them."""
    clause = scene.clause
    word = said.person
    assert word is not None
    _note(scene, found, said, edge)
    if _begins_clause(scene, found, said, word):
        clause.subject = scene.last_subject = found
    clause.thing = clause.speaker = False
    clause.near = clause.mentioned = found
    doubted = clause.mode == "unknown" and scene.said_words[edge.start - 1 : edge.start] in (["whether"], ["if"])
    clause.mode = "unknown" if doubted else "say"  # "police would not say whether the man had a beard"
    if found in scene.persons:
        scene.focus = found
    traits = meaning(scene.words, OF_PEOPLE, degrees(scene, _own(said, word)))
    nodes = [node for node in (traits.node, word.reading and word.reading.node) if node is not None]
    if not nodes:
        scene.set_all_aside(traits)
        scene.used.append((scene.offset + said.start, scene.offset + said.end))
        scene.spent()
        return
    clause.negative = False
    waits = (1.0, clause.certainty) if said.determiner in ("the", "the same") else (clause.certainty, 1.0)
    clause.certainty = waits[0]
    used = (*traits.used, (said.start, said.end))
    scene.say(Found(all_of(nodes), used, traits.aside, rough=traits.rough or word.narrow), edge, "person")
    clause.certainty = waits[1]  # "reckons the bloke had a beard"


def _note(scene: Scene, found: Person, said: Thing, edge: Edge) -> None:
    """By what somebody is known from here on: the noun, its adjectives, the place."""
    found.sentence = found.sentence or scene.sentences
    if found.again is None and found.sentence < scene.sentences:
        found.again = scene.offset + edge.start
    found.named = True
    numbered = said.number == 1 or any(quality.key in ORDINALS for quality in said.qualities)
    found.counted = found.counted or (numbered and sex_of(said) is not None)
    found.sex = found.sex if found.sex is not None else sex_of(said)
    if not found.word or said.word in _POSITIONS:
        found.word = said.word
    found.traits |= {quality.key for quality in said.qualities if not quality.key.startswith("#")}
    found.places.add(groups.place_ahead(scene))
    found.at = min(found.at, scene.offset + edge.start)


def _own(said: Thing, word: PersonWord) -> Qualities:
    """The adjectives without those that compare: "the older boy" is young."""
    if word.reading is None or not word.reading.node.attributes >= _OF_AGE:
        return said.qualities
    return tuple(quality for quality in said.qualities if quality.key not in _COMPARED)


def _begins_clause(scene: Scene, found: Person, said: Thing, word: PersonWord) -> bool:
    """The person is whom the clause is about."""
    clause = scene.clause
    subject = clause.subject
    another = clause.before == "," and said.determiner == "the" and found is not subject
    told = clause.before == "HEDGE" and clause.verb in ("", "report")
    relation = said.owner in ("his", "her") and word.role == "relation"
    looked_for = clause.verb in ("see", "report", "seek") or scene.is_subject()
    return another or told or relation or looked_for or subject is None or not subject.described


def degrees(scene: Scene, qualities: Qualities) -> Qualities:
    """ "Pretty old" is old, or pretty and old."""
    kept = list(qualities)
    for at, (one, other) in enumerate(pairwise(qualities)):
        if one.key == "pretty" and not other.joined:
            scored = meaning(scene.words, OF_PEOPLE, (other,)).node is not None
            if not scored or scene.choose(f"degree {scene.offset + one.start}", 0.0, 0.0):
                del kept[at]
    return tuple(kept)


def somebody(scene: Scene, said: Thing, edge: Edge) -> None:
    """ "A retired teacher": a word that no table has, with an adjective that only people have, is somebody."""
    clause = scene.clause
    if _apposed_to_another(scene, said, None):
        clause.near = Person(described=False)  # "the homeowner, a retired teacher with white hair"
    if scene.target() is None:
        scene.set_aside(edge.start, edge.end, "somebody else")
        return
    clause.thing = False
    if clause.subject is None:
        clause.subject = clause.near = scene.focused()
    found = meaning(scene.words, OF_PEOPLE, said.qualities)
    scene.say(found, edge, "trait")
    scene.set_aside(said.start, said.end, "name" if said.name else "not scored")


def name(scene: Scene) -> None:
    """A name: that of somebody described where nobody else is, and it is not one of those who tell."""
    if _is_apposed(scene):
        return
    first, last = scene.row[scene.at].start, scene.row[scene.at].end - 1
    if scene.said_words[last] in scene.words.sets["PLACE"]:  # "the Crown Court heard that he ..."
        return
    title = scene.said_words[first]
    ranked = title in scene.words.sets["TITLE"] and (title not in _CIVIL or bool(scene.persons))
    teller = (_tells(scene) and scene.is_subject()) or ranked
    named = None if teller else _named(scene)
    clause = scene.clause
    if named is None:
        named = Person(described=False, word="name")
        scene.others.append(named)
    else:
        scene.focus = clause.near = named
    clause.subject = scene.last_subject = named


def _named(scene: Scene) -> Person | None:
    """Who is described and has the name; None: nobody."""
    free = next((each for each in scene.group if not each.assigned), None)
    if free is not None:  # "two boys are missing. Tyler Moss, 16, ..."
        free.assigned = True
        return free
    focus = scene.focus
    if focus is not None and scene.persons == [focus] and scene.clause.before == "" and focus.word != "name":
        return focus  # "a missing man. Harold Singh, 81, ..."
    known = next((each for each in scene.persons if each.word == "name"), None)
    if known is not None or scene.persons:
        return known
    return scene.add_person(Person(word="name", named=True, pronoun_sex=scene.owner))


def _is_apposed(scene: Scene) -> bool:
    """ "The suspect, Mr Hatt, was blond": the name of whom the clause is about."""
    clause = scene.clause
    behind = scene.thing_behind(2)
    subject: Person | None = clause.subject
    known = subject is not None and subject.described and behind is not None and behind.person is not None
    if clause.before not in (",", ":") or not known:
        return False
    return clause.verb == "" and (subject is clause.mentioned or clause.before == ":")


def _tells(scene: Scene) -> bool:
    """The verb behind is one of telling or seeing, and not in "was described as"."""
    ahead = scene.row[scene.at : scene.at + 12]
    return any(
        edge.category == "V"
        and edge.sem in ("report", "believe", "see", "know", "harm")
        and before.category not in ("BE", "X", "DEG", "ON", "IN", "PREP", "DET")
        for before, edge in pairwise(ahead)
    )


# --- pronouns ---


def pronoun(scene: Scene, edge: Edge) -> None:
    """ "He", "she"."""
    clause = scene.clause
    sex = MAN if edge.category == "HE" else WOMAN
    of_verb = clause.before == "PREP" and clause.verb and clause.preposition in _BEFORE_OBJECTS
    if of_verb or _is_tag(scene):
        return
    behind = scene.thing_behind()
    outer = clause.near if behind is not None and behind.person is not None and clause.verb == "" else None
    topic = clause.topic if behind is not None and behind.person is None else None
    beside = _just_mentioned(scene, sex)
    either = clause.before == "OR"  # "either he had a beard or he had not shaved"
    supposed = scene.at == 1 and clause.preposition == "if"  # "if he had a beard, I did not notice it"
    told = clause.verb == "report"
    scene.new_clause()
    clause = scene.clause
    clause.outer, clause.topic, clause.pronoun = outer, topic, edge.category
    clause.anyof = either
    if supposed:
        clause.mode = "unknown"
    found = beside or _told_of(scene, pronoun_target(scene, sex), sex, told)
    clause.subject = scene.last_subject = found
    scene.pronouns.setdefault(sex, found)
    if (found.described or _suffers(scene)) and found.pronoun_sex is None:
        found.pronoun_sex = sex
    scene.used.append((scene.offset + edge.start, scene.offset + edge.end))


_BEFORE_OBJECTS = ("by", "from", "to", "of", "with", "near", "behind")


def _told_of(scene: Scene, found: Person | None, sex: Node, told: bool) -> Person:
    """Whom a pronoun means, somebody new where nobody is known; what somebody tells (`told`) is of who is described:
    "Brown said he is in his 40s"."""
    focus = scene.focus
    if told and found is not None and not found.described and focus is not None and focus in scene.persons:
        return focus if focus.fits(sex) else found
    if found is None:
        found = scene.focus = scene.add_person(Person())
    return found


def _just_mentioned(scene: Scene, sex: Node) -> Person | None:
    """ "Ask my sister, she ...": somebody who is not described, named directly before."""
    clause, behind = scene.clause, scene.thing_behind(2)
    other = clause.mentioned if clause.mentioned in scene.others else None
    direct = clause.before == "," and behind is not None and behind.noun is None
    if other is None or not direct or other.companion or not other.fits(sex) or clause.verb == "be":
        return None
    return other if other.sex == sex or not any(each.fits(sex) for each in scene.persons) else None


def _is_tag(scene: Scene) -> bool:
    """ "He was bald," she replied: who speaks, behind what is quoted."""
    before, after = scene.behind(), scene.following()
    quoted = before is not None and before.category == "X" and str(before.sem) in QUOTES
    return quoted and after is not None and after.category == "V" and after.sem in ("report", "act")


def reflexive(scene: Scene, edge: Edge) -> None:
    """ "Exposing himself": the sex of whom the clause is about."""
    subject = scene.clause.subject
    sex = {"himself": MAN, "herself": WOMAN}.get(str(edge.sem))
    if sex is None or subject is None or not subject.described or subject.group or not subject.fits(sex):
        return
    if subject.sex is None and subject.pronoun_sex is None:
        subject.pronoun_sex = sex


def pronoun_target(scene: Scene, sex: Node) -> Person | None:
    """Whom "he" or "she" means: who was spoken of last and fits."""
    last = scene.last_subject
    if (meanwhile := _spoken_of_here(scene, sex)) is not None:
        return meanwhile
    if last is not None and _may_be(scene, last, sex):
        return last
    if scene.focus is not None and scene.focus in scene.persons and scene.focus.fits(sex):
        return scene.focus
    free = [each for each in scene.group if not each.assigned and each.sex is None and each.pronoun_sex is None]
    if free and not any(sex in (each.sex, each.pronoun_sex) for each in scene.persons):
        free[0].assigned = True
        return free[0]
    fitting = [each for each in scene.persons if each.fits(sex) and not each.group]
    return fitting[-1] if fitting else _subject_before(scene, sex)


def _spoken_of_here(scene: Scene, sex: Node) -> Person | None:
    """Where nothing is known of the sex of who was spoken of last, somebody in the same sentence of whom it is."""
    last, same = scene.last_subject, scene.pronouns.get(sex)
    if last is None or not last.described or last.sex is not None or last.pronoun_sex is not None:
        return None
    if same is not None and same is not last:
        return same  # "she said the intruder had slipped when she saw him"
    before = scene.said_words[: scene.row[scene.at].start][-1:]
    here = (each for each in reversed(scene.others) if scene.offset <= each.at < scene.offset + len(scene.said_words))
    exact = next((each for each in here if each.sex == sex), None)
    return None if _MEANWHILE.isdisjoint(before) else exact  # "snatched by a youth as she walked home"


def _subject_before(scene: Scene, sex: Node) -> Person | None:
    """ "My daughter told me that a man had followed her. She is 14": who was spoken of, and is not described."""
    known = scene.persons != []
    told = (each for each in reversed(scene.others) if known and (each.assigned or _is_of_sex(each, sex)))
    return next((each for each in told if sex in (each.sex, each.pronoun_sex)), None)


def _is_of_sex(person: Person, sex: Node) -> bool:
    """Somebody who is not described, and not with one who is."""
    return person.pronoun_sex == sex or (person.sex == sex and not person.companion)


def _may_be(scene: Scene, person: Person, sex: Node) -> bool:
    if person.group or not person.fits(sex):
        return False
    if person.described:
        return person in scene.persons
    harmed = person.assigned and (person.pronoun_sex == sex or _suffers(scene))
    return person.sex == sex or person.word == "name" or harmed


def _suffers(scene: Scene) -> bool:
    """ "The 78-year-old was walking home when she was robbed": to whom something is done is nobody who is described."""
    return scene.ahead(2) == ["BE", "V"] and scene.row[scene.at + 2].sem == "harm"


def they(scene: Scene, edge: Edge) -> None:
    """ "They", and "it", which means the thing last spoken of."""
    either, unknown = scene.clause.before == "OR", scene.clause.mode == "unknown"
    topic = scene.clause.topic if scene.clause.before in (",", "NP", "AND", "BUT", ";", "DASH") else None
    if str(edge.sem) == "it" and scene.is_corrected():
        _taken_for(scene)
    scene.new_clause()
    if str(edge.sem) == "it":
        scene.clause.topic = None if unknown else scene.last_noun  # "I did not see his hair, it was dark"
        scene.clause.anyof = scene.clause.once = either  # "brown hair, or it might have been black"
    elif scene.open_group is not None:
        scene.clause.subject = scene.open_group
    elif topic is not None and str(edge.sem) == "they" and scene.behind() is not None:
        scene.clause.topic = topic  # "his eyebrows, they were bushy"


def _taken_for(scene: Scene) -> None:
    """ "A cap, no sorry, it's his hood": it was something else that was seen."""
    ahead, given = scene.row[scene.at + 1 : scene.at + 3], scene.last_given
    thing = ahead[1].sem if len(ahead) > 1 and ahead[0].category == "BE" else None
    if given is None or not isinstance(thing, Thing) or thing.person is not None or given[1].kind not in WORN:
        return
    if given[1].kind != (thing.noun.name if thing.noun is not None else "") and thing.word not in _SAME_THING:
        scene.cancel(given[1], "corrected")


_SAME_THING = word_set("one thing colour color sort kind type")


def speaker(scene: Scene, _edge: Edge) -> None:
    """ "I": what the witness is and has is not asked for; but "to you, tall, with dark hair"."""
    after = scene.following()
    if scene.said_words[scene.row[scene.at].start] == "you" and after is not None and after.category in (",", ":"):
        return
    behind, clause = scene.thing_behind(), scene.clause
    outer = clause.near if behind is not None and behind.person is not None and clause.verb == "" else None
    scene.new_clause()
    scene.clause.outer = outer if outer is not None and outer.described else None
    scene.clause.speaker = True
    scene.clause.subject = scene.last_subject = None


def relative(scene: Scene, _: Edge) -> None:
    """ "Who", "which"."""
    clause = scene.clause
    behind = scene.thing_behind()
    if clause.mode == "past" and clause.before in ("V", "BE"):
        return  # "at first I thought that ..."
    if behind is not None and behind.person is None and not behind.name and clause.mode == "say":
        clause.of_thing = True
        return
    clause.mode = "say" if clause.mode != "unknown" else "unknown"
    clause.negative = clause.passive = False
    clause.verb = "rel"
    found = clause.near or (clause.mentioned if clause.before in (",", "NP") else None)
    who = scene.said_words[scene.row[scene.at].start].startswith("who")
    if who and _behind_a_name(scene) and (found is None or found.word != "name"):  # "seen by Mr Jones, who has a beard"
        found = Person(described=False, word="name")
    if found is None:
        return
    after = scene.following()
    described = after is not None and after.category in ("BE", "V") and after.sem in ("be", "have", "wear")
    if found.companion and described and found in scene.others:
        found.described = True  # "with another man who had long hair"
        scene.others.remove(found)
        scene.persons.append(found)
    clause.subject = found
    clause.speaker = False
    if clause.before in (",", "V") and any(edge.sem == "believe" for edge in scene.row[: scene.at]):
        clause.certainty = 1.0  # "officers believe the man, who has a beard, could help"


def _behind_a_name(scene: Scene) -> bool:
    """The name of somebody stands before, behind a preposition."""
    row = [edge for edge in scene.row[max(0, scene.at - 3) : scene.at] if edge.category != ","]
    named = bool(row) and isinstance(row[-1].sem, Thing) and row[-1].sem.name
    return named and row[0].category in ("PREP", "WITH")


def objective(scene: Scene, edge: Edge) -> None:
    """ "Described him as", "put her at 40", "nothing unusual about him"."""
    clause = scene.clause
    sex = {"him": MAN, "her": WOMAN}.get(str(edge.sem))
    if sex is None:
        _not_worn(scene, str(edge.sem))
        return
    _demote_whom_it_is_done_to(scene, sex)
    focus = scene.focus
    about = clause.before == "PREP" and clause.preposition == "about" and focus is not None
    if about and scene.persons == [focus] and focus is not None and focus.sex is None and focus.pronoun_sex is None:
        focus.pronoun_sex = sex  # "that is all I can tell you about him"
        return
    if not scene.persons and (clause.mode == "unknown" or (clause.before == "PREP" and clause.preposition == "about")):
        scene.focused().pronoun_sex = sex
        return
    if clause.verb not in ("report", "see", "act") or clause.before not in ("V", "NP", "HEDGE", "DEG") or clause.by:
        return
    behind = scene.row[scene.at - 1]
    described = clause.verb == "see" or (clause.verb == "report" and scene.said_words[behind.start] in _DESCRIBING)
    if not described and (clause.verb == "report" or behind.sem != "act"):
        return
    _describe(scene, sex, described)


def _not_worn(scene: Scene, word: str) -> None:
    """ "He owns glasses but was not wearing them"."""
    behind, clause = scene.behind(), scene.clause
    if word not in ("them", "it") or behind is None or scene.last_given is None:
        return
    fact = scene.last_given[1]
    if word != "them" or behind.sem != "wear" or not clause.negative:
        return
    if fact.kind in WORN and not isinstance(fact.node, Not):
        scene.deny(fact)
        scene.spent()


def _demote_whom_it_is_done_to(scene: Scene, sex: Node) -> None:
    """ "Her glasses fell off when he pushed her": nothing but "her" has named her; "a woman of 24 was walking home when
    a man grabbed her"."""
    clause = scene.clause
    subject = clause.subject
    if clause.before != "V" or subject is None or not subject.described:
        return
    for each in [each for each in clause.created if each is not subject]:
        by_pronoun = clause.verb == "act" and each.pronoun_sex == sex and not each.named
        if by_pronoun or (each.sex == sex and subject in clause.created and _was_about(scene, each)):
            scene.demote(each)


def _was_about(scene: Scene, person: Person) -> bool:
    """Somebody did something "when", and only sex and age are told."""
    when = not {"when", "as", "while"}.isdisjoint(scene.said_words[: scene.row[scene.at].start])
    bare = all(fact.node.attributes <= _OF_AGE | MAN.attributes for fact in person.facts)
    acted = any(edge.category == "V" and edge.sem == "act" for edge in scene.row[: scene.at - 1])
    return when and bare and acted and scene.row[scene.at - 1].sem in ("act", "take", "harm", "handle")


def _describe(scene: Scene, sex: Node, described: bool) -> None:
    """What follows describes him or her."""
    clause = scene.clause
    found = next((each for each in reversed(scene.persons) if each.fits(sex) and not each.group), None)
    if found is None and described and not scene.persons:
        found = scene.focus = scene.add_person(Person())
    by_another = clause.subject is None or not clause.subject.described
    if found is None or not (described or clause.speaker or by_another):
        return
    found.pronoun_sex = found.pronoun_sex if found.pronoun_sex is not None else sex
    if described and clause.verb == "see" and scene.last_subject in scene.others:
        scene.last_subject = found  # "my brother saw him. He had a moustache"
    scene.clause = type(clause)(subject=found, verb="as", facts_here=clause.facts_here, created=clause.created)
