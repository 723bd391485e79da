"""The main job with the network that ships: words about the composite portraits put the right ones first.

Order only, never probabilities: another checkpoint may be surer or less sure, but must not rank a portrait of people
without a goatee above those with one.
"""

import csv
import io
from pathlib import Path

import pytest

from facesearch.attributes import BY_NAME
from tests.conftest import GALLERY, Program

pytestmark = pytest.mark.slow

Face = tuple[str, int]
"""Picture and place in it, from 0, left to right."""


def manifest() -> dict[Face, tuple[set[str], set[str]]]:
    """Attributes that everybody averaged has, and that nobody has."""
    with (GALLERY / "portraits.csv").open(newline="", encoding="utf-8") as file:
        return {
            (row["file"], int(row["face"])): (set(row["shows"].split()), set(row["lacks"].split()))
            for row in csv.DictReader(file)
        }


PORTRAITS = manifest()


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gallery, indexed once as a user does it."""
    from cli.main import run

    path = tmp_path_factory.mktemp("gallery") / "faces.db"
    assert run(["index", str(GALLERY), "--catalogue", str(path)]) == 0
    return path


def ranking(facesearch: Program, *arguments: str | Path) -> list[Face]:
    """Every face found, best first."""
    ran = facesearch(*arguments, "--top", "all", "--csv", "-")
    rows = list(csv.DictReader(io.StringIO(ran.out, newline="")))
    place = {}
    for photo in {row["photo"] for row in rows}:
        inside = sorted((row for row in rows if row["photo"] == photo), key=lambda row: float(row["x"]))
        place |= {row["face"]: (Path(photo).name, number) for number, row in enumerate(inside)}
    return [place[row["face"]] for row in rows]


def in_order(ranked: list[Face], fits: set[Face], fits_not: set[Face]) -> float:
    """Share of the pairs (one that fits, one that does not) in which the one that fits stands first."""
    at = {face: rank for rank, face in enumerate(ranked)}
    pairs = [(a, b) for a in fits for b in fits_not if a in at and b in at]
    assert pairs
    return sum(at[a] < at[b] for a, b in pairs) / len(pairs)


def test_every_face_of_the_gallery_is_found(facesearch: Program, catalogue: Path) -> None:
    assert set(ranking(facesearch, "search", "man or not man", "--catalogue", catalogue)) == set(PORTRAITS)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("man", "Male"),
        ("glasses", "Eyeglasses"),
        ("hat", "Wearing_Hat"),
        ("bald", "Bald"),
        ("bangs", "Bangs"),
        ("blond", "Blond_Hair"),
        ("grey hair", "Gray_Hair"),
        ("goatee", "Goatee"),
        ("moustache", "Mustache"),
        ("smiling", "Smiling"),
        ("clean-shaven", "No_Beard"),
    ],
)
def test_a_word_puts_those_it_fits_above_those_it_does_not(
    facesearch: Program, catalogue: Path, words: str, name: str
) -> None:
    assert name in BY_NAME
    ranked = ranking(facesearch, "search", words, "--catalogue", catalogue)
    fits = {face for face, (shows, _) in PORTRAITS.items() if name in shows}
    fits_not = {face for face, (_, lacks) in PORTRAITS.items() if name in lacks}
    assert in_order(ranked, fits, fits_not) >= 0.95


def test_the_first_hits_of_a_description_fit_all_of_it(facesearch: Program, catalogue: Path) -> None:
    ranked = ranking(facesearch, "search", "man, goatee, not bald", "--catalogue", catalogue)
    for face in ranked[:3]:
        shows, _ = PORTRAITS[face]
        assert {"Male", "Goatee"} <= shows
        assert "Bald" not in shows


def test_the_same_portrait_in_a_group_picture_is_the_most_similar_face(facesearch: Program, catalogue: Path) -> None:
    """Members of group pictures are portraits of the gallery, so the nearest other profile is known."""
    alone = {frozenset(map(frozenset, value)): face for face, value in PORTRAITS.items() if "group" not in face[0]}
    found = 0
    members = [face for face in PORTRAITS if face[0] == "group-of-three.jpg"]
    for picture, number in members:
        twin = alone[frozenset(map(frozenset, PORTRAITS[picture, number]))]
        ranked = ranking(facesearch, "similar", GALLERY / picture, "--pick", str(number), "--catalogue", catalogue)
        found += twin in ranked[:3]
    assert found == len(members)


def test_the_photo_that_lies_on_its_side_is_honoured_as_exif_says(facesearch: Program, catalogue: Path) -> None:
    ran = facesearch("search", "woman", "--top", "all", "--csv", "-", "--catalogue", catalogue)
    (row,) = [r for r in csv.DictReader(io.StringIO(ran.out)) if "turned-woman" in r["photo"]]
    assert row["turned"] == "0"  # upright once EXIF is obeyed, so the detector need not turn it
