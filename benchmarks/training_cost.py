"""The paper's cost claims: parameters and training time of 40 independent CNNs against MCNN and MCNN-AUX.

    python benchmarks/training_cost.py [--batch 100] [--rounds 7] [--input 227] [--device auto]

A training step is what `facesearch train` does with a batch: forward, loss, backward, AdamW, in bfloat16 where the
device has it. The AUX step is the paper's second stage: MCNN frozen, its scores of the batch computed, the 40 x 40
layer trained. One step of one independent CNN, one of MCNN and one of AUX take turns, so that whatever else the machine
does touches them alike; the table shows medians over the rounds. An epoch is as many steps for every network, so the
ratios of steps are those of the training times; cutting the crops, the same for all, is left out. Crops and labels are
random: what they show does not change the time. The parameters are those of the paper's layers; batch normalisation,
which is folded into them after training, is not counted. A few minutes on two cores.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesearch.attributes import NAMES
from facesearch.network.device import bf16_pays, device_name, keep_freed_memory, pick_device
from facesearch.network.mcnn import (
    MCNN_LAYOUT,
    SINGLE_LAYOUT,
    Aux,
    Layout,
    Mcnn,
    Normalisation,
    parameter_count,
    prepare,
)
from facesearch.vision.crop import INPUT_SIZE

PAPER_BATCH = 100


@dataclass(frozen=True)
class Parameters:
    """Trained values of the paper's networks."""

    independent: int
    mcnn: int
    mcnn_aux: int


@dataclass(frozen=True)
class Seconds:
    """One training step of each network, seconds."""

    one_independent: float
    mcnn: float
    aux: float


def count_parameters() -> Parameters:
    """independent: of all 40 CNNs together."""
    one, mcnn = (parameter_count(Mcnn(of, Normalisation.FOLDED)) for of in (SINGLE_LAYOUT, MCNN_LAYOUT))
    return Parameters(len(NAMES) * one, mcnn, mcnn + parameter_count(Aux()))


def time_steps(batch: int, rounds: int, size: int, device: torch.device) -> Seconds:
    """Medians over the rounds, in which the networks take turns; the first round, which warms up, does not count."""
    torch.manual_seed(0)
    crops = torch.randint(0, 256, (batch, size, size, 3), dtype=torch.uint8)
    x = prepare(crops.to(device), torch.full((3,), 127.5, device=device))
    y = torch.randint(0, 2, (batch, len(NAMES))).to(device, torch.float32)
    mcnn = _network(MCNN_LAYOUT, device)
    steps = [_step(_network(SINGLE_LAYOUT, device), x, y[:, :1]), _step(mcnn, x, y), _aux_step(mcnn, x, y)]
    taken: list[list[float]] = [[] for _ in steps]
    for number in range(rounds + 1):
        for times, step in zip(taken, steps, strict=True):
            _wait(device)
            start = time.perf_counter()
            step()
            _wait(device)
            if number:
                times.append(time.perf_counter() - start)
    return Seconds(*map(statistics.median, taken))


def _network(layout: Layout, device: torch.device) -> Mcnn:
    net = Mcnn(layout).to(device)
    return net.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload, no-any-return]


def _step(net: nn.Module, x: Tensor, y: Tensor) -> Callable[[], None]:
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-4)

    def step() -> None:
        with _autocast(x.device):
            logits = net(x)
        _learn(optimiser, logits, y)

    return step


def _aux_step(mcnn: Mcnn, x: Tensor, y: Tensor) -> Callable[[], None]:
    aux = Aux().to(x.device)
    optimiser = torch.optim.AdamW(aux.parameters(), lr=1e-4)

    def step() -> None:
        mcnn.eval()
        with torch.no_grad(), _autocast(x.device):
            scores = mcnn(x)
        mcnn.train()
        _learn(optimiser, aux(scores.float()), y)

    return step


def _autocast(device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16_pays(device))


def _learn(optimiser: torch.optim.Optimizer, logits: Tensor, y: Tensor) -> None:
    loss = F.binary_cross_entropy_with_logits(logits.float(), y)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def as_markdown(parameters: Parameters, seconds: Seconds) -> str:
    """The table, as Markdown."""
    forty = len(NAMES) * seconds.one_independent
    rows = (
        ("40 independent CNNs", parameters.independent, forty),
        ("MCNN", parameters.mcnn, seconds.mcnn),
        ("MCNN-AUX (a step of MCNN and one of AUX)", parameters.mcnn_aux, seconds.mcnn + seconds.aux),
    )
    lines = ["| network | parameters | of the 40 CNNs' | one step, seconds | times faster |", "|---|---|---|---|---|"]
    for name, count, took in rows:
        share = 100 * count / parameters.independent
        lines.append(f"| {name} | {count:,} | {share:.0f} % | {took:.3f} | {forty / took:.1f} |")
    lines.append("")
    lines.append(
        f"One step of one independent CNN took {seconds.one_independent:.3f} s (times 40 above), one of AUX alone "
        f"{seconds.aux:.3f} s. The paper: 64 million parameters against fewer than 16 million, 40 hours against 2.5 "
        "(CelebA; 16 times) and 20 against 1 (LFWA), AUX another 20 and 10 minutes."
    )
    return "\n".join(lines)


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=PAPER_BATCH, help="faces in a step (the paper's: 100)")
    parser.add_argument("--rounds", type=int, default=7, help="steps of each network that count")
    parser.add_argument("--input", type=int, default=INPUT_SIZE, help="side in pixels (the paper's: 227)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    arguments = parser.parse_args(given)
    device = pick_device(arguments.device)
    keep_freed_memory()
    print(
        f"{device_name(device)}, torch {torch.__version__}, batches of {arguments.batch} at {arguments.input} pixels, "
        f"median of {arguments.rounds} steps\n"
    )
    print(as_markdown(count_parameters(), time_steps(arguments.batch, arguments.rounds, arguments.input, device)))


if __name__ == "__main__":
    main()
