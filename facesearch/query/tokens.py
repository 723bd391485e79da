"""What a description is made of before its grammar is read."""

from dataclasses import dataclass
from enum import Enum, auto

from facesearch.query.entries import Entry
from facesearch.query.numbers import Bound
from facesearch.query.photo_filters import Condition


class Kind(Enum):
    TERM = auto()
    GROUP = auto()
    PERSON = auto()  # "someone": asks for nothing
    PRONOUN = auto()
    COMMA = auto()
    AND = auto()
    WITH = auto()
    OR = auto()
    NOR = auto()
    NOT = auto()
    DASH = auto()
    HEDGE = auto()  # "maybe", or "?" behind what it hedges
    YES = auto()  # an answer, which `forms` takes out
    FIELD = auto()  # "Sex:", the name of a field that asks for nothing; `forms` takes it out
    UNSURE = auto()  # "don't remember": refused before it becomes a token
    CERTAINTY = auto()  # ":0.7"
    BOUND = auto()  # ">0.8"
    PHOTO = auto()  # "folder:holiday"
    OPEN = auto()
    CLOSE = auto()


@dataclass(frozen=True)
class Token:
    """`position`: of its first character in the text; `end`: behind its last; `shown`: the text as typed, in one line.

    entry: what a TERM means. field: it is the name of a field of a form, or is asked for and answered ("Hair: brown",
    "Glasses? Yes"). touches: no word, not even a filler, stands between it and the token before. apart: a verb, a
    pronoun or the like stands between. predicate: a verb or "in" stands between, which says it of what stands before
    ("he is white, short hair", "a man in black, long hair"). adjectives: words before it that are not scored, as in
    "long beard". certainty: of a HEDGE or CERTAINTY. bound: of a BOUND. photo: of a PHOTO.
    """

    kind: Kind
    position: int
    end: int
    shown: str
    entry: Entry | None = None
    field: bool = False
    touches: bool = False
    apart: bool = False
    predicate: bool = False
    adjectives: tuple[str, ...] = ()
    certainty: float = 1.0
    bound: Bound | None = None
    photo: Condition | None = None

    @property
    def typed(self) -> bool:
        """It stands in the text, and was not put in to end a field."""
        return self.end > self.position


def token(
    kind: Kind,
    text: str,
    start: int,
    end: int,
    *,
    entry: Entry | None = None,
    certainty: float = 1.0,
    bound: Bound | None = None,
    photo: Condition | None = None,
) -> Token:
    """The token that `text` holds from `start` to `end`."""
    shown = " ".join(text[start:end].split())
    return Token(kind, start, end, shown, entry, certainty=certainty, bound=bound, photo=photo)
