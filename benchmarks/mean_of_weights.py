"""A checkpoint whose network lies between two others: the mean of their weights.

    python benchmarks/mean_of_weights.py FIRST SECOND OUT [--share .5]

Two networks of which one goes on from the other can be averaged, and the mean often keeps most of what either does
well (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022). --share: of the second. AUX and the
probabilities are averaged as well and hold for neither: fit them anew with `facesearch train CELEBA --recipe refit
--start OUT`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file


def mean_of(first: Path, second: Path, share: float, out: Path) -> None:
    """Writes the mean of two checkpoints with the same tensors, `share` of the second, and the first's metadata."""
    with safe_open(first, "pt") as one, safe_open(second, "pt") as other:
        if set(one.keys()) != set(other.keys()):
            raise SystemExit(f"{first} and {second} hold different tensors: name two checkpoints of one layout.")
        mean = {}
        for name in one.keys():  # noqa: SIM118 (no mapping)
            a, b = one.get_tensor(name), other.get_tensor(name)
            mean[name] = ((1 - share) * a.double() + share * b.double()).to(a.dtype)
        save_file(mean, out, metadata=one.metadata())


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--share", type=float, default=0.5)
    options = parser.parse_args(given)
    mean_of(options.first, options.second, options.share, options.out)


if __name__ == "__main__":
    main()
