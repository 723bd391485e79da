"""Builds the list of ordinary English words, with their classes, that tells a misspelt word from one that is merely
unknown.

    python tools/build_words.py FOLDER_WITH_WHEELS facesearch/query/english

The wheels (all under the MIT licence; their notices are in words.LICENSE beside the list), fetched with
`pip download --no-deps pyspellchecker==0.9.1 symspellpy==6.10.1 textblob==0.20.1 lemminflect==0.2.3`:

- pyspellchecker and symspellpy: which words there are. A word counts that both have, or one of them and a dictionary.
- textblob (Brill's lexicon) and lemminflect (NIH SPECIALIST lexicon): what classes a word has.

A line of the list is a word, a space, and its classes, the likeliest first: n noun, v verb, p participle or past form,
a adjective, r adverb, x anything else; "-" where no table says. Sorted by bytes, so that it can be searched in place.
"""

import gzip
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

_PLAIN = re.compile(r"[a-z]{2,24}")
_BRILL = {
    "NN": "n",
    "NNS": "n",
    "VB": "v",
    "VBP": "v",
    "VBZ": "v",
    "VBD": "p",
    "VBN": "p",
    "VBG": "p",
    "JJ": "a",
    "JJR": "a",
    "JJS": "a",
    "RB": "r",
    "RBR": "r",
}
_SPECIALIST = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}


def _member(folder: Path, wheel: str, member: str) -> bytes:
    path = next(folder.glob(f"{wheel}-*.whl"))
    with zipfile.ZipFile(path) as archive:
        return archive.read(member)


def _brill(folder: Path) -> Iterator[tuple[str, str]]:
    """The words of Brill's lexicon with their likeliest tag."""
    for line in _member(folder, "textblob", "textblob/en/en-lexicon.txt").decode().splitlines():
        word, _, tag = line.partition(" ")
        if _PLAIN.fullmatch(word):
            yield word, tag


def _classes(folder: Path) -> dict[str, str]:
    """The classes of each word of the two dictionaries, the likeliest first."""
    found: dict[str, str] = {}

    def add(word: str, letter: str) -> None:
        if letter not in found.get(word, ""):
            found[word] = found.get(word, "") + letter

    for word, tag in _brill(folder):
        add(word, _BRILL.get(tag, "x"))
    lemmas = gzip.decompress(_member(folder, "lemminflect", "lemminflect/resources/lemma_lu.csv.gz")).decode()
    for line in lemmas.splitlines():
        word, tag, lemma = line.split(",")[:3]
        if _PLAIN.fullmatch(word) and tag in _SPECIALIST:
            letter = _SPECIALIST[tag]
            past = letter == "v" and word != lemma and word.endswith(("ed", "ing", "en"))
            add(word, "p" if past else letter)
    forms = gzip.decompress(_member(folder, "lemminflect", "lemminflect/resources/infl_lu.csv.gz")).decode()
    for line in forms.splitlines():
        word, tag = line.split(",")[:2]
        if _PLAIN.fullmatch(word) and tag in _SPECIALIST:
            add(word, _SPECIALIST[tag])
    return found


def build(folder: Path) -> list[str]:
    speller = json.loads(gzip.decompress(_member(folder, "pyspellchecker", "spellchecker/resources/en.json.gz")))
    counted = _member(folder, "symspellpy", "symspellpy/frequency_dictionary_en_82_765.txt").decode("utf-8-sig")
    counts = {word: int(count) for word, _, count in (line.partition(" ") for line in counted.splitlines())}
    classes = _classes(folder)
    both = speller.keys() & counts.keys()
    sure = both | {word for word in classes if word in speller or word in counts}
    return sorted(f"{word} {classes.get(word, '-')}" for word in sure if _PLAIN.fullmatch(word))


def main() -> None:
    wheels, target = map(Path, sys.argv[1:3])
    lines = build(wheels)
    (target / "words.txt").write_bytes("".join(f"{line}\n" for line in lines).encode("ascii"))
    notices = [
        f"{wheel}\n\n{_licence(wheels, wheel)}" for wheel in ("pyspellchecker", "symspellpy", "textblob", "lemminflect")
    ]
    lexicon = _member(wheels, "textblob", "textblob/en/en-lexicon.txt").decode().splitlines()
    notices.append(
        "\n".join(["Brill's lexicon in textblob", "", *(line[4:] for line in lexicon if line.startswith(";;;"))])
    )
    (target / "words.LICENSE").write_text(
        "words.txt is compiled from the data of these packages by tools/build_words.py.\n\n"
        + f"\n{'-' * 70}\n\n".join(notices),
        encoding="utf-8",
    )
    print(f"{len(lines)} words, {(target / 'words.txt').stat().st_size} bytes")


def _licence(folder: Path, wheel: str) -> str:
    path = next(folder.glob(f"{wheel}-*.whl"))
    with zipfile.ZipFile(path) as archive:
        name = next(each for each in archive.namelist() if each.endswith("LICENSE"))
        return archive.read(name).decode()


if __name__ == "__main__":
    main()
