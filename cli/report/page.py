"""A result as one self-contained page: a grid of faces with their scores, to look at, to print and to hand on.

Pictures are data: URIs, so that nothing is loaded from elsewhere (`cli.report.html_frame`). All text is escaped.
"""

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote_from_bytes

from cli.report import html_frame
from cli.report.tables import COST_MOST, LEAD, MARKS, asked_words, score_in_words
from cli.report.thumbnails import Thumbnail
from cli.terminal.console import printable
from facesearch.reliability import UNGRADED
from facesearch.search.ranking.explain import AskedProbability, whole_percent

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1280px; padding: 28px 32px 48px; background: #fff; color: #1d1f21;
  font: 14px/1.45 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
h1 { margin: 0; font-size: 24px; font-weight: 600; line-height: 1.25; overflow-wrap: anywhere; }
.kind { margin: 0 0 2px; color: #5d6368; }
header { border-bottom: 1px solid #c9cdd1; padding-bottom: 16px; display: flex; gap: 24px; }
header > div { flex: 1; min-width: 0; }
header > img, header > .none { width: 160px; height: 160px; flex: none; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 14px 0 0; }
dt { color: #5d6368; }
dd { margin: 0; overflow-wrap: anywhere; }
.lead { margin: 16px 0 20px; padding: 9px 14px; background: #fdf6e3; border-left: 4px solid #b58900; }
ol { list-style: none; margin: 0; padding: 0; display: grid; gap: 18px;
  grid-template-columns: repeat(auto-fill, minmax(188px, 1fr)); }
.hit { border: 1px solid #d9dcdf; border-radius: 6px; overflow: hidden; break-inside: avoid; background: #fff; }
.hit > img, .hit > .none { width: 100%; aspect-ratio: 1; }
.hit > img { display: block; background: #ececec; }
.none { display: flex; flex-direction: column; align-items: center; justify-content: center; gap: 6px; padding: 12px;
  background: #f3f4f5; color: #5d6368; text-align: center; font-size: 12px; overflow-wrap: anywhere; }
.none svg { width: 72px; }
.text { padding: 9px 12px 11px; }
.top { display: flex; justify-content: space-between; align-items: baseline; margin: 0 0 4px; }
.rank { color: #5d6368; }
.said { margin: 0; font-size: 12px; color: #5d6368; text-align: right; }
.score { font-size: 17px; font-weight: 600; font-variant-numeric: tabular-nums; }
table { width: 100%; border-collapse: collapse; margin: 0 0 6px; }
td { padding: 1px 0; vertical-align: baseline; overflow-wrap: anywhere; }
td:last-child { text-align: right; white-space: nowrap; padding-left: 8px; font-variant-numeric: tabular-nums; }
.name { margin: 0; font-size: 12px; overflow-wrap: anywhere; }
.name a { color: #1f4e8c; text-decoration: none; }
.name a:hover { text-decoration: underline; }
.whole { margin: 0 0 20px; }
.whole > img { display: block; max-width: 100%; margin-bottom: 4px; }
.whole > .none { max-width: 360px; height: 160px; }
h2 { margin: 0 0 12px; font-size: 17px; font-weight: 600; }
h3 { margin: 0 0 4px; font-size: 13px; color: #5d6368; }
.panels { columns: 3 300px; column-gap: 32px; margin-bottom: 20px; }
.panels > div { break-inside: avoid; margin-bottom: 14px; }
.panels td:nth-child(3) { text-align: right; white-space: nowrap; width: 52px; font-variant-numeric: tabular-nums; }
.panels td:last-child { width: 26px; color: #5d6368; }
.panels td:first-child { white-space: nowrap; }
.panels .bar { width: 38%; padding-left: 8px; vertical-align: middle; }
.panels svg { width: 100%; height: 8px; display: block; background: #ececec; fill: #3b6ea5; }
.words small { color: #5d6368; white-space: nowrap; }
.fits td:last-child { color: #1b6e33; }
.unsure td:last-child { color: #8a5a00; }
.fits-not td:last-child { color: #b3261e; }
.not-needed td { color: #5d6368; }
.cost td { font-weight: 600; }
.dim { opacity: .6; }
.small { margin: 2px 0 0; font-size: 11px; color: #5d6368; overflow-wrap: anywhere; }
@media print {
  body { max-width: none; padding: 0; font-size: 11px; }
  ol { grid-template-columns: repeat(5, 1fr); gap: 10px; }
  .lead { background: #fff; border: 1px solid #777; border-left-width: 4px; }
  .name a { color: inherit; }
  .dim { opacity: .75; }
}
"""
_PLACEHOLDER = (
    '<svg viewBox="0 0 64 64" fill="none" stroke="#9aa0a6" stroke-width="2" aria-hidden="true">'
    '<circle cx="32" cy="24" r="12"/><path d="M10 58c0-13 9-20 22-20s22 7 22 20"/><path d="M8 8l48 48"/></svg>'
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A face to show. photo: bytes of its absolute path, name: the same as text; notes: small print."""

    thumbnail: Thumbnail
    photo: bytes
    name: str
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Card:
    """One hit. asked: each thing asked for. dim: it stands back behind the others. searched: how much of what was said
    is searched, fits: how many of it fit, in words. behind: it lacks what must hold, so it stands behind all others."""

    rank: int
    score: float
    asked: Sequence[AskedProbability]
    picture: Picture
    dim: bool = False
    searched: str = ""
    fits: str = ""
    behind: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """An attribute of the face in question. p: probability, 0..1; grade: A to D, None for unknown."""

    words: str
    p: float
    grade: str | None


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars under a title."""

    title: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Page:
    """kind: what was looked for, in general; title: in particular. facts: label and text, shown above the hits.

    score: what the number on each card is. probe: the face in question, if there is one, photo: the whole photo that it
    is in, and panels: its attributes. hits_title: stands above the cards; empty: is said where there is none; behind:
    stands above the cards of those that stand behind all others.
    """

    kind: str
    title: str
    score: str
    facts: Sequence[tuple[str, str]]
    probe: Picture | None = None
    photo: Picture | None = None
    empty: str = ""
    panels: Sequence[Panel] = ()
    hits_title: str = ""
    behind: str = ""


def write_page(write: Callable[[bytes], object], page: Page, cards: Iterable[Card]) -> None:
    """Write the page, card by card, through `write`."""
    for part in _parts(page, cards):
        write(part.encode("utf-8", "replace"))


def _parts(page: Page, cards: Iterable[Card]) -> Iterable[str]:
    facts = "".join(f"<dt>{_text(label)}</dt><dd>{_text(text)}</dd>" for label, text in page.facts)
    title = f"<h2>{_text(page.hits_title)}</h2>\n" if page.hits_title else ""
    yield (
        f"{html_frame.beginning(_text(page.title), _STYLE, pictures=True)}"
        f'<header>\n<div>\n<p class="kind">{_text(page.kind)}</p>\n<h1>{_text(page.title)}</h1>\n'
        f"<dl>{facts}</dl>\n</div>\n"
        f"{_picture(page.probe, 'The face in question') if page.probe else ''}</header>\n"
        f'<p class="lead">{_text(LEAD)}</p>\n{_whole(page.photo)}{_panels(page.panels)}{title}<ol>\n'
    )
    none, behind = True, False
    for card in cards:
        none = False
        if card.behind and not behind:
            behind = True
            yield f"</ol>\n<h2>{_text(page.behind)}</h2>\n<ol>\n"
        yield _card(card, page.score)
    yield "</ol>\n"
    if none:
        yield f"<p>{_text(page.empty)}</p>\n"
    yield html_frame.END


def _whole(photo: Picture | None) -> str:
    if photo is None:
        return ""
    notes = "".join(f" {_text(note)}" for note in photo.notes)
    return (
        f'<figure class="whole">{_picture(photo, "The whole photo")}'
        f'<figcaption class="name">{_link(photo)}{notes}</figcaption></figure>\n'
    )


def _link(picture: Picture) -> str:
    address = "file://" + quote_from_bytes(picture.photo)
    return f'<a href="{escape(address)}">{_text(picture.name)}</a>'


def _panels(panels: Sequence[Panel]) -> str:
    if not panels:
        return ""
    shown = "".join(
        f"<div><h3>{_text(each.title)}</h3><table>{''.join(map(_bar, each.bars))}</table></div>" for each in panels
    )
    return f'<section class="panels">{shown}</section>\n'


def _bar(bar: Bar) -> str:
    width = round(bar.p * 100, 1)
    return (
        f"<tr><td>{_text(bar.words)}</td>"
        f'<td class="bar"><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{width}" height="10"/></svg></td>'
        f"<td>{whole_percent(bar.p)} %</td><td>{_text(bar.grade or UNGRADED)}</td></tr>"
    )


def _card(card: Card, score: str) -> str:
    picture = card.picture
    rows = "".join(map(_asked, asked_words(card.asked), card.asked))
    table = f'<table class="words">{rows}</table>' if rows else ""
    notes = "".join(f'<p class="small">{_text(note)}</p>' for note in picture.notes)
    said = "".join(f'<p class="said">{_text(each)}</p>' for each in (card.searched, card.fits) if each)
    return (
        f'<li class="hit{" dim" if card.dim else ""}">{_picture(picture, f"Face {card.rank}")}<div class="text">'
        f'<p class="top"><span class="rank">{card.rank}.</span>'
        f'<span class="score" title="{_text(score)}">{escape(score_in_words(card.score))}</span></p>'
        f'{said}{table}<p class="name">{_link(picture)}</p>{notes}</div></li>\n'
    )


def _asked(words: str, asked: AskedProbability) -> str:
    kind = asked.mark.name.lower().replace("_", "-")
    cost = f'&nbsp;<small title="cost the score most">{COST_MOST}</small>' if asked.cost_most else ""
    return (
        f'<tr class="{kind}{" cost" if asked.cost_most else ""}"><td>{_text(words)}{cost}</td>'
        f'<td title="{asked.mark.value}">{asked.percent} % {MARKS[asked.mark]}</td></tr>'
    )


def _picture(picture: Picture, alt: str) -> str:
    if picture.thumbnail.jpeg is None:
        return f'<div class="none">{_PLACEHOLDER}<span>{_text(picture.thumbnail.reason)}</span></div>'
    data = base64.b64encode(picture.thumbnail.jpeg).decode()
    return f'<img alt="{_text(alt)}" src="data:image/jpeg;base64,{data}">'


def _text(text: str) -> str:
    return escape(printable(text))
