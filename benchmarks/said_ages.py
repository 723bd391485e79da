"""At which age the network takes people for young: what the weight of an age in numbers is fitted on.

    python benchmarks/said_ages.py UTKFACE --work WORK

UTKFace's file names tell ages (3,000 adults of five groups in the copy that the figures are of). For men, for women and
for both a logistic curve is fitted by maximum likelihood to whether the network answers "young" (P(Young) from .5 on);
the table gives the age at which it passes one half and its width in years, of all portraits, of every second one in the
order of names, of the others, and of each group. The constants in facesearch/query/said_ages.py are the first column.
Nothing in the network is fitted here.

Prints Markdown, and how much an age counts by what is said. Logits are kept in WORK/utkface-logits.npy.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.values.scoring_model import calibrate
from facesearch.attributes import ATTRIBUTES, BY_NAME, FOLLOW_ORIGIN
from facesearch.network.checkpoint import load_checkpoint
from facesearch.query.said_ages import BORDER, certainty
from facesearch.training.utkface import GROUPS, Portraits, read_utkface

Floats = NDArray[np.float64]

_STEP = 0.5  # years: what the curve is fitted to
_SAID = ((18, 24), (20, 29), (25, 25), (30, 30), (30, 39), (35, 35), (39, 39), (41, 41), (45, 45), (40, 49), (50, 50))
_SAID_OLD = ((50, 59), (55, 55), (60, 60), (70, 70))


def fitted(ages: NDArray[np.int64], young: NDArray[np.bool_]) -> tuple[float, float]:
    """Middle and width, in years, of the likeliest logistic curve."""
    middles, widths = np.arange(25, 70, _STEP), np.arange(2, 25, _STEP)
    known, at = np.unique(ages, return_inverse=True)
    yes, all_of = np.bincount(at, young), np.bincount(at)
    z = (known - middles[:, None, None]) / widths[None, :, None]
    likelihood = -(yes * np.logaddexp(0, z) + (all_of - yes) * np.logaddexp(0, -z)).sum(axis=-1)
    middle, width = np.unravel_index(likelihood.argmax(), likelihood.shape)
    return float(middles[middle]), float(widths[width])


def report(portraits: Portraits, p: Floats) -> None:
    ages, young = portraits.ages, p[:, BY_NAME["Young"].index] >= 0.5
    half = np.arange(len(ages)) % 2 == 0
    print("| people | middle, width: all | of every second | of the others |" + "".join(f" {g} |" for g in GROUPS))
    print("|---|---|---|---|" + "---|" * len(GROUPS))
    for name, of in (("all", np.ones(len(ages), bool)), ("men", portraits.men), ("women", ~portraits.men)):
        rows = [of, of & half, of & ~half, *(of & (portraits.groups == number) for number in range(len(GROUPS)))]
        cells = [fitted(ages[each], young[each]) for each in rows]
        print(f"| {name} | " + " | ".join(f"{middle:g}, {width:g}" for middle, width in cells) + " |")
    print("\n| said | of anybody | of a man | of a woman |\n|---|---|---|---|")
    for first, last in (*_SAID, *_SAID_OLD):
        is_young = first < 40
        counts = [certainty((first, last), is_young, man) for man in (None, True, False)]
        said = f"{first}" if first == last else f"{first} to {last}"
        print(f"| {said}, {'young' if is_young else 'old'} | " + " | ".join(f"{each:.2f}" for each in counts) + " |")
    print(f"\nFrom {BORDER[0]} to {BORDER[1]} an age counts for nothing.\n")
    print("| judged so, in % of the group |" + "".join(f" {g} |" for g in GROUPS) + "\n|---|" + "---|" * len(GROUPS))
    for attribute in sorted(FOLLOW_ORIGIN):
        shares = [100 * (p[portraits.groups == g, attribute] >= 0.5).mean() for g in range(len(GROUPS))]
        print(f"| {ATTRIBUTES[attribute].name} | " + " | ".join(f"{share:.0f}" for share in shares) + " |")


def scored(portraits: Portraits, work: Path, checkpoint: Path | None) -> Floats:
    """float64 [N, 40]: calibrated probabilities."""
    known = load_checkpoint(checkpoint)
    path = work / "utkface-logits.npy"
    if path.exists() and len(logits := np.load(path)) == len(portraits.paths):
        return calibrate(logits, known.calibration_scale, known.calibration_bias)
    from facesearch.network.scorer import Scorer
    from facesearch.training.utkface import score_portraits
    from facesearch.vision.detection import YuNet

    def tell(done: int, of: int) -> None:
        print(f"\rscoring {done:,} of {of:,} faces", end="", file=sys.stderr)

    logits, _ = score_portraits(Scorer(known), YuNet(), portraits.paths, tell)
    print(file=sys.stderr)
    work.mkdir(parents=True, exist_ok=True)
    np.save(path, logits)
    return calibrate(logits, known.calibration_scale, known.calibration_bias)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("utkface", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path)
    given = parser.parse_args()
    portraits = read_utkface(given.utkface)
    report(portraits, scored(portraits, given.work, given.checkpoint))


if __name__ == "__main__":
    main()
