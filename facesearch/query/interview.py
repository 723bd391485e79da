"""Questions and answers: who speaks in a transcript, what is asked, and what an answer makes of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from facesearch.query.lexicon import Lexicon, NounClass
from facesearch.query.reading import HAIR_COLOURS, reading_of
from facesearch.query.scene import Fact, Scene
from facesearch.query.tokens import QUOTES, Token, word_set
from facesearch.query.tree import negate

_LETTERS = frozenset(("q", "a"))
_ASK = word_set(
    "q question interviewer dispatch dispatcher operator control officer pc constable detective dc ds sgt deputy "
    "counsel prosecutor prosecution defence defense court judge handler"
)
_ANSWER = word_set("a answer caller witness interviewee complainant victim informant me reporter rp deponent")
_LONGEST_TAG = 3
_SPEAKERS = word_set("witness interviewer interviewee officer caller victim complainant")
_TOLD = word_set("i we he she they it was were had has is saw the my said")
"""Words of running text, as in "Witness: He was bald"."""


def tags(found: Sequence[Token], words: Lexicon) -> list[tuple[int, int]]:
    """Where the tags of a transcript ("Q.", "Dispatch:", "THE WITNESS:") begin and end; none in any other text."""
    asked = any(token.normal[0] == "?" for token in found)
    places = list(_tags(found))
    keys = Counter(_key(found, place) for place in places)
    known = {key for key in keys if key[-1] in _ASK | _ANSWER}
    if not asked or len(keys) < 2 or not (known or max(keys.values()) > 1):
        return []
    fields = {key for key in keys if words.fields.get(key, "bystander") != "bystander"}
    return [place for place in places if _key(found, place) not in fields - known]


def _key(found: Sequence[Token], place: tuple[int, int]) -> tuple[str, ...]:
    return tuple(token.normal for token in found[place[0] : place[1]] if token.sort == "word")


def _tags(found: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Few words with a colon, where a sentence begins; and "Q." or "A."."""
    for at, token in enumerate(found):
        before = found[at - 1] if at else None
        opens = before is None or before.sort == "line" or before.normal[0] in ".?!/" or before.normal in QUOTES
        end = _tag_end(found, at) if opens and token.sort == "word" else 0
        if end:
            yield (at - 1 if before is not None and before.normal == "/" else at), end


def _tag_end(found: Sequence[Token], at: int) -> int:
    """Where the tag ends that begins at `at`; 0: none does."""
    token = found[at]
    if token.normal in _LETTERS and token.typed.isupper() and any(_is_mark(found, at + 1, mark) for mark in ".:"):
        return at + 2
    colon = next((end for end in range(at + 1, at + _LONGEST_TAG + 3) if _is_mark(found, end, ":")), at)
    inside = found[at:colon]
    plain = all(each.sort in ("word", "number") or each.normal == "." for each in inside)
    short = 0 < sum(each.sort == "word" for each in inside) <= _LONGEST_TAG
    return colon + 1 if plain and short else 0


def _is_mark(found: Sequence[Token], at: int, mark: str) -> bool:
    return at < len(found) and found[at].normal == mark


def prompts(found: Sequence[Token], places: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Where it stands what somebody is asked openly ("Q: What do you remember of the hair?"): no witness has said it.
    places: of the tags."""
    for (start, begins), (end, _) in pairwise([*places, (len(found), len(found))]):
        said = [token.normal for token in found[begins:end] if token.sort == "word"]
        asks = not _ASK.isdisjoint(_key(found, (start, begins))[-1:])
        if asks and (_asks_what(said) or said[:1] == ["tell"]):
            yield begins, end


def without(found: Sequence[Token], places: Sequence[tuple[int, int]]) -> list[Token]:
    """The tokens with each tag as the end of a line."""
    inside = {at for start, end in places for at in range(start, end)}
    return [token._replace(normal="\n", sort="line") if at in inside else token for at, token in enumerate(found)]


def without_speaker(sentence: list[Token]) -> list[Token]:
    """ "A. Yes" without the "A.", "Witness: He was bald" without "Witness:"."""
    while len(sentence) > 1 and sentence[0].normal in _LETTERS and sentence[1].normal in (".", ":"):
        sentence = sentence[2:]
    spoken = len(sentence) > 2 and sentence[0].normal in _SPEAKERS and sentence[1].normal == ":"
    told = spoken and not _TOLD.isdisjoint(each.normal for each in sentence)
    if spoken and (told or sentence[2].normal in _YES | _NO):
        return sentence[2:]
    return sentence


# --- questions ---


class Question(NamedTuple):
    """What was asked. facts: what it names and is not answered yet; noun: what it asks for ("his hair?"); ages: it asks
    how old somebody is; open: it asks what, and not whether; personal: it asks a reader ("have you seen this man?");
    listed: it stands at the end of a list ("bald, hat, beard?"); plain: it has no adjective."""

    facts: tuple[Fact, ...]
    noun: NounClass | None
    ages: bool
    open: bool
    personal: bool
    listed: bool
    plain: bool


_BEARD = reading_of("beard").node
_WHAT = word_set("what how which describe description where who when why")
_KIND = word_set("colour color kind sort type style length like")
"""Words that ask for more of what was named before."""
_PERSONAL = word_set("you anyone anybody who")
_AGED = word_set("old age aged")


def question(scene: Scene, sentence: list[Token], words: Lexicon, before: Sequence[Fact]) -> Question:
    """What a sentence asks that has just been read. before: what questions before it have asked, not answered yet."""
    said = [token.normal for token in sentence]
    here = [fact for _, fact in scene.clause.facts_here]
    wide = _asks_what(said)
    named = _named(scene, here, wide, len(said))
    entries = [entry for at in range(len(sentence)) for _, found in words.at(sentence, at)[:1] for entry in found]
    noun = _asked_noun(scene, [entry.value for entry in entries if entry.category == "N"], named, wide, said)
    if wide and not _KIND.isdisjoint(said) and noun is not None and noun.name == "beard":
        scene.kind_asked = [fact for fact in scene.used_facts() if fact.kind == "beard" and fact.node == _BEARD]
    return Question(
        facts=() if wide else (*before, *named),
        noun=noun,
        ages=not _AGED.isdisjoint(said) and (wide or len(said) <= _SHORT),
        open=wide or "or" in said,
        personal=not _PERSONAL.isdisjoint(said),
        listed="," in said,
        plain=all(entry.category != "A" for entry in entries),
    )


def _named(scene: Scene, here: Sequence[Fact], wide: bool, words: int) -> list[Fact]:
    """What a question asks of that it names itself; "what beard did he have?" (wide) names nothing that is known."""
    named = [fact for fact in here if fact.kind != "person"]
    if not wide:
        return named or (list(here) if words <= _SHORT + 2 else [])
    for fact in named:
        scene.cancel(fact, "not known")
    return []


def is_supposed(sentence: Sequence[Token]) -> bool:
    """ "Um, brown I think?": an answer with a question mark."""
    said = [token.normal for token in sentence]
    return said[-1:] == ["?"] and 1 < len(said) <= _SUPPOSED and _INVERTED.isdisjoint(said)


_SUPPOSED = 8
_INVERTED = word_set("what how which who where when why did was is were does do had has have can could any you and or")


def _asks_what(said: Sequence[str]) -> bool:
    """ "What colour was his hair?"; but "what about glasses?", "was he wearing what you call a beanie?"."""
    at = next((at for at, word in enumerate(said) if word in _WHAT), None)
    return at is not None and said[at + 1 : at + 2] != ["about"] and not {"did", "was", "is"} & set(said[:at])


def _asked_noun(
    scene: Scene, nouns: list[NounClass], named: list[Fact], wide: bool, said: Sequence[str]
) -> NounClass | None:
    """What an answer without a noun is said of."""
    if nouns and (nouns[0].bare is None or wide):
        return nouns[0]
    if wide:
        return None if _KIND.isdisjoint(said) else scene.last_noun
    if not named:
        return None
    kind = "hair" if named[-1].node.attributes <= HAIR_COLOURS else named[-1].kind  # "Blonde? No, dark."
    return scene.words.nouns.get(kind)


# --- answers ---


class Answer(NamedTuple):
    """What an answer makes of what was asked. certainty: 0 where it is not known; length: its words."""

    certainty: float
    denied: bool
    length: int


_YES = word_set(
    "yes y yeah yep yup aye some present completely definitely certainly absolutely totally affirmative correct "
    "sure right"
)
_NO = word_set("no n none nil nope nah nowt negative nothing never")
_FILLERS = word_set("well er erm um uh oh okay ok ah so and hmm mm like sir ma'am maam madam miss mate guv love ,")
_SUBJECTS = word_set("he she it they i there")
_AUXILIARIES = word_set("did was had is does were has have do could would 'd might ca can")
_TAILS = _SUBJECTS | _AUXILIARIES | word_set("n't not sir ma'am maam madam miss mate guv officer love indeed , .")
_SHORT = 4
_HEDGED: tuple[tuple[tuple[str, ...], float, bool], ...] = tuple(
    (tuple(phrase.split()), certainty, denied)
    for certainty, denied, phrases in (
        (0.8, True, "i do n't think so/i do n't believe so/do n't think so/probably not/i think not/i doubt it"),
        (0.8, True, "not that i saw/not that i could see/not that i noticed/not that i remember/not that i recall"),
        (
            0.8,
            False,
            "i think so/i believe so/i 'd say so/think so/probably/i would think so/i 'd say yes/pretty sure/"
            "i want to say yes/i 'd have to say yes/i would have to say yes/i have to say yes",
        ),
        (0.8, True, "i want to say no/i 'd say no/i would say no/i 'd have to say no/i would have to say no"),
        (0.5, True, "maybe not/perhaps not/possibly not"),
        (0.0, False, "hard to say/hard to tell"),
        (0.8, True, "no , i think/no i think"),
        (0.8, False, "yes , i think/yes i think"),
        (0.5, False, "not sure/unsure/maybe/perhaps/possibly/might have/might have been/could have been/could be"),
    )
    for phrase in phrases.split("/")
)
_STRESSING = word_set("really just honestly")
_NOT_KNOWN = word_set("know say tell remember recall see notice sure idea look tell catch")


def answer(said: Sequence[str]) -> Answer | None:
    """What the words at the beginning of a sentence answer; None: they are no answer to whether something is so."""
    start = next((at for at, word in enumerate(said) if word not in _FILLERS), len(said))
    rest = said[start:]
    if not rest:
        return None
    for phrase, certainty, denied in _HEDGED:
        if tuple(rest[: len(phrase)]) == phrase and (len(phrase) > 1 or len(rest) <= 2):
            return Answer(certainty, denied, start + len(phrase))
    if rest[0] in _YES:
        return Answer(1.0, False, start + _length(rest))
    if _denies(rest):
        return Answer(1.0, True, start + _length(rest))
    return _short_answer(rest, start)


def _denies(rest: Sequence[str]) -> bool:
    """ "No", "no, he did not"; but not "no beard"."""
    if rest[0] not in _NO:
        return False
    behind = rest[1] if len(rest) > 1 else ""
    return not behind.isalnum() or behind in _TAILS or behind in ("just", "only", "but", "nothing", "none")


def _short_answer(rest: Sequence[str], start: int) -> Answer | None:
    """ "He did", "he was not", "I don't know", "couldn't tell you"."""
    own = [word for word in (rest[1:] if rest[0] in _SUBJECTS else rest) if word not in _STRESSING]
    helps = bool(own) and own[0] in _AUXILIARIES
    negative = len(own) > 1 and own[1] in ("n't", "not")
    doubt = not _NOT_KNOWN.isdisjoint(own[2:5] if negative else own[1:3])
    if list(own[:2]) == ["no", "idea"] or (
        helps and negative and doubt and (rest[0] == "i" or rest[0] not in _SUBJECTS)
    ):
        return Answer(0.0, False, 0)
    alone = all(word in _TAILS for word in rest)
    if helps and alone and rest[0] in _SUBJECTS:
        return Answer(1.0, negative, start + len(rest))
    return None


def _length(said: Sequence[str]) -> int:
    """How many words "yes, he did" has."""
    end = next((at for at, word in enumerate(said) if at and word not in _TAILS), len(said))
    if end == len(said):
        return end
    while end > 1 and said[end - 1] in _SUBJECTS | _AUXILIARIES | {"n't", "not"}:
        end -= 1  # the subject of what follows: "no, he had a full beard"
    return end


def settle(scene: Scene, asked: Question, found: Answer) -> None:
    """What was asked is so, or not, or not known."""
    for fact in asked.facts:
        if not found.certainty:
            scene.cancel(fact, "not known")
            continue
        fact.certainty = found.certainty
        if found.denied:
            fact.node = negate(fact.node)
