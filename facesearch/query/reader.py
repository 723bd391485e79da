"""A text, sentence by sentence: running text, the fields of forms, questions and their answers."""

import re

from facesearch.query import interview
from facesearch.query.chart import Chart, Edge
from facesearch.query.discourse import read_sentence
from facesearch.query.forms import DASHES, is_code, parts
from facesearch.query.grammar import grammar, price
from facesearch.query.interview import Answer, Question
from facesearch.query.lexicon import Lexicon, NounClass, Pair
from facesearch.query.measures import Measure, measures
from facesearch.query.reading import HAIR_COLOURS
from facesearch.query.scene import Clause, Fact, Person, Scene, topic_of
from facesearch.query.terminals import terminals
from facesearch.query.tokens import QUOTES, Token, sentences, word_set

_NONE = word_set("no n none nil nope nowt negative nothing false ✗ ✘ ❌")
_YES = word_set("yes y yeah yep yup some present completely definitely certainly absolutely totally true ✓ ✔ ✅")
_NOT_KNOWN = word_set("known sure certain seen visible noted recorded stated given noticed available applicable clear")
_DOUBT = frozenset(["unknown", "unk", "nk", "n/k", "unsure", "na"])
_GONE = word_set("lost missing misplaced stolen broken")
_HEDGES = {"maybe": 0.5, "possibly": 0.5, "poss": 0.5, "perhaps": 0.5, "probably": 0.8, "likely": 0.8}
_TOLD = word_set("i we he she they it was were had has is saw the my said")
"""Words of running text, as in "Witness: He was bald"."""
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_LOOKS_FOR = word_set("any anyone anybody who find show")
_COPY = word_set("copy over roger received")
"""What asks at the end whether somebody hears."""
_OPEN_QUESTIONS = 8
_SHORT = 4
"""Words of a question that goes on with the one before."""
_FRAGMENT = 12
"""Words of an answer that is no sentence."""
_NO_FRAGMENT = word_set("he she they : =")


def read_text(text: str, found: list[Token], words: Lexicon, variant: dict[str, int] | None = None) -> "Reader":
    """All sentences of a text."""
    reader = Reader(text, found, words, variant)
    speakers = interview.tags(found, words)
    not_said = (*speakers, *interview.prompts(found, speakers))
    reader.scene.aside += ((start, end, "field") for start, end in not_said)
    for sentence in sentences(interview.without(found, speakers) if speakers else found):
        reader.sentence(sentence)
    reader.end()
    return reader


class Reader:
    """Reads the sentences of a text into a scene. steps: phrases made, the measure of the work."""

    def __init__(self, text: str, found: list[Token], words: Lexicon, variant: dict[str, int] | None = None) -> None:
        self.words = words
        self.scene = Scene(words, variant)
        self.scene.dated = _YEAR.search(text) is not None
        self.steps = 0
        self._named: set[str] = set()
        self._text = text
        self._read_to = 0
        self._spans = measures(text)
        self._position = {token.start: at for at, token in enumerate(found)}
        self._question: Question | None = None
        self._answered = True

    def sentence(self, sentence: list[Token]) -> None:
        """Reads one sentence."""
        if sentence and "\n" in self._text[self._read_to : sentence[0].start]:
            self._leave_bystander()
        self._read_to = sentence[-1].end if sentence else self._read_to
        sentence = interview.without_speaker(_listed(sentence))
        question = self._question
        asked = question if question is not None and not self._answered else None
        supposed = asked is not None and asked.open and interview.is_supposed(sentence)
        if question is not None:
            sentence = self._answer(question, sentence)
        for part in parts(sentence, self.words):
            if part.field:
                self._name_of_field(part.field, sentence[part.name : part.start])
                self._field(part.field, sentence[part.start : part.end])
            else:
                self._read(sentence[part.start : part.end])
        asks = _asks(sentence) and not supposed and not self._looks_for(sentence)
        if asked is not None and not self._answered and not asks:
            self._conclude(asked)
        if asks:
            self._ask(sentence)

    def _looks_for(self, sentence: list[Token]) -> bool:
        """ "Any women over 60 wearing lipstick?": nothing else is said, so that is whom somebody looks for."""
        whole = not self._text[: sentence[0].start].strip() and not self._text[sentence[-1].end :].strip()
        return whole and sentence[0].normal in _LOOKS_FOR

    def end(self) -> None:
        """No answer follows."""
        self._leave_question()

    # --- questions and answers ---

    def _ask(self, sentence: list[Token]) -> None:
        before = self._question
        open_facts = before.facts if before is not None and not self._answered and len(sentence) <= _SHORT else ()
        if not open_facts:
            self._leave_question()
        self._question = interview.question(self.scene, sentence, self.words, open_facts[-_OPEN_QUESTIONS:])
        self._answered = False

    def _leave_question(self) -> None:
        """What a question names is doubted, if nothing answers it and it asks for no person ("have you seen this
        man?")."""
        question = self._question
        if question is not None and not self._answered and not question.personal:
            for fact in question.facts[-1:] if question.listed else question.facts:
                fact.certainty = min(fact.certainty, 0.5)

    def _answer(self, question: Question, sentence: list[Token]) -> list[Token]:
        """Reads what a sentence answers; what is left of it."""
        while len(sentence) > 1 and sentence[0].normal in QUOTES | DASHES:
            sentence = sentence[1:]
        said = [token.normal for token in sentence]
        supposed = not self._answered and question.open and interview.is_supposed(sentence)
        asks = said[-1:] == ["?"] and not supposed
        found = None if self._answered or (asks and len(said) <= _SHORT) else interview.answer(said)
        if found is not None:
            self._settle(question, found, sentence[0])
            sentence = sentence[found.length :]
            if not found.certainty:
                self.scene.last_noun = None  # "I can't tell, it's dark"
                question = question._replace(noun=None)
        fragment = not asks and 0 < len(sentence) <= _FRAGMENT and _NO_FRAGMENT.isdisjoint(said)
        if not (question.noun or question.ages or question.facts) or not fragment:
            return sentence
        self._read_answer(question, sentence, supposed)
        return []

    def _read_answer(self, question: Question, sentence: list[Token], supposed: bool) -> None:
        """An answer that is no sentence: "brown, I think". supposed: it ends in a question mark."""
        if question.open and not self._answered:
            interview.settle(self.scene, question, Answer(0.0, False, 0))
        self._read(sentence, question.noun, question.ages)
        for _, fact in self.scene.clause.facts_here if supposed else ():
            fact.certainty = min(fact.certainty, 0.5)
        if not self._answered:
            self._conclude(question)

    def _settle(self, question: Question, found: Answer, at: Token) -> None:
        interview.settle(self.scene, question, found)
        if (
            found.denied
            and question.plain
            and not question.facts
            and question.noun is not None
            and question.noun.denied is not None
        ):
            self._give(question.noun, at, denied=True, certainty=found.certainty)  # "Any hair? None."
        self._answered = True

    def _conclude(self, question: Question) -> None:
        """What was asked and not answered counts only where the sentence behind it says the same; what says something
        else of the same thing counts instead."""
        told = [fact for _, fact in self.scene.clause.facts_here if fact not in question.facts]
        nodes, topics = {fact.node for fact in told}, {topic_of(fact.node) for fact in told}
        instead = [fact for fact in question.facts if fact.node not in nodes and topic_of(fact.node) in topics]
        for fact in instead:
            self.scene.cancel(fact, "not known")
        if not (topics & {topic_of(fact.node) for fact in question.facts}):
            self._leave_question()
        self._answered = True

    # --- forms ---

    def _field(self, field: str, value: list[Token]) -> None:
        """The value of a field, said of what the field names."""
        if field == "bystander":
            self._bystander(value)
        elif field == "other":
            self._set_aside(value)
        elif field in ("unknown", "any", "person", "sex"):
            self._read(value)
        elif value:
            for name in field.split():
                if name in self.words.nouns:
                    self._field_of(self.words.nouns[name], value)

    def _bystander(self, value: list[Token]) -> None:
        """What is said of a victim or witness, up to the end of the line; or what they say."""
        said = {token.normal for token in value}
        if not _TOLD.isdisjoint(said):
            self._read(value)
        else:
            self._set_aside(value)
            self.scene.last_subject = Person(described=False, word="name")

    def _leave_bystander(self) -> None:
        last = self.scene.last_subject
        if last is not None and not last.described and last not in self.scene.others:
            self.scene.last_subject = None

    def _field_of(self, noun: NounClass, value: list[Token]) -> None:
        said = [token.normal for token in value if token.sort == "word" or token.normal in _NONE | _YES]
        first = said[0] if said else ""
        certainty = _HEDGES.get(first)
        none = first in _NONE and (len(said) == 1 or (len(value) > 1 and value[1].sort == "mark"))
        if _is_doubted(value, said):
            self._set_aside(value)
        elif certainty is not None and said[1:] in (["not"], ["no"], ["none"]):
            self._give(noun, value[0], denied=True, certainty=certainty)
        elif none:
            self._give(noun, value[0], denied=True)
            self._read(value[1:])
        elif first in _YES or (certainty is not None and len(said) == 1):
            self._give(noun, value[0], certainty=certainty or 1.0)
            self._set_aside(value[1:])
        else:
            self._value(noun, value)

    def _value(self, noun: NounClass, value: list[Token]) -> None:
        """A description as a value; that of a thing says that it is there ("Hat: knit")."""
        before = len(self.scene.used_facts())
        self._read(_as_alternatives(value, self.words) if noun.name == "hair" else value, noun)
        pairs = (self.words.pair(noun.name, token.normal) for token in value)
        unlike = any(pair is not None and pair.reading is None and not pair.keeps for pair in pairs)  # "Makeup: light"
        if len(self.scene.used_facts()) == before and noun.bare is not None and noun.name != "facial" and not unlike:
            self._give(noun, value[0])

    def _give(self, noun: NounClass, token: Token, denied: bool = False, certainty: float = 1.0) -> None:
        reading = noun.denied if denied else noun.bare
        at = self._position[token.start]
        if reading is None:
            self.scene.aside.append((at, at + 1, "field"))
            return
        target = self.scene.focused()
        self.scene.clause = Clause()
        self.scene.give(target, Fact(reading.node, at, at + 1, certainty, noun.name, ((at, at + 1),)))

    def _name_of_field(self, field: str, found: list[Token]) -> None:
        """The name of a field whose value is read says whose the value is."""
        if field in ("other", "unknown", "bystander"):
            self._set_aside(found)
        elif found:
            at = self._position[found[0].start]
            self.scene.used.append((at, at + len(found)))

    def _set_aside(self, found: list[Token]) -> None:
        if found:
            at = self._position[found[0].start]
            self.scene.aside.append((at, at + len(found), "field"))

    def _read(self, found: list[Token], context: NounClass | None = None, ages: bool = False) -> None:
        """Running text. context: what adjectives without a noun are said of; ages: figures without a unit are ages."""
        if not found:
            return
        spans = self._spans if not ages else measures(self._text, (found[0].start, found[-1].end))
        row, steps = parse(found, spans, self.words, self._named)
        self.steps += steps
        self.scene.context = context
        read_sentence(self.scene, row, self._position[found[0].start], [token.normal for token in found])
        self.scene.context = None


def _is_colour(pair: Pair | None) -> bool:
    return pair is not None and pair.reading is not None and pair.reading.node.attributes <= HAIR_COLOURS


def _as_alternatives(value: list[Token], words: Lexicon) -> list[Token]:
    """ "BLK/GRY", "black with gray", "black and white": two colours of hair, however they are joined."""
    colour = [_is_colour(words.pair("hair", token.normal)) for token in value]
    return [
        token._replace(normal="or", sort="word")
        if token.normal in ("/", "with", "and", "&") and colour[at - 1 : at] == colour[at + 1 : at + 2] == [True]
        else token
        for at, token in enumerate(value)
    ]


def _listed(sentence: list[Token]) -> list[Token]:
    """ "White male / 30s / beard": slashes with spaces part a list, if there are several."""
    places = [
        at for at, token in enumerate(sentence[:-1]) if token.normal == "/" and token.spaced and sentence[at + 1].spaced
    ]
    if len(places) < 2:
        places = _in_a_row(sentence)
    return [token._replace(normal=",") if at in places else token for at, token in enumerate(sentence)]


def _in_a_row(sentence: list[Token]) -> list[int]:
    """ "F/B/20s/heavy/glasses/red hat": the slashes of a long list, but those between single letters."""
    slashes = [at for at, token in enumerate(sentence[1:-1], 1) if token.normal == "/" and not is_code(sentence, at)]
    close = [at for at in slashes if any(0 < abs(at - other) <= _ITEM for other in slashes)]
    if len(close) < _LIST:
        return []
    return [at for at in close if len(sentence[at - 1].normal) > 1 or len(sentence[at + 1].normal) > 1]


_LIST, _ITEM = 4, 4
"""Slashes of a list, and words from one to the next."""


def _asks(sentence: list[Token]) -> bool:
    """It ends in a question mark, which is no blank and does not ask whether somebody hears: "copy?"."""
    copied = [token.normal for token in sentence[-2:-1]]
    marked = bool(sentence) and sentence[-1].normal[0] == "?"
    return marked and not _is_blank(sentence) and _COPY.isdisjoint(copied)


def _is_blank(sentence: list[Token]) -> bool:
    """ "Glasses - ?": a field that nobody could fill in, and no question."""
    return len(sentence) > 1 and sentence[-2].normal in (":", "=", *DASHES)


def _is_doubted(value: list[Token], said: list[str]) -> bool:
    """ "Hat: ??", "Hat: -", "Glasses: not known", "Glasses: lost"."""
    if (
        value[0].normal[0] == "?"
        or (len(value) == 1 and value[0].normal in DASHES)
        or (said and said[0] in _DOUBT | _GONE)
        or said[:2] in (["n", "k"], ["n", "a"])
    ):
        return True
    return said[:1] == ["not"] and not _NOT_KNOWN.isdisjoint(said[1:2])


def parse(sentence: list[Token], spans: list[Measure], words: Lexicon, named: set[str]) -> tuple[list[Edge], int]:
    """The cheapest row of phrases that covers a sentence, and how many phrases were made. named: the names said before,
    to which those of the sentence are added."""
    measured: dict[int, tuple[int, Measure]] = {}
    for span in spans:
        inside = [at for at, token in enumerate(sentence) if span.start <= token.start < span.end]
        if inside:
            measured[inside[0]] = (inside[-1] + 1, span)
    chart = Chart(grammar(), terminals(sentence, measured, words, named))
    covers = chart.covers(price)
    return (covers[0][1] if covers else []), chart.steps
