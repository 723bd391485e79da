"""The page in a real browser: what an investigator does with it, with and without scripts, and who cannot see well."""

import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from facesearch import open as open_gallery
from tests.conftest import GALLERY
from tests.support.browser import AXE, Server, Watched, chromium, running, start, violations
from tests.support.squares import index as index_squares
from tests.support.stand_ins import picture, save

pytestmark = pytest.mark.slow

STATEMENT = (
    "He was a man of about 50 with grey hair and glasses, wearing a black coat. He had no beard, I think. "
    "His name is John."
)


CHOSEN = (
    "group-of-five.jpg", "group-of-three.jpg", "man-bald-goatee.jpg", "man-gray-hair-eyeglasses-1.jpg", "man-hat.jpg",
    "man-gray-hair-necktie.jpg", "man-goatee-1.jpg", "woman-blond-hair-smiling-1.jpg", "woman-gray-hair.jpg",
    "woman-eyeglasses-older.jpg", "small-man-black-hair.jpg", "dark-woman-brown-hair.jpg",
)  # fmt: skip
FACES = 18


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    executable = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Path:  # noqa: ARG001 (skips before the work)
    """Of the gallery's composite portraits, by the real network."""
    path = tmp_path_factory.mktemp("gallery") / "faces.db"
    (path.parent / "photos").mkdir()
    for file in CHOSEN:
        shutil.copy(GALLERY / file, path.parent / "photos")
    with open_gallery(path) as gallery:
        gallery.index(path.parent / "photos")
        assert len(gallery.search("man or woman", top=None)) == FACES
    return path


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Path:  # noqa: ARG001
    """Two thousand and some faces."""
    folder = tmp_path_factory.mktemp("many") / "photos"
    for number in range(690):
        dots = [(number % 251, place * 90, number // 4 % 256) for place in range(3)]
        save(folder / f"{number:03}.png", picture(*dots, size=(200, 120 + number)), compress_level=1)
    return index_squares(folder.parent / "many.db", folder)


@pytest.fixture(scope="module")
def server(catalogue: Path) -> Iterator[Server]:
    with running(catalogue) as started:
        yield started


@pytest.fixture(scope="module")
def let_in(browser: Any, server: Server) -> Any:
    """The cookies of a browser that opened the printed address."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.address)
    page.wait_for_url(f"{server.root}/")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def tab(browser: Any, server: Server, let_in: Any) -> Iterator[Watched]:
    """A tab that was let in, at the first page; nothing may stand in its console at the end."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, storage_state=let_in)
    watched = Watched(context.new_page())
    watched.page.goto(server.root)
    yield watched
    context.close()
    assert watched.complaints == []


def paste(page: Any, text: str) -> None:
    """As with Ctrl-V, without the clipboard of the machine."""
    page.evaluate(
        "text => { const box = document.getElementById('text'); const data = new DataTransfer();"
        "data.setData('text', text); box.focus();"
        "box.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true}));"
        "box.value = text; box.dispatchEvent(new Event('input', {bubbles: true})); }",
        text,
    )


def follow(page: Any, selector: str) -> None:
    """Click what leads to another page, and wait for that page: a click alone returns while it is still loading."""
    with page.expect_navigation():
        page.click(selector)


def ask(page: Any, text: str) -> None:
    page.fill("#text", text)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_from_a_pasted_statement_to_a_face_and_back(tab: Watched, server: Server) -> None:
    page = tab.page
    paste(page, STATEMENT)
    page.wait_for_selector("#reading b")
    assert "glasses" in page.locator("#reading b").all_inner_texts()
    follow(page, "text=Search this")
    assert re.fullmatch(rf"{server.root}/search/\w{{16}}", page.url)
    assert page.locator(".tile").count() == FACES
    assert page.locator(".tile img").first.evaluate("each => each.decode().then(() => each.naturalWidth)") == 128
    # refine: a click on a chip
    page.click(".chip summary:has-text('glasses')")
    follow(page, ".chip[open] button:has-text('Drop')")
    assert page.locator(".chip").count() == 4 and "John" in page.content()
    address = page.url
    follow(page, ".tile >> nth=2")
    assert "/face/" in page.url
    assert page.locator("table th[scope=row]").count() == 40
    page.go_back()
    assert page.url == address and page.locator(".tile").count() == FACES
    page.reload()
    assert page.locator(".chip").count() == 4


def test_filters_are_one_click_away_and_why_a_face_is_not_here_is_answered(tab: Watched) -> None:
    page = tab.page
    ask(page, "man, glasses")
    page.click(".filters summary")
    page.wait_for_selector(".filter-form")
    page.locator(".attribute:has-text('goatee') label:has-text('yes')").click()
    follow(page, "text=Apply")
    assert page.locator(".chip").all_inner_texts() == ["man", "glasses", "goatee"]
    page.click("text=Why is a face here, or not?")
    page.fill("#find", "5")
    page.click("text=Ask")
    page.wait_for_selector("#absent p")
    assert re.search(rf"Face 5 stands at rank \d+ of {FACES}", page.inner_text("#absent"))


def test_everything_can_be_done_by_keyboard(tab: Watched) -> None:
    page = tab.page
    ask(page, "woman, smiling")
    page.keyboard.press("ArrowRight")
    rank = "document.activeElement.closest('.hit')?.id"
    assert page.evaluate(rank) == "hit-1"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(rank) == "hit-2"
    page.keyboard.press("ArrowDown")
    below = int(page.evaluate(rank).removeprefix("hit-"))
    assert below > 2
    page.keyboard.press("ArrowUp")
    assert page.evaluate(rank) == "hit-2"
    page.keyboard.press("z")
    page.wait_for_selector("dialog.peek[open] img")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.peek", state="detached")
    assert page.evaluate(rank) == "hit-2"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "text"
    page.keyboard.type("?")  # in the box it is a letter
    assert page.input_value("#text").endswith("?")
    page.keyboard.press("Tab")
    page.locator(".tile").first.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "/face/" in page.url
    page.locator(".photo").focus()
    page.keyboard.press("+")
    assert "scale(1.5)" in page.locator(".canvas").get_attribute("style")
    page.keyboard.press("0")
    with page.expect_navigation():
        page.keyboard.press("?")
    assert page.url.endswith("/keys")


def test_faces_are_marked_by_keyboard_and_the_focus_stays(browser: Any, catalogue: Path) -> None:
    with running(catalogue) as server:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        watched = Watched(context.new_page())
        page = watched.page
        page.goto(server.address)
        page.wait_for_url(f"{server.root}/")
        page.goto(f"{server.root}/search?q=man")
        page.focus("#hit-1 .tile")
        page.keyboard.press("y")
        page.wait_for_selector("#say:has-text('choose a case') a[href='/cases']")
        page.goto(f"{server.root}/cases")
        page.fill("input[name=reference]", "2026/17")
        follow(page, "text=Open it")
        page.goto(f"{server.root}/search?q=man")
        for rank, (key, says) in enumerate((("y", "follow up"), ("n", "set aside"), ("u", "undecided")), 1):
            page.focus(f"#hit-{rank} .tile")
            page.keyboard.press(key)
            page.wait_for_selector(f"#hit-{rank} .mark-of[data-state='{says}']")
            assert page.evaluate("document.activeElement.closest('.hit').id") == f"hit-{rank}"
            assert page.get_attribute(f"#hit-{rank} [data-key={key}]", "aria-pressed") == "true"
        for listed in ("1", "0"):
            page.keyboard.press("s")
            page.wait_for_selector(f"#hit-3 .mark-of[data-listed='{listed}']")
        page.click("#hit-1 .undo")
        page.wait_for_selector("#hit-1 .mark-of[data-state='']", state="attached")
        assert page.evaluate("document.activeElement.closest('.hit').id") == "hit-1"
        page.reload()
        assert page.locator(".mark-of[data-state='set aside']").count() == 1
        page.goto(f"{server.root}/case?case=2026/17")
        follow(page, "text=Review blind")
        page.focus(".tile >> nth=0")
        page.keyboard.press("y")
        page.wait_for_selector(".mark-of[data-state='follow up']")
        found = {}
        for address in ("/cases", "/case?case=2026/17", "/case/review?case=2026/17&search=1", "/search?q=man"):
            page.goto(f"{server.root}{address}")
            found[address] = violations(page, colours_alone=False)
        assert not any(found.values()), found
        page.set_viewport_size({"width": 360, "height": 900})
        for address in found:
            page.goto(f"{server.root}{address}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
        context.close()
        assert watched.complaints == []


def test_the_photo_of_a_face_is_zoomed_and_dragged(tab: Watched, server: Server) -> None:
    page = tab.page
    page.goto(f"{server.root}/face/2")
    page.click("[data-zoom=face]")
    page.click("[data-zoom=in]")
    before = page.locator(".canvas").get_attribute("style")
    assert "scale" in before
    box = page.locator(".photo").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2 + 20, steps=4)
    page.mouse.up()
    assert page.locator(".canvas").get_attribute("style") != before and page.url.endswith("/face/2")
    page.click("[data-zoom=fit]")
    assert not page.locator(".canvas").get_attribute("style")


def test_two_thousand_hits_are_scrolled_through(browser: Any, many: Path) -> None:
    with running(many) as server:
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        watched = Watched(page)
        page.goto(server.address)
        page.wait_for_url(f"{server.root}/")
        ask(page, "stubble")
        assert "120 of 2,070 looked at" in page.inner_text("#looked")
        for _ in range(40):
            if page.locator(".more.end").count():
                break
            seen = page.locator(".chunk").count()
            page.evaluate("scrollTo(0, document.body.scrollHeight)")
            page.locator(".chunk").nth(seen).wait_for(state="attached")
        assert page.locator(".tile").count() == 2070
        assert "2,070 of 2,070 looked at" in page.inner_text("#looked")
        ranks = page.evaluate("[...document.querySelectorAll('.hit')].map(each => Number(each.id.slice(4)))")
        assert ranks == list(range(1, 2071))
        page.close()
        assert watched.complaints == []


def test_a_photo_is_uploaded_or_pasted_and_faces_like_it_are_found(tab: Watched, server: Server) -> None:
    page = tab.page
    page.goto(f"{server.root}/probe")
    page.set_input_files("#photo", GALLERY / "group-of-five.jpg")
    page.wait_for_url("**/probe/*")
    assert page.locator(".pick input").count() == 5 and page.locator(".pick :checked").count() == 0
    page.locator(".pick label").nth(1).click()
    follow(page, "text=Find faces like it")
    assert "/similar?probe=" in page.url and page.locator(".tile").count() >= FACES - 3
    assert "cannot be repeated" in page.inner_text("main")
    page.fill("#but", "glasses")
    follow(page, ".but button")
    assert page.locator(".words li").count() == page.locator(".tile").count()
    page.goto(f"{server.root}/probe")
    content = list((GALLERY / "man-bald-goatee.jpg").read_bytes())
    page.evaluate(
        "bytes => { const data = new DataTransfer();"
        "data.items.add(new File([new Uint8Array(bytes)], 'pasted.jpg', {type: 'image/jpeg'}));"
        "document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true})); }",
        content,
    )
    page.wait_for_url("**/probe/*")
    assert page.locator(".pick :checked").count() == 1 and "pasted.jpg" in page.inner_text("main")


def test_two_tabs_and_a_server_that_is_started_again(browser: Any, catalogue: Path) -> None:
    server = start(catalogue)
    context = browser.new_context()
    one, other = context.new_page(), context.new_page()
    one.goto(server.address)
    one.wait_for_url(f"{server.root}/")
    other.goto(f"{server.root}/photos")
    paste(one, STATEMENT)
    with one.expect_navigation():
        one.keyboard.press("Enter")
    address, tiles = one.url, one.locator(".tile").evaluate_all("all => all.map(each => each.dataset.face)")
    other.goto(address)
    assert other.locator(".tile").evaluate_all("all => all.map(each => each.dataset.face)") == tiles
    assert server.stop() == 0
    assert "Traceback" not in "\n".join(server.said)
    again = start(catalogue, port=int(server.root.rpartition(":")[2]))
    one.reload()
    assert "Not let in" in one.inner_text("main")
    other.goto(again.address)
    other.wait_for_url(f"{again.root}/")
    one.goto(address)
    assert one.locator(".tile").evaluate_all("all => all.map(each => each.dataset.face)") == tiles
    context.close()
    assert again.stop() == 0


@pytest.mark.parametrize("scripts", [True, False])
def test_a_statement_is_taken_printed_kept_and_searched(browser: Any, catalogue: Path, scripts: bool) -> None:
    with running(catalogue) as server:
        context = browser.new_context(
            java_script_enabled=scripts, viewport={"width": 1280, "height": 900}, color_scheme="light"
        )
        watched = Watched(context.new_page())
        page = watched.page
        page.goto(server.address)
        if scripts:
            page.wait_for_url(f"{server.root}/")
        page.goto(f"{server.root}/cases")
        page.fill("input[name=reference]", f"taken {scripts}")
        follow(page, "text=Open it")
        follow(page, "text=Take a statement")
        page.fill("textarea[name=told]", "A man.\n\nHe ran away.")
        page.fill("input[name=witness]", "W1")
        follow(page, "text=Go on")
        page.fill("textarea[name=told5]", "nothing")
        follow(page, "text=Go on")
        assert page.locator("main img").count() == 0
        assert page.locator("[data-print]").is_visible() is scripts
        if scripts:
            assert violations(page) == []
        first = page.locator("form.closed").first
        asked = first.get_attribute("aria-label")
        first.locator("input[name=words]").fill("I don't remember")
        follow(page, "form.closed >> nth=0 >> button:has-text('Keep')")
        assert page.locator(f"form.closed[aria-label={asked!r}]").count() == 0
        page.emulate_media(media="print")
        assert page.locator(".sign").is_visible() and not page.locator("#closed").is_visible()
        page.emulate_media(media="screen")
        follow(page, "text=Keep it, and search this")
        assert page.locator(".chip").all_inner_texts() == ["man"]
        assert page.locator(".tile").count() == FACES
        context.close()
        assert watched.complaints == []


def test_search_and_results_work_without_scripts(browser: Any, server: Server, let_in: Any) -> None:
    context = browser.new_context(java_script_enabled=False, storage_state=let_in)
    page = context.new_page()
    page.goto(server.root)
    page.fill("#text", STATEMENT)
    follow(page, "text=Search this")
    assert page.locator(".tile").count() == FACES
    page.click(".chip summary:has-text('glasses')")
    follow(page, ".chip[open] button:has-text('Maybe')")
    assert "maybe glasses" in page.locator(".chip").all_inner_texts()
    page.click(".filters summary")
    follow(page, "text=Open the filters")
    page.locator(".attribute:has-text('goatee') label:has-text('no')").click()
    follow(page, "text=Apply")
    assert page.locator(".chip").count() == 6
    page.click("text=Why is a face here, or not?")
    page.fill("#find", "3")
    follow(page, "text=Ask")
    assert "Face 3 stands at rank" in page.inner_text("#absent")
    follow(page, ".tile >> nth=0")
    assert "/face/" in page.url
    follow(page, "text=Blur")
    assert page.locator("html").get_attribute("data-viewer") == "blur"
    page.goto(f"{server.root}/probe")
    page.set_input_files("#photo", GALLERY / "man-bald-goatee.jpg")
    follow(page, "text=Find its faces")
    follow(page, "text=Find faces like it")
    assert page.locator(".tile").count() >= FACES - 3
    context.close()


PAGES = ("/", "/statement",
         "/search?q=man,+maybe+glasses,+oval+face", "/search/filters?q=man", "/search?q=xyzzy", "/face/2",
         "/similar?face=2&but=glasses", "/probe", "/photos", "/photos/choose", "/keys", "/programs",
         "/face/99999")  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_in_either_scheme(browser: Any, server: Server, let_in: Any, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900}, storage_state=let_in)
    page = context.new_page()
    found = {}
    for address in PAGES:
        page.goto(f"{server.root}{address}")
        found[address] = violations(page, colours_alone=scheme == "dark")
    page.goto(f"{server.root}/search?q=man,+glasses")
    page.click(".chip summary")
    page.click(".filters summary")
    page.wait_for_selector(".filter-form")
    found["opened"] = violations(page, colours_alone=scheme == "dark")
    page.goto(f"{server.root}/probe")
    page.set_input_files("#photo", GALLERY / "group-of-three.jpg")
    page.wait_for_url("**/probe/*")
    found["faces of a probe"] = violations(page, colours_alone=scheme == "dark")
    context.close()
    assert {address: wrong for address, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("width", [360, 768, 2560])
def test_no_page_is_wider_than_its_window(browser: Any, server: Server, let_in: Any, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, storage_state=let_in)
    page = context.new_page()
    for address in PAGES:
        page.goto(f"{server.root}{address}")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, address
    context.close()


def test_the_checker_is_what_was_taken_from_its_package() -> None:
    for line in (AXE.parent / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((AXE.parent / name).read_bytes()).hexdigest() == digest
