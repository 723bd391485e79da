"""How well statements are understood, and how fast, over benchmarks/witness/dev.tsv (readings: its GUIDELINES.md).

    python benchmarks/statements.py [--corpus FILE.tsv] [--by kind] [--list misread]

Prints, for the English rows: how many statements are accepted, how many are read exactly right, the facts (attribute,
polarity and certainty class) found and rightly found, those turned into their opposite or invented, and the persons.
benchmarks/witness/score.py says what each figure counts.

Then, side by side in one run: what it takes to read a statement of 300 words in a warm process and to load the lexicon
and the list of words, beside `import numpy` in a new process (medians of the rounds); and how the steps of the parser
grow with the number of words.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from facesearch.errors import QueryError
from facesearch.query.lexicon import Lexicon, OrdinaryWords, ordinary_words
from facesearch.query.reader import read_text
from facesearch.query.statement import Statement, understand
from facesearch.query.tokens import tokens

WITNESS = Path(__file__).parent / "witness"
ENGLISH = "variety!=DE,FR,ES"
ROUNDS = 7


def measure(corpus: Path, by: str | None, listed: str) -> None:
    command = [sys.executable, WITNESS / "score.py", corpus, "--only", ENGLISH, "--list", listed]
    command += ["--callable", "facesearch.query.statement:scored", *(["--by", by] if by else [])]
    subprocess.run([str(each) for each in command], check=True)


def texts(corpus: Path) -> list[str]:
    rows = [line.split("\t") for line in corpus.read_text(encoding="utf-8").splitlines()[1:] if line]
    return [row[3].replace("\\n", "\n") for row in rows if row[1] not in ("DE", "FR", "ES")]


def of_words(corpus: Path, count: int) -> str:
    """A statement of so many words: statements of the corpus one behind the other."""
    words = " ".join(text for text in texts(corpus) if len(text.split()) > 40).split()
    return " ".join((words * (count // len(words) + 1))[:count])


def seconds(action: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def read(text: str) -> Statement | None:
    try:
        return understand(text)
    except QueryError:
        return None


def importing(module: str) -> float:
    """Seconds that an import takes in a new process, without the start of Python."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    taken = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(ROUNDS)
    ]
    return statistics.median(taken)


def load() -> None:
    Lexicon()
    ordinary_words.cache_clear()
    found: OrdinaryWords = ordinary_words()
    found.classes("jacket")


def speed(corpus: Path) -> None:
    statement = of_words(corpus, 300)
    read(statement)
    numpy, parse, loading = importing("numpy"), seconds(lambda: read(statement)), seconds(load)
    print(f"\nimport numpy                      {1000 * numpy:6.1f} ms")
    print(f"300 words in a warm process       {1000 * parse:6.1f} ms  {parse / numpy:.2f} of it")
    print(f"loading the lexicon and the list  {1000 * loading:6.1f} ms  {loading / numpy:.2f} of it")
    print("steps of the parser for a word:", end="")
    for count in (50, 100, 200, 400, 800):
        text = of_words(corpus, count)
        print(f"  {read_text(text, tokens(text), Lexicon()).steps / count:.1f} ({count} words)", end="")
    print()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--corpus", type=Path, default=WITNESS / "dev.tsv")
    options.add_argument("--by", choices=("kind", "variety"))
    options.add_argument("--list", default="none", help="misread, refused, right, all or none")
    chosen = options.parse_args()
    measure(chosen.corpus, chosen.by, chosen.list)
    speed(chosen.corpus)


if __name__ == "__main__":
    main()
