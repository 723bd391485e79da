"""`facesearch validate` as a user runs it: a sample, two people's answers, a statement; and mistakes."""

import csv
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cli.report.label_page import label_page
from cli.report.validated import validated_where
from db.catalogue import open_catalogue
from db.models import serving
from facesearch.attributes import BY_NAME, NAMES
from facesearch.validation.agreement import compare
from facesearch.validation.answers import CANNOT_TELL, NO, OPEN, YES, Answers, empty_table
from facesearch.validation.sample import DrawnFace, DrawnPhoto, Sample, asked_words, read_sample
from tests.conftest import Program
from tests.support.pages import Reader
from tests.support.squares import index
from tests.support.stand_ins import picture, save

pytestmark = pytest.mark.slow

WORDS = "stubble, arched eyebrows"
ASKED = ("5_o_Clock_Shadow", "Arched_Eyebrows")
PHOTOS, PER_PHOTO = 20, 2

Row = dict[str, str]


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Twenty photos of two faces each: every second face has stubble (a red dot), every third arched eyebrows."""
    folder, number = tmp_path / "album", 0
    for photo in range(PHOTOS):
        dots = []
        for _ in range(PER_PHOTO):
            dots.append((250 if number % 2 else 0, 250 if number % 3 else 0, photo * 12))
            number += 1
        save(folder / f"{photo:02d}.png", picture(*dots))
    return index(tmp_path / "faces.db", folder)


@pytest.fixture
def drawn(facesearch: Program, catalogue: Path, tmp_path: Path) -> Path:
    """A sample of 32 faces and 6 photos, asked two words."""
    folder = tmp_path / "validation"
    ran = facesearch(
        *("validate", folder, "--catalogue", catalogue, "--faces", "32", "--photos", "6", "--words", WORDS)
    )
    assert ran.code == 0, ran.err
    return folder


def truth(catalogue: Path, sample: Sample) -> dict[str, Row]:
    """What the dots say, by item: the answers of somebody who always agrees with the network."""
    from db import faces

    with open_catalogue(catalogue) as opened, opened.read() as session:
        found = serving(session)
        assert found
        details = faces.details(session, [each.face for each in sample.faces], model_id=found[0])
    said = {}
    for number, face in enumerate(details, 1):
        words = {name: "yes" if face.logits[BY_NAME[name].index] > 0 else "no" for name in ASKED}
        said[f"face {number}"] = {"face": "yes", **words}
    return said | {f"photo {number}": {"missed": "0"} for number in range(1, len(sample.photos) + 1)}


def write(folder: Path, name: str, said: dict[str, Row]) -> Path:
    """A file of answers, as the page saves it."""
    rows = list(csv.DictReader((folder / "answers.csv").read_text().splitlines()))
    path = folder / f"labels-{name}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows({**row, **said.get(row["item"], {})} for row in rows)
    return path


def sample_in(folder: Path) -> Sample:
    return read_sample((folder / "sample.json").read_text(), "sample.json")


def other(answer: str) -> str:
    return "no" if answer == "yes" else "yes"


def test_three_steps_lead_to_a_statement_that_reports_repeat(
    facesearch: Program, catalogue: Path, drawn: Path, tmp_path: Path
) -> None:
    at = ("--catalogue", catalogue)
    sheet = tmp_path / "sheet.html"
    facesearch("search", "stubble", "--html", sheet, *at)
    assert "not validated here" in sheet.read_text()

    ran = facesearch("validate", drawn, *at)
    assert ran.code == 1 and "Step 2 is not done" in ran.out and "label.html" in ran.out
    sample = sample_in(drawn)
    anna = truth(catalogue, sample)
    bert = {item: dict(row) for item, row in anna.items()}
    for number in (1, 2, 3, 4):  # both call it as the network does not
        for who in (anna, bert):
            row = who[f"face {number}"]
            row["5_o_Clock_Shadow"] = other(row["5_o_Clock_Shadow"])
    bert["face 5"]["5_o_Clock_Shadow"] = other(bert["face 5"]["5_o_Clock_Shadow"])
    bert["face 6"]["Arched_Eyebrows"] = "?"
    bert["photo 1"]["missed"] = "2"
    write(drawn, "anna", anna)
    ran = facesearch("validate", drawn, *at)
    assert ran.code == 1 and "Only anna's answers" in ran.out
    write(drawn, "bert", bert)
    ran = facesearch("validate", drawn, *at)
    assert ran.code == 0, ran.err
    assert "32 faces drawn from 40 (seed 0), 2 words, labelled by anna and bert" in ran.out
    (stubble,) = [line.split() for line in ran.out.splitlines() if line.startswith("stubble")]
    assert "13" in stubble, "4 of the 31 on which both agree"
    assert "14 %" not in ran.out and "6.5 %" in ran.out, "4 of the 62 answers on which both agree"
    assert "7.7 %" in ran.out, "1 of 13 faces on the photos was missed, as the two say on average"
    page = Reader((drawn / "validation.html").read_text())
    assert "Validated here on" in " ".join(page.words) and "script" not in page.tags

    said = facesearch("status", *at).out
    assert "validated here on" in said
    facesearch("search", "stubble, attractive", "--html", sheet, *at)
    words = sheet.read_text()
    assert "validated here on" in words and "13 % (5.1 to 29) wrong" in words
    assert "attractive (as the annotators saw it) not measured" in words
    about = json.loads(facesearch("search", "stubble", "--json", *at).out)
    assert about["quality"].startswith("validated here on")


def test_a_statement_holds_for_no_other_network_and_the_same_answers_serve_again(
    facesearch: Program, catalogue: Path, drawn: Path, tmp_path: Path
) -> None:
    said = truth(catalogue, sample_in(drawn))
    write(drawn, "anna", said)
    said["face 1"]["Arched_Eyebrows"] = other(said["face 1"]["Arched_Eyebrows"])
    write(drawn, "bert", said)
    assert facesearch("validate", drawn, "--catalogue", catalogue).code == 0
    index(catalogue, tmp_path / "album", name="second")
    assert "not validated here with this network" in facesearch("status", "--catalogue", catalogue).out
    assert facesearch("validate", drawn, "--catalogue", catalogue).code == 0
    assert " validated here on" in facesearch("status", "--catalogue", catalogue).out


def test_the_same_seed_draws_the_same_faces_and_another_one_others(
    facesearch: Program, catalogue: Path, drawn: Path, tmp_path: Path
) -> None:
    drawing = ("--catalogue", catalogue, "--faces", "32", "--photos", "6", "--words", WORDS)
    facesearch("validate", tmp_path / "again", *drawing)
    facesearch("validate", tmp_path / "other", *drawing, "--seed", "1")
    assert sample_in(tmp_path / "again") == sample_in(drawn)
    assert sample_in(tmp_path / "other").faces != sample_in(drawn).faces


def test_the_page_shows_every_face_and_nothing_that_the_network_said(drawn: Path) -> None:
    text = (drawn / "label.html").read_text()
    page = Reader(text)
    assert text.count('id="face-') == 32 and text.count('id="photo-') == 6
    assert not re.search(r"https?:", text) and "probab" not in text.lower()
    assert [value for name, value in page.attributes if name == "type"].count("text/plain") == 38
    assert (drawn.stat().st_mode & 0o077) == 0, "it holds faces"


Spoil = Callable[[Path, Sample], tuple[Path | str, ...]]


def _swap(old: str, new: str) -> Spoil:
    def spoil(folder: Path, _: Sample) -> tuple[Path | str, ...]:
        path = folder / "labels-anna.csv"
        path.write_text(path.read_text().replace(old, new, 1))
        return ()

    return spoil


def _copy(folder: Path, _: Sample) -> tuple[Path | str, ...]:
    shutil.copy(folder / "labels-anna.csv", folder / "labels-bert.csv")
    return ()


def _third(folder: Path, _: Sample) -> tuple[Path | str, ...]:
    shutil.copy(folder / "labels-anna.csv", folder / "labels-cleo.csv")
    return ()


def _nothing_shared(folder: Path, sample: Sample) -> tuple[Path | str, ...]:
    write(folder, "bert", {f"face {number}": {"face": "no"} for number in range(1, len(sample.faces) + 1)})
    return ()


def _unfinished(folder: Path, _: Sample) -> tuple[Path | str, ...]:
    write(folder, "bert", {"face 1": {"face": "yes", ASKED[0]: "yes"}})
    return ()


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (_swap("face 3,", "face 900,"), 3, "holds no face 900"),
        (_swap("face 3,", "face 4,"), 3, "stands there twice"),
        (_swap("yes", "jein"), 3, "write yes, no or"),
        (_swap("5_o_Clock_Shadow", "Shadow"), 3, "no attribute"),
        (_swap("sample,", "sampel,"), 3, "no column sample"),
        (_copy, 2, "the same file"),
        (_third, 2, "name the two that count"),
        (_nothing_shared, 3, "agree on no answer"),
        (_unfinished, 3, "No word is finished by both"),
        (lambda *_: ("--seed", "3"), 2, "holds a sample already"),
        (lambda folder, _: (folder / "nowhere.csv", folder / "labels-bert.csv"), 3, "cannot be read"),
    ],
)
def test_a_mistake_is_answered_in_one_sentence_and_states_nothing(
    facesearch: Program, catalogue: Path, drawn: Path, spoil: Spoil, code: int, words: str
) -> None:
    sample = sample_in(drawn)
    said = truth(catalogue, sample)
    write(drawn, "anna", said)
    said["face 1"]["face"] = "?"
    write(drawn, "bert", said)
    ran = facesearch("validate", drawn, *spoil(drawn, sample), "--catalogue", catalogue)
    assert ran.code == code and words in ran.err and "Traceback" not in ran.err
    assert ran.err.strip().splitlines()[-1].startswith("Error: ")
    assert not (drawn / "validation.html").exists()
    assert "not validated here" in facesearch("status", "--catalogue", catalogue).out


def test_answers_to_another_sample_and_another_catalogue_are_refused(
    facesearch: Program, catalogue: Path, drawn: Path, tmp_path: Path
) -> None:
    facesearch(
        *("validate", tmp_path / "other", "--catalogue", catalogue, "--faces", "30", "--words", WORDS, "--seed", "9")
    )
    said = truth(catalogue, sample_in(drawn))
    files = [write(tmp_path / "other", name, said) for name in ("anna", "bert")]
    ran = facesearch("validate", drawn, *files, "--catalogue", catalogue)
    assert ran.code == 3 and "belong to sample" in ran.err

    save(tmp_path / "strangers" / "one.png", picture((1, 2, 3)))
    write(drawn, "anna", said)
    said["face 1"]["face"] = "?"
    write(drawn, "bert", said)
    strangers = index(tmp_path / "strangers.db", tmp_path / "strangers")
    ran = facesearch("validate", drawn, "--catalogue", strangers)
    assert ran.code == 3 and "none of the drawn faces" in ran.err


def test_too_few_faces_are_not_drawn(facesearch: Program, tmp_path: Path) -> None:
    save(tmp_path / "few" / "one.png", picture((1, 2, 3)))
    few = index(tmp_path / "few.db", tmp_path / "few")
    ran = facesearch("validate", tmp_path / "out", "--catalogue", few)
    assert ran.code == 3 and "fewer than 30" in ran.err
    assert not (tmp_path / "out" / "sample.json").exists()


def test_faces_whose_photo_is_gone_are_replaced_and_said(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / "album" / f"{number:02d}.png").unlink()
    ran = facesearch("validate", tmp_path / "out", "--catalogue", catalogue, "--faces", "32", "--photos", "20")
    assert ran.code == 0 and "whose photo cannot be opened" in ran.err
    sample = sample_in(tmp_path / "out")
    assert len(sample.faces) == len({each.face for each in sample.faces}) == 32
    assert len(sample.photos) == 16 and sample.not_shown >= 4


def test_no_catalogue_is_as_good_as_one_without_a_statement(tmp_path: Path) -> None:
    assert validated_where(tmp_path / "none.db", "a" * 64).startswith("not validated here")


# ---- the figures ----


def _sample(faces: int, words: tuple[str, ...] = ("Male",), photos: int = 0) -> Sample:
    from db.values.box import Box

    drawn = tuple(DrawnFace(number, "ab" * 32, Box(0, 0, 50, 50)) for number in range(faces))
    return Sample(0, words, 0.8, drawn, tuple(DrawnPhoto("cd" * 32, 3) for _ in range(photos)), faces, photos, 0)


def _answers(name: str, male: list[int], missed: list[int] | None = None) -> Answers:
    words = np.full((len(male), len(NAMES)), OPEN, np.uint8)
    words[:, BY_NAME["Male"].index] = male
    return Answers(name, np.full(len(male), YES, np.uint8), words, np.array(missed or [], np.int64))


def _compared(a: list[int], b: list[int], p: list[float], sizes: list[float] | None = None):  # type: ignore[no-untyped-def]
    probabilities = np.full((len(a), len(NAMES)), 0.5)
    probabilities[:, BY_NAME["Male"].index] = p
    people = _answers("a", a), _answers("b", b)
    return compare(_sample(len(a)), people, probabilities, np.array(sizes or [50] * len(a)), np.ones(len(a), bool))


def test_kappa_is_what_cohen_computes() -> None:
    """20 both yes, 15 both no, 5 and 10 apart: observed .7, by chance .5, kappa .4 (the textbook's table)."""
    a = [YES] * 20 + [YES] * 5 + [NO] * 10 + [NO] * 15
    b = [YES] * 20 + [NO] * 5 + [YES] * 10 + [NO] * 15
    found = _compared(a, b, [0.9] * 50)
    (word,) = found.words
    assert word.kappa == pytest.approx(0.4)
    assert word.kappa_interval and word.kappa_interval.low < 0.4 < word.kappa_interval.high
    assert (word.disagree.wrong, word.disagree.judged, word.have) == (15, 50, 20)
    assert (word.error.wrong, word.error.judged, word.misses.wrong, word.alarms.wrong) == (15, 35, 0, 15)


def test_what_one_cannot_tell_counts_for_nobody() -> None:
    found = _compared([YES, NO, CANNOT_TELL, YES], [YES, NO, NO, CANNOT_TELL], [0.9, 0.1, 0.9, 0.1])
    (word,) = found.words
    assert word.unsure == 2 and word.error.judged == 2 and word.error.wrong == 0
    assert word.against_each == pytest.approx((1 / 3 + 1 / 3) / 2), "each person's own answers do count there"


def test_an_interval_is_wilsons() -> None:
    found = _compared([YES] * 20, [YES] * 20, [0.9] * 18 + [0.1] * 2)
    between = found.words[0].error.interval
    assert between and (between.low, between.high) == pytest.approx((0.0279, 0.3010), abs=1e-3)


def test_the_error_stands_apart_by_group_and_by_size() -> None:
    found = _compared([YES, YES, NO, NO], [YES, YES, NO, NO], [0.9, 0.1, 0.1, 0.1], sizes=[30.0, 47.9, 48.0, 200.0])
    parts = {name: (part.faces, part.error.wrong) for name, part in found.parts.items()}
    assert parts == {
        "Male": (2, 1),
        "not Male": (2, 0),
        "under 48 pixels": (2, 1),
        "48 to 95 pixels": (1, 0),
        "96 pixels and more": (1, 0),
    }


def test_the_commonest_words_are_asked_first_and_all_are_asked() -> None:
    assert asked_words()[:3] == ("Male", "Young", "No_Beard") and sorted(asked_words()) == sorted(NAMES)
    assert asked_words(["Bald", "Male"]) == ("Male", "Bald")


# ---- the page's script ----

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no node to run the page's script")


def node(program: str) -> object:
    """What a program that has the page's functions prints as JSON."""
    script = Path(__file__).parents[1] / "cli" / "report" / "templates" / "label.js"
    text = f"const page = require({json.dumps(str(script))});\n{program}"
    ran = subprocess.run(["node", "-e", text], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@needs_node
def test_the_page_asks_everything_once_and_saves_what_the_program_reads(tmp_path: Path) -> None:
    from facesearch.validation.answers import items, read_answers

    sample = _sample(5, ("Male", "Bald"), photos=2)
    about = {"sample": sample.key, "items": items(sample), "faces": 5, "words": ["Male", "Bald"], "labels": ["m", "b"]}
    saved = node(
        f"const about = {json.dumps(about)}; const answers = {{}}; let asked = 0;\n"
        "for (let next; (next = page.questionsOf(about, 'Anna', answers).find((q) => page.isOpen(answers, q)));) {\n"
        "  asked += 1;\n"
        "  const say = next.column === 'missed' ? '3' : next.column + next.item === 'faceface 2' ? 'no' : 'yes';\n"
        "  (answers[next.item] = answers[next.item] || {})[next.column] = say;\n"
        "}\n"
        "const text = page.toCsv(about, answers);\n"
        "const again = page.toCsv(about, page.fromCsv(about, text));\n"
        "console.log(JSON.stringify({asked, text, again, name: page.fileName(' Anna & Bert '), "
        "wrong: page.fromCsv(about, text.replaceAll(about.sample, 'x'))}));"
    )
    assert isinstance(saved, dict)
    assert saved["asked"] == 5 + 4 + 4 + 2, "a face that is none is asked no words"
    assert saved["text"] == saved["again"] and saved["name"] == "labels-Anna-Bert.csv"
    assert saved["wrong"] == "This file belongs to another sample."
    path = tmp_path / saved["name"]
    path.write_text(saved["text"])
    read = read_answers(path, sample)
    assert read.name == "Anna-Bert" and read.complete(sample) == ["Male", "Bald"]
    assert read.is_face.tolist() == [YES, NO, YES, YES, YES] and read.missed.tolist() == [3, 3]
    header = empty_table(sample).splitlines()[0]
    assert saved["text"].splitlines()[0] == header


@needs_node
def test_each_person_sees_the_faces_in_an_order_of_their_own() -> None:
    orders = node(
        "const list = Array.from({length: 50}, (_, n) => n);\n"
        "console.log(JSON.stringify(['Anna', 'Anna', 'Bert'].map((name) => page.shuffled(list, name))));"
    )
    assert isinstance(orders, list)
    assert orders[0] == orders[1] != orders[2] and sorted(orders[2]) == list(range(50))


def test_a_word_cannot_end_the_data_it_stands_in() -> None:
    page = "".join(label_page(_sample(1), [b"jpeg"], []))
    data = page.partition('id="about">')[2].partition("</script>")[0]
    assert "<" not in data and json.loads(data)["words"] == ["Male"]
