"""Scoring speed against the same network in plain eager fp32 PyTorch.

    python benchmarks/scoring_speed.py [--faces 64] [--rounds 7] [--celeba CELEBA --work WORK]

Plain eager: six nn.Conv2d for Conv3 and nine chains of nn.Linear, one after the other, as one writes the paper's
Figure 2 down (normalisation folded into the weights, which already spares it the normalisation layers). Against it:
the same with the channels last, the network with its six Conv3 as one convolution and its nine branches as batched
products (grouped), and what ships. All variants take turns in every round, so that whatever else the machine does
touches them alike; the table shows the median time of a batch and the ratio to plain eager. The second table is one
photo, in all views over which the network in the package averages; what ships is made ready anew each time, plain eager
is not. With CELEBA, mean accuracy on role `test` by plain eager and by what ships.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesearch.network import fastconv
from facesearch.network.checkpoint import load_checkpoint
from facesearch.network.inference import FastMcnn
from facesearch.network.mcnn import CONV1, CONV2, CONV3, FC, MCNN_LAYOUT, POOLED, Mcnn, prepare
from facesearch.network.scorer import mcnn_logits
from facesearch.vision.crop import INPUT_SIZE


class PlainMcnn(nn.Module):
    """The network as one writes it down: a module a layer, one after the other."""

    def __init__(self, folded: Mcnn) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, CONV1, 7, stride=4)
        self.conv2 = nn.Conv2d(CONV1, CONV2, 5, padding=1)
        self.conv3 = nn.ModuleList(nn.Conv2d(CONV2, CONV3, 3) for _ in MCNN_LAYOUT.units)
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.Linear(CONV3 * POOLED**2, FC), nn.ReLU(), nn.Linear(FC, FC), nn.ReLU(), nn.Linear(FC, len(b))
            )
            for b in MCNN_LAYOUT.branches
        )
        self.unit_of = [u for u, unit in enumerate(MCNN_LAYOUT.units) for _ in unit]
        order = [i for b in MCNN_LAYOUT.branches for i in b]
        self.order = torch.tensor(np.argsort(order))
        with torch.no_grad():
            for mine, other in ((self.conv1, folded.conv1), (self.conv2, folded.conv2)):
                mine.load_state_dict(other.state_dict())
            assert folded.conv3.bias is not None
            for u, conv in enumerate(self.conv3):
                part = slice(u * CONV3, (u + 1) * CONV3)
                conv.load_state_dict({"weight": folded.conv3.weight[part], "bias": folded.conv3.bias[part]})
            for b, (branch, indices) in enumerate(zip(self.branches, MCNN_LAYOUT.branches, strict=True)):
                rows = list(indices)
                state = {
                    "0.weight": folded.fc1_weight[b].t(),
                    "0.bias": folded.fc1_bias[b],
                    "2.weight": folded.fc2_weight[b].t(),
                    "2.bias": folded.fc2_bias[b],
                    "4.weight": folded.out_weight[rows],
                    "4.bias": folded.out_bias[rows],
                }
                branch.load_state_dict(state)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 3, 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 3, 2)
        pooled = [F.max_pool2d(F.relu(conv(x)), 5, 5).flatten(1) for conv in self.conv3]
        return torch.cat([b(pooled[u]) for b, u in zip(self.branches, self.unit_of, strict=True)], 1)[:, self.order]


def grouped(mcnn: Mcnn) -> Callable[[Tensor], Tensor]:
    """Mcnn with PyTorch's own convolutions at every batch size."""

    def forward(x: Tensor) -> Tensor:
        smallest, fastconv.SMALLEST_BATCH = fastconv.SMALLEST_BATCH, 1 << 30
        try:
            return mcnn(x)  # type: ignore[no-any-return]
        finally:
            fastconv.SMALLEST_BATCH = smallest

    return forward


def medians(variants: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each, all taking turns."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds + 1):
        for name, run in variants.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(t[1:]) for name, t in times.items()}


def table(times: dict[str, float], faces: int) -> None:
    base = next(iter(times.values()))
    print("| network | ms a face | times as fast |\n|---|---|---|")
    for name, t in times.items():
        print(f"| {name} | {t / faces * 1e3:.2f} | {base / t:.2f} |")


def accuracy_on_test(celeba: Path, work: Path, networks: dict[str, Callable[[Tensor], Tensor]]) -> None:
    from facesearch.training.datasets import Role, cache_folder, open_cache, read_dataset
    from facesearch.training.loop import plain_crop

    known = load_checkpoint()
    _, aux = known.network()
    labels = read_dataset(celeba)
    cache = open_cache(labels, cache_folder(work, labels.dataset))
    rows = labels.of(Role.TEST)
    mean = torch.from_numpy(known.mean)
    found: dict[str, list[np.ndarray]] = {name: [] for name in networks}
    for start in range(0, len(rows), 64):
        crops = np.stack([plain_crop(cache, int(r), INPUT_SIZE) for r in rows[start : start + 64]])
        for name, network in networks.items():
            logits = aux(mcnn_logits(network, torch.from_numpy(crops), mean, known.views)).numpy()
            found[name].append(logits * known.calibration_scale + known.calibration_bias > 0)
    for name, said in found.items():
        print(f"mean accuracy on test, {name}: {100 * (np.concatenate(said) == labels.labels[rows]).mean():.3f}")


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--celeba", type=Path)
    parser.add_argument("--work", type=Path)
    given = parser.parse_args()
    known = load_checkpoint()
    mcnn = known.network()[0].to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    plain = PlainMcnn(mcnn).eval()
    last = PlainMcnn(mcnn).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fast = FastMcnn(mcnn)
    crops = np.random.default_rng(0).integers(0, 256, (given.faces, INPUT_SIZE, INPUT_SIZE, 3), dtype=np.uint8)
    x = prepare(torch.from_numpy(crops), torch.from_numpy(known.mean))
    contiguous = x.contiguous()
    print(f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}, batch {given.faces}\n")
    variants: dict[str, Callable[[], Tensor]] = {
        "plain eager": lambda: plain(contiguous),
        "plain eager, channels last": lambda: last(x),
        "grouped Conv3 and branches, channels last": lambda: grouped(mcnn)(x),
        "what ships": lambda: fast(x),
    }
    table(medians(variants, given.rounds), given.faces)
    difference = (fast(x) - plain(contiguous)).abs().max()
    print(f"\nlargest difference of a logit: {float(difference):.1e}\n")

    one = torch.cat(known.views.of(contiguous[:1]))
    start: dict[str, Callable[[], Tensor]] = {
        "plain eager": lambda: plain(one),
        "what ships": lambda: FastMcnn(mcnn)(one),
    }
    print("One photo:\n")
    table(medians(start, given.rounds), 1)
    if given.celeba and given.work:
        print()
        accuracy_on_test(given.celeba, given.work, {"plain eager": plain, "what ships": fast})


if __name__ == "__main__":
    main()
