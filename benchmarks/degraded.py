"""How small, how dark: what a network still knows of faces that a worse camera took, attribute by attribute.

    python benchmarks/degraded.py CELEBA --work WORK [--role val] [--checkpoint FILE] [--faces N] [--only size cctv ...]
        [--utkface UTKFACE] [--csv FILE] [--html FILE] [--svg FOLDER]

Every face of a role, or a seeded sample of N, is made worse (facesearch/training/degrade.py), cut and scored as `index`
would: fewer pixels, JPEG, blur, movement, noise, darkness, each alone, and as a surveillance camera has them together.
It is cut where the face is known to be: how many such faces a detector still finds is another question. Prints:
means of each condition with the loss of average precision against the faces as they are (95 % of draws over people),
the same by group, then average precision, grade and calibration error of each attribute by size. --html writes a page
with the curves of each attribute, --svg its means as pictures, --csv every figure. Logits are kept in WORK/degraded, so
that an interrupted run goes on, and a larger sample starts from a smaller one.

A condition's grade is the one that the network would have earned on such faces (facesearch/reliability.py). An
attribute's smallest size is the last one at which its grade has not fallen and its calibration error is at most twice
that of the faces as they are, or .02.
"""

import argparse
import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from scored_faces import kept_logits

from cli.report import charts, templating
from db.values.scoring_model import calibrate
from facesearch.attributes import BY_NAME, NAMES, Group, members
from facesearch.network.checkpoint import Checkpoint, load_checkpoint
from facesearch.network.scorer import Scorer
from facesearch.reliability import MOST_CALIBRATION_ERROR, graded
from facesearch.training import figures
from facesearch.training.bootstrap import Interval, average_precisions, draw_people, interval
from facesearch.training.datasets import Dataset, FaceCache, Labels, Role, cache_folder, open_cache, read_dataset
from facesearch.training.degrade import Degradation, cctv, degraded_crop
from facesearch.training.evaluate import GROUPED_BY, degraded_face, rows_of
from facesearch.training.figures import Figures, measure
from facesearch.training.metrics import mean
from facesearch.training.utkface import EVERYONE, Portraits, evaluate_groups, read_utkface

SIZES = (16, 24, 32, 48, 64, 96)
"""Longer sides of the face box, in pixels."""

AS_THEY_ARE = "as they are"

KINDS: dict[str, dict[str, Degradation]] = {
    "size": {f"{size} px": Degradation(size=size) for size in SIZES},
    "jpeg": {f"quality {quality}": Degradation(jpeg=quality) for quality in (40, 20, 10, 5)},
    "blur": {f"{100 * blur:g} % of the face": Degradation(blur=blur) for blur in (0.01, 0.02, 0.04, 0.08)},
    "motion": {f"{100 * way:g} % of the face": Degradation(motion=way) for way in (0.05, 0.1, 0.2)},
    "noise": {f"{noise:g} levels": Degradation(noise=noise) for noise in (5, 10, 20, 40)},
    "dark": {f"{100 * light:g} % of the light": Degradation(light=light) for light in (0.3, 0.1, 0.03, 0.01)},
    "cctv": {f"{size} px": cctv(size) for size in SIZES},
}
"""What is tried, mildest first but for sizes."""

_GROUP_KINDS = ("size", "cctv")
_LEAST_ERROR = 0.02
_SEED = 0


@dataclass(frozen=True)
class Condition:
    """One way in which the faces were taken. lost: of mean average precision against the faces as they are, fraction,
    with its interval over people where they are known. grades: A to D, by attribute. groups: by name."""

    kind: str
    name: str
    figures: Figures
    lost: float
    lost_interval: Interval | None
    grades: dict[str, str]
    groups: dict[str, Figures]


@dataclass(frozen=True)
class Faces:
    """What is judged: faces of a role, and the network."""

    labels: Labels
    rows: NDArray[np.int64]
    checkpoint: Checkpoint
    work: Path
    name: str

    def probabilities(self, kind: str, name: str, how: Degradation) -> NDArray[np.float64]:
        """float64 [N, 40], calibrated."""
        path = self.work / "degraded" / f"{self.name}-{kind}-{name.replace(' ', '-').replace('%', 'percent')}.npy"

        def ready() -> tuple[Scorer, Callable[[int], NDArray[np.uint8]]]:
            cache = self.cache()
            return Scorer(self.checkpoint), lambda row: degraded_face(cache, how, _SEED, row)

        known = self.checkpoint
        logits = kept_logits(path, self.rows, ready)
        return np.asarray(calibrate(logits, known.calibration_scale, known.calibration_bias), np.float64)

    def cache(self) -> FaceCache:
        return open_cache(self.labels, cache_folder(self.work, self.labels.dataset))


def conditions(faces: Faces, kinds: Sequence[str]) -> Iterator[Condition]:
    """The faces as they are, and then every condition of the kinds."""
    truth = faces.labels.labels[faces.rows]
    found = faces.cache().detected[faces.rows]
    drawn = draw_people(faces.labels.identities[faces.rows]) if faces.labels.has_identities else None
    whole_draws, whole = None, 0.0
    every = [(AS_THEY_ARE, AS_THEY_ARE, Degradation())]
    every += [(kind, name, how) for kind in kinds for name, how in KINDS[kind].items()]
    for kind, name, how in every:
        p = faces.probabilities(kind, name, how)
        measured = measure(p, truth, found)
        draws = average_precisions(p, truth, drawn) if drawn is not None else None
        if kind == AS_THEY_ARE:
            whole, whole_draws = mean(measured.average_precision), draws
        lost = whole_draws - draws if draws is not None and whole_draws is not None else None
        yield Condition(
            kind=kind,
            name=name,
            figures=measured,
            lost=whole - mean(measured.average_precision),
            lost_interval=interval(lost) if lost is not None else None,
            grades=graded(measured.average_precision, measured.positives),
            groups=_groups(p, truth, found) if kind in (AS_THEY_ARE, *_GROUP_KINDS) else {},
        )


def _groups(p: NDArray[np.float64], truth: NDArray[np.uint8], found: NDArray[np.bool_]) -> dict[str, Figures]:
    made = {}
    for name in GROUPED_BY:
        said = truth[:, BY_NAME[name].index]
        for words, of in ((name, said == 1), (f"not {name}", said == 0)):
            if of.any():
                made[words] = measure(p[of], truth[of], found[of])
    return made


def smallest_size(measured: dict[int, Condition], whole: Condition, attribute: int) -> int | None:
    """The last size, from the largest down, at which the attribute keeps its grade and its calibration."""
    name = NAMES[attribute]
    allowed = max(MOST_CALIBRATION_ERROR * whole.figures.calibration_error[attribute], _LEAST_ERROR)
    smallest = None
    for size in sorted(measured, reverse=True):
        here = measured[size]
        if here.grades.get(name, "Z") > whole.grades.get(name, "Z"):
            break
        if here.figures.calibration_error[attribute] > allowed:
            break
        smallest = size
    return smallest


class _Worse:
    """A network that is shown every crop as a worse camera would have taken it."""

    def __init__(self, scorer: Scorer, how: Degradation) -> None:
        self.checkpoint, self._scorer, self._how = scorer.checkpoint, scorer, how
        self._rng = np.random.default_rng(_SEED)

    def score(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self._scorer.score(np.stack([degraded_crop(crop, self._how, self._rng) for crop in crops]))


def genders(checkpoint: Checkpoint, portraits: Portraits) -> Iterator[tuple[str, str, float, float, float]]:
    """Condition, group, share of men taken for men, share of women not taken for men, mean error, of UTKFace."""
    from facesearch.vision.detection import YuNet

    scorer, detector = Scorer(checkpoint), YuNet()
    hows = {AS_THEY_ARE: Degradation(), "48 px": Degradation(size=48), "32 px": Degradation(size=32)}
    hows |= {"24 px": Degradation(size=24), "CCTV, 48 px": cctv(48), "CCTV, 32 px": cctv(32)}
    for name, how in hows.items():
        found = evaluate_groups(_Worse(scorer, how), detector, portraits)  # type: ignore[arg-type]
        for group, of in found.items():
            men, women = float(of.gender.recall[0]), float(of.gender.specificity[0])
            yield name, group, men, women, 1 - float(of.gender.accuracy[0])


# ---- Markdown -----------------------------------------------------------------------------------------------------


def markdown(found: Sequence[Condition]) -> str:
    """All tables but UTKFace's."""
    whole = found[0]
    lines = [
        "| | faces | accuracy | average precision | lost | 95 % | calibration error | by chance |",
        "|---" * 8 + "|",
    ]
    for each in found:
        f = each.figures
        at = each.lost_interval
        span = f"{100 * at.low:.2f} to {100 * at.high:.2f}" if at and each is not whole else ""
        what = each.name if each is whole else f"{each.kind}: {each.name}"
        lines.append(
            f"| {what} | {f.faces:,} | {_percent(mean(f.accuracy))} | {_percent(mean(f.average_precision))} | "
            f"{_percent(each.lost) if each is not whole else ''} | {span} | {_error(mean(f.calibration_error))} | "
            f"{_error(mean(f.chance_calibration_error))} |"
        )
    lines += ["", "By group, over attributes that both have:", "", *_group_table(found)]
    for kind in _GROUP_KINDS:
        if by_size := _by_size(found, kind):
            lines += ["", f"Average precision (grade) of each attribute, {_TITLES[kind]}:", ""]
            lines += _attribute_table(whole, by_size)
    return "\n".join(lines)


_TITLES = {"size": "by size alone", "cctv": "by size, as CCTV has it"}


def _group_table(found: Sequence[Condition]) -> list[str]:
    names = list(found[0].groups)
    if not names:
        return []
    head = "| | " + " | ".join(f"{name}: accuracy | AP" for name in names) + " |"
    lines = [head, "|---" * (1 + 2 * len(names)) + "|"]
    for each in found:
        if not each.groups:
            continue
        cells = []
        for name, part in each.groups.items():
            over = _comparable(each.groups, name)
            cells += [_percent(mean(part.accuracy[over])), _percent(mean(part.average_precision[over]))]
        what = each.name if each is found[0] else f"{each.kind}: {each.name}"
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return lines


def _comparable(groups: dict[str, Figures], name: str) -> NDArray[np.bool_]:
    """The attributes that some of both groups, of a pair, have and lack."""
    plain = name.removeprefix("not ")
    pair = [groups[each] for each in (plain, f"not {plain}") if each in groups]
    return np.asarray(np.all([(part.positives > 0) & (part.positives < 1) for part in pair], axis=0))


def _by_size(found: Sequence[Condition], kind: str) -> dict[int, Condition]:
    return {int(each.name.split()[0]): each for each in found if each.kind == kind}


def _attribute_table(whole: Condition, by_size: dict[int, Condition]) -> list[str]:
    sizes = sorted(by_size)
    head = ["attribute", *(f"{size} px" for size in sizes), AS_THEY_ARE, "smallest size"]
    head += [f"ECE at {size} px" for size in sizes if size in (16, 32, 64)] + ["ECE"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for index, name in enumerate(NAMES):
        steps = [*(by_size[size] for size in sizes), whole]
        row = [name]
        row += [f"{_percent(s.figures.average_precision[index])} ({s.grades.get(name, '-')})" for s in steps]
        row.append(str(smallest_size(by_size, whole, index) or f"over {sizes[-1]}"))
        row += [_error(by_size[size].figures.calibration_error[index]) for size in sizes if size in (16, 32, 64)]
        row.append(_error(whole.figures.calibration_error[index]))
        lines.append(f"| {' | '.join(row)} |")
    return lines


def _percent(value: float) -> str:
    return "-" if np.isnan(value) else f"{100 * value:.2f}"


def _error(value: float) -> str:
    return f"{value:.4f}"[1:]


# ---- page and CSV -------------------------------------------------------------------------------------------------

_STYLE = (
    """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 1340px; padding: 28px clamp(14px, 3vw, 32px) 56px; background: #fff; color: #1d1f21;
  font: 14px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
h1 { margin: 0; font-size: 26px; } h2 { margin: 36px 0 6px; font-size: 19px; } p { max-width: 80ch; }
.charts { display: flex; flex-wrap: wrap; gap: 16px 28px; } figure { margin: 0; } figcaption { font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; }
.legend span { display: inline-flex; align-items: center; gap: 6px; }
"""
    + charts.STYLE
)


@dataclass(frozen=True)
class Chart:
    """Lines under a caption; `legend` names them where there are several."""

    caption: str
    drawn: str
    legend: tuple[str, ...] = ()


def mean_charts(found: Sequence[Condition]) -> list[Chart]:
    """Means over the attributes by size, alone and as CCTV has it."""
    sized = _sized(found)
    return [
        _size_chart(sized, found[0], words, of, 1 if words == "calibration error" else 100)
        for words, of in (_MEANS if sized else {}).items()
    ]


def kind_charts(found: Sequence[Condition]) -> list[Chart]:
    """Mean average precision by each other kind of degradation."""
    made = []
    for kind, caption in _KIND_WORDS.items():
        steps = [found[0], *(each for each in found if each.kind == kind)]
        if len(steps) > 1:
            place = -1 if kind == "jpeg" else 0
            labels = ["none", *(each.name.split()[place] for each in steps[1:])]
            line = {"average precision": [100 * mean(each.figures.average_precision) for each in steps]}
            made.append(Chart(caption, charts.line_chart(labels, line, caption, 1, 50, 80)))
    return made


def group_charts(found: Sequence[Condition]) -> list[Chart]:
    """Mean average precision of each group by size."""
    made = []
    for kind, by_size in _sized(found).items() if found[0].groups else ():
        steps = [*(by_size[size] for size in sorted(by_size)), found[0]]
        lines = {
            name: [100 * mean(each.groups[name].average_precision[_comparable(each.groups, name)]) for each in steps]
            for name in found[0].groups
        }
        caption = f"average precision, {_TITLES[kind]}"
        labels = [*map(str, sorted(by_size)), "all"]
        made.append(Chart(caption, charts.line_chart(labels, lines, caption, 1, 50, 80), tuple(lines)))
    return made


def attribute_charts(found: Sequence[Condition], group: Group) -> list[Chart]:
    """Average precision of each attribute of a group by size."""
    sized, made = _sized(found), []
    for attribute in members(group) if sized else ():

        def precision(f: Figures, at: int = attribute.index) -> float:
            return float(f.average_precision[at])

        made.append(_size_chart(sized, found[0], attribute.name, precision, 100, 0))
    return made


def _sized(found: Sequence[Condition]) -> dict[str, dict[int, Condition]]:
    return {kind: by_size for kind in _GROUP_KINDS if (by_size := _by_size(found, kind))}


def page(found: Sequence[Condition], about: str) -> str:
    """One file that loads nothing: means of every kind, then a chart an attribute."""
    title = "What is still known of worse pictures"
    parts = [f"<h1>{title}</h1><p>{escape(about)}</p>"]
    for heading, drawn in (
        ("All 40 attributes", mean_charts(found)),
        ("", kind_charts(found)),
        ("By group", group_charts(found)),
        *((f"{group.heading}: average precision", attribute_charts(found, group)) for group in Group),
    ):
        if drawn:
            parts.append(f"<h2>{escape(heading)}</h2>" if heading else "")
            parts.append(charts.legend(drawn[0].legend) if len(drawn[0].legend) > 1 else "")
            figures_ = (f"<figure><figcaption>{escape(c.caption)}</figcaption>{c.drawn}</figure>" for c in drawn)
            parts.append(f'<div class="charts">{"".join(figures_)}</div>')
    body = Markup("".join(parts))
    return "".join(templating.rendered("plain.html", style="plain.css", more_style=_STYLE, title=title, body=body))


def pictures(found: Sequence[Condition]) -> dict[str, str]:
    """The same as SVG files by name, for documents; those that have something to show."""
    drawn = {
        "degraded-sizes.svg": mean_charts(found) + group_charts(found),
        "degraded-kinds.svg": kind_charts(found),
        "degraded-attributes.svg": [chart for group in Group for chart in attribute_charts(found, group)],
    }
    return {name: _as_svg(each) for name, each in drawn.items() if each}


_TILE_WIDTH, _TILE_HEIGHT, _LEGEND_HEIGHT, _COLUMNS = 310, 214, 24, 3


def _as_svg(drawn: Sequence[Chart]) -> str:
    """Charts in rows in one picture, each with its caption; above a row what its colours mean, where that changes."""
    parts: list[str] = []
    known: tuple[str, ...] = ()
    top = 8
    for start in range(0, len(drawn), _COLUMNS):
        row = drawn[start : start + _COLUMNS]
        if len(row[0].legend) > 1 and row[0].legend != known:
            known, x = row[0].legend, 8
            for place, name in enumerate(known):
                parts.append(f'<path class="line c{place}" d="M{x} {top + 8}h22"/>')
                parts.append(f'<text class="c{place}" x="{x + 28}" y="{top + 12}">{escape(name)}</text>')
                x += 50 + 7 * len(name)
            top += _LEGEND_HEIGHT
        for column, chart in enumerate(row):
            x = _TILE_WIDTH * column
            parts.append(f'<text class="group" x="{x + 8}" y="{top + 12}">{escape(chart.caption)}</text>')
            parts.append(chart.drawn.replace("<svg ", f'<svg x="{x}" y="{top + 18}" ', 1))
        top += _TILE_HEIGHT
    width = _TILE_WIDTH * min(_COLUMNS, len(drawn))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" width="{width}" height="{top}">'
        f'<style>{charts.STYLE}</style><rect width="{width}" height="{top}" fill="white"/>{"".join(parts)}</svg>\n'
    )


_KIND_WORDS = {
    "jpeg": "average precision by JPEG quality",
    "blur": "by blur, % of the face",
    "motion": "by movement, % of the face",
    "noise": "by noise, levels of 255",
    "dark": "by light that is left, %",
}
_MEANS: dict[str, Callable[[Figures], float]] = {
    "average precision": lambda f: mean(f.average_precision),
    "accuracy": lambda f: mean(f.accuracy),
    "calibration error": lambda f: mean(f.calibration_error),
}


def _size_chart(
    sized: dict[str, dict[int, Condition]],
    whole: Condition,
    words: str,
    of: Callable[[Figures], float],
    factor: int,
    least: float | None = None,
) -> Chart:
    sizes = sorted(next(iter(sized.values())))
    lines = {
        _TITLES[kind]: [factor * of(each.figures) for each in (*(by_size[s] for s in sizes), whole)]
        for kind, by_size in sized.items()
    }
    known = [value for line in lines.values() for value in line if np.isfinite(value)]
    low, high = (least if least is not None else min(known), max(known)) if known else (0.0, 1.0)
    labels = [*map(str, sizes), "all"]
    return Chart(words, charts.line_chart(labels, lines, words, 4 if factor == 1 else 1, low, high), tuple(lines))


def write_csv(path: Path, found: Sequence[Condition]) -> None:
    """Every figure: condition, group (all, Male, ...), attribute."""
    with path.open("w", newline="", encoding="utf-8") as file:
        columns = ("kind", "condition", "group", "attribute", "grade", *figures.COLUMNS)
        table = csv.DictWriter(file, columns)
        table.writeheader()
        for each in found:
            for group, part in {"all": each.figures, **each.groups}.items():
                for row in figures.rows(part, means_over=np.ones(len(NAMES), np.bool_)):
                    grade = each.grades.get(row["attribute"], "") if group == "all" else ""
                    table.writerow({"kind": each.kind, "condition": each.name, "group": group, "grade": grade, **row})


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--role", type=Role, choices=list(Role), default=Role.VAL)
    parser.add_argument("--checkpoint", type=Path, help="instead of the package's")
    parser.add_argument("--faces", type=int, help="a seeded sample of so many faces, instead of all of the role")
    parser.add_argument("--only", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--utkface", type=Path, help="UTKFace, for men and women by group")
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--html", type=Path)
    parser.add_argument("--svg", type=Path, help="a folder, for degraded-sizes.svg and so on")
    arguments = parser.parse_args(given)
    known, labels = load_checkpoint(arguments.checkpoint), read_dataset(arguments.data)
    rows = np.random.default_rng(_SEED).permutation(rows_of(labels, arguments.role))[: arguments.faces]
    of = "" if labels.dataset is Dataset.CELEBA else f"{labels.dataset.lower()}-"
    name = f"{known.digest[:12]}-{of}{arguments.role}-{labels.digest()[:12]}"
    faces = Faces(labels, rows, known, arguments.work, name)
    found = []
    for each in conditions(faces, arguments.only):
        found.append(each)
        print(f"{each.kind}: {each.name}", file=sys.stderr)
    about = f"Network {known.digest[:12]}, {len(rows):,} faces of role {arguments.role}"
    print(f"{about}.\n\n{markdown(found)}")
    if arguments.utkface:
        print("\n| | group | men right | women right | error |\n" + "|---" * 5 + "|")
        for condition, group, men, women, wrong in genders(known, read_utkface(arguments.utkface)):
            who = "everyone" if group == EVERYONE else group
            print(f"| {condition} | {who} | {_percent(men)} | {_percent(women)} | {_percent(wrong)} |")
    if arguments.csv:
        write_csv(arguments.csv, found)
    if arguments.html:
        arguments.html.write_text(page(found, f"{about}."), encoding="utf-8")
    for file, text in pictures(found).items() if arguments.svg else ():
        (arguments.svg / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
