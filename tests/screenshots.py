"""Every page over the demo's gallery, in both colour schemes and three widths, to look at: make screenshots."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from facesearch import open as open_gallery
from tests.support.browser import Server, chromium, running

GALLERY = Path(__file__).parent / "gallery"
WIDTHS = (360, 1280, 2560)
STATEMENT = (
    "The first man was about 50 and had grey hair and glasses, and wore a black coat. I think he had no beard. "
    "The other one was younger and had a goatee and a hat."
)
PAGES = {
    "start": "/",
    "search": "/search?q=man,+maybe+glasses,+no+beard,+oval+face",
    "filters": "/search/filters?q=man,+glasses",
    "question": "/search?q=He+had+a+beard.+He+had+no+beard.",
    "face": "/face/12",
    "similar": "/similar?face=32&but=glasses",
    "probe": "/probe",
    "photos": "/photos",
    "choose": "/photos/choose",
    "recall": "/statement",
    "sheet": "/case/statement?case=2026/17&number=1",
    "cases": "/cases",
    "case": "/case?case=2026/17",
    "review": "/case/review?case=2026/17&search=1",
    "keys": "/keys",
    "programs": "/programs",
}


def main(target: Path) -> None:
    """Write them."""
    from playwright.sync_api import sync_playwright

    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Path(folder) / "faces.db"
        with open_gallery(catalogue) as gallery:
            gallery.index(GALLERY)
        with running(catalogue) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            first = browser.new_context()
            page = first.new_page()
            page.goto(server.address)
            page.wait_for_url(f"{server.root}/")
            state = first.storage_state()
            _fill_case(page, server)
            for scheme in ("light", "dark"):
                for width in WIDTHS:
                    context = browser.new_context(
                        color_scheme=scheme, viewport={"width": width, "height": 900}, storage_state=state
                    )
                    _shoot(context.new_page(), server, target, f"{width}-{scheme}")
                    context.close()
            browser.close()


def _fill_case(page: Any, server: Server) -> None:
    """A case with a statement, two searches, some marks and a note."""
    page.goto(f"{server.root}/cases")
    page.fill("input[name=reference]", "2026/17")
    page.fill("input[name=name]", "Mill Street")
    page.click("text=Open it")
    page.goto(f"{server.root}/cases")
    page.fill("input[name=examiner]", "A. Marple")
    page.fill("input[name=reason]", "appeal of 4 March")
    page.click("text=Work on it")
    page.fill("textarea[name=text]", STATEMENT)
    page.fill("input[name=witness]", "W1")
    page.fill("input[name=taken_by]", "PC Low")
    page.fill("input[name=how]", "in person")
    page.click("button.main:has-text('Keep it')")
    page.goto(f"{server.root}/search?q=man,+maybe+glasses,+no+beard,+oval+face")
    for rank, key in enumerate("yynus", 1):
        page.focus(f"#hit-{rank} .tile")
        with page.expect_response("**/mark"):
            page.keyboard.press(key)
    page.click("#hit-1 .tile")
    page.click("text=Role and note")
    page.select_option("select[name=role]", "suspect")
    page.fill("textarea[name=note]", "ask W1 about the cap")
    page.click(".mark-it button:has-text('Keep')")
    page.goto(f"{server.root}/case?case=2026/17")
    page.click("text=Search for it")
    page.goto(f"{server.root}/case?case=2026/17")
    page.click("text=Review blind")


def _shoot(page: Any, server: Server, target: Path, kind: str) -> None:
    def shot(name: str) -> None:
        page.wait_for_load_state("networkidle")
        page.screenshot(path=target / f"{name}-{kind}.png")

    for name, address in PAGES.items():
        page.goto(f"{server.root}{address}")
        shot(name)
    page.goto(f"{server.root}/")
    page.fill("#text", STATEMENT)
    page.wait_for_selector("#reading b")
    shot("typed")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    shot("statement")
    page.click(".chip summary")
    shot("chip")
    page.goto(f"{server.root}/statement")
    page.fill("textarea[name=told]", "He came at me from the left, a man, I think with glasses.")
    with page.expect_navigation():
        page.click("text=Go on")
    shot("open")
    page.fill("textarea[name=told1]", "short brown hair")
    with page.expect_navigation():
        page.click("text=Go on")
    shot("closed")
    page.goto(f"{server.root}/probe")
    page.set_input_files("#photo", GALLERY / "group-of-five.jpg")
    page.wait_for_url("**/probe/*")
    shot("faces")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
