"""A text, sentence by sentence: running text, the fields of forms, questions and their answers."""

from collections.abc import Callable, Sequence

from facesearch.query.chart import Chart, Edge
from facesearch.query.discourse import read_sentence
from facesearch.query.forms import parts
from facesearch.query.grammar import grammar, price
from facesearch.query.lexicon import Lexicon, NounClass
from facesearch.query.measures import Measure, measures
from facesearch.query.scene import Clause, Fact, Person, Scene
from facesearch.query.terminals import terminals
from facesearch.query.tokens import QUOTES, Token, sentences, word_set
from facesearch.query.tree import negate

_NONE = word_set("no n none nil nope nowt negative nothing")
_YES = word_set("yes y yeah yep yup some present completely definitely certainly absolutely totally")
_NOT_KNOWN = word_set("known sure certain seen visible noted recorded stated given noticed available applicable clear")
_DOUBT = frozenset(["unknown", "unk", "n/k", "unsure", "na"])
_HEDGES = {"maybe": 0.5, "possibly": 0.5, "poss": 0.5, "perhaps": 0.5, "probably": 0.8, "likely": 0.8}
_LETTERS = frozenset(("q", "a"))
_BEHIND_NO = word_set("just only but he she they it did was does is were had")
_BEHIND_ANSWER = frozenset(
    [",", "he", "she", "it", "they", "did", "was", "had", "n't", "is", "not", "does", "wasnt", "didnt"]
)
_SPEAKERS = word_set("witness interviewer interviewee officer caller victim complainant")
_TOLD = word_set("i we he she they it was were had has is saw the my said")
"""Words of running text, as in "Witness: He was bald"."""
_OPEN_QUESTIONS = 8


def read_text(text: str, found: list[Token], words: Lexicon, variant: dict[str, int] | None = None) -> "Reader":
    """All sentences of a text."""
    reader = Reader(text, found, words, variant)
    rows = [row for row in sentences(found) if not _is_letter(row)]
    for at, sentence in enumerate(rows):
        reader.sentence(sentence, rows[at + 1] if at + 1 < len(rows) else None)
    return reader


class Reader:
    """Reads the sentences of a text into a scene. steps: phrases made, the measure of the work."""

    def __init__(self, text: str, found: list[Token], words: Lexicon, variant: dict[str, int] | None = None) -> None:
        self.words = words
        self.scene = Scene(words, variant)
        self.steps = 0
        self._text = text
        self._read_to = 0
        self._spans = measures(text)
        self._position = {token.start: at for at, token in enumerate(found)}
        self._asked: list[Fact] = []
        self._open: list[Fact] = []
        self._context: NounClass | None = None

    def sentence(self, sentence: list[Token], after: list[Token] | None) -> None:
        """Reads one sentence. after: the next one, which may answer it."""
        if sentence and "\n" in self._text[self._read_to : sentence[0].start]:
            self._leave_bystander()
        self._read_to = sentence[-1].end if sentence else self._read_to
        sentence = self._answered(_listed(sentence))
        for part in parts(sentence, self.words):
            if part.field:
                self._name_of_field(part.field, sentence[part.name : part.start])
                self._field(part.field, sentence[part.start : part.end])
            else:
                self._read(sentence[part.start : part.end])
        if sentence and sentence[-1].normal[0] == "?":
            self._ask(sentence, after)

    # --- questions and answers ---

    def _ask(self, sentence: list[Token], after: list[Token] | None) -> None:
        """What a question names is doubted, if nothing answers it and it asks for no person ("have you seen this
        man?")."""
        self._asked = [*self._open, *(fact for _, fact in self.scene.clause.facts_here)]
        self._open = self._asked[-_OPEN_QUESTIONS:]
        self._context = self._asked_noun(sentence)
        said = {token.normal for token in sentence}
        if self._is_answered(after) or said & {"you", "anyone", "who"}:
            return
        for fact in self._asked[-1:] if "," in said else self._asked:
            fact.certainty = min(fact.certainty, 0.5)

    def _is_answered(self, after: list[Token] | None) -> bool:
        said = [t.normal for t in _without_letter(after or []) if t.sort == "word" and t.normal not in _LETTERS][:1]
        answers = (_NONE - {"no"}) | _YES | {"did", "could", "do", "probably", "possibly", "maybe"}
        rest = [t.normal for t in _without_letter(after or [])]
        return bool(said) and (said[0] in answers or self._context is not None or _no(rest, []) is not None)

    def _asked_noun(self, sentence: list[Token]) -> NounClass | None:
        """What a question with no answer in it asks for: "And his hair?"."""
        entries = [entry for at in range(len(sentence)) for _, es in self.words.at(sentence, at)[:1] for entry in es]
        nouns: list[NounClass] = [entry.value for entry in entries if entry.category == "N"]
        return nouns[-1] if nouns and nouns[-1].bare is None else None

    def _answered(self, sentence: list[Token]) -> list[Token]:
        """The sentence without the answer that it begins with, which settles what was asked before."""
        asked, self._asked = self._asked, []
        context, self._context = self._context, None
        asks = bool(sentence) and sentence[-1].normal[0] == "?" and len(sentence) <= 4
        self._open = asked if asks else []
        sentence = _without_letter(sentence)
        if len(sentence) > 1 and sentence[0].normal in QUOTES:
            sentence = sentence[1:]
        if not (asked or context) or not sentence:
            return sentence
        said = [token.normal for token in sentence]
        for answer in _ANSWERS:
            rest = answer(said, asked)
            if rest is not None:
                return sentence[rest:]
        if _knows_not(said):
            for fact in asked:
                self.scene.cancel(fact, "not known")
        elif context is not None:
            self._read(sentence, context)
            return []
        return sentence

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
        said = [token.normal for token in value if token.sort == "word"]
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
        self._read(value, noun)
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

    def _read(self, found: list[Token], context: NounClass | None = None) -> None:
        """Running text. context: what adjectives without a noun are said of."""
        if not found:
            return
        row, steps = parse(found, self._spans, self.words)
        self.steps += steps
        self.scene.context = context
        read_sentence(self.scene, row, self._position[found[0].start], [token.normal for token in found])
        self.scene.context = None


def _listed(sentence: list[Token]) -> list[Token]:
    """ "White male / 30s / beard": slashes with spaces part a list, if there are several."""
    places = [
        at for at, token in enumerate(sentence[:-1]) if token.normal == "/" and token.spaced and sentence[at + 1].spaced
    ]
    if len(places) < 2:
        return sentence
    return [token._replace(normal=",") if at in places else token for at, token in enumerate(sentence)]


def _is_doubted(value: list[Token], said: list[str]) -> bool:
    """ "Hat: ??", "Glasses: not known"."""
    if value[0].normal[0] == "?" or (said and said[0] in _DOUBT):
        return True
    return said[:1] == ["not"] and not _NOT_KNOWN.isdisjoint(said[1:2])


def _without_letter(sentence: list[Token]) -> list[Token]:
    """ "A. Yes" without the "A.", "Witness: He was bald" without "Witness:"."""
    while len(sentence) > 1 and sentence[0].normal in _LETTERS and sentence[1].normal in (".", ":"):
        sentence = sentence[2:]
    spoken = len(sentence) > 2 and sentence[0].normal in _SPEAKERS and sentence[1].normal == ":"
    if spoken and (sentence[2].normal in _YES | _NONE or not _TOLD.isdisjoint(each.normal for each in sentence)):
        return sentence[2:]
    return sentence


def _yes(said: Sequence[str], asked: list[Fact]) -> int | None:
    """ "Yes", "yes he did": how many words the answer has; None: it is none."""
    if said[0] not in _YES:
        return None
    for fact in asked:
        fact.certainty = 1.0
    return _length(said)


def _no(said: Sequence[str], asked: list[Fact]) -> int | None:
    if said[0] not in _NONE or not (len(said) == 1 or said[1] in _BEHIND_NO or not said[1].isalnum()):
        return None
    for fact in asked:
        fact.certainty = 1.0
        fact.node = negate(fact.node)
    return _length(said)


def _not_sure(said: Sequence[str], asked: list[Fact]) -> int | None:
    """ "Not sure", "maybe", "I think so", "probably not"."""
    if list(said[:2]) == ["probably", "not"]:
        for fact in asked:
            fact.node, fact.certainty = negate(fact.node), 0.8
        return 2
    likely = list(said[:3]) == ["i", "think", "so"] or (said[0] == "probably" and len(said) <= 2)
    if not likely and list(said[:2]) != ["not", "sure"] and said[0] not in ("unsure", "maybe", "perhaps", "possibly"):
        return None
    for fact in asked:
        fact.certainty = 0.8 if likely else 0.5
    return 3 if likely else len(said)


_ANSWERS: tuple[Callable[[Sequence[str], list[Fact]], int | None], ...] = (_yes, _no, _not_sure)


def _length(said: Sequence[str]) -> int:
    """How many words "yes, he did" has."""
    return next((at for at, word in enumerate(said) if at and word not in _BEHIND_ANSWER), len(said))


def _knows_not(said: Sequence[str]) -> bool:
    """ "Didn't see", "I don't know", "no idea"."""
    own = said[1:] if said[0] == "i" else said
    return list(said[:2]) == ["no", "idea"] or (
        len(own) > 1 and own[0] in ("did", "could", "do", "can", "would") and own[1] in ("n't", "not")
    )


def _is_letter(row: list[Token]) -> bool:
    """ "Q." and "A.", which say nothing."""
    return row[0].normal in _LETTERS and len(row) == 2 and row[1].normal in (".", ":")


def parse(sentence: list[Token], spans: list[Measure], words: Lexicon) -> tuple[list[Edge], int]:
    """The cheapest row of phrases that covers a sentence, and how many phrases were made."""
    measured: dict[int, tuple[int, Measure]] = {}
    for span in spans:
        inside = [at for at, token in enumerate(sentence) if span.start <= token.start < span.end]
        if inside:
            measured[inside[0]] = (inside[-1] + 1, span)
    chart = Chart(grammar(), terminals(sentence, measured, words))
    covers = chart.covers(price)
    return (covers[0][1] if covers else []), chart.steps
