"""What a verb does to the words behind it: what somebody is, has and wears describes them; what they do, say, take or
hide does not."""

from collections.abc import Callable

from facesearch.query.chart import Edge
from facesearch.query.grammar import Found, Said, Thing
from facesearch.query.scene import MAN, PROMOTE, WOMAN, WORN, Clause, Person, Scene, sex_of
from facesearch.query.tokens import word_set
from facesearch.query.tree import Not, negate

_ENDS = ("PREP", "WITH", "IN", ",", "AND", ".", "BUT", "NOTHING", ";", "ON")
_AFTER_BE = ("BE", "V", "DEG", "X", "NEG")


def verb(scene: Scene, edge: Edge) -> None:
    if _estimates(scene, edge):
        _report(scene, edge)
        return
    _VERBS[edge.sem](scene, edge)


def _estimates(scene: Scene, edge: Edge) -> bool:
    """ "Tellers put the robber in her late 60s"."""
    ahead = scene.row[scene.at + 1 : scene.at + 3]
    if scene.said_words[edge.start] not in _PUTS or len(ahead) < 2 or getattr(ahead[0].sem, "person", None) is None:
        return False
    return ahead[1].category == "AP" or ahead[1].sem == "at"


_PUTS = word_set("put puts place placed pegged")


def _be(scene: Scene, edge: Edge) -> None:
    if edge.start and scene.said_words[edge.start - 1] == "there" and scene.clause.speaker:  # "... and there was a man"
        scene.clause = Clause(facts_here=scene.clause.facts_here, created=scene.clause.created)
    clause, behind = scene.clause, scene.thing_behind()
    last = scene.behind()
    named = behind is not None and behind.noun is None and not _NAMES.isdisjoint(behind.word.split()[-1:])
    if named or (last is not None and last.sem == "name"):
        clause.verb = clause.mode = "act"  # "his street name is Curly"
        return
    if clause.mode in ("act", "hidden") and not clause.speaker:
        clause.mode = "say"
    if clause.verb in ("rel", "see", "report"):
        clause.passive = False
    _return_to_outer(scene)
    if clause.before == "AND" and not clause.topic_subject:  # "has a shaved head and is clean-shaven"
        clause.topic = None
    _is_now(scene, edge)
    if clause.verb == "have":
        clause.certainty = 1.0  # "thought to be wearing a coat and was bald"
    clause.verb = "be"
    clause.introduced = False
    if clause.subject is not None:
        clause.near = None


_NAMES = word_set("name nickname surname alias moniker handle username")


def _have(scene: Scene, edge: Edge) -> None:
    clause = scene.clause
    wears = edge.sem == "wear"
    if clause.mode in ("act", "hidden") or (wears and clause.mode == "past"):
        clause.mode = "say"
    near = clause.near
    if not scene.said_words[edge.start].endswith("ing") and clause.before == "NP" and _is_beside(scene):
        clause.near = near = None  # "the man with the dog had a beard"
    if wears and near is not None and (clause.before == "NP" or (clause.before == "V" and near.described)):
        clause.subject = near  # "a teenager wearing a cap"
    _return_to_outer(scene)
    _is_now(scene, edge)
    _grow(scene, edge)
    if clause.before == "AND":
        _and_has(scene, edge)
    clause.verb = "have"
    if clause.thing and not wears and scene.words.kind_of_word(_subject_word(scene)) == "clothes":
        clause.mode = "past"  # "the car had bald tyres"
    clause.thing = clause.thing and not wears
    clause.introduced = False


_DYES = word_set("dyed dyes dye")
_FINITE = word_set("has had have")


def _grow(scene: Scene, edge: Edge) -> None:
    """ "Has been growing a beard", "dyes it black"."""
    if edge.sem == "grow":
        scene.grows = scene.offset + edge.start
    word, it = [*scene.said_words[edge.start : edge.start + 2], ""][:2]
    if word in _DYES and it == "it":
        scene.last_noun = scene.words.nouns["hair"]
        scene.correct()


def _and_has(scene: Scene, edge: Edge) -> None:
    """How far a hedge reaches: "thought to be wearing a coat and has blonde hair", "may have shaved his head and grown
    a beard"."""
    clause = scene.clause
    if clause.verb == "have" and scene.said_words[edge.start] in _FINITE:
        clause.certainty = 1.0
    if clause.held < 1.0:
        clause.certainty = min(clause.certainty, clause.held)


def _subject_word(scene: Scene) -> str:
    behind = scene.thing_behind()
    return behind.word if behind is not None and behind.noun is None and behind.person is None else ""


def _is_beside(scene: Scene) -> bool:
    """Who stands before is only with whom the clause is about."""
    clause, before = scene.clause, scene.behind(2)
    subject = clause.subject
    with_ = before is not None and before.category in ("WITH", "PREP", "ON", "IN") and clause.verb == ""
    return with_ and subject is not None and subject.described and clause.near is not subject


def _is_now(scene: Scene, edge: Edge) -> None:
    """ "In 2019 he had a beard. He now has a moustache": what is so now counts."""
    if scene.dated and "now" in scene.said_words[max(0, edge.start - 1) : edge.end + 1]:
        scene.correct()


def _return_to_outer(scene: Scene) -> None:
    """The verb behind "the lady he knocked down" is hers."""
    clause = scene.clause
    if clause.outer is not None and clause.verb == "act":
        clause.subject = scene.last_subject = clause.outer
        clause.outer, clause.speaker = None, False


# --- saying and seeing ---


def _report(scene: Scene, edge: Edge) -> None:
    """Who says something is not who is described; in "was described as" somebody is."""
    clause = scene.clause
    newer = scene.said_words[edge.start - 1 : edge.start] == ["now"]  # "the informant now states ..."
    if newer and edge.sem in ("report", "believe"):
        scene.correct(lasts=True)
    if _is_quoted(scene, scene.following()):
        clause.mode = "unknown"
        return
    described = _described_as(scene, edge)
    if described is not None:
        clause.subject = described
        clause.verb, clause.mode = "as", "say"
    elif clause.negative and (clause.speaker or _asks_whether(scene, edge)):  # "I would not say he was old"
        scene.clause = Clause(mode="unknown", facts_here=clause.facts_here, created=clause.created)
    elif _says_of_himself(scene):
        _act(scene, edge)
    else:
        mode = "past" if clause.mode == "past" else "say"  # "initially reported as a teenager"
        scene.clause = Clause(
            verb="report", facts_here=clause.facts_here, certainty=clause.certainty, introduced=True, mode=mode
        )


def _asks_whether(scene: Scene, edge: Edge) -> bool:
    """ "Police would not say whether he had a beard"."""
    return scene.said_words[edge.end : edge.end + 1] in (["whether"], ["if"])


def _described_as(scene: Scene, edge: Edge) -> Person | None:
    """Who is described: "a man described as ...", "he was described", "her ex, described as ..."."""
    clause, after = scene.clause, scene.following()
    subject, near = clause.subject, clause.near
    if clause.verb == "be" and subject is not None and clause.before in ("V", "BE", "HEDGE", "BOTH"):
        return subject
    if after is None or after.sem != "as":
        return None
    if clause.before == "NP":
        return near if near is not None and near.described else None
    if clause.before == ",":
        return clause.mentioned
    joined = clause.before == "AND" and scene.said_words[edge.start] == "described"
    return subject if joined and subject is not None and subject.described else None


def _believe(scene: Scene, edge: Edge) -> None:
    """ "The clerk reckons he had a beard": probably."""
    _report(scene, edge)
    if scene.clause.verb == "report":
        scene.clause.certainty = min(scene.clause.certainty, 0.8)


def _is_quoted(scene: Scene, after: Edge | None) -> bool:
    """ "..., said one witness"."""
    clause = scene.clause
    said = after.sem if after is not None and after.category == "NP" else None
    speaks = isinstance(said, Thing) and (said.name or said.person is not None)
    within = any(edge.category == "REL" for edge in scene.row[: scene.at])  # "a woman, who is 40, said a man ..."
    speaks = speaks and not (within and clause.subject in clause.created)
    return clause.before in (",", '"') and speaks and bool(clause.facts_here or clause.pronoun)


def _says_of_himself(scene: Scene) -> bool:
    """The described person says something ("he said he was from the council"). A subject who tells of somebody else
    turns
    out to be nobody who is described."""
    clause = scene.clause
    subject = clause.subject
    if _told_by_another(scene) or subject is None or not subject.described or clause.verb == "seek":
        return False  # "police looking for Ann Hay, 70, say ..."
    if clause.pronoun:
        if not subject.facts:
            scene.demote(subject)
        return False
    if clause.speaker or clause.verb == "rel":
        return False
    new = subject in clause.created
    if not (new and subject.word in scene.words.relatives) and _keeps_to_himself(scene, subject, new):
        return True
    if new:
        scene.demote(subject)
    return False


def _keeps_to_himself(scene: Scene, subject: Person, new: bool) -> bool:
    """What is told is no description of somebody else."""
    behind = scene.row[scene.at + 1 :]
    told = [edge.sem if edge.category == "V" else edge.category for edge in behind]
    if new and "harm" in told and not {"HE", "SHE"}.isdisjoint(told):
        return False  # "the woman told police she was being followed"
    told_to = any(edge.category == "PREP" and edge.sem == "to" for edge in behind[:2])
    other = "HE" if subject.sex == WOMAN else "SHE" if subject.sex == MAN else ""  # "the girl said he was bald"
    of_another = any(_is_described(edge.sem) or edge.category == other for edge in behind)
    known = not new and any(fact.kind != "person" or len(fact.used) > 1 for fact in subject.facts)
    return told_to or known or (subject.named and not of_another)


def _is_described(said: object) -> bool:
    return isinstance(said, Thing) and said.person is not None and said.person.role == "described"


def _told_by_another(scene: Scene) -> bool:
    """The phrase before names somebody who is not described: "whatever my neighbour says"."""
    behind, other = scene.thing_behind(), scene.clause.mentioned
    before = scene.behind(2)
    named = behind is not None and behind.noun is None and behind.person is None
    if named and before is not None and before.category == ",":
        return True  # "..., the court heard"
    if behind is None or behind.person is None or other is None or other.described:
        return False
    return before is None or before.category not in ("OF", "PREP")


def _see(scene: Scene, _: Edge) -> None:
    """Whom somebody sees is described, not who sees."""
    clause = scene.clause
    subject = clause.subject
    described = subject is not None and subject.described
    if _shows_things(scene, described):
        clause.mode = "say"
    elif clause.negative and (clause.speaker or subject is not None):
        clause.mode = "unknown"
        clause.negative = False
    elif clause.verb == "be" and clause.before in _AFTER_BE:
        clause.verb, clause.mode = "seen", "say"
    else:
        if subject is not None and described and subject in clause.created:
            scene.demote(subject)
        scene.clause = Clause(verb="see", facts_here=clause.facts_here, introduced=True)


def _shows_things(scene: Scene, described: bool) -> bool:
    """ "The male pictured", "took off his cap to show grey hair": no other person is seen."""
    clause = scene.clause
    after = scene.following(("X", "SKIP", "DEG", "PREP", "IN", "ON"))
    if after is not None and after.category == "NP" and after.sem.person is not None:
        return False
    pictured = clause.before == "NP" and clause.near is not None and clause.near.described
    return pictured or (described and not clause.negative and clause.verb != "be")


def _show(scene: Scene, edge: Edge) -> None:
    """A picture shows whom it describes; a person shows things."""
    clause = scene.clause
    if clause.subject is None or not clause.subject.described:
        _see(scene, edge)
        return
    after = scene.following(("X", "SKIP", "DEG"))
    known = after is not None and isinstance(after.sem, Thing) and after.sem.noun is not None
    clause.mode = "say" if known else "act"


def _know(scene: Scene, edge: Edge) -> None:
    if scene.clause.speaker:
        _report(scene, edge)
    elif not _ASKED.isdisjoint(scene.said_words[: edge.start]):  # "anyone know this couple?"
        _seek(scene, edge)
    else:
        _act(scene, edge)


_ASKED = word_set("anyone anybody")


def _seek(scene: Scene, _: Edge) -> None:
    """Whom the police look for is described."""
    clause = scene.clause
    if clause.verb == "be" and clause.subject is not None and clause.subject.described:
        clause.mode = "act"
    else:
        scene.clause = Clause(verb="seek", facts_here=clause.facts_here, introduced=True)


# --- doing ---


def _act(scene: Scene, _: Edge) -> None:
    """What somebody does: its object is set aside. Behind a thing that is described it only says how that thing is
    ("a hood pulled over a cap", "hair brushed forward")."""
    clause = scene.clause
    if clause.of_thing:
        return
    clause.wearing = False
    if clause.before in ("NP", "PRED") and clause.mode == "say" and not clause.thing and _is_of_thing(scene):
        return
    if clause.outer is not None and clause.outer is not clause.subject and not clause.speaker:
        scene.demote(clause.outer)
    passive = clause.verb == "be" and clause.before in _AFTER_BE
    clause.passive = passive or (clause.passive and clause.before == "NP")
    clause.by = False
    if clause.mode == "unknown":
        return
    clause.mode = clause.verb = "act"
    clause.negative = clause.acted_on = False
    clause.held, clause.certainty = clause.certainty, 1.0


def _is_of_thing(scene: Scene) -> bool:
    before = next((edge for edge in reversed(scene.row[: scene.at]) if edge.category in ("NP", "PRED")), None)
    if before is None:
        return False
    thing: Thing = before.sem.thing if isinstance(before.sem, Said) else before.sem
    return thing.person is None and (thing.noun is not None or scene.clause.verb in ("have", "be"))


def _handle(scene: Scene, edge: Edge) -> None:
    """What somebody adjusts, straightens or peers over they wear."""
    _act(scene, edge)
    clause = scene.clause
    clause.handling = clause.mode == "act"
    after = scene.following(("X", "SKIP", "DEG", "PREP"))
    thing = after.sem if after is not None and isinstance(after.sem, Thing) else None
    subject = clause.subject
    if thing is None or thing.noun is None or subject is None or not subject.described or subject.group:
        return
    sex = {"his": MAN, "her": WOMAN}.get(thing.owner)
    if sex is not None and subject.fits(sex) and subject.pronoun_sex is None and clause.handling:
        subject.pronoun_sex = sex


def _don(scene: Scene, edge: Edge) -> None:
    """ "He took my hat and put it on"."""
    noun = scene.last_worn
    _act(scene, edge)
    if noun is None or noun.name not in WORN or noun.bare is None or scene.clause.speaker:
        return
    scene.add(Found(noun.bare.node, (), ()), edge.start, edge.end, noun.name)


def _harm(scene: Scene, edge: Edge) -> None:
    """To whom something is done is nobody who is described."""
    clause = scene.clause
    passive = clause.verb == "be" and clause.before in _AFTER_BE
    subject = clause.subject
    new = subject is not None and subject in clause.created and all(fact.kind == "person" for fact in subject.facts)
    passive = passive or (new and scene.said_words[edge.start] in ("died", "been"))  # "a man has been arrested"
    if passive and clause.subject is not None and not clause.pronoun:
        found = scene.said_words[edge.start] == "found"  # "the missing girl has been found safe"
        scene.spoken_of = scene.spoken_of or ("somebody" if found else "")
        if not (found and scene.variant.get(PROMOTE)):
            scene.demote(clause.subject)
    _act(scene, edge)
    clause.passive = clause.passive or passive


def _help(scene: Scene, edge: Edge) -> None:
    """ "A lady came over and helped me up": who helps is nobody who is described, where somebody else is."""
    clause = scene.clause
    subject = clause.subject
    here = [fact for person, fact in clause.facts_here if person is subject]
    people = [e.sem for e in scene.row[: scene.at] if isinstance(e.sem, Thing) and e.sem.person is not None]
    new = bool(people) and people[0].determiner in ("a", "an", "another", "") and not clause.pronoun
    if clause.verb == "rel" and subject is not None and subject in clause.created:  # "the lady who helped me"
        scene.demote(subject)
    others = any(fact not in here for fact in scene.used_facts())
    if subject is not None and new and others:
        for fact in here:
            scene.cancel(fact, "somebody else")
        if subject in clause.created:
            scene.demote(subject)
        clause.subject = scene.last_subject = Person(described=False, sex=sex_of(people[0]), named=True)
    _harm(scene, edge)


def by(scene: Scene) -> None:
    """ "By": behind a passive stands who did it, and the subject is nobody who is described."""
    clause = scene.clause
    clause.by = clause.passive or clause.verb in ("act", "hidden") or clause.before == "PRED"
    after = scene.following(("X", "SKIP", "DEG"))
    if not clause.passive or after is None or after.category != "NP" or after.sem.person is None:
        return
    subject: Person | None = clause.subject
    bystander = after.sem.person.role == "bystander" and subject is not None and subject.word in scene.words.wanted
    if (
        subject is not None
        and subject.described
        and not bystander
        and after.sem.word not in scene.words.sets["AUTHORITY"]
    ):
        scene.demote(subject)
        clause.subject = None


def _company(scene: Scene, _: Edge) -> None:
    """ "Accompanied by a child": somebody else, of whom nothing is asked."""
    scene.clause.mode = "act"
    scene.clause.verb = "company"
    scene.clause.passive = False


def _take(scene: Scene, edge: Edge) -> None:
    """What was stolen or found was not worn; "a woman had her bag snatched" tells of nobody who is described."""
    fact = scene.fact_before()
    if fact is not None and fact.kind in WORN and scene.clause.verb == "" and scene.clause.subject is None:
        scene.cancel(fact, "property")  # "spectacles found nearby"
    _were_things(scene)
    clause, behind = scene.clause, scene.thing_behind()
    theirs = behind is not None and behind.person is None and behind.owner != "" and clause.verb == "have"
    if theirs and clause.subject is not None and clause.subject in clause.created:
        scene.demote(clause.subject)
        clause.passive = True
    _act(scene, edge)
    scene.clause.mode = scene.clause.verb = "act"
    scene.clause.taking = True


_WHERE_WORN = {
    "necklace": frozenset(["neck", "throat"]),
    "earrings": word_set("ear ears lobe lobes earlobe earlobes"),
    "hat": frozenset(["head", "brow"]),
}
_FROM = ("from", "off", "on", "in", "at", "by", "round", "around", "across", "over", "to")


def _hang(scene: Scene, edge: Edge) -> None:
    """ "His helmet was hanging from the handlebar": what hangs where it does not belong is not worn."""
    clause, fact = scene.clause, scene.fact_before()
    place = next((each for each in scene.row[scene.at + 1 :] if each.category in ("NP", "AP")), None)
    direct = clause.before == "NP" and scene.said_words[edge.start] not in ("lying", "lay")
    before = scene.behind(3)
    subject = clause.before == "BE" and (before is None or before.category not in ("IN", "WITH", "V", "PREP"))
    if fact is None or fact.kind not in WORN or not (direct or subject) or place is None:
        _act(scene, edge)
        return
    after = scene.following(("X", "SKIP", "DEG", "DET"))
    there = after is not None and (after.category in ("ON", "IN") or after.sem in _FROM)
    if there and _WHERE_WORN.get(fact.kind, frozenset()).isdisjoint(getattr(place.sem, "word", "").split()):
        scene.cancel(fact, "not worn")


def _were_things(scene: Scene) -> None:
    """ "A hat was stolen": the things before are nobody's looks."""
    clause = scene.clause
    if clause.verb != "be" or clause.subject is not None:
        return
    for _, fact in list(clause.facts_here):
        if fact.kind in WORN or fact.kind in ("mustache", "beard"):
            scene.cancel(fact, "property")


def _hide(scene: Scene, _: Edge) -> None:
    """What is hidden is set aside, not what hides it."""
    clause = scene.clause
    after = scene.following()
    if after is not None and after.category not in _ENDS:
        clause.mode = "hidden"
        return
    fact = scene.fact_before()
    if fact is not None and clause.before in ("NP", "PRED", "BE", "V", "CHOICE"):
        scene.cancel(fact, "hidden")
    clause.verb, clause.mode = "hidden", "say"
    clause.thing = False


def _past(scene: Scene, _: Edge) -> None:
    scene.clause.mode = "past"


def _shave(scene: Scene, _: Edge) -> None:
    """ "He has since shaved it off"."""
    fact = next((each for each in reversed(list(scene.used_facts())) if each.kind in _SHAVED), None)
    if fact is not None and not isinstance(fact.node, Not):
        fact.node, fact.certainty = negate(fact.node), min(fact.certainty, scene.clause.certainty)
    scene.clause.mode = "act"


_SHAVED = frozenset(["beard", "mustache", "goatee", "stubble", "sideburns", "facial"])


def _drop(scene: Scene, edge: Edge) -> None:
    """ "He usually wears glasses, but he had left them at home", "he took it off"."""
    behind = scene.said_words[edge.start : edge.end + 1]
    given = scene.last_given
    needs = behind[0].startswith(("need", "requir")) or scene.clause.negative or scene.clause.speaker
    if given is not None and not _THEM.isdisjoint(behind) and given[1].kind in WORN and not needs:
        scene.cancel(given[1], "not worn")
    scene.clause.mode = "act"
    scene.clause.negative = False


_THEM = frozenset(["them", "it"])


_VERBS: dict[str, Callable[[Scene, Edge], None]] = {
    "be": _be,
    "have": _have,
    "wear": _have,
    "grow": _have,
    "report": _report,
    "believe": _believe,
    "see": _see,
    "show": _show,
    "know": _know,
    "harm": _harm,
    "handle": _handle,
    "don": _don,
    "help": _help,
    "hang": _hang,
    "company": _company,
    "take": _take,
    "seek": _seek,
    "hide": _hide,
    "past": _past,
    "drop": _drop,
    "shave": _shave,
    "change": _act,
    "name": _act,
    "act": _act,
}
