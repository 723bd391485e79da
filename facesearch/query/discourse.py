"""Who is spoken of, and what is said of them: the phrases of a sentence, from left to right.

Each category of phrase has a rule. Verbs decide what the phrases behind them are (`verbs`); persons are told apart and
told from those who are only mentioned (`whom`, `groups`); things and adjectives become facts about them (`what`). Here
stand the small words, which deny, hedge, join and part. Whatever no rule reads is set aside.
"""

from collections.abc import Callable, Sequence
from itertools import takewhile

from facesearch.query import groups, verbs, what, whom
from facesearch.query.chart import Edge
from facesearch.query.grammar import Found, Thing
from facesearch.query.scene import Clause, Fact, Person, Scene
from facesearch.query.tokens import word_set
from facesearch.query.tree import negate

_CONJUNCTIONS = word_set("because cos coz cause 'cause when where since while after before until despite") | {
    "because of",
    "due to",
}
_SILENT = ("OWNER", "X", "SKIP", "DEG", "DET")
_BEFORE_CLAUSES = word_set("when while because cos coz until till before after since")
_ENDS = (",", ".", ";", "AND", "BUT")
_PHRASES = ("NP", "AP", "PRED", "CHOICE")


def read_sentence(scene: Scene, row: Sequence[Edge], offset: int, said: Sequence[str]) -> None:
    """Reads one sentence: its phrases, how many words of the text stand before it, and its words."""
    scene.told_before = scene.clause.facts_here
    scene.clause = Clause()
    scene.row, scene.offset, scene.said_words = row, offset, said
    scene.sentences += 1
    scene.pronouns = {}
    for scene.at, edge in enumerate(row):
        rule = _RULES.get(edge.category)
        if rule is not None:
            rule(scene, edge)
        if edge.sem == "measure":
            measured = not _OF_BODIES.isdisjoint(" ".join(said[edge.start : edge.end]).replace("ft", "ft ").split())
            scene.set_aside(edge.start, edge.end, "body" if measured else "place")
        if edge.category not in _SILENT:
            scene.clause.before = edge.category
        elif edge.sem == "measure" and scene.clause.before == "PREP" and scene.clause.verb == "":
            scene.clause.before = ","  # "at 9 pm two men came in"
    _likewise(scene)


_OF_BODIES = word_set(
    "ft feet foot ' in ins inch inches cm cms m metres meters kg kgs kilos st stone lb lbs pounds \" 6ft 5ft 4ft"
)


def _likewise(scene: Scene) -> None:
    """ "The other did too", "so did the other": what was said last of somebody else."""
    said = [word for word in scene.said_words if word.isalpha()]
    same = said[-1:] == ["too"] or said[-2:] == ["as", "well"] or (said[:1] == ["so"] or "so" in said[-5:-2])
    verb = _AUXILIARY.intersection(said[-3:-1] if "so" not in said else said)
    target = scene.target()
    if not same or not verb or target is None or scene.last_given is None:
        return
    person, fact = scene.last_given
    if target is not person:
        at = scene.offset + len(scene.said_words)
        scene.give(target, Fact(fact.node, at - 1, at, fact.certainty, fact.kind, fact.used))


# --- denying and hedging ---


def _no(scene: Scene, edge: Edge) -> None:
    clause = scene.clause
    if _never_without(scene, edge):
        clause.mode, clause.negative = "say", False
        return
    if _interjected(scene, edge):
        scene.correct()
        return
    if _none_of_those(scene, edge) or _did_not(scene, edge) or _answer_no_behind(scene, edge):
        return
    alone = clause.before == "," and not clause.verb and all(each.category != "NEG" for each in scene.row[: scene.at])
    if alone and scene.following() is None and scene.at > 1:
        _none(scene, edge)
        return
    clause.negative = not (clause.negative and clause.before == "NEG")
    clause.sticky = clause.sticky or edge.category == "NEITHER"
    _neither(scene, edge)
    if clause.mode == "act" and clause.before in (",", "AND", "WITH", "BUT", "PREP", "IN"):
        clause.mode = "say"


def _never_without(scene: Scene, edge: Edge) -> bool:
    """ "He never leaves the house without his cap"."""
    without = scene.said_words[edge.start : edge.end] == ["without"] and scene.clause.mode == "act"
    return without and any(each.category == "NEG" for each in scene.row[: scene.at])


def _interjected(scene: Scene, edge: Edge) -> bool:
    """ "She wore earrings, no, a necklace"."""
    marks = (",", "DASH", ";")
    alone = scene.said_words[edge.start : edge.end] == ["no"] and scene.ahead(1)[:1] in ([","], ["DASH"])
    begins = scene.at == 0 and len(scene.row) > _SHORT  # "He was forty. No, younger, thirty maybe."
    return alone and (begins or (scene.clause.before in marks and bool(scene.clause.facts_here)))


def _neither(scene: Scene, edge: Edge) -> None:
    """ "Neither had a beard", "neither of them": a denial of each."""
    after = scene.following()
    begins = scene.said_words[edge.start] == "neither" and after is not None and after.category in ("V", "BE", "OBJ")
    many = len(scene.persons) > 1 or (not scene.persons and scene.ahead(1) == ["OBJ"])
    opens = scene.clause.verb == "" or scene.clause.before in ("AND", "BUT", ",", ";")
    if begins and opens and many:
        groups.both(scene, edge._replace(sem="both"))
        scene.clause.negative = scene.clause.sticky = True


_AUXILIARY = word_set("did does do had has was is were would")


def _did_not(scene: Scene, edge: Edge) -> bool:
    """ "Asked whether he had a beard, she said he did not", "one had a beard, the other did not"."""
    after = scene.following()
    ends = after is None or after.category in _ENDS
    if not ends or not edge.start or scene.said_words[edge.start - 1] not in _AUXILIARY:
        return False
    target = scene.target()
    given = _said_last(scene, target)
    if given is None or (given[0] is target and given[1].kind == "person"):
        return _unlike_the_speaker(scene, edge, target)
    person, fact = given
    if scene.is_corrected() or not _ASKED.isdisjoint(scene.said_words[: edge.start]):
        fact.node, fact.certainty = negate(fact.node), max(fact.certainty, 0.8)
        return True
    if target is None or target is person or fact.kind in ("person", "sex"):
        return False
    start, end = scene.offset + edge.start, scene.offset + edge.end
    scene.give(target, Fact(negate(fact.node), start, end, fact.certainty, fact.kind, ((start, end),)))
    return True


def _said_last(scene: Scene, target: Person | None) -> tuple[Person, Fact] | None:
    """What was said last in this sentence; of him who is corrected also what stands before it."""
    if scene.clause.facts_here:
        return scene.clause.facts_here[-1]
    given = scene.last_given
    return given if given is not None and scene.is_corrected() and given[0] is target else None


def _unlike_the_speaker(scene: Scene, edge: Edge, target: Person | None) -> bool:
    """ "I wear a beard, he doesn't"."""
    noun = scene.last_noun
    here = [each.sem.noun for each in scene.row[: scene.at] if isinstance(each.sem, Thing) and each.sem.noun]
    short = not here and edge.end <= _SHORT
    asked = not _ASKED.isdisjoint(scene.said_words[: edge.start])
    if noun is None or noun.denied is None or target is None or asked or not (noun in here or short):
        return False
    scene.say(Found(noun.denied.node, (), ()), edge, noun.name)
    return True


_SHORT = 6
"""Words of a sentence that only answers the one before."""
_ASKED = frozenset(["whether", "if", "asked"])


def _none_of_those(scene: Scene, edge: Edge) -> bool:
    """ "She ripped out my earrings. She had none in herself"."""
    noun = scene.last_noun
    if scene.said_words[edge.start : edge.end] != ["none"] or scene.clause.verb != "have" or noun is None:
        return False
    after = scene.following()
    if noun.denied is None or (after is not None and after.category in ("NP", "CHOICE", "AP", "OF")):
        return False
    scene.add(Found(noun.denied.node, (), ()), edge.start, edge.end, noun.name)
    return True


def _answer_no_behind(scene: Scene, edge: Edge) -> bool:
    """ "Eyewear none"."""
    after = scene.following()
    behind = scene.behind(2)
    field = scene.clause.before == "," and scene.at == 2 and "none" in scene.said_words  # "Beard, none."
    labelled = (field or scene.clause.before == ":") and behind is not None and behind.category == "NP"
    listed = scene.clause.before == "NP" and scene.said_words[edge.start : edge.end] == ["none"]  # "hat none beard ..."
    ends = after is None or (listed and after.category == "NP") or _is_answered(scene, after)
    if not (labelled or scene.clause.before == "NP") or not ends:
        return False
    if scene.clause.facts_here and scene.clause.mode == "say":
        fact = scene.clause.facts_here[-1][1]
        if fact.kind in ("person", "sex"):
            _without_it(scene, edge)
            return True
        scene.deny(fact)
    return True


def _without_it(scene: Scene, edge: Edge) -> None:
    """ "Man with hat, woman without"."""
    noun = scene.last_noun
    if noun is not None and noun.denied is not None and scene.said_words[edge.start : edge.end] == ["without"]:
        scene.say(Found(noun.denied.node, (), ()), edge, noun.name)


def _is_answered(scene: Scene, after: Edge) -> bool:
    """What follows an answer is nothing, or has an answer of its own: "glasses yes beard no hat yes"."""
    if after.category in (",", ";", "."):
        return True
    behind = next((edge for edge in scene.row if edge.start >= after.end), None)
    answered = behind is not None and behind.category in ("YES", "NONE", "NEG")
    answers = [edge for edge in scene.row if edge.category == "YES" or scene.said_words[edge.start] == "none"]
    return after.category in ("NP", "PRED") and (answered or after.category == "PRED") and len(answers) > 1


def _none(scene: Scene, _: Edge) -> None:
    """ "Beard N"."""
    fact = scene.fact_before()
    last = scene.row[scene.at + 1 :]
    ends = scene.clause.before == "," and all(edge.category == "X" for edge in last)  # "Beard, no."
    if (scene.clause.before == "NP" or ends) and fact is not None and fact.kind != "person":
        scene.deny(fact)


def _such(scene: Scene, _: Edge) -> None:
    """ "May have facial hair, such as a moustache": examples are hedged and denied as what they are examples of."""
    clause = scene.clause
    if clause.facts_here:
        clause.certainty = min(clause.certainty, clause.facts_here[-1][1].certainty)
        clause.negative = clause.facts_here[-1:] == clause.denied_list


def _doubt(scene: Scene, _: Edge) -> None:
    """ "I don't think he had a beard"."""
    scene.clause = Clause(facts_here=scene.clause.facts_here, negative=True, certainty=0.8)


def _is_past(scene: Scene, edge: Edge) -> bool:
    """ "I thought she was a man until she spoke"."""
    return not _UNTIL.isdisjoint(scene.said_words[edge.end :]) and "thought" in scene.said_words[: edge.end]


def _is_on_company(scene: Scene) -> bool:
    """ "Believed to be with a 34-year-old man": nothing is said of the man."""
    beside = scene.row[scene.at + 2].sem if scene.ahead(2) == ["WITH", "NP"] else None
    return isinstance(beside, Thing) and beside.person is not None


def _is_on_number(scene: Scene) -> bool:
    """ "Poss 5150"."""
    return scene.ahead(1) == ["X"] and scene.row[scene.at + 1].sem in ("number", "measure")


def _hedge(scene: Scene, edge: Edge) -> None:
    """A hedge is on what follows, or at the end of a clause on what stands before."""
    clause = scene.clause
    if clause.speaker and scene.said_words[edge.start] == "i":  # "like those you wear, and I want to say a moustache"
        scene.clause = clause = Clause(facts_here=clause.facts_here, created=clause.created, before=clause.before)
    if _is_past(scene, edge):
        clause.mode = "past"
        return
    if _is_on_company(scene) or _is_on_number(scene):
        return
    before = clause.before
    if _ends_clause(scene, edge) and (before in _PHRASES or (clause.facts_here and before in (",", "ON", "X", "V"))):
        _hedge_before(scene, edge)
        return
    clause.certainty = min(clause.certainty, edge.sem)
    if clause.mode == "act" or (clause.mode == "unknown" and before == ","):
        clause.mode = "say"


def _ends_clause(scene: Scene, edge: Edge) -> bool:
    clause, after = scene.clause, scene.following()
    between = clause.before == "," and after is not None and after.category == ","
    if between and not clause.verb and clause.facts_here:  # "man, maybe, glasses"
        return scene.choose(f"hedge {scene.offset + edge.start}", 0.0, 0.0) == 1
    return after is None or after.category in (*_ENDS, ")", "?")


def _hedge_before(scene: Scene, edge: Edge) -> None:
    """What was said last is less certain; but "he had a beard, he looked kind of Amish I guess"."""
    clause = scene.clause
    if clause.facts_here and not (clause.before in _PHRASES and scene.is_aside(edge.start - 1)):
        fact = clause.facts_here[-1][1]
        fact.certainty = min(fact.certainty, edge.sem)


_UNTIL = frozenset(["until", "till"])


def _unknown(scene: Scene, edge: Edge) -> None:
    """What the witness does not know is set aside: what stands before, at the end of a clause, or what follows."""
    clause = scene.clause
    after = scene.following()
    if str(edge.sem) in ("unknown", "unk") and after is not None and after.category == "NP":
        return
    scene.set_aside(edge.start, edge.end, "not known")
    ends = after is None or after.category in _ENDS
    if ends and clause.before == "," and not str(edge.sem).startswith("unk"):
        _less_sure(scene.fact_before())  # "he had a beard, not sure"
    elif ends and clause.before in ("NP", "BE", "V", "PRED"):
        _not_known(scene, scene.fact_before())
    elif after is not None and (
        clause.speaker or clause.subject is not None or clause.before in ("", "BUT", "AND", ",")
    ):
        clause.mode = "unknown"
        clause.speaker = clause.negative = False


def _less_sure(fact: Fact | None) -> None:
    if fact is not None:
        fact.certainty = min(fact.certainty, 0.5)


def _not_known(scene: Scene, fact: Fact | None) -> None:
    if fact is None:
        return
    if scene.clause.speaker:  # "she had glasses on but I am not sure"
        _less_sure(fact)
    else:
        scene.cancel(fact, "not known")


def _any_of(scene: Scene, edge: Edge) -> None:
    """ "One of glasses, hat, beard", "one of the men"."""
    after = scene.following()
    said = after.sem if after is not None else None
    if isinstance(said, Thing) and said.person is not None and said.person.plural:
        groups.member(scene, edge._replace(sem="one"))
        scene.clause.of_those = True
    else:
        scene.clause.anyof = True


def _wrong(scene: Scene, edge: Edge) -> None:
    """ "That was wrong", "but she is mistaken": what this sentence has said, or else the one before, does not count."""
    after = scene.following()
    about = scene.row[scene.at + 2].sem if after is not None and after.sem == "about" and scene.ahead(2)[1:] else None
    if isinstance(about, Thing) and about.noun is not None:
        name = about.noun.name
        facts = [fact for fact in scene.used_facts() if fact.kind == name]
        scene.clause.mode = "unknown"
    else:
        told = scene.clause.facts_here or scene.told_before
        facts = [fact for _, fact in told if fact.kind not in ("person", "sex")]
        scene.clause.mode = "say"
    for fact in facts:
        scene.cancel(fact, "corrected")
    scene.set_aside(edge.start, edge.end, "corrected")
    scene.clause.certainty = 1.0
    scene.correct()


def _correct(scene: Scene, _: Edge) -> None:
    """ "No, sorry": what was said last of the same thing does not count."""
    scene.correct()


def _except(scene: Scene, _: Edge) -> None:
    """ "Nothing to be seen apart from a beard": what is excepted from a "no" is so."""
    clause = scene.clause
    clause.excepted = clause.facts_here[-1][1] if clause.facts_here and clause.before in _PHRASES else None
    if clause.negative or clause.mode in ("unknown", "hidden") or (clause.near and not clause.near.described):
        clause.negative = clause.sticky = False
        clause.mode, clause.near, clause.thing = "say", None, False


def _revise(scene: Scene, _: Edge) -> None:
    """ "UPDATE:", "amended": what follows is newer than all that stands before."""
    after = scene.following()
    opens = scene.clause.before in ("", ",", "(", "DASH", ";", ":")
    if opens or (after is not None and after.category in (":", ",", "DASH")):
        scene.correct(lasts=True)


# --- joining and parting ---


def _comma(scene: Scene, edge: Edge) -> None:
    clause = scene.clause
    clause.negative = clause.negative and clause.sticky
    clause.of_thing = False
    if clause.verb == "":
        clause.thing = False
    after = scene.following()
    apposed = after is not None and (after.category in ("AP", "REL") or getattr(after.sem, "name", False))
    other = clause.near is not None and not clause.near.described
    if clause.subject is not None and not (apposed and other):
        clause.near = None
    if clause.mode == "hidden" or (clause.mode == "act" and clause.before == "V" and not clause.taking):
        clause.mode = "say"
    listed = edge.category == ":" and clause.taking and clause.subject is None  # "stolen from the house: a hat, ..."
    if edge.category not in (",", "/") and not listed:
        scene.new_clause_keeping_subject()


def _conjunction(scene: Scene, edge: Edge) -> None:
    clause = scene.clause
    after = scene.following()
    if scene.said_words[edge.start] == "n" and clause.before == "NP":
        ends = after is None or after.category in (",", ".", ";")
        if ends or any(each.category == "YES" for each in scene.row):
            _none(scene, edge)  # "glasses n, beard y"; but "hat n glasses"
    clause.negative = clause.negative and clause.sticky
    clause.of_thing = False
    if clause.subject is not None and not _goes_on(scene, edge):
        clause.near = None
    if clause.mode == "hidden":
        clause.mode = "say"
    if edge.category == "BUT":
        if after is not None and after.sem in ("when", "by"):  # "... had a beard, but when I saw him he was shaven"
            scene.correct()
        scene.new_clause_keeping_subject()


def _goes_on(scene: Scene, edge: Edge) -> bool:
    """ "With a man with a shaved head and a beard": the list is of whom it stands behind."""
    clause, after = scene.clause, scene.following()
    listed = edge.category == "AND" and clause.before == "NP" and clause.near is clause.listing is not None
    thing = after.sem if after is not None else None
    return listed and clause.near is not clause.subject and isinstance(thing, Thing) and thing.noun is not None


def _bracket(scene: Scene, _: Edge) -> None:
    """ "The caller (W/F, 62, grey hair)": what stands in brackets is of whom they stand behind."""
    clause, before = scene.clause, scene.thing_behind()
    person = clause.near or clause.mentioned
    if before is None or before.person is None or person is None:
        return
    if before.person.role == "relation" and person in scene.others and scene.persons and _tells_looks(scene):
        person.described, clause.mode = True, "say"
        scene.others.remove(person)
        scene.persons.append(person)
    clause.bracket = clause.subject, clause.mode
    clause.subject = clause.near = person


def _tells_looks(scene: Scene) -> bool:
    """What stands in the brackets describes somebody, whose sex it names."""
    inside = list(takewhile(lambda edge: edge.category != ")", scene.row[scene.at + 1 :]))
    sexes = [isinstance(edge.sem, Thing) and edge.sem.person is not None for edge in inside]
    return any(sexes) and len(inside) > 1


def _unbracket(scene: Scene, _: Edge) -> None:
    clause = scene.clause
    if clause.bracket is not None:
        clause.subject, clause.mode = clause.bracket
        clause.near = clause.bracket = None


def _with(scene: Scene, _: Edge) -> None:
    scene.clause.negative = False
    _of_near(scene, "with")


def _in(scene: Scene, _: Edge) -> None:
    scene.clause.wearing = scene.clause.mode == "act"
    _of_near(scene, "in")


def _of_near(scene: Scene, preposition: str) -> None:
    """ "Followed a man with a beard": what follows is of whom it stands behind."""
    clause, behind = scene.clause, scene.behind()
    clause.preposition = preposition
    marked = behind is not None and getattr(getattr(behind.sem, "noun", None), "name", "") == "marks"
    if marked and behind is not None and "of" in scene.said_words[behind.start : behind.end]:
        clause.near = Person(described=False)  # "a tattoo of a woman with red lips"
    clause.listing = clause.near
    if clause.mode == "act" and clause.near is not None and clause.before == "NP":
        clause.subject = clause.near
        clause.mode = "say"


_SHORT_FOR = word_set("desc descr desc'd")
""" "Described"."""


def _preposition(scene: Scene, edge: Edge) -> None:
    clause = scene.clause
    word: str = edge.sem
    clause.preposition = word
    as_ = word == "as" and (
        clause.verb in ("as", "seen", "report", "see")
        or not _SHORT_FOR.isdisjoint(scene.said_words[max(0, edge.start - 1) : edge.start])
    )
    if as_ and clause.mode not in ("unknown", "past"):
        clause.near = None
        clause.mode = "say"
        clause.verb = "as" if clause.subject is not None else clause.verb
    elif word == "by":
        verbs.by(scene)
    elif word in _CONJUNCTIONS and clause.mode in ("unknown", "past"):
        scene.clause = Clause(facts_here=clause.facts_here, created=clause.created)
    elif (word in _BEFORE_CLAUSES or _opens_clause(scene, word)) and scene.is_new_subject(1):
        _interrupted(scene, word)
        scene.clause = Clause(facts_here=clause.facts_here, created=clause.created, preposition="when")
    elif word in _CONJUNCTIONS and clause.verb:
        clause.verb = clause.pronoun = ""
        clause.topic = None


def _interrupted(scene: Scene, word: str) -> None:
    """ "A woman was walking her dog when a man ...": who was doing something is nobody who is described."""
    clause, after = scene.clause, scene.following()
    said = after.sem if after is not None and isinstance(after.sem, Thing) else None
    does = [edge for edge in scene.row[: scene.at] if edge.category == "V" and edge.sem in ("act", "handle")]
    walks = bool(does) and scene.said_words[does[0].start].endswith("ing") and not clause.pronoun
    newcomer = said is not None and said.person is not None and said.person.role == "described"
    if word != "when" or not walks or not newcomer or said is None or said.determiner not in ("a", "an", "two", ""):
        return
    if clause.subject is not None and clause.subject in clause.created:
        scene.demote(clause.subject)


def _opens_clause(scene: Scene, word: str) -> bool:
    """ "As the man hit her", and not "described as a man wearing ..."."""
    after = scene.following()
    return word == "as" and after is not None and getattr(after.sem, "determiner", "") == "the"


def _owner(scene: Scene, edge: Edge) -> None:
    """ "The man's hair was grey"."""
    whom.person(scene, edge.sem, edge)


_RULES: dict[str, Callable[[Scene, Edge], None]] = {
    "NP": what.thing,
    "AP": what.adjectives,
    "PRED": what.said,
    "OWNER": _owner,
    "CHOICE": what.choice,
    "V": verbs.verb,
    "BE": verbs.verb,
    "NOTHING": whom.reflexive,
    "HE": whom.pronoun,
    "SHE": whom.pronoun,
    "THEY": whom.they,
    "SPEAKER": whom.speaker,
    "REL": whom.relative,
    "OBJ": whom.objective,
    "MEM": groups.member,
    "MEMS": groups.members,
    "BOTH": groups.both,
    "LABEL": groups.label,
    "NUM": groups.number,
    "NEG": _no,
    "NEITHER": _no,
    "NOR": _no,
    "NONE": _none,
    "DOUBTNEG": _doubt,
    "SUCH": _such,
    "HEDGE": _hedge,
    "UNKNOWN": _unknown,
    "ANYOF": _any_of,
    "CORRECT": _correct,
    "WRONG": _wrong,
    "REVISE": _revise,
    "EXCEPT": _except,
    ",": _comma,
    "/": _comma,
    ";": _comma,
    ":": _comma,
    "DASH": _comma,
    "AND": _conjunction,
    "BUT": _conjunction,
    "WITH": _with,
    "(": _bracket,
    ")": _unbracket,
    "IN": _in,
    "PREP": _preposition,
}
