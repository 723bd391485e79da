"""A program that uses the library keeps what is its own: signals, warnings, Pillow's settings, threads, environment."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent

STATE = """
    import decimal, gc, locale, os, random, signal, socket, sys, threading, warnings
    import cv2, faiss, numpy, torch
    from PIL import Image, ImageFile

    def state():
        '''What all code of a process shares.'''
        known = {number: signal.getsignal(number) for number in signal.valid_signals()}
        foreign = lambda registry: {key for key, value in registry.items() if "PIL" not in str(module(value))}
        module = lambda value: getattr(value[0] if isinstance(value, tuple) else value, "__module__", value)
        mask = os.umask(0)
        os.umask(mask)
        return {
            "signals": known,
            "warnings": (list(warnings.filters), warnings.showwarning),
            "pixels": (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, ImageFile.MAXBLOCK),
            "plugins": [foreign(each) for each in (Image.OPEN, Image.SAVE, Image.SAVE_ALL)],
            "formats": (dict(Image.EXTENSION), dict(Image.MIME), list(Image.ID)),
            "threads of libraries": (
                cv2.getNumThreads(), torch.get_num_threads(), torch.get_num_interop_threads(),
                faiss.omp_get_max_threads(),
            ),
            "torch": (torch.is_grad_enabled(), torch.get_default_dtype(), torch.initial_seed()),
            "torch's numbers": hash(torch.random.get_rng_state().numpy().tobytes()),
            "random": (hash(random.getstate()), hash(numpy.random.get_state()[1].tobytes()), numpy.geterr()),
            "environment": (dict(os.environ), os.getcwd(), mask, sys.path[:], sys.argv[:]),
            "python": (
                gc.isenabled(), gc.get_threshold(), sys.getrecursionlimit(), sys.getswitchinterval(),
                sys.excepthook, sys.unraisablehook, threading.excepthook, sys.stdout, sys.stderr,
                locale.setlocale(locale.LC_ALL), socket.getdefaulttimeout(), str(decimal.getcontext()),
            ),
            "threads": sorted(each.name for each in threading.enumerate()),
        }
"""

USE = """
    import facesearch
    with facesearch.open("faces.db") as gallery:
        report = gallery.index("photos")
        assert (report.indexed, report.failed) == (4, 1), report.failures
        assert len(gallery.search("man, maybe goatee, folder:photos", min_face=10)) == 4
        gallery.similar("photos/man-goatee-1.jpg", top=2)
        gallery.face(1)
"""


def host(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for name in ("man-goatee-1.jpg", "woman-blond-hair-older.jpg"):
        shutil.copy(ROOT / "tests" / "gallery" / name, tmp_path / "photos")
    from PIL import Image

    with Image.open(tmp_path / "photos" / "man-goatee-1.jpg") as image:
        image.save(tmp_path / "photos" / "one.gif", disposal=2)
        image.save(tmp_path / "photos" / "two.tif", compression="tiff_lzw")
    (tmp_path / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    return tmp_path


def test_opening_indexing_and_searching_change_nothing_that_a_process_shares(folder: Path) -> None:
    script = f"""
    {STATE}
    Image.init()
    before = state()
    {USE}
    after = state()
    changed = [name for name in before if before[name] != after[name]]
    assert not changed, {{name: (before[name], after[name]) for name in changed}}
    """
    ran = host(folder, script)
    assert ran.returncode == 0, ran.stderr


def test_a_host_with_a_small_limit_of_pixels_keeps_it_and_all_photos_are_read(folder: Path) -> None:
    script = f"""
    import warnings
    from PIL import Image
    Image.MAX_IMAGE_PIXELS = 1000
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    {USE}
    assert Image.MAX_IMAGE_PIXELS == 1000
    try:
        Image.open("photos/two.tif")
    except Image.DecompressionBombError:
        print("kept")
    """
    ran = host(folder, script)
    assert ran.returncode == 0 and ran.stdout == "kept\n", ran.stderr


def test_ctrl_c_is_the_hosts_and_the_next_run_goes_on(folder: Path) -> None:
    script = """
    import os, signal, threading
    signal.signal(signal.SIGINT, signal.default_int_handler)
    import facesearch

    def press(now):
        if str(now).startswith("photos: 1"):
            os.kill(os.getpid(), signal.SIGINT)

    with facesearch.open("faces.db") as gallery:
        try:
            gallery.index("photos", progress=press)
        except KeyboardInterrupt:
            print("interrupted")
        stop = threading.Event()
        stop.set()
        print(gallery.index("photos", stop=stop).interrupted)
        report = gallery.index("photos")
        print(report.interrupted, report.indexed, report.failed)
    """
    ran = host(folder, script)
    assert ran.stdout.splitlines() == ["interrupted", "True", "False 4 1"], ran.stderr


def test_a_process_that_is_forked_after_a_search_can_search(folder: Path) -> None:
    """As web servers do: threads of the parent are not there in the child."""
    script = """
    import os
    import numpy as np
    from facesearch.query import parse
    from facesearch.search.ranking import scan

    scan.usable_cores = lambda: 2
    faces = 3 << 18
    one = np.full(faces, 0.5, np.float32)
    scale = np.ones(40, np.float32)
    scored = scan.Scored(np.arange(faces), lambda *_: one, lambda _: one, scale, scale)
    tree = parse("man, bald").tree

    def search():
        return len(scan.ranked(tree, scored, allowed=np.ones(faces, bool), top=3, firm=tree).rows)

    assert search() == 3
    child = os.fork()
    if not child:
        os._exit(search())
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    ran = host(folder, script)
    assert ran.stdout == "3\n", ran.stderr


def test_only_the_command_line_handles_signals_and_settings_of_the_process() -> None:
    shared = (
        "signal.signal(",
        "filterwarnings(",
        "simplefilter(",
        "MAX_IMAGE_PIXELS =",
        "register_heif_opener(",
        "keep_freed_memory()",
    )
    own_processes = {"facesearch/training/processes.py", "indexer/worker.py"}
    for room in ("db", "facesearch", "indexer"):
        for file in (ROOT / room).rglob("*.py"):
            if str(file.relative_to(ROOT)) not in own_processes:
                text = file.read_text(encoding="utf-8").replace("def keep_freed_memory()", "")
                assert not [each for each in shared if each in text], file
