"""`facesearch index` with the real detector and a real network (untrained: it is the way through that counts)."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save

from cli.commands.index import _Teller
from cli.terminal.progress import Status
from facesearch.network.checkpoint import load_checkpoint
from facesearch.vision.detection import bundled_model
from indexer.report import Progress, Stage
from tests.conftest import Program
from tests.support.powers import FOREGROUND_PROGRAM, without_root_powers
from tests.support.squares import album, index
from tests.support.stand_ins import RedSquares, picture
from tests.support.stand_ins import save as save_picture

pytestmark = pytest.mark.slow

PORTRAITS = ("man-goatee-1.jpg", "woman-blond-hair-smiling-1.jpg")


@pytest.fixture
def photos(tmp_path: Path, gallery: Path) -> Path:
    """Two portraits, a text file that claims to be a photo, and one that does not."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in PORTRAITS:
        shutil.copy(gallery / name, folder)
    (folder / "letter.jpg").write_text("Dear Sir or Madam")
    (folder / "notes.txt").write_text("bring milk")
    return folder


def test_json_tells_what_a_run_did_with_its_kinds(
    facesearch: Program, photos: Path, checkpoint: Path, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    ran = facesearch(
        *("index", photos, nowhere, "--json", "--catalogue", tmp_path / "faces.db", "--checkpoint", checkpoint)
    )
    found = json.loads(ran.out)
    assert ran.code == 3 and (found["photos"], found["indexed"], found["failed"]) == (3, 2, 1)
    assert found["interrupted"] is False and found["audit"]["row"]
    (failure,) = found["failures"]
    assert failure["photo"] == str(photos / "letter.jpg") and not failure["retry"]
    (notice,) = found["notices"]
    assert (notice["kind"], notice["values"]) == ("no such folder", {"folder": str(nowhere)})
    assert notice["message"] in found["remarks"] and f"Error: {notice['message']}" in ran.err


def test_every_photo_is_accounted_for_and_found_again(
    facesearch: Program, photos: Path, checkpoint: Path, tmp_path: Path
) -> None:
    catalogue = tmp_path / "new folder" / "faces.db"
    first = facesearch("index", photos, "--catalogue", catalogue, "--checkpoint", checkpoint)
    assert first.code == 0
    assert "Photos: 3 (2 with faces, 0 without, 1 failed; 3 opened, 0 unchanged)" in first.out
    assert f"{photos / 'letter.jpg'}: no photo" in first.out
    assert "1 .txt" in first.out
    assert f"Catalogue: {catalogue}" in first.err and "on CPU" in first.err

    again = facesearch("index", "--catalogue", catalogue, "--checkpoint", checkpoint)  # every folder it knows
    assert again.code == 0
    assert "0 opened, 3 unchanged" in again.out and "letter.jpg" in again.out
    assert "on CPU" not in again.err  # no network was loaded

    strict = facesearch("index", "--strict", "--catalogue", catalogue, "--checkpoint", checkpoint)
    assert strict.code == 4

    found = facesearch("search", "man", "--csv", "-", "--catalogue", catalogue)
    assert found.code == 0
    assert all(name in found.out for name in PORTRAITS)

    (photos / PORTRAITS[0]).unlink()
    gone = facesearch("index", photos, "--catalogue", catalogue, "--checkpoint", checkpoint)
    assert gone.code == 0 and "Files gone since the last run: 1" in gone.out
    assert "Photos that left the results, since no file holds them any more: 1" in gone.out
    assert PORTRAITS[0] not in facesearch("search", "man", "--csv", "-", "--catalogue", catalogue).out

    shutil.move(photos, tmp_path / "elsewhere")
    unplugged = facesearch("index", "--catalogue", catalogue, "--checkpoint", checkpoint)
    assert unplugged.code == 3 and str(photos) in unplugged.err
    assert PORTRAITS[1] in facesearch("search", "man", "--csv", "-", "--catalogue", catalogue).out


def test_faces_that_searches_do_not_find_until_the_new_network_serves_are_said(
    facesearch: Program, tmp_path: Path
) -> None:
    catalogue = index(tmp_path / "f.db", album(tmp_path / "album"), album(tmp_path / "drive" / "of others"))
    save_picture(tmp_path / "drive" / "of others" / "rare.png", picture((9, 99, 199)))
    index(catalogue)
    (tmp_path / "drive").rename(tmp_path / "unplugged")
    save_picture(tmp_path / "album" / "new.png", picture((199, 99, 9)))
    index(catalogue, name="second")
    ran = facesearch("search", "stubble", "--catalogue", catalogue)
    assert ran.code == 0
    assert "1 face is not searched: it lacks scores of the network in use" in " ".join(ran.err.split())


def test_a_missing_folder_is_reported_after_the_others_were_indexed(
    facesearch: Program, checkpoint: Path, tmp_path: Path
) -> None:
    save_picture(tmp_path / "album" / "nobody.png", picture())
    ran = facesearch(
        "index", tmp_path / "nowhere", tmp_path / "album", "--catalogue", tmp_path / "f.db", "--checkpoint", checkpoint
    )
    assert ran.code == 3
    assert "Error: The folder" in ran.err and "nowhere does not exist" in ran.err and "nowhere" not in ran.out
    assert str(tmp_path / "album") in facesearch("roots", "--catalogue", tmp_path / "f.db").out


def test_an_empty_folder_is_no_error(facesearch: Program, checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = facesearch("index", tmp_path / "empty", "--catalogue", tmp_path / "f.db", "--checkpoint", checkpoint)
    assert ran.code == 0 and "Photos: 0" in ran.out
    assert f"{tmp_path / 'empty'} holds no photo and is not kept" in ran.out


def test_no_folder_at_all_is_wrong_usage(facesearch: Program, checkpoint: Path, tmp_path: Path) -> None:
    ran = facesearch("index", "--catalogue", tmp_path / "f.db", "--checkpoint", checkpoint)
    assert ran.code == 2 and "facesearch index FOLDER" in ran.err


@pytest.mark.parametrize("content", [b"", b"no network at all"])
def test_a_checkpoint_that_is_none_is_refused_before_anything_is_stored(
    facesearch: Program, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "bad.safetensors").write_bytes(content)
    ran = facesearch("index", tmp_path, "--catalogue", tmp_path / "f.db", "--checkpoint", tmp_path / "bad.safetensors")
    assert ran.code == 3
    assert "bad.safetensors" in ran.err and "Traceback" not in ran.err
    assert not (tmp_path / "f.db").exists()


@pytest.mark.parametrize("name", ["mcnn.out_weight", "aux.bias", "calibration.scale"])
def test_a_checkpoint_of_a_wrong_shape_is_refused_before_anything_is_stored(
    facesearch: Program, checkpoint: Path, tmp_path: Path, name: str
) -> None:
    about = {"facesearch": json.dumps(dict(load_checkpoint(checkpoint).metadata))}
    (tmp_path / "bad.safetensors").write_bytes(save(load_file(checkpoint) | {name: np.ones((3, 7), np.float32)}, about))
    ran = facesearch("index", tmp_path, "--catalogue", tmp_path / "f.db", "--checkpoint", tmp_path / "bad.safetensors")
    assert ran.code == 3
    assert f"({name} has the shape [3, 7])" in ran.err and "Traceback" not in ran.err
    assert not (tmp_path / "f.db").exists()


def test_a_detector_model_that_is_none_is_refused(
    facesearch: Program, photos: Path, checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.onnx").write_text("no detector")
    common = ("--catalogue", tmp_path / "f.db", "--checkpoint", checkpoint)
    ran = facesearch("index", photos, *common, "--detector-model", tmp_path / "bad.onnx")
    assert ran.code == 3 and "bad.onnx" in ran.err and "Traceback" not in ran.err


def test_photos_are_looked_at_again_by_another_version_or_on_request(
    facesearch: Program, photos: Path, checkpoint: Path, tmp_path: Path
) -> None:
    common = ("--catalogue", tmp_path / "f.db", "--checkpoint", checkpoint)
    assert facesearch("index", photos, *common, "--look", "quick").code == 0
    status = facesearch("status", "--catalogue", tmp_path / "f.db").out
    assert "2 photos are due, after another version, a quick look or a stopped --again" in " ".join(status.split())

    left = facesearch("index", *common, "--no-again")
    assert "Photos still to be looked at again: 2" in left.out and "Looking again" not in left.err
    ran = facesearch("index", *common)
    assert ran.code == 0 and "Photos looked at again: 2" in ran.out
    assert "Looking again at 2 photos" in " ".join(ran.err.split()) and "--no-again" in ran.err
    assert "Behind" not in facesearch("status", "--catalogue", tmp_path / "f.db").out
    for arguments in ((), ("--look", "quick")):
        assert "again" not in facesearch("index", *common, *arguments).out
    quick = facesearch("index", *common, "--again", "--look", "quick").out
    assert "Photos looked at again: 1" in quick, "the one that failed: a quick look replaces no thorough one"

    same = shutil.copy(bundled_model(), tmp_path / "yunet.onnx")
    assert "again" not in facesearch("index", *common, "--detector-model", same).out
    assert "Photos looked at again: 3" in facesearch("index", "--again", photos, *common).out


def test_a_detector_model_that_is_not_there_is_refused(
    facesearch: Program, photos: Path, checkpoint: Path, tmp_path: Path
) -> None:
    common = ("--catalogue", tmp_path / "f.db", "--checkpoint", checkpoint)
    ran = facesearch("index", photos, *common, "--detector-model", tmp_path / "none.onnx")
    assert ran.code == 3 and "none.onnx cannot be read" in " ".join(ran.err.split())
    assert not (tmp_path / "f.db").exists()


def test_what_looking_again_changed_is_said(
    facesearch: Program, photos: Path, checkpoint: Path, tmp_path: Path
) -> None:
    catalogue = index(tmp_path / "f.db", photos, detector=RedSquares())
    common = ("--catalogue", catalogue, "--checkpoint", checkpoint)
    ran = facesearch("index", *common)
    assert "Photos: 3 (2 with faces, 0 without, 1 failed; 0 opened, 3 unchanged)" in ran.out
    assert "Faces gained by looking again: 2" in ran.out
    assert "Photos that had no face and have some now: 2" in ran.out
    index(catalogue)
    again = facesearch("index", *common)
    assert "Faces gained by looking again: 2" in again.out, "the same faces, under their numbers"
    ran = facesearch("index", "--again", *common, "--detector-model", bundled_model())
    assert "Photos looked at again: 3" in ran.out and "gained" not in ran.out


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_or_a_request_to_end_ends_the_run_in_order(
    checkpoint: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    for number in range(400):
        noise[0, 0] = divmod(number, 256)[0], divmod(number, 256)[1], 0
        Image.fromarray(noise).save(folder / f"{number}.bmp")
    program = subprocess.Popen(
        [sys.executable, "-c", FOREGROUND_PROGRAM, "index", folder, "--checkpoint", checkpoint],
        env={**os.environ, "FACESEARCH_CATALOGUE": str(tmp_path / "f.db")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stderr is not None
    err = ""
    while "Network:" not in err:  # from here on photos are being looked at
        line = program.stderr.readline()
        assert line, err
        err += line
    program.send_signal(sent)
    out, rest = program.communicate()
    assert program.returncode == 130, err + rest
    assert "Stopping: what is decided is being stored." in rest
    assert "Interrupted: what was done so far is stored" in rest
    numbers = [int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", out.splitlines()[0])]
    assert numbers[0] == 400 == sum(numbers[1:5]) and "not looked at yet" in out, "the summary adds up"
    assert "Traceback" not in rest


def test_a_folder_that_cannot_be_read_is_named_and_strict_says_so_with_its_exit_code(
    facesearch: Program, photos: Path, checkpoint: Path, tmp_path: Path
) -> None:
    closed = photos / "closed"
    closed.mkdir()
    (photos / "letter.jpg").unlink()
    closed.chmod(0)
    try:
        with without_root_powers():
            command = ("index", photos, "--catalogue", tmp_path / "f.db", "--checkpoint", checkpoint)
            assert facesearch(*command).code == 0
            ran = facesearch(*command, "--strict")
    finally:
        closed.chmod(0o700)
    assert ran.code == 4 and f"{closed} cannot be read" in ran.out


def test_how_long_looking_again_takes_is_said_once_it_is_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    teller = _Teller(Status(None), asked=False)
    for done, now in ((0, 100.0), (10, 160.0), (20, 164.0), (30, 165.0), (40, 166.0)):  # noqa: B007 (the clock reads it)
        teller.tell(Progress(Stage.AGAIN, done, 4000, 0, 0, 0))
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("Looking again at 4,000 photos, since another version or a quick look was the last")
    assert said.count("That takes about") == 1 and "That takes about 16:32 more." in said
