"""`facesearch score` and `facesearch similar`: photos that were never stored, seen by the real detector and network."""

import base64
import hashlib
import io
import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesearch.attributes import NAMES
from facesearch.network.checkpoint import load_checkpoint
from tests.conftest import Program, Ran
from tests.support.checkpoints import random_checkpoint
from tests.support.imports import loaded
from tests.support.squares import album, index
from tests.support.tables import rows

pytestmark = pytest.mark.slow

GROUP = "group-of-three.jpg"
ONE = "man-goatee-1.jpg"


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory, gallery: Path, checkpoint: Path) -> Path:
    """A catalogue of a portrait and a group, beside the folder `photos` that holds them."""
    from cli.main import run

    folder = tmp_path_factory.mktemp("indexed")
    (folder / "photos").mkdir()
    for name in (ONE, GROUP):
        shutil.copy(gallery / name, folder / "photos")
    arguments = ["index", folder / "photos", "--catalogue", folder / "faces.db", "--checkpoint", checkpoint]
    assert run([str(each) for each in arguments]) == 0
    return folder / "faces.db"


@pytest.fixture
def blank(tmp_path: Path) -> Path:
    Image.new("RGB", (320, 240), (90, 120, 150)).save(tmp_path / "blank.png")
    return tmp_path / "blank.png"


@pytest.mark.parametrize("command", ["score", "similar"])
def test_the_limit_on_a_photos_size_is_the_users_to_set(
    facesearch: Program, gallery: Path, checkpoint: Path, indexed: Path, command: str
) -> None:
    arguments = [command, gallery / ONE, "--checkpoint", checkpoint]
    arguments += ["--catalogue", indexed] if command == "similar" else []
    ran = facesearch(*arguments, "--max-megapixels", "0.01")
    assert ran.code == 3 and "above the limit of 0.01 megapixels" in ran.err
    assert facesearch(*arguments, "--max-megapixels", "250").code == 0


class TestScore:
    def test_numbers_the_faces_from_0_left_to_right(self, facesearch: Program, gallery: Path, checkpoint: Path) -> None:
        ran = facesearch("score", gallery / GROUP, "--csv", "-", "--checkpoint", checkpoint)
        assert ran.code == 0
        header = ran.out.splitlines()[0].split(",")
        assert header == [
            "photo",
            "face",
            "x",
            "y",
            "width",
            "height",
            "detection",
            "sha256",
            "model",
            *NAMES,
            "turned",
            "problem",
            "notice",
            "page",
            "seconds",
        ]
        found = rows(ran.out)
        assert [row["face"] for row in found] == ["0", "1", "2"]
        lefts = [float(row["x"]) for row in found]
        assert lefts == sorted(lefts)
        assert {row["photo"] for row in found} == {str(gallery / GROUP)}
        assert {row["sha256"] for row in found} == {hashlib.sha256((gallery / GROUP).read_bytes()).hexdigest()}
        assert {row["model"] for row in found} == {load_checkpoint(checkpoint).digest[:12]}
        assert all(0 <= float(row[name]) <= 1 for row in found for name in NAMES)

    def test_json_holds_the_same_fields(self, facesearch: Program, gallery: Path, checkpoint: Path) -> None:
        as_csv = rows(facesearch("score", gallery / ONE, "--csv", "-", "--checkpoint", checkpoint).out)
        as_json = json.loads(facesearch("score", gallery / ONE, "--json", "--checkpoint", checkpoint).out)
        assert list(as_json[0]) == list(as_csv[0])

    def test_says_in_words_what_the_network_sees(self, facesearch: Program, gallery: Path, checkpoint: Path) -> None:
        ran = facesearch("score", gallery / ONE, "--checkpoint", checkpoint)
        assert ran.code == 0
        assert str(gallery / ONE) in ran.out
        assert ("man" in ran.out or "woman" in ran.out) and ("young" in ran.out or "old" in ran.out)
        assert "a lead, not evidence" in ran.out
        every = facesearch("score", gallery / ONE, "--all-attributes", "--checkpoint", checkpoint)
        assert all(name in every.out for name in NAMES)

    def test_no_face_in_any_photo_exits_with_1(self, facesearch: Program, blank: Path, checkpoint: Path) -> None:
        ran = facesearch("score", blank, "--checkpoint", checkpoint)
        assert ran.code == 1 and f"{blank}: no face" in ran.err and ran.out == ""

    def test_a_photo_that_cannot_be_used_does_not_keep_the_others_from_being_scored(
        self, facesearch: Program, gallery: Path, tmp_path: Path, checkpoint: Path
    ) -> None:
        bad = tmp_path / "bad.jpg"
        bad.write_bytes((gallery / ONE).read_bytes()[:300])
        ran = facesearch("score", bad, tmp_path / "none.jpg", gallery / ONE, "--csv", "-", "--checkpoint", checkpoint)
        assert ran.code == 3
        assert str(bad) in ran.err and str(tmp_path / "none.jpg") in ran.err
        first, second, third = rows(ran.out)
        assert "cannot be used" in first["problem"] and "no file" in second["problem"] and third["problem"] == ""
        assert first["photo"] == str(bad) and first["face"] == "" and first["Male"] == ""

    def test_a_photo_without_a_face_is_a_row_that_says_so(
        self, facesearch: Program, gallery: Path, blank: Path, checkpoint: Path
    ) -> None:
        ran = facesearch("score", blank, gallery / ONE, "--json", "--checkpoint", checkpoint)
        without, with_one = json.loads(ran.out)
        assert ran.code == 0 and without["photo"] == str(blank)
        assert without["problem"] == "No face was found." and without["face"] is None is without["Male"]
        assert with_one["problem"] is None and with_one["face"] == 0


class TestSimilar:
    def similar(self, facesearch: Program, indexed: Path, checkpoint: Path, *arguments: str | Path) -> Ran:
        return facesearch("similar", *arguments, "--catalogue", indexed, "--checkpoint", checkpoint)

    def test_an_indexed_probe_is_left_out_of_its_own_result(
        self, facesearch: Program, indexed: Path, checkpoint: Path
    ) -> None:
        ran = self.similar(facesearch, indexed, checkpoint, indexed.parent / "photos" / ONE, "--csv", "-")
        assert ran.code == 0
        found = rows(ran.out)
        assert len(found) == 3 and {Path(row["photo"]).name for row in found} == {GROUP}
        assert all(0 <= float(row["score"]) <= 1 for row in found)

    def test_only_the_probe_itself_is_left_out_not_its_neighbours_in_the_photo(
        self, facesearch: Program, indexed: Path, checkpoint: Path
    ) -> None:
        group = indexed.parent / "photos" / GROUP
        found = rows(self.similar(facesearch, indexed, checkpoint, group, "--pick", "1", "--csv", "-").out)
        assert len(found) == 3
        assert sum(Path(row["photo"]).name == GROUP for row in found) == 2

    def test_a_probe_with_several_faces_exits_with_2_and_lists_them(
        self, facesearch: Program, indexed: Path, gallery: Path, checkpoint: Path
    ) -> None:
        ran = self.similar(facesearch, indexed, checkpoint, gallery / GROUP)
        assert ran.code == 2 and ran.out == ""
        assert "There are 3 faces in" in ran.err.splitlines()[1]
        assert all(f"--pick {number}: at " in ran.err for number in range(3))

    @pytest.mark.parametrize("number", ["3", "-1"])
    def test_a_face_that_is_not_there_cannot_be_picked(
        self, facesearch: Program, indexed: Path, gallery: Path, checkpoint: Path, number: str
    ) -> None:
        ran = self.similar(facesearch, indexed, checkpoint, gallery / GROUP, "--pick", number)
        assert ran.code == 2 and f"no face {number}" in ran.err and "0 to 2" in ran.err

    def test_several_photos_of_one_person_are_looked_for_together_and_all_left_out(
        self, facesearch: Program, indexed: Path, checkpoint: Path
    ) -> None:
        photos = [indexed.parent / "photos" / ONE, indexed.parent / "photos" / GROUP]
        ran = self.similar(facesearch, indexed, checkpoint, *photos, "--pick", "0", "--pick", "2", "--csv", "-")
        assert ran.code == 0 and "Looking for these 2 faces of one person" in ran.err
        assert all(f", in {photo}" in ran.err for photo in photos)
        assert [Path(row["photo"]).name for row in rows(ran.out)] == [GROUP, GROUP]

    def test_of_several_photos_all_faces_are_listed_where_one_is_not_clear(
        self, facesearch: Program, indexed: Path, gallery: Path, checkpoint: Path
    ) -> None:
        ran = self.similar(facesearch, indexed, checkpoint, gallery / ONE, gallery / GROUP)
        assert ran.code == 2 and f"There are 3 faces in {gallery / GROUP}" in ran.err
        lines = ran.err.splitlines()
        start = lines.index("Give --pick once for each photo, in their order:")
        assert lines[start + 1] == f"{gallery / ONE}:" and "--pick 0: at " in lines[start + 2]
        assert lines[start + 3] == f"{gallery / GROUP}:" and "--pick 2: at " in lines[start + 6]

    def test_a_pick_for_some_photos_only_is_refused(
        self, facesearch: Program, indexed: Path, gallery: Path, checkpoint: Path
    ) -> None:
        ran = self.similar(facesearch, indexed, checkpoint, gallery / ONE, gallery / GROUP, "--pick", "1")
        assert ran.code == 2 and "--pick is given once for 2 photos: give it once for each" in ran.err

    def test_one_photo_of_several_that_is_none_stops_the_search_by_name(
        self, facesearch: Program, indexed: Path, gallery: Path, blank: Path, checkpoint: Path
    ) -> None:
        ran = self.similar(facesearch, indexed, checkpoint, gallery / ONE, blank)
        assert ran.code == 3 and f"No face was found in {blank}" in ran.err and ran.out == ""

    def test_an_indexed_face_is_started_from_by_its_number(
        self, facesearch: Program, indexed: Path, checkpoint: Path
    ) -> None:
        every = rows(self.similar(facesearch, indexed, checkpoint, indexed.parent / "photos" / ONE, "--csv", "-").out)
        ran = self.similar(facesearch, indexed, checkpoint, "--face", every[0]["face"], "--csv", "-")
        assert ran.code == 0 and f"Looking for face {every[0]['face']} of the catalogue" in ran.err
        found = {row["face"] for row in rows(ran.out)}
        assert len(found) == 3 and every[0]["face"] not in found

    def test_an_indexed_face_needs_no_network_and_no_pictures(self, tmp_path: Path) -> None:
        catalogue = index(tmp_path / "faces.db", album(tmp_path / "album"))
        arguments = ("similar", "--face", "1", "--with", "stubble", "--catalogue", catalogue)
        assert loaded(*arguments) <= {"faiss"}

    def test_photos_and_indexed_faces_can_be_mixed(
        self, facesearch: Program, indexed: Path, gallery: Path, checkpoint: Path
    ) -> None:
        ran = self.similar(facesearch, indexed, checkpoint, gallery / ONE, "--face", "1", "--face", "2", "--json")
        assert ran.code == 0 and "these 3 faces" in ran.err
        assert not {1, 2} & {row["face"] for row in json.loads(ran.out)["hits"]}

    def test_filters_leave_out_faces_of_other_photos(
        self, facesearch: Program, indexed: Path, checkpoint: Path
    ) -> None:
        every = rows(self.similar(facesearch, indexed, checkpoint, "--face", "1", "--csv", "-").out)
        left = [row for row in every if Path(row["photo"]).name == ONE]
        assert 0 < len(left) < len(every)
        ran = self.similar(facesearch, indexed, checkpoint, "--face", "1", "--name", ONE, "--csv", "-")
        assert rows(ran.out) == [{**row, "rank": str(place)} for place, row in enumerate(left, 1)]
        assert f"left out by name:{ONE}" in ran.err
        ran = self.similar(facesearch, indexed, checkpoint, "--face", "1", "--min-face", "5000")
        assert ran.code == 1 and "passes the filter --min-face 5000" in ran.out + ran.err
        ran = self.similar(facesearch, indexed, checkpoint, "--face", left[0]["face"], "--name", ONE)
        assert ran.code == 1 and "nothing but what was started from passes the filter name:" in ran.out + ran.err

    @pytest.mark.parametrize("number", ["0", "-4", "77", "9223372036854775808"])
    def test_a_face_that_is_not_in_the_catalogue_exits_with_3(
        self, facesearch: Program, indexed: Path, checkpoint: Path, number: str
    ) -> None:
        ran = self.similar(facesearch, indexed, checkpoint, "--face", number)
        assert ran.code == 3 and f"There is no face {number} in this catalogue" in ran.err

    @pytest.mark.parametrize("arguments", [(), ("--pick", "0"), ("--face", "one"), ("--face", "1", "--pick", "0")])
    def test_nothing_to_start_from_and_a_pick_without_a_photo_exit_with_2(
        self, facesearch: Program, indexed: Path, checkpoint: Path, arguments: tuple[str, ...]
    ) -> None:
        ran = self.similar(facesearch, indexed, checkpoint, *arguments)
        assert ran.code == 2 and ran.out == ""

    def test_changes_in_words_are_read_back_and_change_the_scores(
        self, facesearch: Program, indexed: Path, checkpoint: Path
    ) -> None:
        plain = rows(self.similar(facesearch, indexed, checkpoint, "--face", "1", "--csv", "-").out)
        changes = ("--with", "beard, glasses", "--with", "old", "--without", "hat")
        ran = self.similar(facesearch, indexed, checkpoint, "--face", "1", *changes, "--csv", "-")
        assert ran.code == 0 and ", changed to have: beard, glasses, old; not: hat" in ran.err
        changed = rows(ran.out)
        assert {row["face"] for row in changed} == {row["face"] for row in plain}
        assert [row["score"] for row in changed] != [row["score"] for row in plain]

    @pytest.mark.parametrize(
        "changes",
        [("--with", "beard or glasses"), ("--without", "bread"), ("--with", "hat", "--without", "hat"), ("--with", "")],
    )
    def test_words_that_are_no_change_exit_with_2(
        self, facesearch: Program, indexed: Path, checkpoint: Path, changes: tuple[str, ...]
    ) -> None:
        ran = self.similar(facesearch, indexed, checkpoint, "--face", "1", *changes)
        assert ran.code == 2 and ran.err.count("Error: ") == 1 and ran.out == ""

    def test_csv_and_json_say_whom_the_hits_resemble_and_show_the_changes(
        self, facesearch: Program, indexed: Path, checkpoint: Path
    ) -> None:
        asked = ("--face", "1", "--with", "glasses", "--min-face", "10")
        (row, *_) = rows(self.similar(facesearch, indexed, checkpoint, *asked, "--csv", "-").out)
        assert row["like"].startswith("face 1 of the catalogue") and row["like"].endswith("changed to have: glasses")
        assert 0 <= float(row["Eyeglasses"]) <= 1 and row["explanation"].startswith("glasses ")
        found = json.loads(self.similar(facesearch, indexed, checkpoint, *asked, "--json").out)
        facts = {each["label"]: each["text"] for each in found["facts"]}
        assert facts["Probe"].startswith("face 1 of") and facts["Changes"] == "changed to have: glasses"
        assert facts["Filter"] == "only faces of 10 pixels or more"
        assert found["hits"][0]["like"] == row["like"] and found["catalogue"] == str(indexed)

    def test_a_face_that_the_detector_is_not_sure_of_is_taken_with_a_remark_where_it_is_the_best(
        self, facesearch: Program, indexed: Path, gallery: Path, checkpoint: Path
    ) -> None:
        ran = self.similar(facesearch, indexed, checkpoint, gallery / ONE, "--min-detection", "0.999")
        assert "not sure of any face" in ran.err
        assert ran.code == 1  # no indexed face is that sure either

    def test_a_probe_without_a_face_exits_with_3(
        self, facesearch: Program, indexed: Path, blank: Path, checkpoint: Path
    ) -> None:
        ran = self.similar(facesearch, indexed, checkpoint, blank)
        assert ran.code == 3 and "No face was found" in ran.err

    def test_a_probe_that_is_no_photo_exits_with_3(
        self, facesearch: Program, indexed: Path, tmp_path: Path, checkpoint: Path
    ) -> None:
        (tmp_path / "letter.jpg").write_text("Dear Sir or Madam")
        ran = self.similar(facesearch, indexed, checkpoint, tmp_path / "letter.jpg")
        assert ran.code == 3 and "letter.jpg cannot be used" in ran.err

    def test_another_network_than_the_one_that_serves_is_refused_with_the_remedy(
        self, facesearch: Program, indexed: Path, gallery: Path, tmp_path: Path
    ) -> None:
        other = random_checkpoint(tmp_path / "other.safetensors", seed=1)
        ran = self.similar(facesearch, indexed, other, gallery / ONE)
        assert ran.code == 3 and "facesearch index" in ran.err

    def test_the_page_shows_the_probe_and_says_what_the_score_is(
        self, facesearch: Program, indexed: Path, gallery: Path, checkpoint: Path, tmp_path: Path
    ) -> None:
        page = tmp_path / "sheet.html"
        ran = self.similar(facesearch, indexed, checkpoint, gallery / ONE, "--html", page)
        assert ran.code == 0 and ran.out.split()[0] == "similarity"
        text = page.read_text(encoding="utf-8")
        assert text.count("data:image/jpeg;base64,") == 7  # the probe, and the three others with their photos
        assert "1 is the same profile" in text and "not face recognition" in text and str(gallery / ONE) in text

    def test_the_page_shows_several_probes_in_one_picture_and_the_changes(
        self, facesearch: Program, indexed: Path, gallery: Path, checkpoint: Path, tmp_path: Path
    ) -> None:
        page = tmp_path / "sheet.html"
        again = tmp_path / "again.png"
        Image.open(gallery / ONE).save(again)
        probes = (gallery / ONE, again, gallery / ONE, "--face", "2")
        ran = self.similar(facesearch, indexed, checkpoint, *probes, "--with", "hat", "--html", page)
        assert ran.code == 0 and "The same face is named more than once, and counts once." in ran.err
        text = page.read_text(encoding="utf-8")
        pictures = [part.partition('"')[0] for part in text.split("data:image/jpeg;base64,")[1:]]
        assert len(pictures) == 5  # the probes, and the two faces that are left with their photos
        mosaic = Image.open(io.BytesIO(base64.b64decode(pictures[0])))
        first, second, third, fourth = (
            np.asarray(mosaic.crop((x, y, x + 100, y + 100)), float) for y in (0, 100) for x in (0, 100)
        )
        assert abs(first - second).mean() < 2 < abs(first - third).mean()
        assert fourth.mean() > 250
        assert "changed to have: hat" in text

    def test_a_slip_in_a_change_is_corrected_and_shown(
        self, facesearch: Program, indexed: Path, checkpoint: Path
    ) -> None:
        ran = self.similar(facesearch, indexed, checkpoint, "--face", "1", "--with", "hat, gotee")
        assert ran.code == 0 and '"gotee" is read as "goatee"' in ran.err

    def test_a_change_to_a_weak_attribute_says_so(self, facesearch: Program, tmp_path: Path) -> None:
        catalogue = index(tmp_path / "faces.db", album(tmp_path / "album"))
        with sqlite3.connect(catalogue) as connection:
            about = json.dumps({"grades": {"5_o_Clock_Shadow": "D"}})
            connection.execute("UPDATE models SET metadata = ?", (about,))
        ran = facesearch("similar", "--face", "1", "--with", "stubble", "--catalogue", catalogue)
        assert "Grade D (not to be relied on" in ran.err

    def test_the_help_says_that_it_recognises_nobody(self, facesearch: Program) -> None:
        assert "not face recognition" in " ".join(facesearch("similar", "--help").out.split())
