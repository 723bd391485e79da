"""What the page costs: results at 1,000 and 100,000 faces, the first 120 crops, and memory over many searches.

    python benchmarks/page.py [--faces 100000] [--searches 40] [--many 1000] [--work FOLDER]

Two catalogues of invented faces (random scores, seeded, with small pictures of noise), each with a server of its own as
`facesearch serve` starts it, asked in turns over HTTP:

- the first page of results of descriptions that were not asked before, in both: the ratio of the medians;
- the first 120 crops: a browser (Chromium through playwright) opens the results, and the same page as a file with the
  same pictures as files, from a static server (starlette's, in a process of its own): the ratio of the medians of the
  time until all 120 are drawn. Without a browser, six connections fetch the pictures alone;
- the memory of the larger server (resident, Linux) before and after so many searches more, each a new one.
"""

import argparse
import http.client
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from audit_cost import fill
from PIL import Image

from db.catalogue import open_catalogue
from db.crops import CropStore, place_key
from db.faces import in_full
from facesearch.attributes import NAMES
from facesearch.query.phrases import phrase
from tests.support.browser import Server, chromium, running

CROPS, CONNECTIONS = 120, 6
_STATIC = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
app = Starlette(routes=[Mount("/", StaticFiles(directory=sys.argv[1], html=True))])
uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False)
"""


class Visitor:
    """A connection to a server that stays open, with the cookie that lets in."""

    def __init__(self, server: Server, cookie: str = "") -> None:
        host, port = server.root.removeprefix("http://").split(":")
        self._connection = http.client.HTTPConnection(host, int(port))
        self.cookie = cookie
        if not cookie:
            self._connection.request("GET", server.address.removeprefix(server.root))
            answer = self._connection.getresponse()
            answer.read()
            self.cookie = (answer.getheader("set-cookie") or "").partition(";")[0]

    def get(self, address: str) -> bytes:
        self._connection.request("GET", address, headers={"cookie": self.cookie, "sec-fetch-site": "same-origin"})
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (address, answer.status)
        return body


def descriptions() -> Iterator[str]:
    """Addresses of searches for three attributes, each another one."""
    words = [phrase(each, True).replace(" ", "+") for each in range(len(NAMES)) if "(" not in phrase(each, True)]
    for three in itertools.combinations(words, 3):
        yield f"/search?q={',+'.join(three)}"


def make(path: Path, faces: int) -> Path:
    """A catalogue with small pictures of all faces that can be among the first."""
    with open_catalogue(path, create=True) as catalogue:
        fill(catalogue, faces)
        noise, store = np.random.default_rng(0), CropStore(path)
        with catalogue.read() as session:
            some = [in_full(session, face).face for face in range(1, faces + 1)]
        for start in range(0, faces, 5000):
            store.write((each.face, place_key(each), _picture(noise)) for each in some[start : start + 5000])
    return path


def _picture(noise: np.random.Generator) -> bytes:
    file = BytesIO()
    small = Image.fromarray(noise.integers(0, 255, (16, 16, 3), np.uint8))
    small.resize((128, 128), Image.Resampling.BICUBIC).save(file, "WEBP", quality=80, method=0)
    return file.getvalue()


def timed(action: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def first_pages(small: Visitor, large: Visitor, asked: Iterator[str], searches: int) -> None:
    few, many = [], []
    for _ in range(searches):
        address = next(asked)
        few.append(timed(partial(small.get, address)))
        many.append(timed(partial(large.get, address)))
    ratio = median(many) / median(few)
    print(f"first page of results, ms: {median(few):.1f} and {median(many):.1f}, {ratio:.2f} times")


def crops(server: Server, visitor: Visitor, address: str, folder: Path, times: int) -> None:
    page = visitor.get(address).decode()
    faces = re.findall(r'src="(/crop/\d+)"', page)
    assert len(faces) == CROPS
    (folder / "crop").mkdir()
    (folder / "assets" / "vendor").mkdir(parents=True)
    for each in faces:
        (folder / f"{each[1:]}.webp").write_bytes(visitor.get(each))
    for each in set(re.findall(r'"(/assets/[^"?]+)', page)):
        (folder / each[1:]).write_bytes(visitor.get(each))
    (folder / "index.html").write_text(re.sub(r'src="(/crop/\d+)"', r'src="\1.webp"', page), encoding="utf-8")
    with static(folder) as root:
        ours, theirs = [], []
        with opener(visitor.cookie, server.root) as opened:
            for _ in range(times):
                ours.append(timed(lambda: opened(server.root, address, faces)))
                theirs.append(timed(lambda: opened(root, "/", [f"{each}.webp" for each in faces])))
    ratio = median(ours) / median(theirs)
    print(f"first {CROPS} crops, ms: {median(ours):.0f}, as files {median(theirs):.0f}, {ratio:.2f} times")


@contextmanager
def static(folder: Path) -> Iterator[str]:
    port = 18765
    process = subprocess.Popen([sys.executable, "-c", _STATIC, folder, str(port)])
    try:
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port)
                connection.request("GET", "/")
                connection.getresponse().read()
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def opener(cookie: str, root: str) -> Iterator[Callable[[str, str, list[str]], None]]:
    """What opens a page until all of its crops are there: a browser, or six connections."""
    try:
        from playwright.sync_api import sync_playwright

        found = chromium()
    except BaseException:
        print("no browser: six connections fetch the pictures")
        yield lambda at, _, faces: _fetch(at, cookie, faces)
        return
    name, _, value = cookie.partition("=")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_cookies([{"name": name, "value": value, "url": root, "sameSite": "Strict"}])
        page: Any = context.new_page()
        # As after a start of the browser: our pictures are in no cache, so those of the other page are not either.
        page.context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})

        def opened(at: str, address: str, _: list[str]) -> None:
            page.goto(f"{at}{address}", wait_until="commit")
            page.wait_for_function(
                "n => { const all = [...document.querySelectorAll('.tile img')];"
                " all.forEach(each => { each.loading = 'eager'; });"
                " return all.length >= n && all.every(each => each.complete && each.naturalWidth); }",
                arg=CROPS,
                polling=10,
            )

        yield opened
        browser.close()


def _fetch(root: str, cookie: str, addresses: list[str]) -> None:
    server = Server(None, root)  # type: ignore[arg-type]

    def some(at: int) -> None:
        visitor = Visitor(server, cookie)
        for each in addresses[at::CONNECTIONS]:
            visitor.get(each)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(some, range(CONNECTIONS)))


def memory(server: Server) -> int:
    """Resident, in MB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=40)
    parser.add_argument("--many", type=int, default=1000)
    parser.add_argument("--work", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.work) as work:
        folder = Path(work)
        os.environ["XDG_DATA_HOME"] = str(folder / "own")
        few, many = make(folder / "few.db", 1000), make(folder / "many.db", given.faces)
        print(f"1,000 and {given.faces:,} faces, {given.searches} searches each")
        with running(few) as small, running(many) as large:
            one, other = Visitor(small), Visitor(large)
            asked = descriptions()
            for _ in range(3):  # what is read for the first time is no cost of the page
                address = next(asked)
                one.get(address)
                other.get(address)
            first_pages(one, other, asked, given.searches)
            (folder / "static").mkdir()
            crops(large, other, address, folder / "static", max(5, given.searches // 4))
            said = []
            for number in range(given.many + 1):
                if number % max(1, given.many // 4) == 0:
                    said.append(memory(large))
                other.get(next(asked))
            print(f"memory in MB over {given.many:,} searches: {', '.join(map(str, said))}")


if __name__ == "__main__":
    main()
