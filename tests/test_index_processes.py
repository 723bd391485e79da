"""Worker processes: they crash, hang and eat memory, and the run goes on."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from db.catalogue import open_catalogue
from db.values.box import FacePlace
from db.values.photo import LeftOut
from facesearch.vision.decode import Limits, PhotoError, read_photo
from indexer.budget import PixelBudget
from indexer.claims import Admit, ContentClaims
from indexer.errors import NoWorkerProcess
from indexer.failures import FailureReason
from indexer.hash_sets import read_hash_set
from indexer.isolated_decoder import IsolatedDecoder, decoding
from indexer.items import DuplicateContent, ForgottenContent, ProcessedPhoto
from indexer.listing import Job
from indexer.media import GuardedDecoder, PhotoDecoder, PhotoFiles
from indexer.photo_processor import PhotoProcessor
from indexer.process_executor import ProcessExecutor
from indexer.threads import ThreadExecutor
from indexer.walk import FoundFile
from indexer.worker_processes import WorkerDiedError, WorkerPool, WorkerSetup
from tests.support import deadly
from tests.support.index_runs import Runs
from tests.support.odd_files import scene
from tests.support.stand_ins import RedSquares, encoded, picture, save

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parent.parent
GREEN, BLUE, WHITE = (0, 250, 0), (0, 0, 250), (250, 250, 250)


def write(path: Path, data: bytes) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return os.fsencode(path)


def jobs(folder: Path) -> list[Job]:
    return [Job(1, os.fsencode(folder), FoundFile(os.fsencode(path.name), 1, 1)) for path in sorted(folder.iterdir())]


def executor(claims: ContentClaims, *, seconds: float = 60.0, workers: int = 1, batch: int = 8) -> ProcessExecutor:
    setup = WorkerSetup("processor", "tests.support.deadly:processor", seconds=seconds)
    return ProcessExecutor(setup, claims.admit, budget=PixelBudget(10**8), workers=workers, batch=batch)


def unclaimed() -> ContentClaims:
    return ContentClaims(lambda _: False)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Eight photos with a face each; one is damaged, one is a copy."""
    folder = tmp_path / "album"
    for number in range(8):
        write(folder / f"{number}.png", encoded(picture((number * 30, 250, 0))))
    write(folder / "4.png", b"\x89PNG\r\n\x1a\nno more")
    write(folder / "6.png", (folder / "1.png").read_bytes())
    return folder


def test_other_processes_give_what_threads_give(album: Path) -> None:
    # Of one batch, so that no other worker can be the first to claim it.
    (album / "6.png").rename(album / "2.png")
    write(album / "6.png", encoded(picture((190, 250, 0))))
    claims = unclaimed()
    processor = PhotoProcessor(
        PhotoFiles(Limits()), PhotoDecoder(Limits()), RedSquares, admit=claims.admit, budget=PixelBudget(10**8)
    )
    with closing(ThreadExecutor(processor, 1)) as threads:
        here = [result for _, result in threads.process(jobs(album), stop=threading.Event())]
    with closing(executor(unclaimed(), workers=2, batch=3)) as processes:
        processed = list(processes.process(jobs(album), stop=threading.Event()))
    assert [job.file.path for job, _ in processed] == [b"%d.png" % number for number in range(8)]
    for mine, (_, other) in zip(here, processed, strict=True):
        assert type(mine) is type(other)
        if isinstance(mine, ProcessedPhoto) and isinstance(other, ProcessedPhoto):
            assert (mine.sha256, mine.size, mine.facts, mine.failure) == (
                other.sha256, other.size, other.facts, other.failure,
            )  # fmt: skip
            assert [each.detection.box for each in mine.faces] == [each.detection.box for each in other.faces]
            assert all(np.array_equal(a.crop, b.crop) for a, b in zip(mine.faces, other.faces, strict=True))
            assert all(
                np.array_equal(a.detection.landmarks, b.detection.landmarks)
                for a, b in zip(mine.faces, other.faces, strict=True)
            )


def test_a_photo_that_kills_its_workers_is_found_by_halving_and_fails_alone(album: Path) -> None:
    write(album / "5.png", encoded(picture(GREEN)) + deadly.CRASH)
    with closing(executor(unclaimed(), batch=4)) as processes:
        results = {job.file.path: result for job, result in processes.process(jobs(album), stop=threading.Event())}
        assert processes.pool.started == 1 + 3 * 3, "each of three sizes ends three, and the last ones live"
    failed = results[b"5.png"]
    assert isinstance(failed, ProcessedPhoto) and failed.failure == FailureReason("it crashed (SIGSEGV)", retry=False)
    assert failed.sha256 == read_photo(album / "5.png").sha256
    others = [result for path, result in results.items() if path not in (b"5.png", b"4.png", b"6.png")]
    assert len(others) == 5 and all(isinstance(each, ProcessedPhoto) and len(each.faces) == 1 for each in others)
    assert isinstance(results[b"6.png"], DuplicateContent)


def test_a_photo_that_hangs_is_given_up_after_its_time_and_not_tried_thrice(tmp_path: Path) -> None:
    for name, ending in (("a", b""), ("b", deadly.HANG), ("c", b" ")):
        write(tmp_path / "album" / f"{name}.png", encoded(picture(WHITE)) + ending)
    with closing(executor(unclaimed(), seconds=1.0)) as processes:
        a, b, c = (result for _, result in processes.process(jobs(tmp_path / "album"), stop=threading.Event()))
    assert isinstance(b, ProcessedPhoto) and b.failure is not None
    assert b.failure.reason == "it was given up after 1 seconds" and not b.failure.retry
    assert all(isinstance(each, ProcessedPhoto) and len(each.faces) == 1 for each in (a, c))


def test_contents_are_claimed_in_this_process_and_forgotten_ones_left_alone(album: Path) -> None:
    first, second = read_photo(album / "0.png").sha256, read_photo(album / "1.png").sha256
    claims = ContentClaims(lambda sha256: sha256 == first, lambda sha256: sha256 == second)
    with closing(executor(claims)) as processes:
        results = [result for _, result in processes.process(jobs(album), stop=threading.Event())]
    assert results[0] == DuplicateContent(first)
    assert results[1] == results[6] == ForgottenContent(second)


def test_faces_are_cut_out_again_by_other_processes(album: Path) -> None:
    path, claims = os.fsencode(album / "2.png"), unclaimed()
    with closing(executor(claims)) as processes:

        def crop(processor, photo):  # type: ignore[no-untyped-def]
            face = photo.faces[0]

            place = FacePlace(face.detection.box, face.detection.turned, face.page)
            return processor.crop_again(path, photo.sha256, [place, place]), processor.crop_again(path, "0" * 64, [])

        ((_, processed),) = processes.process([jobs(album)[2]], stop=threading.Event())
        assert isinstance(processed, ProcessedPhoto)
        ((_, (crops, refused)),) = processes.map(crop, [processed], stop=threading.Event())
    assert len(crops) == 2 and np.array_equal(crops[0], processed.faces[0].crop)
    assert refused == FailureReason("the file has another content now", retry=True)


def test_a_stop_ends_the_work_of_other_processes(album: Path) -> None:
    stop = threading.Event()
    with (
        closing(executor(unclaimed(), batch=2)) as processes,
        closing(processes.process(jobs(album), stop=stop)) as results,
    ):
        next(results)
        stop.set()
        assert list(results) == []


def test_a_worker_that_cannot_start_says_why() -> None:
    with pytest.raises(WorkerDiedError, match="no such decoder"):
        WorkerPool(WorkerSetup("decoder", "tests.support.deadly:unstartable")).take()


@pytest.mark.parametrize("program", [sys.executable, "/nowhere/python"])
def test_an_executor_without_a_worker_is_told_before_any_work(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", program)
    setup = WorkerSetup("processor", "tests.support.deadly:unstartable")
    with closing(ProcessExecutor(setup, unclaimed().admit, budget=PixelBudget(10**8), workers=1)) as processes:
        with pytest.raises(NoWorkerProcess, match=r"could not be started .*: free memory") as told:
            processes.prepare()
        assert "could not be started (" in told.value.values["reason"]


# Decoding


@pytest.fixture
def isolated() -> Iterator[tuple[IsolatedDecoder, WorkerPool]]:
    pool = WorkerPool(WorkerSetup("decoder", "tests.support.deadly:decoder", seconds=2.0))
    with closing(IsolatedDecoder(pool)) as decoder:
        yield decoder, pool


@pytest.mark.parametrize(
    ("ending", "reason", "retry", "started"),
    [
        (deadly.CRASH, "its decoder crashed (SIGSEGV)", False, 3),
        (deadly.KILL, "its decoder was ended by the system, which may lack memory", True, 3),
        (deadly.HANG, "its decoder was given up after 2 seconds", False, 1),
        pytest.param(
            deadly.FILL, "not enough memory to decode the photo", True, 1,
            marks=pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is bounded on Linux only"),
        ),
    ],
)  # fmt: skip
def test_what_a_decoder_does_to_its_process_is_the_failure_of_one_photo(
    isolated: tuple[IsolatedDecoder, WorkerPool], tmp_path: Path, ending: bytes, reason: str, retry: bool, started: int
) -> None:
    decoder, pool = isolated
    bad = write(tmp_path / "bad.png", encoded(picture(GREEN)) + ending)
    good = write(tmp_path / "good.png", encoded(picture(GREEN)))
    claims = unclaimed()
    processor = PhotoProcessor(PhotoFiles(Limits()), decoder, RedSquares, admit=claims.admit, budget=PixelBudget(10**6))
    failed = processor.process(bad)
    assert isinstance(failed, ProcessedPhoto) and failed.failure is not None
    assert (failed.failure.reason, failed.failure.retry, pool.started) == (reason, retry, started)
    fine = processor.process(good)
    assert isinstance(fine, ProcessedPhoto) and len(fine.faces) == 1


def test_a_fault_in_a_worker_is_on_record_with_its_traceback(
    isolated: tuple[IsolatedDecoder, WorkerPool], tmp_path: Path
) -> None:
    bad = write(tmp_path / "bad.png", encoded(picture(GREEN)) + deadly.FAULT)
    claims = unclaimed()
    processor = PhotoProcessor(
        PhotoFiles(Limits()), isolated[0], RedSquares, admit=claims.admit, budget=PixelBudget(10**6)
    )
    failed = processor.process(bad)
    assert isinstance(failed, ProcessedPhoto) and failed.failure is not None and failed.failure.retry
    assert "nobody foresaw this" in failed.failure.reason and "deadly.py" in failed.failure.trace


@pytest.mark.parametrize("format", ["TIFF", "WEBP", "AVIF", "HEIF", "JPEG2000", "GIF", "PNG"])
def test_other_processes_decode_to_the_same_pixels(tmp_path: Path, format: str) -> None:
    options = {"save_all": True, "append_images": [scene(1), scene(2)]} if format in ("TIFF", "WEBP", "GIF") else {}
    exif = Image.Exif()
    exif[0x0110] = "Camera"
    if format not in ("GIF", "JPEG2000"):
        options["exif"] = exif
    photo = read_photo(write(tmp_path / "photo", encoded(scene(), format, **options)))
    pool = WorkerPool(decoding(Limits()))
    with closing(IsolatedDecoder(pool)) as decoder:
        here = PhotoDecoder(Limits()).open(photo, lambda _: None)
        there = decoder.open(photo, lambda _: None)
        mine, theirs = list(here.pictures()), list(there.pictures())
        assert len(mine) == len(theirs) and (here.pages, here.unlooked) == (there.pages, there.unlooked)
        for one, other in zip(mine, theirs, strict=True):
            assert not isinstance(one, tuple) and not isinstance(other, tuple)
            assert np.array_equal(one.rgb, other.rgb) and not other.rgb.flags.writeable
            facts = ["sha256", "size", "format", "taken", "camera", "page", "seconds", "sound", "notices"]
            assert [getattr(one, name) for name in facts] == [getattr(other, name) for name in facts]
        assert np.array_equal(here.picture(1).rgb, there.picture(1).rgb)
        if len(mine) > 1:
            with pytest.raises(PhotoError):
                there.picture(99)
        there.close()
        assert pool.started == 1


def test_only_what_is_not_trusted_leaves_the_process(tmp_path: Path) -> None:
    pool = WorkerPool(decoding(Limits()))
    with closing(IsolatedDecoder(pool)) as elsewhere:
        guarded = GuardedDecoder(PhotoDecoder(Limits()), elsewhere)
        for format in ("JPEG", "PNG", "GIF", "BMP"):
            photo = read_photo(write(tmp_path / format, encoded(scene(), format)))
            assert len(list(guarded.open(photo, lambda _: None).pictures())) == 1
        assert pool.started == 0
        for format in ("TIFF", "WEBP"):
            photo = read_photo(write(tmp_path / format, encoded(scene(), format)))
            with closing(guarded.open(photo, lambda _: None)) as opened:
                assert len(list(opened.pictures())) == 1
        assert pool.started == 1


def test_a_worker_ends_when_its_run_was_killed() -> None:
    reading, writing = os.pipe()
    child = os.fork() if hasattr(os, "fork") else 0
    if child == 0:
        os.close(reading)
        worker = WorkerPool(decoding(Limits())).take()
        os.write(writing, b"%d\n" % worker._process.pid)
        os.kill(os.getpid(), signal.SIGKILL)
    os.close(writing)
    pid = int(os.read(reading, 20))
    os.waitpid(child, 0)
    ended = threading.Event()
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            ended.set()
            break
        threading.Event().wait(0.1)
    assert ended.is_set()


def test_a_worker_that_decodes_loads_nothing_that_it_does_not_need() -> None:
    code = "import sys; import indexer.worker; print(*{'sqlalchemy', 'cv2', 'torch', 'faiss'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert ran.stdout.split() == []


def test_a_whole_run_in_processes_passes_over_photos_of_a_hash_set(tmp_path: Path) -> None:
    """The set holds MD5 only, so the digest has to come from the worker; the next run knows it."""
    for number in range(4):
        save(tmp_path / "album" / f"{number}.png", picture((number * 40, 250, 0)))
    known = tmp_path / "known.txt"
    known.write_text(hashlib.md5((tmp_path / "album" / "2.png").read_bytes(), usedforsecurity=False).hexdigest())

    def in_processes(admit: Admit) -> ProcessExecutor:
        setup = WorkerSetup("processor", "tests.support.deadly:processor")
        return ProcessExecutor(setup, admit, budget=PixelBudget(10**8), workers=2, batch=2)

    known_set = read_hash_set(known, LeftOut.KNOWN_ILLEGAL)
    with known_set, open_catalogue(tmp_path / "faces.db", create=True) as catalogue:
        run = Runs(catalogue)
        report = run(tmp_path / "album", sets=(known_set,), new_executor=in_processes)
        again = run(tmp_path / "album", sets=(known_set,), new_executor=in_processes)
    assert (report.photos, report.faces, report.recognised) == (3, 3, {LeftOut.KNOWN_ILLEGAL: 1})
    assert run.detector.shown == 0, "in this process nothing is looked at"
    assert (again.opened, again.uncompared, again.recognised) == (0, 0, {LeftOut.KNOWN_ILLEGAL: 1})
