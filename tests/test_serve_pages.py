"""The pages without a browser and without scripts: what is asked, what is understood, what is shown and logged."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from cli.web.asked import IN_ADDRESS
from db.catalogue import open_catalogue
from db.crops import CropStore, crops_file
from facesearch.search.chunks import CHUNK
from tests.conftest import Program
from tests.support.serving import Visitor, faces_on, ranks, served
from tests.support.squares import CYAN, GREEN, RED, WHITE, YELLOW, album, index
from tests.support.stand_ins import picture, save

pytestmark = pytest.mark.slow

STATEMENT = "He was a man with stubble, and his name is John Doe. He had arched eyebrows, maybe. He wore a black coat."


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return index(tmp_path / "faces.db", album(tmp_path / "album"))


@pytest.fixture
def visitor(catalogue: Path) -> Iterator[Visitor]:
    with served(catalogue) as found:
        yield found


# ---- addresses


def test_a_description_stands_in_the_address_and_a_statement_does_not(visitor: Visitor) -> None:
    described = visitor.search("stubble, no arched eyebrows")
    assert parse_qs(urlsplit(str(described.url)).query)["q"] == ["stubble, no arched eyebrows"]
    for text, more in (
        (STATEMENT, {}),
        ("stubble, no arched eyebrows", {"pasted": "1"}),
        ("stubble\nman", {}),
        ("stubble, " + "maybe " * 1 + "attractive, " + "no hat, " * (IN_ADDRESS // 8), {}),
    ):
        address = str(visitor.search(text, **more).url)
        assert re.fullmatch(r".*/search/[a-z0-9]{16}", address), text[:60]


def test_a_stored_request_outlives_the_server_and_is_read_by_the_user_alone(catalogue: Path) -> None:
    with served(catalogue) as visitor:
        address = str(visitor.search(STATEMENT).url)
        hits = faces_on(visitor.get(address))
    files = list(Path(os.environ["HOME"]).rglob("requests/*/*.json"))
    assert len(files) == 1 and files[0].stat().st_mode & 0o777 == 0o600
    assert files[0].parent.stat().st_mode & 0o777 == 0o700
    with served(catalogue) as visitor:
        assert faces_on(visitor.get(address)) == hits
        assert "John Doe" in visitor.get(address)
        files[0].write_text("no longer what it was")
    with served(catalogue) as visitor:
        assert "not kept any more" in visitor.get(address, status=404)


# ---- what was understood


def test_a_statement_is_shown_as_it_stands_with_what_is_searched_and_set_aside(visitor: Visitor) -> None:
    page = visitor.search(STATEMENT).text
    assert re.search(r"<b title=\"stubble\">stubble</b>", page)
    assert re.search(r'<span class="aside" title="not searched: [^"]+">black coat</span>', page)
    assert re.sub(r"<[^>]+>", "", re.search(r'<p class="told[^>]*>(.*?)</p>', page, re.S)[1]) == STATEMENT  # type: ignore[index]
    read = visitor.post("/read", {"text": STATEMENT}).text
    assert "Searches for" in read and '<b title="stubble">stubble</b>' in read


CHIP = {"kind": "part", "number": "1"}


@pytest.mark.parametrize(
    ("how", "reading"),
    [
        ("deny", "man and no stubble"),
        ("maybe", "man and maybe stubble"),
        ("probably", "man and probably stubble"),
        ("must", "man and must:stubble"),
        ("drop", "man"),
    ],
)
def test_a_click_on_a_chip_changes_what_is_searched(visitor: Visitor, how: str, reading: str) -> None:
    answer = visitor.post("/search/change", {"q": "man, stubble", **CHIP, "how": how})
    assert parse_qs(urlsplit(str(answer.url)).query)["q"] == [reading]
    assert len(faces_on(answer.text)) == 3
    page = visitor.search(STATEMENT)
    name = urlsplit(str(page.url)).path.rpartition("/")[2]
    changed = visitor.post("/search/change", {"id": name, **CHIP, "how": how})
    assert "changed from what the statement says" in changed.text
    assert "John Doe" in changed.text and str(changed.url) != str(page.url)
    assert "John" not in str(changed.url)


def test_the_last_chip_that_goes_leads_back_to_the_box(visitor: Visitor) -> None:
    answer = visitor.post("/search/change", {"q": "stubble", "kind": "part", "number": "0", "how": "drop"})
    assert urlsplit(str(answer.url)).path == "/"


def test_a_click_that_makes_no_sense_is_said(visitor: Visitor) -> None:
    for fields in (
        {"q": "stubble", "kind": "part", "number": "7", "how": "deny"},
        {"q": "stubble", "kind": "part", "number": "0", "how": "shout"},
        {"q": "stubble", "kind": "moon", "number": "0", "how": "drop"},
    ):
        assert "That did not work" in visitor.post("/search/change", fields, status=422).text
    visitor.post("/search/change", {"id": "z" * 16, "how": "drop", "kind": "part"}, status=404)


def test_several_persons_are_tabs_each_with_its_own_hits_and_changes(visitor: Visitor) -> None:
    text = "Two men robbed him. The first had stubble. The second one had arched eyebrows."
    page = visitor.search(text)
    tabs = re.findall(r'<a href="(/search/\w+\?person=\d)"', page.text)
    assert len(tabs) == 2 and 'aria-current="page">Person 1' in page.text
    second = visitor.get(tabs[1])
    assert "arched eyebrows" in re.search(r'<div class="chips">.*?</div>', second, re.S)[0]  # type: ignore[index]
    name = urlsplit(str(page.url)).path.rpartition("/")[2]
    changed = visitor.post("/search/change", {"id": name, "person": "2", **CHIP, "how": "deny"})
    assert "person=2" in str(changed.url) and "no arched eyebrows" in changed.text
    first = re.findall(r'<a href="(/search/\w+\?person=1)"', changed.text)[0]
    assert "changed from" not in visitor.get(first)


def test_a_text_with_two_readings_is_asked_about(visitor: Visitor) -> None:
    page = visitor.search("He had stubble. He had no stubble.").text
    readings = re.findall(r'name="reading" value="([^"]+)"', page)
    assert readings == ["man and stubble", "man and no stubble"]
    name = re.search(r'name="id" value="([a-z0-9]{16})"', page)[1]  # type: ignore[index]
    chosen = visitor.post("/search/change", {"id": name, "how": "reading", "reading": readings[1]})
    assert faces_on(chosen.text)


@pytest.mark.parametrize("text", ["xyzzy", "Er trug eine Brille und hatte einen Bart", "stubble>0.5.5", "must:"])
def test_what_cannot_be_searched_is_said_and_the_text_stays_in_the_box(visitor: Visitor, text: str) -> None:
    page = visitor.search(text).text
    box = re.search(r"<textarea.*?</textarea>", page, re.S)
    assert 'class="problem"' in page and box is not None and text in unescape(box[0])


# ---- hits


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hundred faces, each in a photo of its own."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(400):
        save(folder / f"{number // 100}" / f"{number:03}.png", picture((number % 251, 40, 90), size=(90, 110 + number)))
    return index(folder.parent / "many.db", folder)


def test_hits_come_in_chunks_in_one_order_and_each_is_logged_when_it_is_shown(many: Path) -> None:
    with served(many) as visitor:
        page = visitor.search("stubble").text
        assert f"{CHUNK} of 400 looked at" in page
        seen = ranks(page)
        before = visitor.audit_kinds()
        while 'rel="next"' in page:
            address = re.search(r'hx-get="([^"]+)"[^>]*hx-trigger="intersect', page)[1].replace("&amp;", "&")  # type: ignore[index]
            page = visitor.get(address, part=True)
            assert "<html" not in page
            seen += ranks(page)
        assert [rank for rank, _ in seen] == list(range(1, 401))
        assert len({face for _, face in seen}) == 400
        assert "400 of 400 looked at" in page
        assert visitor.audit_kinds() == [*before, "search", "search", "search"]
        whole = visitor.api("GET", "/search?q=stubble&limit=400").json()
        assert [hit["face"] for hit in whole["hits"]] == [face for _, face in seen]


def test_reload_back_and_a_second_tab_add_no_row_to_the_log(many: Path) -> None:
    with served(many) as visitor:
        address = str(visitor.search("stubble, attractive").url)
        face = faces_on(visitor.get(f"{address}&from=121"))[0]
        visitor.get(f"/face/{face}")
        visitor.get(f"/similar?face={face}")
        visitor.get(f"{address}&find=3")
        rows = visitor.audit_kinds()
        assert rows[-5:] == ["search", "search", "show", "similar", "rank"]
        for _ in range(2):
            for each in (address, f"{address}&from=121", f"{address}&find=3", f"/face/{face}", f"/similar?face={face}"):
                visitor.get(each)
            visitor.client.get(f"/crop/{face}")
            visitor.client.get(f"/photo/{face}")
        assert visitor.audit_kinds() == rows


def test_a_face_that_no_page_has_shown_is_logged_when_its_picture_is(catalogue: Path) -> None:
    with served(catalogue) as visitor:
        visitor.client.get("/crop/1")
        visitor.client.get("/photo/1")
        assert visitor.audit_kinds()[-1] == "picture"
        assert visitor.audit_kinds().count("picture") == 1


def test_without_scripts_links_lead_through_all_hits(many: Path) -> None:
    with served(many) as visitor:
        page = visitor.search("no stubble").text
        seen = faces_on(page)
        while found := re.search(r'href="([^"]+)" rel="next"', page):
            page = visitor.get(found[1].replace("&amp;", "&"))
            assert "<html" in page
            seen += faces_on(page)
        assert len(seen) == len(set(seen)) == 400


def test_why_a_face_is_not_here(many: Path) -> None:
    with served(many) as visitor:
        address = str(visitor.search("stubble").url)
        last = visitor.api("GET", "/search?q=stubble&limit=400").json()["hits"][-1]["face"]
        answer = visitor.get(f"{address}&find={last}", part=True)
        assert f"Face {last} stands at rank 400 of 400" in answer and "from=361#hit-400" in answer
        assert "There is no face 99999" in visitor.get(f"{address}&find=99999", part=True)
        small = visitor.get("/search?q=stubble&size=2000&find=3", part=True)
        assert "left out by a filter: face size of 2000 or more" in small
        low = visitor.get("/search?q=stubble&score=1&find=3", part=True)
        assert "at least 1 is asked for" in low
        elsewhere = visitor.get(f"/search?q={quote('stubble and folder:1')}&find={last}", part=True)
        assert "folder:1" in elsewhere


def test_what_was_not_looked_at_is_said_on_every_result(catalogue: Path, tmp_path: Path) -> None:
    (tmp_path / "album" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    index(catalogue, tmp_path / "album")
    with served(catalogue) as visitor:
        assert "1 photo failed" in visitor.search("stubble").text
        page = visitor.get("/photos")
        assert "broken.png" in page and "1 photo failed" in page


def test_an_answer_of_the_moment_before_stays_until_somebody_searches_again(catalogue: Path, tmp_path: Path) -> None:
    with served(catalogue) as visitor:
        address = str(visitor.search("stubble").url)
        save(tmp_path / "album" / "more.png", picture(RED, YELLOW, CYAN))
        index(catalogue, tmp_path / "album")
        page = visitor.get(address)
        assert len(faces_on(page)) == 3 and "search again" in page
        page = visitor.post("/search/again", {"q": "stubble"}).text
        assert len(faces_on(page)) == 6 and "search again" not in page
        save(tmp_path / "album" / "yet more.png", picture(WHITE))
        index(catalogue, tmp_path / "album")
        assert len(faces_on(visitor.search("stubble").text)) == 7  # asked anew


# ---- filters


def test_filters_leave_faces_out_and_stand_among_the_chips(many: Path) -> None:
    with served(many) as visitor:
        panel = visitor.get("/search/filters?q=stubble", part=True)
        assert panel.count('type="radio"') == 120 and "<html" not in panel
        folder = re.findall(r'name="folder" value="([^"]+/2)"', panel)
        fields = {"q": "stubble", "photo": "1", "a:Attractive": "has", "a:Male": "lacks", "folder": folder[0],
                  "size": "20", "detection": "0.8", "order": "score"}  # fmt: skip
        answer = visitor.post("/search/filter", fields)
        query = parse_qs(urlsplit(str(answer.url)).query)
        assert query["size"] == ["20"] and query["order"] == ["score"]
        assert "attractive" in query["q"][0] and "woman" in query["q"][0] and "folder:" in query["q"][0]
        assert "100 faces, best first" in answer.text
        assert "300 faces by folder:" in answer.text
        for wrong in ({"size": "x"}, {"detection": "7"}, {"taken_from": "2020", "taken_to": "2019"}):
            visitor.post("/search/filter", {"q": "stubble", "photo": "1", **wrong}, status=422)


def test_dates_and_cameras_come_with_how_many_photos_they_have(tmp_path: Path) -> None:
    from PIL import Image

    folder = tmp_path / "album"
    for number, (taken, make) in enumerate(
        [("2019:07:14 10:00:00", "Canon"), ("2021:01:01 10:00:00", "Nikon"), ("", "")]
    ):
        exif = Image.Exif()
        if taken:
            exif[0x010F], exif.get_ifd(0x8769)[0x9003] = make, taken
        save(folder / f"{number}.jpg", picture((number * 80, 0, 0)), exif=exif, quality=95)
    with served(index(tmp_path / "faces.db", folder)) as visitor:
        panel = visitor.get("/search/filters?q=stubble")
        assert "2019-07: 1 photo" in panel and "1 photo without a date" in panel and 'value="Canon"' in panel
        fields = {"q": "stubble", "photo": "1", "camera": "Canon", "taken_from": "2019-01-01", "taken_to": "2019-12-31"}
        answer = visitor.post("/search/filter", fields)
        assert len(faces_on(answer.text)) == 1
        assert len(faces_on(visitor.post("/search/change", {"q": "stubble and camera:Canon", "kind": "camera",
                                                           "number": "0", "how": "drop"}).text)) == 3  # fmt: skip


# ---- faces


def test_a_face_has_a_page_with_its_photo_attributes_and_neighbours(visitor: Visitor) -> None:
    face = faces_on(visitor.search("no stubble, no attractive").text)[0]
    page = visitor.get(f"/face/{face}")
    assert page.count("<caption>") == 9 and len(re.findall(r'<th scope="row">', page)) == 40
    assert re.search(r"SHA-256</dt>\s*<dd class=\"hash\">[0-9a-f]{64}<", page)
    assert len(faces_on(page)) == 2 and face not in faces_on(page)
    assert visitor.client.get(f"/face?number={face}").url.path == f"/face/{face}"
    visitor.get("/face?number=x", status=422)
    assert "There is no face 4711" in visitor.get("/face/4711", status=404)


def test_the_number_of_a_face_leaves_none_out_that_is_like_it(many: Path) -> None:
    with served(many) as visitor:
        last = visitor.api("GET", "/search?q=stubble&limit=400").json()["hits"][-1]["face"]
        page = visitor.get(f"/similar?face={max(last, 300)}")
        assert "399 faces, best first" in page and "face size" not in page


def test_like_this_but(visitor: Visitor) -> None:
    face = faces_on(visitor.search("stubble").text)[0]
    page = visitor.get(f"/similar?face={face}&but=stubble,+no+attractive")
    assert len(faces_on(page)) == 2 and "not attractive" in page
    assert 'class="problem"' in visitor.get(f"/similar?face={face}&but=folder:x")
    assert 'class="problem"' in visitor.get(f"/similar?face={face}&but=scar")
    visitor.get("/similar", status=422)
    visitor.get("/similar?face=9999", status=404)


# ---- photos


def test_the_first_page_without_a_catalogue_is_the_choice_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "photos" / "summer").mkdir(parents=True)
    (tmp_path / "photos" / os.fsdecode(b"odd \xff")).mkdir()
    (tmp_path / "photos" / ".hidden").mkdir()
    save(tmp_path / "photos" / "one.png", picture(GREEN))
    with served(tmp_path / "faces.db") as visitor:
        for address in ("/", "/search?q=stubble", "/face/1", "/probe", "/photos"):
            assert "Where are the photos?" in visitor.get(address)
        page = visitor.get(f"/photos/choose?at={quote(str(tmp_path / 'photos'))}")
        assert "1 photo here" in page and page.index("summer") < page.index(".hidden")
        odd = re.search(r'href="(/photos/choose\?at=[^"]+odd%20%FF)"', page)
        assert odd and "No photo here" in visitor.get(odd[1])
        assert "cannot be read" in visitor.get("/photos/choose?at=/nowhere", status=422)
        assert not (tmp_path / "faces.db").exists()


def test_a_catalogue_among_the_photos_is_refused(tmp_path: Path) -> None:
    folder = album(tmp_path / "album")
    with served(folder / "faces.db") as visitor:
        answer = visitor.post("/photos/index", {"folder": quote(str(folder))}, status=422)
        assert "nothing is ever written into a folder with photos" in answer.text
        visitor.post("/photos/index", {"folder": quote(str(folder / "nowhere"))}, status=422)
        visitor.post("/photos/index", {}, status=200)


def wait_for(done, seconds: float = 90) -> None:  # type: ignore[no-untyped-def]
    """Another process is waited for; how long it takes decides nothing."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        os.sched_yield()


def test_a_folder_is_indexed_by_a_process_of_its_own_with_progress(tmp_path: Path, gallery: Path) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    for name in ("man-goatee-1.jpg", "woman-gray-hair.jpg"):
        shutil.copy(gallery / name, folder)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    catalogue = tmp_path / "faces.db"
    with served(catalogue) as visitor:
        visitor.post("/photos/index", {"folder": quote(str(folder))})
        assert "at work" in visitor.post("/photos/index", {"folder": quote(str(folder))}, status=422).text
        assert "Looking for photos" in visitor.get("/photos/progress") or catalogue.exists()
        wait_for(lambda: visitor.place.runs.state is not None and not visitor.place.runs.state.at_work)
        assert visitor.place.runs.state is not None and visitor.place.runs.state.code == 0
        progress = visitor.get("/photos/progress")
        assert "Done." in progress and "2 faces in 2 photos" in progress and "1 photo failed" in progress
        assert len(CropStore(catalogue).faces()) == 2  # made while it was looked at
        page = visitor.get("/photos")
        assert "broken.jpg" in page and str(folder) in page
        assert len(faces_on(visitor.search("man").text)) == 2
        visitor.post("/photos/stop", {})


def test_a_run_that_is_stopped_stores_what_it_has_and_ends_with_the_server(tmp_path: Path, gallery: Path) -> None:
    catalogue = tmp_path / "faces.db"
    with served(catalogue) as visitor:
        visitor.post("/photos/index", {"folder": quote(str(gallery))})
        process = visitor.place.runs._process
        assert process is not None
        wait_for(lambda: "have not been looked at yet" in visitor.get("/photos/progress"))
        assert "faces so far" in visitor.get("/")
        waiting = visitor.search("man").text
        assert "There is no face to be searched yet" in waiting or faces_on(waiting)
        assert "have not been looked at yet" in waiting
    assert process.poll() is not None
    with open_catalogue(catalogue) as opened:
        assert not opened.is_indexed_now


# ---- small pictures


def test_small_pictures_are_kept_once_made_for_the_user_alone_and_not_where_nobody_wants_them(catalogue: Path) -> None:
    with served(catalogue, keep_crops=False) as visitor:
        assert visitor.client.get("/crop/1").headers["content-type"] == "image/webp"
        assert not crops_file(catalogue).exists()
    with served(catalogue) as visitor:
        two = sorted(faces_on(visitor.search("stubble").text))
        visitor.client.get(f"/crop/{two[0]}")
        assert crops_file(catalogue).stat().st_mode & 0o777 == 0o600
        kept = CropStore(catalogue).faces()
        assert two[0] in kept
        for face in two:
            visitor.client.get(f"/crop/{face}")
        assert CropStore(catalogue).faces() == two


def test_a_damaged_file_of_small_pictures_costs_time_and_nothing_else(catalogue: Path) -> None:
    crops_file(catalogue).write_bytes(b"no database" * 1000)
    with served(catalogue) as visitor:
        assert visitor.client.get("/crop/1").headers["content-type"] == "image/webp"


def test_a_face_that_is_forgotten_elsewhere_is_shown_no_more(catalogue: Path, facesearch: Program) -> None:
    """Also where its small picture was at hand, as those of a page that is shown are."""
    with served(catalogue) as visitor:
        face = faces_on(visitor.search("stubble").text)[0]
        assert visitor.client.get(f"/crop/{face}").headers["content-type"] == "image/webp"  # it is made now, and kept
        face = faces_on(visitor.search("stubble, attractive").text)[0]
        assert visitor.client.get(f"/crop/{face}").headers["content-type"] == "image/webp"
        assert facesearch("forget", str(face), "--yes", "--catalogue", catalogue).code == 0
        assert visitor.client.get(f"/crop/{face}").headers["content-type"] == "image/svg+xml"


def test_forgetting_takes_small_pictures_out(catalogue: Path, facesearch: Program) -> None:
    with served(catalogue) as visitor:
        faces = sorted(faces_on(visitor.search("stubble").text))
        for face in faces:
            visitor.client.get(f"/crop/{face}")
        pictures = CropStore(catalogue).faces()
        assert pictures == faces
        picture_of_gone = visitor.client.get(f"/crop/{faces[0]}").content
        assert picture_of_gone in crops_file(catalogue).read_bytes()
        ran = facesearch("forget", str(faces[0]), "--yes", "--catalogue", catalogue)
        assert ran.code == 0, ran.err
        assert faces[0] not in CropStore(catalogue).faces()
        assert picture_of_gone not in crops_file(catalogue).read_bytes()
        assert visitor.client.get(f"/crop/{faces[0]}").headers["content-type"].startswith("image/svg+xml")
        assert "was forgotten" in visitor.get(f"/face/{faces[0]}", status=404)


def test_how_faces_are_shown_is_switched_and_kept(catalogue: Path) -> None:
    with served(catalogue, viewer="blur") as visitor:
        assert 'data-viewer="blur"' in visitor.get("/")
        page = visitor.post("/viewer", {"viewer": "grey", "back": "/keys"})
        assert str(page.url).endswith("/keys") and 'data-viewer="grey"' in page.text
        assert 'data-viewer="grey"' in visitor.get("/")


def test_searching_through_the_page_loads_neither_torch_nor_opencv(catalogue: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.support.serving import served\n"
        "with served(Path(sys.argv[1])) as visitor:\n"
        "    page = visitor.search('stubble').text\n"
        "    assert 'alt=\"Face' in page\n"
        "    visitor.get('/face/1'), visitor.get('/similar?face=1'), visitor.get('/photos')\n"
        "    visitor.client.get('/crop/1')\n"
        "print(*sorted({'torch', 'cv2', 'fastapi', 'onnxruntime'} & set(sys.modules)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, catalogue], capture_output=True, text=True, check=False,
        cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "\n"
