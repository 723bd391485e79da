"""Precision of the first ten hits for ten descriptions, over photos as found on the web.

    python benchmarks/wild_precision.py CELEBA

CELEBA holds CelebA in its official layout, with original photos in img_celeba/ and list_role.txt. Only photos of role
`test` are indexed, into a temporary catalogue, as `facesearch index` does it. A hit is right when the labels of its
photo (which describe one person, also where several are in the picture) fit the description. Prints a table: how many
photos fit, precision of the first ten, and what ten photos drawn at random would give. The descriptions were fixed
before the first run; at least ten photos fit each.
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from db.catalogue import open_catalogue
from facesearch.attributes import NAMES
from facesearch.network.checkpoint import load_checkpoint
from facesearch.network.scorer import Scorer
from facesearch.query import parse
from facesearch.search.description import search
from facesearch.search.request import Request
from facesearch.vision.detection import MODEL_SHA256, YuNet, detector_name
from indexer.pipeline import index_folders

Labels = dict[str, bool]

DESCRIPTIONS: dict[str, Callable[[Labels], bool]] = {
    "eyeglasses, male": lambda a: a["Eyeglasses"] and a["Male"],
    "hat": lambda a: a["Wearing_Hat"],
    "man, beard, smiling": lambda a: a["Male"] and not a["No_Beard"] and a["Smiling"],
    "man, not young": lambda a: a["Male"] and not a["Young"],
    "blond or gray hair, not smiling": lambda a: (a["Blond_Hair"] or a["Gray_Hair"]) and not a["Smiling"],
    "woman, black hair, smiling": lambda a: not a["Male"] and a["Black_Hair"] and a["Smiling"],
    "necktie": lambda a: a["Wearing_Necktie"],
    "mustache or goatee": lambda a: a["Mustache"] or a["Goatee"],
    "woman, bangs": lambda a: not a["Male"] and a["Bangs"],
    "gray hair": lambda a: a["Gray_Hair"],
}
TOP = 10


def read_test_labels(celeba: Path) -> dict[str, Labels]:
    """Labels of the original photos of role `test`, by file name."""
    roles = dict(line.split() for line in (celeba / "list_role.txt").read_text().splitlines())
    there = {p.name for p in (celeba / "img_celeba").iterdir()}
    found = {}
    for line in (celeba / "list_attr_celeba.txt").read_text().splitlines()[2:]:
        name, *signs = line.split()
        if name in there and roles[name] == "test":
            found[name] = dict(zip(NAMES, (s == "1" for s in signs), strict=True))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("celeba", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    arguments = parser.parse_args()
    labels = read_test_labels(arguments.celeba)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "photos"
        folder.mkdir()
        for name in labels:
            shutil.copy(arguments.celeba / "img_celeba" / name, folder / name)
        checkpoint = load_checkpoint(arguments.checkpoint)
        with open_catalogue(Path(temporary) / "faces.db", create=True) as catalogue:
            report = index_folders(
                catalogue,
                [folder],
                model=checkpoint.scoring_model(),
                new_scorer=lambda: Scorer(checkpoint),
                new_detector=YuNet,
                detector=detector_name(MODEL_SHA256),
            )
            print(f"{len(labels)} photos of role test, {report.faces} faces; model {checkpoint.digest[:12]}\n")
            print("| description | photos that fit | right of the first 10 | at random |\n|---|---|---|---|")
            total = 0
            for text, fits in DESCRIPTIONS.items():
                fitting = sum(map(fits, labels.values()))
                hits = search(catalogue, Request(parse(text)), top=TOP).hits
                right = sum(fits(labels[hit.face.path.name]) for hit in hits)
                total += right
                print(f"| {text} | {fitting} | {right} | {TOP * fitting / len(labels):.1f} |")
            print(f"\nmean precision of the first ten: {total / TOP / len(DESCRIPTIONS):.2f}")


if __name__ == "__main__":
    main()
