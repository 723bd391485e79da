"""How fast photos are indexed: each stage alone, the whole beside what the stages allow, and a plain loop as peer.

    python benchmarks/indexing.py [--only stages,peer,sizes,formats,memory,start] [--photos 120] [--folder FOLDER]

Photos are made (2 megapixels, three of the test gallery's portraits on a quiet ground) unless FOLDER names some. Parts
of a run can be left out and made up for with --only; every figure is a ratio, or has one beside it, of things that took
turns in the same run, so that what else the machine does touches both.

- stages: read (with hash), decode, detect, crop on as many threads as cores; score and store in batches of 64 faces,
  as in a run. On a CPU all stages share the cores, so what they allow together is one photo in the sum of their times;
  with a GPU, which scores meanwhile, in the longer of scoring and the rest. The whole is `index_folders` with network
  and detector loaded, from the walk to the snapshot. Goal: at least 90 % of what the stages allow.
- peer: load_image_file, face_locations and face_encodings of `face_recognition`, photo after photo, as its own README
  shows it (HOG, one core). Goal: the whole is at least 5 times as fast.
- sizes: the whole, at 2 and at 24 megapixels.
- formats: decoding in this process beside decoding in a process that may die, which all but JPEG, PNG, GIF and BMP are.
- memory: the greatest resident size of a run over 1,000 and over 20,000 small photos, with stand-ins for network and
  detector, which take the same at any number. Goal: within 10 %.
- start: a run over one small new photo, in a program of its own, beside `import torch, cv2`. Goal: at most 1.5 times.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from db import models, roots
from db.catalogue import open_catalogue
from db.values.box import Box
from db.values.scoring_model import ScoringModel
from facesearch.attributes import NAMES
from facesearch.cores import usable_cores
from facesearch.vision.decode import Limits, decode_encoded, read_photo
from facesearch.vision.detection import Detection, YuNet, yunet_name
from facesearch.vision.faces import cut_face, find_faces
from facesearch.vision.versions import current
from indexer.isolated_decoder import IsolatedDecoder, decoding
from indexer.items import FaceCrop, ProcessedPhoto
from indexer.listing import Job
from indexer.media import PhotoDecoder
from indexer.network import Network
from indexer.pipeline import index_folders
from indexer.ports import Scorer
from indexer.scoring import score_batch
from indexer.sink import CatalogueSink
from indexer.threads import ordered_thread_map
from indexer.walk import FoundFile
from indexer.worker_processes import WorkerPool

ROOT = Path(__file__).resolve().parent.parent
GALLERY = ROOT / "tests" / "gallery"
PARTS = ("stages", "peer", "sizes", "formats", "memory", "start")
CHUNK = 24
STAGES = ("read", "decode", "detect", "crop", "score", "store")
INSTALL_PEER = "pip install dlib-bin face_recognition_models 'setuptools<81' && pip install --no-deps face_recognition"


def make_photos(folder: Path, number: int, size: tuple[int, int] = (1632, 1224)) -> list[Path]:
    """JPEGs with three faces each, all different."""
    folder.mkdir(parents=True)
    portraits = [Image.open(path).convert("RGB") for path in sorted(GALLERY.glob("[mw]*man-*.jpg"))]
    generator = np.random.default_rng(1)
    scale = size[0] / 1632
    made = []
    for place in range(number):
        coarse = generator.integers(60, 200, (9, 12, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
        for seat in range(3):
            portrait = portraits[(place * 3 + seat) % len(portraits)]
            side = int(generator.integers(180, 320) * scale)
            image.paste(portrait.resize((side, side * 5 // 4)), (int((80 + seat * 510) * scale), int(300 * scale)))
        made.append(folder / f"{place:05}.jpg")
        image.save(made[-1], quality=90)
    return made


def in_threads(work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    with closing(ordered_thread_map(work, items, workers=usable_cores(), stop=threading.Event())) as results:
        return [result for _, result in results]


@dataclass
class Stages:
    """Seconds that each stage took, over all photos."""

    network: Network
    sink: CatalogueSink
    root_id: int
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    photos: int = 0
    faces: int = 0
    _own: threading.local = field(default_factory=threading.local)

    def run(self, paths: Sequence[Path]) -> None:
        encoded = self._time("read", lambda: in_threads(read_photo, paths))
        pictures = self._time("decode", lambda: in_threads(decode_encoded, encoded))
        found = self._time("detect", lambda: in_threads(self._detect, pictures))
        pairs = list(zip(pictures, found, strict=True))
        crops = self._time("crop", lambda: in_threads(_crop, pairs))
        batch = [
            (Job(self.root_id, b"/photos", FoundFile(os.fsencode(path.name), 1, 1)), _processed(picture, faces))
            for path, picture, faces in zip(paths, pictures, crops, strict=True)
        ]
        scored = self._time("score", lambda: score_batch(batch, self.network, at_once=64))
        self._time("store", lambda: self.sink.store(scored))
        self.photos += len(paths)
        self.faces += sum(map(len, crops))

    def allowed(self) -> float:
        """Photos a second that the stages allow together."""
        import torch

        rest = sum(seconds for name, seconds in self.seconds.items() if name != "score")
        score = self.seconds["score"]
        return self.photos / (max(score, rest) if torch.cuda.is_available() else score + rest)

    def _detect(self, picture: Any) -> list[Detection]:
        if not hasattr(self._own, "detector"):
            self._own.detector = YuNet()
        return find_faces(picture, self._own.detector)

    def _time(self, stage: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        result = work()
        self.seconds[stage] += time.perf_counter() - began
        return result


def _crop(pair: Any) -> list[FaceCrop]:
    picture, found = pair
    return [FaceCrop(each, cut_face(picture, each.box, each.turned)) for each in found]


def _processed(picture: Any, faces: list[FaceCrop]) -> ProcessedPhoto:
    return ProcessedPhoto(picture.sha256, picture.size, picture.facts, tuple(faces))


@dataclass
class Loaded:
    """Network and detector, made once."""

    model: ScoringModel
    scorer: Scorer

    @classmethod
    def make(cls) -> Loaded:
        from facesearch.network.checkpoint import load_checkpoint
        from facesearch.network.scorer import Scorer as RealScorer

        checkpoint = load_checkpoint()
        loaded = cls(checkpoint.scoring_model(), RealScorer(checkpoint, "auto"))
        loaded.scorer.score(np.zeros((64, 227, 227, 3), np.uint8))
        return loaded

    def index(self, folder: Path) -> tuple[float, int]:
        """Seconds and photos of a run over a new catalogue."""
        with tempfile.TemporaryDirectory() as place, open_catalogue(Path(place, "faces.db"), create=True) as catalogue:
            began = time.perf_counter()
            report = index_folders(
                catalogue,
                [folder],
                model=self.model,
                new_scorer=lambda: self.scorer,
                new_detector=YuNet,
                detector=yunet_name(),
            )
            return time.perf_counter() - began, report.photos


def stages_and_whole(loaded: Loaded, folder: Path, paths: Sequence[Path], rounds: int) -> float:
    """Photos a second of the whole."""
    whole_seconds = whole_photos = 0.0
    with tempfile.TemporaryDirectory() as place, open_catalogue(Path(place, "faces.db"), create=True) as catalogue:
        with catalogue.write() as session:
            model_id, root_id = models.register(session, loaded.model), roots.add_root(session, "/photos")
        sink = CatalogueSink(catalogue, model_id, current(yunet_name()))
        stages = Stages(Network(lambda: loaded.scorer), sink, root_id)
        stages.run(paths[:4])  # what is made once is made
        stages.seconds, stages.photos, stages.faces = dict.fromkeys(STAGES, 0.0), 0, 0
        for _ in range(rounds):
            for start in range(0, len(paths), CHUNK):
                stages.run(paths[start : start + CHUNK])
            seconds, photos = loaded.index(folder)
            whole_seconds, whole_photos = whole_seconds + seconds, whole_photos + photos
    print(f"\n{len(paths)} photos, {stages.faces / stages.photos:.1f} faces each, {usable_cores()} cores\n")
    print("| stage | ms a photo | photos a second alone |\n|---|---|---|")
    for name, seconds in stages.seconds.items():
        print(f"| {name} | {1e3 * seconds / stages.photos:.2f} | {stages.photos / seconds:,.1f} |")
    whole, allowed = whole_photos / whole_seconds, stages.allowed()
    print(f"| what all allow together | {1e3 / allowed:.2f} | {allowed:.1f} |")
    print(f"| the whole | {1e3 / whole:.2f} | {whole:.1f} |")
    print(f"\nThe whole reaches {100 * whole / allowed:.0f} % of what the stages allow (goal: 90).")
    return whole


def peer(loaded: Loaded, folder: Path, paths: Sequence[Path], number: int) -> None:
    try:
        import face_recognition
    except (ImportError, SystemExit):  # it quits where its models are missing
        print(f"\nPeer: face_recognition is not installed: {INSTALL_PEER}")
        return
    chosen = paths[:number]
    seconds, faces = 0.0, 0
    ours_seconds = ours_photos = 0.0
    for half in (chosen[: number // 2], chosen[number // 2 :]):
        began = time.perf_counter()
        for path in half:
            image = face_recognition.load_image_file(path)
            places = face_recognition.face_locations(image)
            faces += len(face_recognition.face_encodings(image, places))
        seconds += time.perf_counter() - began
        took, photos = loaded.index(folder)
        ours_seconds, ours_photos = ours_seconds + took, ours_photos + photos
    ours, theirs = ours_photos / ours_seconds, len(chosen) / seconds
    print("\n| | photos a second | times as fast |\n|---|---|---|")
    print(f"| face_recognition, a plain loop ({len(chosen)} photos, {faces / len(chosen):.1f} faces each) | ", end="")
    print(f"{theirs:.2f} | 1.0 |\n| the whole | {ours:.2f} | {ours / theirs:.1f} (goal: 5) |")


def sizes(loaded: Loaded, work: Path, number: int) -> None:
    print("\n| photos | photos a second | megapixels a second |\n|---|---|---|")
    for megapixels, size in ((2, (1632, 1224)), (24, (6000, 4000))):
        folder = work / f"{megapixels} megapixels"
        make_photos(folder, max(8, number // (1 if megapixels == 2 else 8)), size)
        seconds, photos = loaded.index(folder)
        print(f"| {photos} of {megapixels} megapixels | {photos / seconds:.1f} | {photos * megapixels / seconds:.0f} |")


def formats(work: Path, rounds: int = 5) -> None:
    """Decoding here and in another process, taking turns, of a photo of 12 megapixels."""
    from facesearch.vision.decoding.heif import heic_version

    heic_version()  # which registers it
    (path,) = make_photos(work / "formats", 1, (4000, 3000))
    image = Image.open(path)
    here, pool = PhotoDecoder(Limits()), WorkerPool(decoding(Limits()))
    print("\n| format, 12 megapixels | here, ms | elsewhere, ms | times as long |\n|---|---|---|---|")
    with closing(IsolatedDecoder(pool)) as elsewhere:
        began = time.perf_counter()
        pool.give_back(pool.take())
        started = time.perf_counter() - began
        for name, suffix in (
            ("HEIF", "heic"),
            ("AVIF", "avif"),
            ("WEBP", "webp"),
            ("TIFF", "tif"),
            ("JPEG2000", "jp2"),
        ):
            photo_path = path.with_suffix(f".{suffix}")
            image.save(photo_path, name, **({"compression": "tiff_lzw"} if name == "TIFF" else {}))
            photo = read_photo(photo_path)
            times: dict[str, list[float]] = {"here": [], "elsewhere": []}
            for _ in range(rounds):
                for where, decoder in (("here", here), ("elsewhere", elsewhere)):
                    began = time.perf_counter()
                    with closing(decoder.open(photo, lambda _: None)) as opened:
                        for _picture in opened.pictures():
                            pass
                    times[where].append(time.perf_counter() - began)
            mine, other = (statistics.median(times[where]) * 1e3 for where in ("here", "elsewhere"))
            print(f"| {suffix} | {mine:.0f} | {other:.0f} | {other / mine:.2f} |")
    print(f"\nStarting such a process takes {started * 1e3:.0f} ms, once.")


class _OneFace:
    """Finds a face in the middle, at once."""

    name = "in-the-middle"

    def detect(self, images: Sequence[Any]) -> list[list[Detection]]:
        return [[Detection(Box(20.0, 20.0, 60.0, 60.0), 0.9, np.zeros((5, 2), np.float32))] for _ in images]


class _NoScores:
    def score(self, crops: Any) -> Any:
        return np.random.default_rng(len(crops)).normal(size=(len(crops), len(NAMES))).astype(np.float32)


def index_for_memory(folder: Path) -> None:
    """In a process of its own: a run, and the most memory that it held."""
    count = len(NAMES)
    ones, zeros = np.ones(count, np.float32), np.zeros(count, np.float32)
    model = ScoringModel("0" * 64, NAMES, ones, zeros, zeros, np.eye(count, dtype=np.float32))
    with tempfile.TemporaryDirectory() as place, open_catalogue(Path(place, "faces.db"), create=True) as catalogue:
        report = index_folders(
            catalogue, [folder], model=model, new_scorer=_NoScores, new_detector=_OneFace, detector=_OneFace.name
        )
        assert report.indexed == report.photos
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def memory(work: Path, numbers: Sequence[int]) -> None:
    """Copies of one small photo that differ in a comment of their bytes."""
    (small,) = make_photos(work / "small", 1, (200, 150))
    data = small.read_bytes()
    peaks = []
    print("\n| photos | most memory, MB | beside the first |\n|---|---|---|")
    for number in numbers:
        folder = work / f"{number} copies"
        for place in range(number):
            path = folder / f"{place // 1000:03}" / f"{place:06}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            comment = f"{place:012}".encode()
            path.write_bytes(data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:])
        command = [sys.executable, __file__, "--measure-memory", str(folder)]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=_environment())
        peaks.append(int(ran.stdout.split()[-1]) / (1024 if sys.platform.startswith("linux") else 1024**2))
        print(f"| {number:,} | {peaks[-1]:.0f} | {peaks[-1] / peaks[0]:.2f} (goal: 1.10) |")


def start(work: Path, rounds: int) -> None:
    (photo,) = make_photos(work / "one", 1, (400, 300))
    run = "from cli.main import main; main()"
    times: dict[str, list[float]] = {"import": [], "index": []}
    for round_number in range(rounds):
        commands = {
            "import": ["-c", "import torch, cv2"],
            "index": ["-c", run, "index", str(photo.parent), "--catalogue", str(work / f"start-{round_number}.db")],
        }
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, *command], capture_output=True, check=True, cwd=ROOT, env=_environment())
            times[name].append(time.perf_counter() - began)
    base, ours = (statistics.median(times[name]) for name in ("import", "index"))
    print("\n| | seconds | times as long |\n|---|---|---|")
    print(f"| import torch, cv2 | {base:.2f} | 1.00 |")
    print(f"| a whole run over one new photo | {ours:.2f} | {ours / base:.2f} (goal: 1.5) |")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    parser.add_argument("--photos", type=int, default=120, help="how many are made")
    parser.add_argument("--folder", type=Path, help="index these instead")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--peer-photos", type=int, default=20)
    parser.add_argument("--memory-photos", default="1000,20000")
    parser.add_argument("--measure-memory", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure_memory:
        index_for_memory(options.measure_memory)
        return
    wanted = options.only.split(",")
    unknown = sorted(set(wanted) - set(PARTS))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        if {"stages", "peer", "sizes"} & set(wanted):
            loaded = Loaded.make()
        if {"stages", "peer"} & set(wanted):
            folder = options.folder or work / "photos"
            if options.folder is None:
                make_photos(folder, options.photos)
            paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
            if "stages" in wanted:
                stages_and_whole(loaded, folder, paths, options.rounds)
            if "peer" in wanted:
                peer(loaded, folder, paths, options.peer_photos)
        if "sizes" in wanted:
            sizes(loaded, work, options.photos)
        if "formats" in wanted:
            formats(work)
        if "memory" in wanted:
            memory(work, [int(number) for number in options.memory_photos.split(",")])
        if "start" in wanted:
            start(work, options.rounds + 1)


if __name__ == "__main__":
    main()
