"""A result as one self-contained page: a grid of faces with their scores, to look at, to print and to hand on.

These are the values that the templates show (`cli.report.templating`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote_from_bytes

from cli.report import templating
from cli.report.network import NetworkAbout
from cli.report.tables import COST_MOST, MARKS, asked_words
from cli.report.thumbnails import Thumbnail
from db.values.case import Mark
from facesearch.reliability import UNGRADED
from facesearch.search.ranking.explain import AskedProbability, whole_percent


@dataclass(frozen=True, slots=True)
class Picture:
    """A face to show. photo: bytes of its absolute path, name: the same as text; notes: small print."""

    thumbnail: Thumbnail
    photo: bytes
    name: str
    notes: Sequence[str]

    @property
    def address(self) -> str:
        """A link that opens the photo."""
        return "file://" + quote_from_bytes(self.photo)


@dataclass(frozen=True, slots=True)
class Word:
    """Something asked for, beside a hit. kind: class of its line; cost: its sign where it cost the score most; shown:
    the probability with its mark; meaning: of the mark."""

    words: str
    kind: str
    cost: str
    shown: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Card:
    """A face in a report. heading: its rank or number; alt: what its picture shows, in words; score: None where it has
    none here, score_kind: what that is. said: how much of what was said is searched, how many words fit, and how many
    others fit as well. whole: the photo that it is in. behind: it lacks what must hold, so it stands behind all others.
    anchor: its name within the page. marks: what reviewers said."""

    heading: str
    alt: str
    picture: Picture
    score: float | None = None
    score_kind: str = ""
    words: Sequence[Word] = ()
    said: Sequence[str] = ()
    whole: Thumbnail | None = None
    unlikely: bool = False
    behind: bool = False
    anchor: str = ""
    marks: Sequence[Mark] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """An attribute of the face in question. p: probability, 0..1; grade: A to D, None for unknown."""

    words: str
    p: float
    grade: str | None

    @property
    def width(self) -> float:
        return round(self.p * 100, 1)

    @property
    def percent(self) -> int:
        return whole_percent(self.p)

    @property
    def shown_grade(self) -> str:
        return self.grade or UNGRADED


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars under a title."""

    title: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Page:
    """kind: what was looked for, in general; title: in particular. facts: label and text, shown above the hits.

    probe: the face in question, if there is one, photo: the whole photo that it is in, and panels: its attributes.
    hits_title: stands above the cards; empty: is said where there is none; behind: stands above the cards of those that
    stand behind all others. network: what is said of the network. footer: stands on each printed page.
    """

    kind: str
    title: str
    facts: Sequence[tuple[str, str]]
    probe: Picture | None = None
    photo: Picture | None = None
    empty: str = ""
    panels: Sequence[Panel] = ()
    hits_title: str = ""
    behind: str = ""
    network: NetworkAbout | None = None
    footer: str = field(default="")


def write_page(write: Callable[[bytes], object], page: Page, cards: Iterable[Card]) -> None:
    """Write the page, card by card, through `write`."""
    templating.write(
        write,
        "sheet.html",
        style="report.css",
        footer=page.footer,
        pictures=True,
        title=page.title,
        page=page,
        cards=cards,
    )


def words_of(asked: Sequence[AskedProbability]) -> list[Word]:
    """A line for each thing asked for."""
    return [
        Word(
            words,
            each.mark.name.lower().replace("_", "-"),
            COST_MOST if each.cost_most else "",
            f"{each.percent} % {MARKS[each.mark]}",
            each.mark.value,
        )
        for words, each in zip(asked_words(asked), asked, strict=True)
    ]
