"""What a GPU gives, in one command of at most eight minutes: scoring, training steps, search, equality with the CPU.

    python benchmarks/gpu.py [--device cuda] [--minutes 8] [--faces 16384] [--profiles 10000000] [--checkpoint FILE]
        [--json FILE]

**Equality**: a few hundred crops of the portraits in tests/gallery, moved and recoloured, scored on the CPU and on the
device, in float32 and in half precision; how far logits and probabilities are apart, and how many yes/no answers differ
(that share bounds what accuracy can differ by; half precision is worth having up to .02 points). **Scoring**: faces a
second of `Scorer.score`, in all views, transfer included (goal: 5,000). **Training**: steps of the network at 227
pixels with AdamW, by batch. **Search**: the 100 most similar of so many profiles, exact, by FAISS on the CPU, by FAISS
on the GPU where it is installed with one, and by PyTorch on the device; the same rows must come out, but for ties.

A full training there starts from benchmarks/packed_faces.py, which makes all faces small enough to carry.

The parts share the time: each stops measuring when its share is over, and what was left out is said. Of the package's
dependencies it needs torch, numpy, opencv, safetensors, sqlalchemy and faiss.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image

from db.values.box import Box
from db.values.scoring_model import calibrate
from facesearch.attributes import NAMES
from facesearch.network.checkpoint import load_checkpoint
from facesearch.network.device import bf16_pays, device_name, keep_freed_memory, pick_device
from facesearch.network.mcnn import MCNN_LAYOUT, Mcnn, prepare
from facesearch.network.scorer import Scorer
from facesearch.training.augment import Augmentation, moved_crop
from facesearch.vision.crop import INPUT_SIZE

GALLERY = Path(__file__).resolve().parent.parent / "tests" / "gallery"
WIDTH, NEAREST = len(NAMES), 100
SHARES = {"equality": 0.1, "scoring": 0.25, "training": 0.25, "search": 0.4}
"""Of the time."""

_COMPARED = 256
_BATCHES = (64, 256, 1024)
_BLOCK = 1_000_000  # profiles at a time by PyTorch


@dataclass
class Report:
    """Rows of figures, printed as they come and kept for --json."""

    device: torch.device
    minutes: float
    rows: list[dict[str, Any]] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def add(self, part: str, what: str, **figures: Any) -> None:
        self.rows.append({"part": part, "what": what, **figures})
        words = ", ".join(
            f"{name.replace('_', ' ')} {value:,.6g}" if isinstance(value, int | float) else f"{name} {value}"
            for name, value in figures.items()
        )
        print(f"[{time.monotonic() - self.begun:5.0f} s] {part}: {what}: {words}", flush=True)

    def until(self, part: str) -> float:
        """The clock's time at which a part should be over."""
        return time.monotonic() + 60 * self.minutes * SHARES[part]


def portraits(count: int) -> NDArray[np.uint8]:
    """Crops of the gallery's portraits, uint8 [count, 227, 227, 3]: faces, each moved and recoloured anew."""
    files = sorted([*GALLERY.glob("man-*.jpg"), *GALLERY.glob("woman-*.jpg")])
    images = [np.array(Image.open(file).convert("RGB")) for file in files]
    crops = np.empty((count, INPUT_SIZE, INPUT_SIZE, 3), np.uint8)
    for number in range(count):
        image = images[number % len(images)]
        height, width = image.shape[:2]
        face = Box(0.28 * width, 0.25 * height, 0.44 * width, 0.44 * height)
        crops[number] = moved_crop(image, face, 0, INPUT_SIZE, Augmentation(), np.random.default_rng(number))
    return crops


def compare(report: Report, checkpoint: Path | None, count: int) -> None:
    """The device against the CPU, float32 and half."""
    known = load_checkpoint(checkpoint)
    crops = portraits(count)
    truth = Scorer(known, "cpu").score(crops)
    right = calibrate(truth, known.calibration_scale, known.calibration_bias)
    for half in (False, True) if report.device.type == "cuda" else (False,):
        found = Scorer(known, report.device.type, half).score(crops)
        p = calibrate(found, known.calibration_scale, known.calibration_bias)
        report.add(
            "equality",
            "half precision" if half else "float32",
            crops=count,
            largest_logit_difference=float(np.abs(found - truth).max()),
            largest_probability_difference=float(np.abs(p - right).max()),
            answers_that_differ_percent=float(100 * ((p > 0.5) != (right > 0.5)).mean()),
        )


def score(report: Report, checkpoint: Path | None, faces: int) -> None:
    """Faces a second of what `index` calls."""
    known, end = load_checkpoint(checkpoint), report.until("scoring")
    crops = np.resize(portraits(min(faces, 512)), (faces, INPUT_SIZE, INPUT_SIZE, 3))
    for half in (False, True) if report.device.type == "cuda" else (False,):
        scorer = Scorer(known, report.device.type, half)
        rates = [faces / seconds for seconds in _timed(partial(scorer.score, crops), end, report.device)]
        what = "half precision" if half else "float32"
        views = len(known.views.of(torch.zeros(1, 3, 8, 8)))
        report.add("scoring", what, faces_per_second=float(np.median(rates)), views=views, runs=len(rates))


def train(report: Report) -> None:
    """Faces a second of a training step, crops ready on the device."""
    end = report.until("training")
    for batch in _BATCHES:
        if time.monotonic() > end:
            report.add("training", f"batch {batch}", left_out="no time")
            continue
        rates = [batch / seconds for seconds in _timed(_training_step(batch, report.device), end, report.device)]
        report.add("training", f"batch {batch}", faces_per_second=float(np.median(rates)), runs=len(rates))


def _training_step(batch: int, device: torch.device) -> Callable[[], None]:
    torch.manual_seed(0)
    net = Mcnn(MCNN_LAYOUT).to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-4)
    crops = torch.randint(0, 256, (batch, INPUT_SIZE, INPUT_SIZE, 3), dtype=torch.uint8, device=device)
    mean = torch.full((3,), 127.5, device=device)
    y = torch.randint(0, 2, (batch, WIDTH), device=device).float()
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=bf16_pays(device))

    def step() -> None:
        with autocast:
            logits = net(prepare(crops, mean))
        loss = F.binary_cross_entropy_with_logits(logits.float(), y)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return step


def search(report: Report, count: int, queries: int = 4) -> None:
    """The most similar of many profiles, exact, on the CPU and on the device."""
    import faiss

    end, rng = report.until("search"), np.random.default_rng(0)
    profiles = np.empty((count, WIDTH), np.float32)
    for start in range(0, count, _BLOCK):
        profiles[start : start + _BLOCK] = rng.standard_normal((min(_BLOCK, count - start), WIDTH), np.float32)
    profiles /= np.linalg.norm(profiles, axis=1, keepdims=True)
    asked = profiles[rng.integers(0, count, queries)]
    nearest = min(NEAREST, count)
    index = faiss.IndexFlatIP(WIDTH)
    index.add(profiles)
    _, expected = index.search(asked, nearest)
    seconds = list(_timed(lambda: index.search(asked[:1], nearest), end, torch.device("cpu")))
    report.add("search", "FAISS on the CPU", profiles=count, ms_a_query=1000 * float(np.median(seconds)))

    if report.device.type == "cuda" and getattr(faiss, "get_num_gpus", int)():
        on_gpu = faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index)
        _, found = on_gpu.search(asked, nearest)
        seconds = list(_timed(lambda: on_gpu.search(asked[:1], nearest), end, report.device))
        ms = 1000 * float(np.median(seconds))
        report.add("search", "FAISS on the GPU", ms_a_query=ms, same_rows=_same(profiles, asked, expected, found))
        del on_gpu
    elif report.device.type == "cuda":
        report.add("search", "FAISS on the GPU", left_out="this FAISS knows no GPU")

    held = torch.from_numpy(profiles).to(report.device)

    def most_similar(of: NDArray[np.float32]) -> NDArray[np.int64]:
        wanted = torch.from_numpy(of).to(report.device)
        return torch.topk(wanted @ held.t(), nearest).indices.cpu().numpy()

    seconds = list(_timed(lambda: most_similar(asked[:1]), end, report.device))
    same = _same(profiles, asked, expected, most_similar(asked))
    ms = 1000 * float(np.median(seconds))
    report.add("search", f"PyTorch on the {report.device.type}", ms_a_query=ms, same_rows=same)


def _same(
    profiles: NDArray[np.float32],
    asked: NDArray[np.float32],
    expected: NDArray[np.int64],
    found: NDArray[np.int64],
) -> str:
    """`yes`; `but for ties` where other rows are as similar, to what two ways of summing can differ by; `no`."""
    if all(set(a) == set(b) for a, b in zip(expected.tolist(), found.tolist(), strict=True)):
        return "yes"
    least = [(profiles[rows].astype(np.float64) @ query).min() for rows, query in zip(expected, asked, strict=True)]
    other = [(profiles[rows].astype(np.float64) @ query).min() for rows, query in zip(found, asked, strict=True)]
    return "but for ties" if np.abs(np.subtract(least, other)).max() < 1e-5 else "no"


def _timed(work: Callable[[], object], end: float, device: torch.device, most: int = 20) -> Iterator[float]:
    """Seconds of each run after a first that warms up: at least one, then until the time is over."""
    work()
    for number in range(most):
        if number and time.monotonic() > end:
            return
        _wait(device)
        start = time.perf_counter()
        work()
        _wait(device)
        yield time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--faces", type=int, default=16_384, help="scored in one call")
    parser.add_argument("--profiles", type=int, default=10_000_000)
    parser.add_argument("--compared", type=int, default=_COMPARED, help="crops scored on both")
    parser.add_argument("--checkpoint", type=Path, help="instead of the package's")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args(given)
    device = pick_device(arguments.device)
    keep_freed_memory()
    report = Report(device, arguments.minutes)
    print(f"{device_name(device)}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    compare(report, arguments.checkpoint, arguments.compared)
    score(report, arguments.checkpoint, arguments.faces)
    train(report)
    search(report, arguments.profiles)
    if arguments.json:
        about = {"device": device_name(device), "torch": torch.__version__, "rows": report.rows}
        arguments.json.write_text(json.dumps(about, indent=1))


if __name__ == "__main__":
    main()
