"""Several persons: groups ("two men"), their members ("one", "the other", "the taller one"), and labels ("Suspect
1")."""

from dataclasses import replace

from facesearch.query.chart import Edge
from facesearch.query.grammar import Found, Quality, Thing, meaning
from facesearch.query.scene import OF_PEOPLE, Clause, Fact, Person, Scene, sex_of
from facesearch.query.tree import Node

_SAID_BEHIND = ("BE", "V", "AP", "WITH", "IN", "NP")
_MOST = 12
_TOLD_APART = 5
"""Members of a group that are all counted; of more, only those of whom something is said."""
_ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3}


def make_group(scene: Scene, person: Person, said: Thing) -> None:
    """ "Two men", "both men": each of them, with what is said of all."""
    if person.group:
        while len(scene.group) < min(said.number, _MOST):
            scene.add_member(person.sex, scene.shared)
        return
    joined = scene.clause.before == "AND"
    if person in scene.persons:
        scene.persons.remove(person)
    known = [each for each in scene.persons if each.fits(person.sex)]
    whole = Person(sex=person.sex, group=True, named=True, counted=_count(scene, said) > 0)
    if len(known) > 1 and not joined and not said.number:
        scene.group = known
        for fact in person.facts:
            scene.give_all(known, fact)
    else:
        if not joined:
            scene.group, scene.shared = [], []
        scene.shared = [*scene.shared, *person.facts]
        for _ in range(_count(scene, said)):
            scene.add_member(person.sex, person.facts)
    scene.open_group = scene.focus = scene.last_subject = whole
    scene.clause.subject = scene.clause.near = whole


def part_of_group(scene: Scene, said: Thing) -> Person | None:
    """ "Four people: two women, ...": so many of those of whom nothing has been said alone."""
    sex = sex_of(said)
    free = [each for each in scene.group if not each.assigned and each.fits(sex)][: said.number]
    if len(free) < said.number or said.number >= len(scene.group):
        return None
    for each in free:
        each.assigned, each.sex = True, each.sex or sex
    return Person(group=True, members=free, sex=sex, named=True)


def part(scene: Scene, count: int) -> None:
    """ "Two of the three men": what follows is said of so many."""
    members = scene.group[:count]
    for each in members:
        each.assigned = True
    scene.clause.subject = scene.clause.near = Person(group=True, members=members, named=True)


def number(scene: Scene, edge: Edge) -> None:
    """ "Two wearing caps": so many of the group."""
    count, after = int(edge.sem), scene.following()
    told = after is not None and after.category in ("V", "BE") and scene.clause.before in ("", ",", ";", "AND")
    if told and 0 < count < len(scene.group):
        part(scene, count)


def of_sex(scene: Scene, group: Person, sex: Node | None) -> Person:
    """ "The men" of "two men and a woman"; else the whole group."""
    same = [each for each in scene.persons if not each.group and each.sex == sex]
    mixed = any(each.sex not in (None, sex) for each in scene.group)
    return Person(group=True, members=same, sex=sex, named=True) if sex is not None and same and mixed else group


def _count(scene: Scene, said: Thing) -> int:
    """How many a group is known to have."""
    if 0 < said.number <= _TOLD_APART:
        return said.number
    if said.determiner in ("a couple of", "couple of", "a pair of", "pair of"):
        return 2
    both = scene.clause.before == "BOTH" or said.determiner == "both"
    pair = said.person is not None and said.person.role == "group"
    return 2 if both or pair else 0


def next_member(scene: Scene, ordinal: int | None, sex: Node | None) -> Person:
    """The member of this number, or the next of whom nothing has been said alone; somebody new if there is none."""
    group = scene.open_group
    if group is not None and not group.fits(sex):  # "two lads, one girl"
        return scene.add_person(Person(sex=sex))
    known = ordinal is not None and ordinal < len(scene.group)
    member = scene.group[ordinal or 0] if known else _next_free(scene, sex, new=ordinal is not None)
    member.assigned = True
    return member


def _next_free(scene: Scene, sex: Node | None, *, new: bool) -> Person:
    """The next of a group of whom nothing has been said alone; where all are known or a number beyond them is named
    (`new`: "both ... a third man"), one more."""
    group = scene.open_group
    full = group is not None and group.counted and new
    free = [each for each in scene.group if not each.assigned and each.fits(sex)]
    if free and not (full and len(scene.group) > 1):
        return free[0]
    shared = [fact for fact in scene.shared if not full or fact.kind == "person"]
    return scene.add_member(sex or (group.sex if group is not None else None), shared)


def member(scene: Scene, edge: Edge) -> None:
    """ "One", "the other", "the first", "the taller one"."""
    clause = scene.clause
    word = str(edge.sem)
    bare = word.endswith(" one") and not word.startswith(("the ", "a ", "an "))
    word = f"the {word}" if bare else word  # "Taller one had a beard"
    if _tells(scene):
        scene.make_subject(Person(described=False, word="witness", named=True))
        scene.set_aside(edge.start, edge.end, "somebody else")
        scene.teller += 1
    elif clause.negative and word.startswith("the ") and clause.before == "NEG":  # "he is not the one with the beard"
        clause.near = Person(described=False)
        clause.negative = False
    elif word == "one" and _has_one(scene, edge):
        return
    elif not _names_member(scene, word):
        _no_subject(scene, edge, word)
    elif clause.negative:
        clause.negative = False
    elif not (clause.before == "," and word == "the one" and clause.verb == "" and clause.subject is not None):
        _begin_member(scene, edge, word)


def _no_subject(scene: Scene, edge: Edge, word: str) -> None:
    """ "I could not see the other one, but he ..."; of any other object nothing is asked."""
    if word.startswith("the other") and bool(scene.persons) and scene.clause.mode == "unknown":
        scene.last_subject = scene.clause.near = _member(scene, word)
    elif word != "one":
        scene.set_aside(edge.start, edge.end, "somebody else")


def place_ahead(scene: Scene) -> tuple[str, str]:
    """Where somebody is or what they hold, by which they are told apart ("by", "door"; "with", "knife"), or nothing.
    What they wear or have on their faces tells nobody apart here."""
    ahead = [edge for edge in scene.row[scene.at + 1 : scene.at + 5] if edge.category not in ("DET", "X", "V")]
    if len(ahead) < 2 or ahead[0].category not in ("PREP", "ON", "IN", "WITH") or ahead[0].sem in ("of", "to", "from"):
        return "", ""
    said = ahead[1].sem
    plain = ahead[1].category in ("AP", "DEG", "OWNER") or (isinstance(said, Thing) and said.noun is None)
    apart = plain and "the" in scene.said_words[ahead[0].end - 1 : ahead[1].end]
    preposition, word = (scene.said_words[each.end - 1] for each in ahead[:2])
    return (preposition, word) if apart and word.isalpha() else ("", "")


def _has_one(scene: Scene, edge: Edge) -> bool:
    """ "No beard in the photo, but he has one now"."""
    clause = scene.clause
    noun = scene.words.nouns.get(scene.last_given[1].kind) if scene.last_given is not None else None
    after = scene.following()
    ends = after is None or after.category in (",", ".", ";", "AND", "BUT")
    if ends and noun is not None and clause.before in ("WITH", "NEG"):  # "one man with a beard, one without one"
        reading = noun.denied if clause.negative else noun.bare
        scene.say(Found(None if reading is None else reading.node, (), ()), edge, noun.name)
        return True
    if clause.verb != "have" or noun is None or noun.bare is None or clause.before not in ("V", "HEDGE", "DEG", "X"):
        return False
    given, denied = scene.last_given, noun.denied
    if "now" in scene.said_words or (given and denied and given[1].node == denied.node):
        scene.correct()  # "he wore no hat when he came, but he had one on when he left"
    scene.say(Found(noun.bare.node, (), ()), edge, noun.name)
    return True


def _tells(scene: Scene) -> bool:
    """ "One witness said ..., another said ...": one more of those who tell."""
    after = scene.following()
    reports = after is not None and after.category == "V" and after.sem in ("report", "believe", "see", "know")
    told = any(each.word in scene.words.sets["TELLER"] for each in scene.others)
    return reports and told and not scene.group


def _begin_member(scene: Scene, edge: Edge, word: str) -> None:
    one = _at_place(scene, word) or by_trait(scene, word) or _member_like(scene, edge) or _member(scene, word)
    one.places.add(place_ahead(scene))
    one.again = scene.offset + edge.start if one.again is None else one.again
    after = scene.following()
    if word == "one" and after is not None and after.category == "AP":
        one.traits |= {quality.key for quality in after.sem}
    not_him = scene.others[-1] if scene.clause.before == "BUT" and scene.others else None
    if not_him is not None and not_him.at >= scene.offset and one.sex is None and one.pronoun_sex is None:
        one.pronoun_sex = not_him.sex  # "not the bald man but the one behind him"
    first = next((each for each in scene.persons if each.counted and each is not one), None)
    if first is not None and word.endswith(("other", "second", "third", "fourth")):
        one.like = first, scene.offset + edge.start, scene.offset + edge.end
    scene.make_subject(one)
    scene.used.append((scene.offset + edge.start, scene.offset + edge.end))


def _names_member(scene: Scene, word: str) -> bool:
    """The word is a subject, and not the "one" of "to one side"."""
    before = scene.clause.before
    small = word in ("one", "another")
    opens = before in ("", ",", ";", ":", "AND", "BUT", "DASH", "OF", "REL")
    opens = opens or (before in ("NP", "AP") and scene.open_group is not None and small)
    after = scene.following()
    start = scene.row[scene.at].start
    thing = after.sem if after is not None and isinstance(after.sem, Thing) else None
    if thing is not None and thing.number and thing.person is None:  # "the last three letters"
        return False
    told = (
        word.startswith("the ")
        and (before not in ("BE", "V") or (before == "V" and after is not None and after.category == "BE"))
        and scene.group
        and after is not None
        and after.category in _SAID_BEHIND
    )
    opens = opens or bool(told) or "so" in scene.said_words[max(0, start - 2) : start]  # "so did the other"
    nobody = small and after is not None and after.category == "PREP" and not scene.group and not scene.persons
    nobody = nobody and not (before == "" and place_ahead(scene)[1])
    return opens and not nobody


def _at_place(scene: Scene, word: str) -> Person | None:
    """ "The one by the door"."""
    place = place_ahead(scene)
    here = [each for each in scene.persons if place[1] and place in each.places]
    return here[0] if word == "the one" and len(here) == 1 else None


def by_trait(scene: Scene, word: str) -> Person | None:
    """ "One tall, one short. The taller one ...": who was told apart so."""
    told = word.removeprefix("the ").removesuffix(" one")
    same = [each for each in scene.persons if any(trait[:3] == told[:3] for trait in each.traits)]
    return same[0] if len(same) == 1 and word.startswith("the ") else None


def one_like(scene: Scene, said: Thing, edge: Edge) -> bool:
    """ "Three of them: a fat one, a bald one"."""
    if said.word != "one" or scene.open_group is None or scene.clause.verb not in ("", "be"):
        return False
    found = meaning(scene.words, OF_PEOPLE, said.qualities)
    free = [each for each in scene.group if not each.assigned]
    one = free[0] if free else scene.add_member(scene.open_group.sex, scene.shared)
    one.assigned = True
    scene.make_subject(one)
    scene.say(found, edge, "trait")
    return True


def _member_like(scene: Scene, edge: Edge) -> Person | None:
    """ "The bald one": whom that was said of, or somebody of whom it is said now."""
    word = _told_apart(str(edge.sem))
    if not word:
        return None
    found = meaning(scene.words, OF_PEOPLE, (Quality(word, edge.end - 2, edge.end - 1),))
    node = found.node
    if node is None:
        return None
    one = next((each for each in scene.persons if node in [fact.node for fact in each.facts]), None)
    if one is None:
        one = next_member(scene, None, None) if scene.group else scene.add_person(Person(label=word, named=True))
        one.facts.append(Fact(node, scene.offset + edge.start, scene.offset + edge.end, kind="trait"))
    return one


def _member(scene: Scene, word: str) -> Person:
    if word == "another" or (word == "one" and not scene.group):
        known = word == "one" and scene.persons and scene.open_group is None
        return scene.focused() if known else next_member(scene, None, None)
    if not scene.group and scene.open_group is None and (told_apart := _told_apart(word)):
        return _labelled(scene, told_apart) or scene.add_person(Person(label=told_apart, named=True))
    ordinal = next((_ORDINALS[part] for part in word.split() if part in _ORDINALS), None)
    if not scene.group and ordinal is not None:
        _group_all(scene)
    return next_member(scene, ordinal, None)


def _group_all(scene: Scene) -> None:
    """Those spoken of so far are the group whose "second" is meant."""
    scene.group = [each for each in scene.persons if not each.group]
    for each in scene.group:
        each.assigned = True


def _labelled(scene: Scene, label: str) -> Person | None:
    return next((each for each in scene.persons if each.label == label), None)


def _told_apart(word: str) -> str:
    """ "tall" of "the tall one"; nothing of "the second one"."""
    if not (word.startswith("the ") and word.endswith(" one")):
        return ""
    said = word.removeprefix("the ").removesuffix("one").strip()
    return "" if said in _ORDINALS else said


def members(scene: Scene, edge: Edge) -> None:
    """ "The other two", "the others"."""
    if scene.clause.before not in ("", ",", ";", ":", "AND", "BUT", "DASH"):
        return
    word = str(edge.sem)
    if "rest" in word and not scene.group and scene.open_group is None:
        return  # "dark roots, the rest blonde"
    count = 3 if "three" in word else 2
    if word in ("the two", "the three") and len(scene.group) == count:
        both(scene, edge)
        return
    begins = not scene.group and scene.open_group is None  # "Two of them on a moped. The one in front ..."
    free = _free_members(scene, word, count)
    for each in free:
        each.assigned = not begins
        each.at = min(each.at, scene.offset + edge.start)
    if not free:
        scene.make_subject(Person(described=False, group=True))
        return
    scene.make_subject(Person(group=True, members=free, sex=free[0].sex))


def _free_members(scene: Scene, word: str, count: int) -> list[Person]:
    """So many of those of whom nothing has been said alone, or all of these."""
    free = [each for each in scene.group if not each.assigned]
    while len(free) < count and "others" not in word:
        free.append(scene.add_member(scene.open_group.sex if scene.open_group else None, scene.shared))
    return free if {"others", "rest", "remaining"} & set(word.split()) else free[:count]


def both(scene: Scene, edge: Edge) -> None:
    """ "Both", "they all"."""
    if not scene.persons and not scene.group and scene.open_group is None and "both" in str(edge.sem):
        scene.open_group = Person(group=True, named=True)
    if len(scene.persons) > 1 and not scene.group:
        scene.group = [each for each in scene.persons if not each.group]
    if not scene.group and scene.open_group is None:
        return
    subject = scene.clause.subject
    if subject is not None and subject.members and scene.clause.verb:  # "the women were both blonde"
        return
    while len(scene.group) < 2:
        scene.add_member(scene.open_group.sex if scene.open_group else None, scene.shared)
    old = scene.clause
    scene.clause = Clause(
        subject=scene.open_group or Person(group=True),
        facts_here=old.facts_here,
        created=old.created,
        certainty=old.certainty,
        verb=old.verb,
        negative=old.negative and not old.verb,
    )


def label(scene: Scene, edge: Edge) -> None:
    """ "Suspect 1", "#2", "1)"."""
    key: str = edge.sem[0]
    said: Thing | None = edge.sem[1]
    after = scene.following()
    at_number = scene.said_words[edge.start] == "no" and scene.clause.before not in ("", ";")  # "at No 5"
    if (at_number and (after is None or after.category != ":")) or _compared(scene, edge, key):
        return
    if said is not None and said.person is not None and said.person.role == "bystander":  # "Witness 1"
        scene.make_subject(Person(described=False, word=said.word, label=key, named=True))
        scene.teller += 1
        scene.set_aside(edge.start, edge.end, "somebody else")
        return
    person = _labelled(scene, key) or (said and _called(scene)) or _unlabelled(scene, key)
    person.assigned = True
    person.label = key
    person.named = True
    if said is not None:
        _of_the_label(scene, person, said, edge)
    scene.make_subject(person)


def _of_the_label(scene: Scene, person: Person, said: Thing, edge: Edge) -> None:
    """What the noun of a label means: "Male 1"."""
    if said.person is None or said.person.reading is None:
        return
    fact = Fact(said.person.reading.node, scene.offset + edge.start, scene.offset + edge.end, kind="person")
    if all(each.node != fact.node for each in person.facts):
        person.facts.append(fact)
    person.sex = person.sex or sex_of(said)


def _compared(scene: Scene, edge: Edge, key: str) -> bool:
    """ "As offender 2 but with a beard": what is said of one is said of the other; "taller than suspect 1"."""
    clause, like = scene.clause, _labelled(scene, key)
    one = clause.near or clause.subject
    if (
        clause.before != "PREP"
        or like is None
        or one is None
        or one is like
        or clause.preposition not in ("as", "like", "than")
    ):
        return False
    scene.aside_and_spent(edge, "not scored")
    for fact in like.facts if clause.preposition == "as" else ():
        scene.give(one, replace(fact, start=scene.offset + edge.start, end=scene.offset + edge.end))
    return True


def _called(scene: Scene) -> Person | None:
    """ "The male whom I will refer to as MALE 1", "a man (Suspect 1)": who has just been spoken of."""
    clause = scene.clause
    behind = clause.before == "(" or (clause.before == "PREP" and clause.preposition == "as")
    return next((each for each in reversed(clause.created) if behind and not each.label and not each.group), None)


def _unlabelled(scene: Scene, key: str) -> Person:
    """A member of the group without a number, the only person so far if nothing is known of them, or somebody new."""
    unnumbered = [each for each in scene.group if not each.label and each in scene.persons]
    unnumbered.sort(key=lambda each: each.assigned)
    at = int(key) - 1 if key.isdecimal() else -1
    same = scene.group[at] if 0 <= at < len(scene.group) else None
    free = same if same in unnumbered and unnumbered[0].assigned else next(iter(unnumbered), None)
    bare = next((each for each in scene.persons if not each.label), None)
    if free is not None:
        return free
    if bare is not None and not bare.facts and not bare.group:
        return bare
    person = Person(facts=list(scene.shared))
    scene.persons.append(person)
    return person
