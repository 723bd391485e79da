"""All 40 rows of the paper's Table 3 (LFWA) beside ours: independent CNNs, MCNN and MCNN-AUX.

    python benchmarks/lfwa_protocol.py LFWA --work WORK [--independent all|none|NAME,NAME] [--start FILE] [--csv FILE]

LFWA holds the data set in its official layout. Trains, by the recipes lfwa-scratch, lfwa (starting from --start, else
from the network in the package) and lfwa-independent, what is not trained yet in WORK; stopped at any moment, the same
command goes on. Independent CNNs are trained for one attribute of each of the paper's nine groups unless told
otherwise. The checkpoints are WORK/lfwa-scratch.safetensors and WORK/lfwa.safetensors.

Prints the table as markdown: accuracy in percent on the 6,880 test faces. MCNN and the independent CNNs say yes to a
logit above 0, MCNN-AUX to a calibrated probability above .5, as in use.
"""

import argparse
import csv
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesearch.attributes import ATTRIBUTES, BY_NAME, NAMES, Attribute
from facesearch.network.device import keep_freed_memory, pick_device
from facesearch.training.datasets import Dataset, Role, cache_folder, open_cache, read_dataset
from facesearch.training.evaluate import MCNN_ALONE, Evaluation
from facesearch.training.independent import train_alone
from facesearch.training.loop import Progress
from facesearch.training.paper_results import published
from facesearch.training.recipe import load_recipe
from facesearch.training.run import Callbacks, train_checkpoint

Accuracies = NDArray[np.float64]

ONE_OF_EACH_GROUP = "Male,Big_Nose,Smiling,Eyeglasses,Young,Bangs,Goatee,High_Cheekbones,Chubby"
SCRATCH, TUNED = "lfwa-scratch", "lfwa"
TERMS = "LFW and the LFWA labels are for non-commercial research; so are these weights."


def networks(lfwa: Path, work: Path, start: Path | None, device: str) -> dict[str, Evaluation]:
    """MCNN and MCNN-AUX by both recipes, on the test faces."""
    found = {}
    for name in (TUNED, SCRATCH):
        out = work / f"{name}.safetensors"
        begin = start if name == TUNED else None
        tell = _callbacks(name)
        _, evaluation = train_checkpoint(lfwa, work, out, load_recipe(name), device, tell, TERMS, begin, sizes=())
        assert evaluation is not None, "LFWA has test faces"
        found[name] = evaluation
    return found


def independent(lfwa: Path, work: Path, attributes: list[Attribute], device: str) -> Accuracies:
    """Accuracy of the attributes' own CNNs on the test faces, float64 [40]; nan for the others."""
    recipe = load_recipe("lfwa-independent")
    labels = read_dataset(lfwa)
    cache = open_cache(labels, cache_folder(work, labels.dataset))
    rows = labels.of(Role.TEST)
    found = np.full(len(NAMES), np.nan)
    for attribute in attributes:
        tell = _callbacks(attribute.name)
        logits = train_alone(
            attribute, labels, cache, rows, recipe, work / recipe.name, pick_device(device), tell.step, tell.note
        )
        found[attribute.index] = np.mean((logits > 0) == labels.labels[rows, attribute.index])
        tell.note(f"accuracy {100 * found[attribute.index]:.2f}")
    return found


def table(alone: Accuracies, found: dict[str, Evaluation]) -> Iterator[list[str]]:
    """Header, 40 rows, the means, and the means over the attributes that have a CNN of their own."""
    paper = published(Dataset.LFWA)
    columns = {
        "paper: commoner answer": paper.majority,
        "independent": paper.independent,
        "MCNN": paper.mcnn,
        "MCNN-AUX": paper.mcnn_aux,
        "positives in test": found[TUNED].together.positives,
        "commoner answer": found[TUNED].together.majority,
        "independent, from nothing": alone,
        "MCNN, from nothing": found[SCRATCH].before[MCNN_ALONE].accuracy,
        "MCNN-AUX, from nothing": found[SCRATCH].together.accuracy,
        "MCNN, from CelebA": found[TUNED].before[MCNN_ALONE].accuracy,
        "MCNN-AUX, from CelebA": found[TUNED].together.accuracy,
    }
    yield ["attribute", *columns]
    for attribute in ATTRIBUTES:
        yield [attribute.name, *(_percent(values[attribute.index]) for values in columns.values())]
    yield ["MEAN of 40", *(_percent(values.mean()) for values in columns.values())]
    own = ~np.isnan(alone)
    if own.any() and not own.all():
        yield [f"MEAN of the {own.sum()} with CNNs of their own", *(_percent(v[own].mean()) for v in columns.values())]


def _percent(value: float) -> str:
    return "" if np.isnan(value) else f"{100 * value:.2f}"


def _callbacks(name: str) -> Callbacks:
    """Progress to stderr, a line a minute."""
    told = 0.0

    def say(words: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {name}: {words}", file=sys.stderr, flush=True)

    def now_and_then(words: str) -> None:
        nonlocal told
        if time.monotonic() - told > 60:
            told = time.monotonic()
            say(words)

    def step(now: Progress) -> None:
        left = f"{now.left / 60:.0f} min left in this stage"
        now_and_then(f"stage {now.stage} of {now.stages}, step {now.step} of {now.steps}, loss {now.loss:.4f}, {left}")

    return Callbacks(
        faces=lambda what, done, total: now_and_then(f"{what}, {done:,} of {total:,}"), step=step, note=say
    )


def chosen(text: str) -> list[Attribute]:
    """What --independent asks for."""
    if text in ("all", "none"):
        return list(ATTRIBUTES) if text == "all" else []
    names = text.split(",")
    if unknown := [name for name in names if name not in BY_NAME]:
        raise SystemExit(f"There is no attribute {unknown[0]!r}: use the data set's names, with commas between them.")
    return [BY_NAME[name] for name in names]


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lfwa", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--independent", default=ONE_OF_EACH_GROUP, help="all, none, or names with commas")
    parser.add_argument("--start", type=Path, help="the checkpoint that lfwa starts from")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--csv", type=Path, help="write the table there as well")
    arguments = parser.parse_args(given)
    attributes = chosen(arguments.independent)
    keep_freed_memory()
    found = networks(arguments.lfwa, arguments.work, arguments.start, arguments.device)
    rows = list(table(independent(arguments.lfwa, arguments.work, attributes, arguments.device), found))
    for number, row in enumerate(rows):
        print(f"| {' | '.join(row)} |")
        if not number:
            print("|---" * len(row) + "|")
    if arguments.csv:
        with arguments.csv.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)


if __name__ == "__main__":
    main()
