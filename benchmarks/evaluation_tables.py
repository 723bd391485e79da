"""The tables of docs/training.md and docs/model-card.md, as Markdown, from what `facesearch evaluate --csv` writes.

    facesearch evaluate CELEBA --work WORK --sizes --utkface UTKFACE --csv shipped.csv
    facesearch evaluate CELEBA --work WORK --checkpoint PROTOCOL.safetensors --csv protocol.csv
    python benchmarks/evaluation_tables.py protocol.csv [shipped.csv]

First the 40 attributes, with the accuracy, average precision and calibration error of each network; then, for each
network, the means of every other set of faces, and UTKFace's groups where they were measured.
"""

import argparse
import csv
from pathlib import Path

from facesearch.attributes import NAMES
from facesearch.training.evaluate import NETWORK

Rows = list[dict[str, str]]


def percent(fraction: str) -> str:
    """Two decimals, or a dash for what has no meaning."""
    return f"{100 * float(fraction):.2f}" if fraction else "-"


def error(fraction: str) -> str:
    return f"{float(fraction):.4f}"[1:] if fraction else "-"


def attributes(networks: dict[str, Rows]) -> None:
    """One row an attribute, three columns a network."""
    tables = [
        {row["attribute"]: row for row in rows if (row["subset"], row["network"]) == ("all", NETWORK)}
        for rows in networks.values()
    ]
    head = ["attribute", "positives", "majority", "paper"]
    head += [f"{name}: {column}" for name in networks for column in ("accuracy", "AP", "ECE")]
    print(f"| {' | '.join([*head, 'grade'])} |\n|{'---|' * (len(head) + 1)}")
    for name in (*NAMES, "MEAN"):
        rows = [table[name] for table in tables]
        first = rows[0]
        cells = [name, percent(first["positives"]), percent(first["majority"])]
        cells.append(percent(first["paper_mcnn_aux_accuracy"]))
        for row in rows:
            cells += [percent(row["accuracy"]), percent(row["average_precision"]), error(row["calibration_error"])]
        print(f"| {' | '.join([*cells, rows[-1]['grade'] or '-'])} |")


def means(rows: Rows) -> None:
    """The means of every set of faces and network."""
    print("\n| faces | network | number | accuracy | majority | balanced | AP | ECE | ECE by chance |\n|" + "---|" * 9)
    for row in rows:
        if row["attribute"] == "MEAN":
            values = [percent(row[key]) for key in ("accuracy", "majority", "balanced_accuracy", "average_precision")]
            values += [error(row[key]) for key in ("calibration_error", "chance_calibration_error")]
            print(f"| {row['subset']} | {row['network']} | {int(row['faces']):,} | {' | '.join(values)} |")


def groups(rows: Rows) -> None:
    """UTKFace: `Male` against gender, and how `Young` and `Gray_Hair` follow age."""
    of_utkface = [row for row in rows if row["subset"].startswith("UTKFace ") and "," not in row["subset"]]
    if not of_utkface:
        return
    print(
        "\n| group | men taken for men | women taken for women | Young, age | Gray_Hair, age | searched |\n|"
        + "---|" * 6
    )
    for name in dict.fromkeys(row["subset"] for row in of_utkface):
        own = {row["attribute"]: row for row in of_utkface if row["subset"] == name}
        male, young, gray = (own[each] for each in ("Male", "Young", "Gray_Hair"))
        ages = [f"{float(each['age_rank_correlation']):.2f}" for each in (young, gray)]
        cells = [
            percent(male["recall"]),
            percent(male["specificity"]),
            *ages,
            percent(str(int(male["searched"]) / int(male["faces"]))),
        ]
        print(f"| {name.removeprefix('UTKFace ')} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluations", type=Path, nargs="+", metavar="CSV")
    networks: dict[str, Rows] = {}
    for path in parser.parse_args().evaluations:
        with path.open(newline="", encoding="utf-8-sig") as file:
            networks[path.stem] = list(csv.DictReader(file))
    attributes(networks)
    for name, rows in networks.items():
        print(f"\n{name}")
        means(rows)
        groups(rows)


if __name__ == "__main__":
    main()
