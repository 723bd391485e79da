"""Charts as inline SVG, by plain functions: nothing is loaded, nothing runs, and all text is escaped.

Colours and fonts come from the page's style sheet (STYLE), by class; only the heatmap's cells carry their own.
"""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from facesearch.training.metrics import Reliability

Floats = NDArray[np.float64]

STYLE = """
svg { display: block; }
svg text { font: 11px system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; fill: #4a4f54; }
svg .axis { stroke: #9aa0a6; fill: none; }
svg .grid { stroke: #e3e5e8; fill: none; }
svg .ideal { stroke: #9aa0a6; stroke-dasharray: 3 3; fill: none; }
svg .count { fill: #d5dbe1; }
svg .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg .gap { stroke-width: 1.5; stroke: #d1793b; }
svg .dot { fill: #1f5fa8; stroke: #fff; stroke-width: 1; }
svg .few { fill: #9db9d8; stroke: #fff; stroke-width: 1; }
svg .baseline { fill: #cfd5db; }
svg .gained { fill: #1f5fa8; }
svg .lost { fill: #c0392b; }
svg .paper { fill: #e08a1e; }
svg .c0 { stroke: #1d1f21; fill: #1d1f21; } svg .c1 { stroke: #1f5fa8; fill: #1f5fa8; }
svg .c2 { stroke: #c0392b; fill: #c0392b; } svg .c3 { stroke: #2e8b57; fill: #2e8b57; }
svg .c4 { stroke: #8e5bb5; fill: #8e5bb5; } svg .c5 { stroke: #b8860b; fill: #b8860b; }
svg .line.c0, svg .line.c1, svg .line.c2, svg .line.c3, svg .line.c4, svg .line.c5 { fill: none; }
svg text.c0, svg text.c1, svg text.c2, svg text.c3, svg text.c4, svg text.c5 { stroke: none; }
svg .bound { stroke: #6b7177; stroke-width: .8; fill: none; }
svg text.group { font-weight: 600; fill: #1d1f21; }
"""

_FEW = 10
"""Bins with fewer faces than this are drawn pale: their share of positives is mostly chance."""


def reliability_diagram(bins: Reliability, row: int, title: str, side: int = 150) -> str:
    """What was said against what was true, with the gaps to the diagonal; below, in grey, the square root of how many
    faces fall into each bin (most attributes are rare: on a plain scale only the first bin would show)."""
    left, low, plot = 22, 16, side - 30
    top = side - low - plot

    def x(value: float) -> float:
        return left + plot * value

    def y(value: float) -> float:
        return top + plot * (1 - value)

    faces, said, true = bins.faces[row], bins.said[row], bins.true[row]
    count, most = len(faces), float(np.sqrt(faces.max())) or 1.0
    parts = [f'<path class="grid" d="{_frame(x(0), y(1), plot)}"/>']
    for number in range(count):
        if faces[number]:
            height = 0.3 * float(np.sqrt(faces[number])) / most
            parts.append(_rect(x(number / count) + 0.5, y(height), plot / count - 1, plot * height, "count"))
    parts.append(f'<path class="ideal" d="M{_n(x(0))} {_n(y(0))}L{_n(x(1))} {_n(y(1))}"/>')
    for number in range(count):
        if faces[number]:
            at, has = float(said[number]), float(true[number])
            words = f"said {at:.3f}, true {has:.3f}, {faces[number]:,.0f} faces"
            line = f'<path class="gap" d="M{_n(x(at))} {_n(y(at))}V{_n(y(has))}"/>'
            kind = "dot" if faces[number] >= _FEW else "few"
            dot = f'<circle class="{kind}" cx="{_n(x(at))}" cy="{_n(y(has))}" r="3"/>'
            parts.append(f"<g><title>{words}</title>{line}{dot}</g>")
    for value, words in ((0.0, "0"), (0.5, ".5"), (1.0, "1")):
        parts.append(_text(x(value), side - 4, words, "middle"))
        parts.append(_text(left - 4, y(value) + 4, words, "end"))
    return _svg(side, side, title, parts, fluid=True)


def bar(value: float, baseline: float, other: float | None, start: float, title: str) -> str:
    """One attribute's accuracy as a bar that fills its cell: grey up to the baseline, then what is gained over it (or,
    in red, what is lost), and a mark at what others reached. All are fractions; the axis runs from `start` to 1."""

    def x(at: float) -> float:
        return 100 * (max(at, start) - start) / (1 - start)

    parts = [
        f'<path class="grid" d="M{_n(x(at / 100))} 0V10" vector-effect="non-scaling-stroke"/>'
        for at in range(round(100 * start) + 10, 100, 10)
    ]
    low, high = sorted((x(baseline), x(value)))
    parts.append(_rect(0, 2, low, 6, "baseline"))
    parts.append(_rect(low, 2, high - low, 6, "gained" if value >= baseline else "lost"))
    if other is not None:
        parts.append(_rect(x(other) - 0.25, 0, 0.7, 10, "paper"))
    label = escape(title)
    return (
        f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f"<title>{label}</title>{''.join(parts)}</svg>"
    )


def line_chart(
    labels: Sequence[str], lines: Mapping[str, Sequence[float]], title: str, digits: int, least: float, most: float
) -> str:
    """Values over a few ordered labels, a line for each name (named beside it when there are several).

    least, most: what the axis must reach at least; it grows with the values. nan breaks a line.
    """
    many = len(lines) > 1
    width, height, left, right, top, low = 300, 190, 44, 14, 12, 24
    values = np.array([value for line in lines.values() for value in line if np.isfinite(value)])
    if len(values):
        least, most = min(least, float(values.min())), max(most, float(values.max()))
    ticks = _ticks(least, most)
    least, most = ticks[0], ticks[-1]

    def x(number: int) -> float:
        return left + 12 + (width - left - right - 24) * number / max(1, len(labels) - 1)

    def y(value: float) -> float:
        return top + (height - top - low) * (most - value) / (most - least)

    parts = []
    for tick in ticks:
        parts.append(f'<path class="grid" d="M{left} {_n(y(tick))}H{width - right}"/>')
        parts.append(_text(left - 5, y(tick) + 4, f"{tick:.{_digits(ticks[1] - ticks[0])}f}", "end"))
    parts += [_text(x(number), height - 7, label, "middle") for number, label in enumerate(labels)]
    for number, (name, line) in enumerate(lines.items()):
        colour = f"c{number if many else 1}"
        steps = [
            f"{'L' if at and np.isfinite(line[at - 1]) else 'M'}{_n(x(at))} {_n(y(value))}"
            for at, value in enumerate(line)
            if np.isfinite(value)
        ]
        parts.append(f'<path class="line {colour}" d="{"".join(steps)}"/>' if steps else "")
        for at, value in enumerate(line):
            if np.isfinite(value):
                words = f"{name}, {labels[at]}: {value:.{max(digits, 1)}f}"
                dot = f'<circle class="{colour}" cx="{_n(x(at))}" cy="{_n(y(value))}" r="3"/>'
                parts.append(f"<g><title>{escape(words)}</title>{dot}</g>")
    return _svg(width, height, title, parts)


def legend(names: Sequence[str]) -> str:
    """Which colour is whose, for `line_chart` of several lines."""
    parts = [
        f'<span><svg width="22" height="10" aria-hidden="true"><path class="line c{number}" d="M0 5H22"/></svg>'
        f"{escape(name)}</span>"
        for number, name in enumerate(names)
    ]
    return f'<p class="legend">{"".join(parts)}</p>'


def heatmap(values: Floats, names: Sequence[str], groups: Mapping[str, int], title: str) -> str:
    """A square matrix of values around 0, red above and blue below, in the order given.

    names: of rows and columns alike. groups: how many neighbours belong to each, by name; lines are drawn between them.
    """
    cell, left, top, right = 15, 136, 136, 84
    count = len(names)
    side, most = cell * count, float(np.abs(values).max()) or 1.0
    parts = []
    for row in range(count):
        for column in range(count):
            value = float(values[row, column])
            words = f"{names[row]} from {names[column]}: {value:+.3f}"
            parts.append(
                f'<rect x="{left + cell * column}" y="{top + cell * row}" width="{cell}" height="{cell}" '
                f'fill="{diverging(value / most)}"><title>{escape(words)}</title></rect>'
            )
    for number, name in enumerate(names):
        middle = cell * number + cell / 2
        parts.append(_text(left - 5, top + middle + 4, name, "end"))
        place = f"{_n(left + middle + 4)} {top - 5}"
        parts.append(f'<text transform="translate({place}) rotate(-90)">{escape(name)}</text>')
    start = 0
    for group, size in groups.items():
        parts.append(_text(left + side + 6, top + cell * (start + size / 2) + 4, group, "start", "group"))
        start += size
        if start < count:
            at = cell * start
            parts.append(f'<path class="bound" d="M{left} {top + at}h{side}M{left + at} {top}v{side}"/>')
    parts.append(f'<path class="axis" d="{_frame(left, top, side)}"/>')
    return _svg(left + side + right, top + side + 2, title, parts)


def colour_scale(values: Floats) -> str:
    """What the heatmap's colours mean."""
    most = float(np.abs(values).max()) or 1.0
    steps = [_rect(60 + 8 * i, 2, 8, 12, "", diverging((i - 12) / 12)) for i in range(25)]
    words = [
        _text(54, 12, f"{-most:.3f}", "end"),
        _text(160, 28, "0", "middle"),
        _text(266, 12, f"+{most:.3f}", "start"),
    ]
    return _svg(320, 32, f"colours from {-most:.3f} (blue) over 0 (white) to {most:+.3f} (red)", [*steps, *words])


def diverging(value: float) -> str:
    """A colour for -1..1: blue below 0, white at 0, red above."""
    end = (178, 24, 43) if value > 0 else (33, 102, 172)
    strength = min(1.0, abs(value)) ** 0.8  # small departures stay visible
    return "#" + "".join(f"{round(255 + (c - 255) * strength):02x}" for c in end)


def _ticks(least: float, most: float) -> list[float]:
    """Round numbers from below `least` to above `most`, four to six of them."""
    span = max(most - least, 1e-9)
    step = 10.0 ** np.floor(np.log10(span / 4))
    step = next(float(step * k) for k in (1, 2, 5, 10) if span / (step * k) <= 5)
    first, last = int(np.floor(least / step + 1e-9)), int(np.ceil(most / step - 1e-9))
    return [step * number for number in range(first, max(last, first + 1) + 1)]


def _digits(step: float) -> int:
    """Decimals that tell multiples of `step` apart."""
    return max(0, -int(np.floor(np.log10(step) + 1e-9)))


def _frame(x: float, y: float, side: float) -> str:
    return f"M{_n(x)} {_n(y)}h{_n(side)}v{_n(side)}h{_n(-side)}z"


def _rect(x: float, y: float, width: float, height: float, css: str, fill: str = "") -> str:
    paint = f' class="{css}"' if css else f' fill="{fill}"'
    return f'<rect{paint} x="{_n(x)}" y="{_n(y)}" width="{_n(max(width, 0))}" height="{_n(max(height, 0))}"/>'


def _text(x: float, y: float, words: str, anchor: str, css: str = "") -> str:
    kind = f' class="{css}"' if css else ""
    return f'<text{kind} x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}">{escape(words)}</text>'


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _svg(width: float, height: float, title: str, parts: Sequence[str], fluid: bool = False) -> str:
    label = escape(title)
    size = "" if fluid else f' width="{_n(width)}" height="{_n(height)}"'
    return f'<svg viewBox="0 0 {_n(width)} {_n(height)}"{size} role="img" aria-label="{label}">{"".join(parts)}</svg>'
