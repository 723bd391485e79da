"""The library as a program or a notebook uses it: `import facesearch`."""

import dataclasses
import doctest
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import facesearch
from facesearch.search.request import catalogue_name
from tests.conftest import Program

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PHOTOS = ("man-goatee-1.jpg", "woman-blond-hair-older.jpg", "man-bald-smiling.jpg")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the folder "photos" and the catalogue "faces.db" of it."""
    made = tmp_path_factory.mktemp("front door")
    (made / "photos").mkdir()
    for name in PHOTOS:
        shutil.copy(ROOT / "tests" / "gallery" / name, made / "photos")
    with facesearch.open(made / "faces.db") as gallery:
        told: list[str] = []
        report = gallery.index(made / "photos", progress=lambda now: told.append(str(now)))
        assert (report.photos, report.indexed, report.failed, report.faces) == (3, 3, 0, 3)
        assert any(re.fullmatch(r"photos: 3 of 3, 3 faces, 0 failed", each) for each in told)
    return made


@pytest.fixture
def gallery(folder: Path) -> Any:
    with facesearch.open(folder / "faces.db") as opened:
        yield opened


def test_the_examples_of_the_module_are_true(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = doctest.testmod(facesearch, optionflags=doctest.ELLIPSIS)
    assert found.failed == 0 and found.attempted >= 6


def test_the_example_of_the_readme_runs(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    home = Path("~").expanduser()
    shutil.copytree(folder / "photos", home / "photos")
    shutil.copy(home / "photos" / PHOTOS[0], home / "probe.jpg")
    exec(compile(code, "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert "man-goatee-1.jpg" in next(line for line in lines if "goatee" in line and " % " in line)


def test_the_script_in_examples_runs_over_a_gallery(folder: Path, tmp_path: Path) -> None:
    script = ROOT / "examples" / "find_and_export.py"
    ran = subprocess.run(
        [sys.executable, script, folder / "photos", tmp_path / "faces.db", tmp_path / "hits.json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert ran.returncode == 0, ran.stderr
    kept = json.loads((tmp_path / "hits.json").read_text(encoding="utf-8"))
    assert "man-goatee-1.jpg" in ran.stdout and kept["hits"] and kept["request"]["version"] == 1


def test_hits_say_who_where_and_why(gallery: Any, folder: Path) -> None:
    hits = gallery.search("man, goatee, not bald", top=2)
    best = hits[0]
    assert len(hits) == 2 == len(list(hits)) and hits.searched == 3 and 0 < hits.expected < 3
    assert best.photo == folder / "photos" / "man-goatee-1.jpg" and best.rank == 1
    assert re.fullmatch(r"man \d+ % fits; goatee \d+ % [a-z ,]+; not bald \d+ % fits", best.why)
    assert best.score == pytest.approx(
        best.probabilities["Male"] * best.probabilities["Goatee"] * (1 - best.probabilities["Bald"]), rel=1e-4
    )
    assert str(best).startswith(f"1. {best.score:.3f} ") and best.box.width > 20


def test_dicts_are_the_records_of_the_commands(gallery: Any, folder: Path, facesearch: Program) -> None:
    catalogue = folder / "faces.db"
    ran = facesearch("search", "woman, not bald", "--json", "--catalogue", catalogue)
    assert json.loads(json.dumps(gallery.search("woman, not bald").to_dicts())) == json.loads(ran.out)["hits"]
    ran = facesearch("search", "woman", "--json", "--all-attributes", "--catalogue", catalogue)
    assert gallery.search("woman").to_dicts(all_attributes=True) == json.loads(ran.out)["hits"]
    known = gallery.face(1)
    ran = facesearch("show", "1", "--json", "--catalogue", catalogue)
    assert json.loads(json.dumps(known.to_dict()))["attributes"] == json.loads(ran.out)["attributes"]
    found = json.loads(facesearch("similar", "--face", "1", "--json", "--catalogue", catalogue).out)["hits"]
    assert [hit.face for hit in gallery.similar(1)] == [each["face"] for each in found]


def test_a_data_frame_has_the_columns_of_csv(gallery: Any, folder: Path, facesearch: Program) -> None:
    pytest.importorskip("pandas")
    frame = gallery.search("woman, not bald").to_frame()
    ran = facesearch("search", "woman, not bald", "--csv", "-", "--catalogue", folder / "faces.db")
    assert [hit.face for hit in gallery.similar(frame.face[0])], "its numbers are numbers of faces"
    header, first, *_ = ran.out.splitlines()
    assert list(frame.columns) == header.split(",") and len(frame) == 3
    assert str(frame.photo[0]) in first and frame.explanation[0] in first
    assert list(gallery.search("woman", folder="/nowhere").to_frame().columns) == [
        each for each in frame.columns if each != "Bald"
    ]


def test_what_is_said_and_not_searched_is_told(gallery: Any) -> None:
    hits = gallery.search("a tall man with a scar and a gotee, 50 years old")
    assert {"tall", "scar"} <= {each.words for each in hits.set_aside} and "scar" in repr(hits)
    assert {"corrected", "age counts"} <= {each.kind for each in hits.notices}
    assert hits.to_dicts()[0]["searched"].startswith("3 of ")
    with pytest.raises(facesearch.QueryError):
        gallery.search("a tall man", strict=True)


def test_a_request_is_kept_and_asked_again(gallery: Any, folder: Path) -> None:
    hits = gallery.search("woman", folder=folder / "photos", min_face=30, order="score")
    kept = hits.request.to_json()
    again = gallery.search(type(hits.request).from_json(kept))
    assert again.request == hits.request and [hit.face for hit in again] == [hit.face for hit in hits]
    assert hits.request.catalogues == (catalogue_name(folder / "faces.db"),)
    assert "folder:" in str(hits.request)


def test_a_photo_is_a_probe_and_a_changed_one_too(gallery: Any) -> None:
    photo = ROOT / "tests" / "gallery" / "man-goatee-1.jpg"
    hits = gallery.similar(photo, top=2)
    assert len(hits) == 2 and PHOTOS[0] not in {hit.photo.name for hit in hits}, "the probe itself is no hit"
    changed = gallery.similar(photo, hits[0].face, present="glasses", absent=["beard"], top=None)
    assert len(changed) == 1
    assert [each.attribute.name for each in changed.request.changes.asked] == ["Eyeglasses", "No_Beard"]
    assert changed.request.like[1].face == hits[0].face and "glasses" in changed[0].why
    assert "like" in changed.to_dicts()[0]


def test_what_makes_no_sense_is_refused(gallery: Any, tmp_path: Path) -> None:
    for wrong in ({"folder": ""}, {"camera": [" "]}, {"min_score": 3}, {"taken": "yesterday"}):
        with pytest.raises(facesearch.FacesearchError):
            gallery.search("man", **wrong)
    with pytest.raises(TypeError, match="min_faces"):
        gallery.search("man", min_faces=3)
    with pytest.raises(ValueError, match="random"):
        gallery.search("man", order="random")
    with pytest.raises(facesearch.UsageError, match="pick"):
        gallery.similar(1, pick=[0])
    with pytest.raises(facesearch.UsageError, match="request"):
        gallery.search(gallery.search("man").request, min_score=0.5)
    with pytest.raises(facesearch.QueryError):
        gallery.search("man, not man")
    with pytest.raises(facesearch.CatalogueError, match="no catalogue"):
        facesearch.open(tmp_path / "typo.db").search("man")
    assert not (tmp_path / "typo.db").exists()


def test_a_folder_that_is_not_there_is_no_quiet_success(gallery: Any, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(facesearch.IndexerError, match="nowhere"):
        gallery.index(tmp_path / "nowhere")
    with facesearch.open(folder / "photos" / "faces.db") as inside, pytest.raises(facesearch.IndexerError):
        inside.index(folder / "photos")
    assert not (folder / "photos" / "faces.db").exists()


def test_values_are_frozen_and_names_are_all_there() -> None:
    assert all(hasattr(facesearch, name) for name in facesearch.__all__) and facesearch.__version__
    with pytest.raises(AttributeError, match="no attribute"):
        facesearch.seach  # noqa: B018
    with pytest.raises(dataclasses.FrozenInstanceError):
        facesearch.Request().min_score = 1  # type: ignore[misc]
