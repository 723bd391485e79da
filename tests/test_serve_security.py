"""Only the browser that opened its address is let in to the page, and nothing from a photo becomes a part of it."""

import asyncio
import hashlib
import io
import os
import re
import shutil
import socket
from pathlib import Path

import pytest
from PIL import Image

from cli.commands.serve import serve as serve_command
from cli.web import security
from cli.web.pages.plain import local
from cli.web.render import ASSETS, HERE
from cli.web.server import PORT as USUAL_PORT
from cli.web.server import PortTaken, listen
from tests.support.serving import ADDRESS, BEARER, PORT, Visitor, faces_on, served
from tests.support.squares import GREEN, album, index
from tests.support.stand_ins import picture, save

pytestmark = pytest.mark.slow

EVIL = "<img src=x onerror=alert(1)>\"'`{{7*7}}"


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return index(tmp_path / "faces.db", album(tmp_path / "album"))


# ---- who is let in


def test_only_who_opened_the_printed_address_is_let_in_and_only_once(catalogue: Path) -> None:
    with served(catalogue, inside=False) as visitor:
        for address in ("/", "/search?q=stubble", "/face/1", "/crop/1", "/photo/1", "/photos", "/nothing"):
            assert "facesearch serve" in visitor.get(address, status=403)
        first = visitor.keys.first_address
        answer = visitor.client.get(first)
        cookie = answer.headers["set-cookie"].lower()
        assert f"facesearch-{PORT}=" in cookie and "httponly" in cookie and "samesite=strict" in cookie
        assert "domain" not in cookie
        assert "Search" in visitor.get("/")
        visitor.client.cookies.clear()
        assert "used before" in visitor.client.get(first).text
        assert visitor.client.get(first).status_code == 403
        assert visitor.keys.first_address == ""


def test_fetching_ahead_does_not_use_up_the_address(catalogue: Path) -> None:
    with served(catalogue, inside=False) as visitor:
        first = visitor.keys.first_address
        assert visitor.client.get(first, headers={"sec-purpose": "prefetch;prerender"}).status_code == 403
        assert visitor.client.head(first).status_code == 403
        assert visitor.client.get(first).status_code == 200


def test_a_guessed_token_or_cookie_is_none(catalogue: Path) -> None:
    with served(catalogue, inside=False) as visitor:
        assert visitor.client.get("/enter?token=guessed").status_code == 403
        for value in (b"", b"guessed", b"\xc3\xa9", b"a;b"):
            headers = {b"cookie": visitor.keys.cookie.encode() + b"=" + value}
            assert visitor.client.get("/", headers=headers).status_code == 403


def test_a_name_that_leads_here_from_elsewhere_is_refused(catalogue: Path) -> None:
    with served(catalogue) as visitor:
        for host in ("evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:1", f"[::1]:{PORT}", ""):
            assert visitor.client.get("/", headers={"host": host}).status_code == 421
        assert visitor.client.get("/", headers=[("host", f"127.0.0.1:{PORT}"), ("host", "evil")]).status_code == 421


def test_other_pages_cannot_ask_even_where_the_browser_adds_the_cookie(catalogue: Path) -> None:
    with served(catalogue) as visitor:
        for site in ("cross-site", "same-site"):
            assert visitor.client.get("/crop/1", headers={"sec-fetch-site": site}).status_code == 403
        assert visitor.client.get("/", headers={"sec-fetch-site": "none"}).status_code == 200
        data = {"csrf": visitor.keys.csrf, "text": "stubble"}
        for headers in (
            {"origin": "http://evil.example"},
            {"origin": f"http://127.0.0.1:{PORT + 1}"},
            {"origin": f"http://localhost:{PORT}"},  # not the host that is asked
            {"origin": "null"},
            {"origin": "null", "sec-fetch-site": "same-site"},
            {},
        ):
            assert visitor.client.post("/search", data=data, headers=headers).status_code == 403
        for headers in ({"origin": ADDRESS}, {"origin": "null", "sec-fetch-site": "same-origin"}):
            assert visitor.client.post("/search", data=data, headers=headers).status_code == 200


CHANGING = ("/search", "/search/change", "/search/filter", "/search/again", "/read", "/probe", "/photos/index",
            "/photos/stop", "/viewer", "/mark", "/cases/work", "/cases/new", "/case/close", "/case/statement",
            "/case/note", "/case/search", "/case/ask", "/case/report", "/case/export", "/case/review",
            "/statement", "/statement/{id}", "/statement/{id}/answer", "/statement/{id}/keep")  # fmt: skip


def test_nothing_is_changed_without_the_token_of_our_own_forms(catalogue: Path) -> None:
    with served(catalogue) as visitor:
        for address in CHANGING:
            for token in (None, "", "x", visitor.keys.csrf[:-1]):
                data = {"text": "stubble"} | ({} if token is None else {"csrf": token})
                answer = visitor.client.post(address, data=data, headers={"origin": ADDRESS})
                assert answer.status_code == 403, address
            assert visitor.client.get(address).status_code in (200, 404, 405)
        assert visitor.place.runs.state is None
        app = Path(security.__file__).with_name("app.py").read_text()
        assert set(CHANGING) == set(re.findall(r'Route\("([^"]+)", [^\n]*methods=\["POST"\]', app))


def test_programs_need_their_token_and_no_cookie_helps(catalogue: Path) -> None:
    with served(catalogue) as visitor:
        for headers in (
            {},
            {"authorization": "Bearer x"},
            {"authorization": BEARER},
            {"authorization": f"Basic {BEARER}"},
        ):
            answer = visitor.client.get("/api/v1/status", headers=headers)
            assert answer.status_code == 401
            assert answer.json()["error"]["kind"] == "not authorised"
        known = {"authorization": f"Bearer {BEARER}"}
        assert visitor.client.get("/api/v1/status", headers=known).status_code == 200
        assert visitor.client.get("/api/v1/status", headers={**known, "origin": "http://evil"}).status_code == 403


def test_answers_are_sent_at_once_over_a_connection_that_stays_open() -> None:
    """Without TCP_NODELAY each picture of a page waits 40 ms for the acknowledgement of the one before."""

    async def accepted() -> int:
        here = listen(0)
        delays: asyncio.Queue[int] = asyncio.Queue()

        def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            own = writer.get_extra_info("socket")
            delays.put_nowait(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(note, sock=here):
            _, writer = await asyncio.open_connection(*here.getsockname())
            found = await delays.get()
            writer.close()
        return found

    assert asyncio.run(accepted()) != 0


def test_only_this_machine_is_listened_to(facesearch) -> None:  # type: ignore[no-untyped-def]
    made = listen(0)
    try:
        assert made.getsockname()[0] == "127.0.0.1"
    finally:
        made.close()
    assert "--host" not in facesearch("serve", "--help").out
    assert serve_command.__doc__ is not None


def test_a_port_that_is_taken_is_said_and_the_usual_one_gives_way(facesearch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken):
            listen(port)
        ran = facesearch("serve", "--no-browser", "--port", str(port), "--catalogue", tmp_path / "faces.db")
        assert ran.code == 2
        assert f"Port {port} is taken by another program" in ran.err
    first, second = listen(None), listen(None)
    try:
        ports = {each.getsockname()[1] for each in (first, second)}
        assert len(ports) == 2 and min(ports) >= USUAL_PORT
    finally:
        first.close()
        second.close()


# ---- what the answers say to the browser


def test_every_answer_has_a_strict_policy_and_stays_in_no_cache(catalogue: Path) -> None:
    with served(catalogue) as visitor:
        answers = [
            visitor.client.get(address)
            for address in ("/", "/search?q=stubble", "/face/1", "/crop/1", "/photo/1", "/nothing", "/photos", "/keys")
        ]
        answers += [visitor.client.get("/", headers={"host": "evil"}), visitor.api("GET", "/status")]
        for answer in answers:
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy
            assert "http" not in policy
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
            assert "server" not in answer.headers


def test_templates_and_scripts_hold_nothing_inline_and_nothing_from_elsewhere() -> None:
    for file in (*(HERE / "templates").glob("*.html"), *ASSETS.glob("*.js"), *ASSETS.glob("*.css")):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"hx-on|js:|javascript:|\sstyle=|\son\w+=|<style|eval\(|new Function|\|safe\b", text), file
        assert not re.search(r"(?:src|href|url|import)\s*[=(]?\s*[\"']?(?:https?:)?//", text), file
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), file


def test_vendored_scripts_are_what_was_taken_from_their_packages() -> None:
    for line in (ASSETS / "vendor" / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((ASSETS / "vendor" / name).read_bytes()).hexdigest() == digest
    assert (ASSETS / "vendor" / "htmx.LICENSE").read_text().startswith("Zero-Clause BSD")


# ---- what is sent


def test_too_much_is_refused_before_it_is_read(catalogue: Path) -> None:
    with served(catalogue) as visitor:
        headers = {"origin": ADDRESS, "x-csrf-token": visitor.keys.csrf}
        big = "x" * (security.FORM_BYTES + 1)
        assert visitor.client.post("/search", data={"text": big}, headers=headers).status_code == 413

        def endless():  # type: ignore[no-untyped-def]
            for _ in range(security.UPLOAD_BYTES // 1_000_000 + 2):
                yield b"x" * 1_000_000

        more = {"content-type": "multipart/form-data; boundary=x"}
        assert visitor.client.post("/probe", content=endless(), headers={**headers, **more}).status_code in (400, 413)
        odd = {"content-length": "-5"}
        assert visitor.client.post("/search", content=b"", headers={**headers, **odd}).status_code == 400
        many = {f"f{number}": "x" for number in range(1200)}
        assert visitor.client.post("/search", data=many, headers={"origin": ADDRESS}).status_code in (400, 403)


def test_a_statement_of_ten_thousand_words_is_answered_with_a_sentence(catalogue: Path) -> None:
    with served(catalogue) as visitor:
        answer = visitor.search("stubble " * 10_000)
        assert "shorten it" in answer.text
        assert "/search/" in str(answer.url) and "stubble" not in str(answer.url)


def bomb() -> bytes:
    """A PNG of 40,000 x 40,000 pixels in few bytes."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packed = zlib.compress(b"\0" * 5001)
    head = struct.pack(">IIBBBBB", 40_000, 40_000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("bomb.png", bomb(), "cannot be used"),
        ("page.jpg", b"<!doctype html><script>alert(1)</script>", "cannot be used"),
        ("empty.jpg", b"", "cannot be used"),
        (f"{EVIL}.jpg", b"nothing", "cannot be used"),
        ("../../etc/passwd", b"nothing", "passwd"),
    ],
)
def test_an_upload_that_is_no_photo_is_refused_in_a_sentence(
    catalogue: Path, name: str, content: bytes, says: str
) -> None:
    with served(catalogue) as visitor:
        answer = visitor.client.post(
            f"/probe?csrf={visitor.keys.csrf}", files={"photo": (name, content)}, headers={"origin": ADDRESS}
        )
        assert answer.status_code == 422
        assert says in answer.text and "<script>alert" not in answer.text and "<img src=x" not in answer.text
        assert "Traceback" not in answer.text and str(visitor.place.own_folder) not in answer.text
        assert not list(visitor.place.own_folder.glob("probe-*"))


def test_only_so_many_photos_at_once(catalogue: Path) -> None:
    with served(catalogue) as visitor:
        one = io.BytesIO()
        picture(GREEN).save(one, "PNG")
        files = [("photo", (f"{number}.png", one.getvalue())) for number in range(20)]
        answer = visitor.client.post(f"/probe?csrf={visitor.keys.csrf}", files=files, headers={"origin": ADDRESS})
        assert answer.status_code in (400, 422)


# ---- what comes from photos


def test_names_of_files_exif_and_statements_are_text_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / f"album {EVIL.replace('/', '')}"
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "<script>alert(2)</script>", "Model"
    save(folder / f"{EVIL}\n\u202egnp.png".replace("/", ""), picture(GREEN), exif=exif)
    save(folder / os.fsdecode(b"not utf-8 \xff.png"), picture(GREEN))
    catalogue = index(tmp_path / "faces.db", folder)
    with served(catalogue) as visitor:
        pages = [visitor.search("stubble, <script>alert(3)</script> man").text, visitor.get("/photos")]
        faces = faces_on(visitor.search("no stubble").text)
        assert len(faces) == 2
        pages += [visitor.get(f"/face/{face}") for face in faces]
        pages += [visitor.get("/search/filters?q=no+stubble"), visitor.get("/search?q=no+stubble&find=1")]
        pages += [visitor.get("/read", status=405), visitor.post("/read", {"text": EVIL}).text]
        pages += [visitor.get(f"/search?q=stubble&person={EVIL}&size={EVIL}", status=422)]
        for page in pages:
            assert not re.search(r"<script>alert|<img src=x|\u202e|49\b\"?'`|\udcff", page)
        joined = "".join(pages)
        assert "&lt;img src=x" in joined and "\\xff" in joined and "\\u202e" in joined
        api = visitor.api("GET", "/search?q=no+stubble")
        assert api.status_code == 200
        assert os.fsdecode(b"not utf-8 \xff.png") in {Path(hit["photo"]).name for hit in api.json()["hits"]}


def test_pictures_are_found_by_the_number_of_a_face_and_in_no_other_way(catalogue: Path) -> None:
    with served(catalogue) as visitor:
        for address in (
            "/crop/../faces.db", "/crop/..%2f..%2fetc%2fpasswd", "/photo/%2e%2e%2f1", "/crop/1.5",
            "/crop/-1", "/crop/x",
            "/assets/../app.py", "/assets/..%2fapp.py", "/assets/%2e%2e/security.py", "/assets/vendor/../../app.py",
            "/assets/vendor/SHA256SUMS", "/photo//etc/passwd", "/probe/../../etc/passwd",
        ):  # fmt: skip
            answer = visitor.client.get(address)
            assert answer.status_code in (404, 422), address
            assert "root:" not in answer.text and "import" not in answer.text
        for face in (0, 999, 1 << 62, 1 << 70):
            answer = visitor.client.get(f"/crop/{face}")
            assert answer.headers["content-type"].startswith(("image/svg+xml", "text/html"))


def test_ids_of_requests_lead_to_no_other_file(catalogue: Path) -> None:
    with served(catalogue) as visitor:
        for name in ("..%2f..%2fx", "a" * 16 + "%00", "A" * 16, "a" * 17, "....."):
            assert visitor.client.get(f"/search/{name}").status_code == 404


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nSet-Cookie: x", ""],
)
def test_going_back_never_leaves_the_server(address: str) -> None:
    assert local(address) == "/"
    assert local("/search?q=man") == "/search?q=man"


def test_nothing_that_is_sent_comes_into_the_head_of_an_answer(catalogue: Path) -> None:
    with served(catalogue) as visitor:
        answer = visitor.post("/viewer", {"viewer": "blur\r\nx: y", "back": "/\r\nx: y"}, follow=False, status=303)
        assert answer.headers["location"] == "/" and "x" not in answer.headers
        answer = visitor.post("/search", {"text": "man\r\nx: y"}, follow=False, status=303)
        assert "x" not in answer.headers


# ---- the catalogue under the server


def test_a_catalogue_that_is_deleted_replaced_sealed_or_read_only(catalogue: Path, tmp_path: Path, facesearch) -> None:  # type: ignore[no-untyped-def]
    other = index(tmp_path / "other.db", album(tmp_path / "elsewhere"), album(tmp_path / "third"))
    with served(catalogue) as visitor:
        assert len(faces_on(visitor.search("stubble").text)) == 3
        assert facesearch("seal", "--yes", "--catalogue", catalogue).code in (0, 2)
        assert len(faces_on(visitor.search("no stubble").text)) == 3
        for suffix in ("", "-wal", "-shm"):
            (catalogue.parent / f"{catalogue.name}{suffix}").unlink(missing_ok=True)
        assert "Where are the photos?" in visitor.get("/")
        assert "Where are the photos?" in visitor.get("/face/1")
        shutil.copy(other, catalogue)
        shutil.rmtree(catalogue.parent / "faces.db.d")
        assert len(faces_on(visitor.search("stubble").text)) == 3  # of six, three are copies
        assert str(tmp_path / "third") in visitor.get("/photos")
        catalogue.write_bytes(b"something else altogether, and no catalogue")
        visitor.place.catalogue.close()
        page = visitor.client.get("/photos")
        assert page.status_code in (422, 500) and "Traceback" not in page.text


def test_a_photo_that_is_deleted_while_its_page_is_open(catalogue: Path, tmp_path: Path) -> None:
    with served(catalogue) as visitor:
        face = faces_on(visitor.search("stubble").text)[0]
        assert visitor.client.get(f"/crop/{face}").headers["content-type"] == "image/webp"
        shutil.rmtree(tmp_path / "album")
        assert visitor.client.get(f"/crop/{face}").headers["content-type"] == "image/webp"  # it is kept
        assert visitor.client.get(f"/photo/{face}").headers["content-type"].startswith("image/svg+xml")
        assert "The photo is not there now" in visitor.get(f"/face/{face}")


def test_what_the_pages_say_is_text_that_can_be_read(catalogue: Path) -> None:
    """A fault is said without what it was, on the page and to programs."""
    with served(catalogue) as visitor:
        assert isinstance(visitor, Visitor)
        visitor.place.facets = lambda: 1 / 0  # type: ignore[method-assign,assignment,return-value]
        page = visitor.get("/search/filters?q=stubble", status=500)
        assert "a fault of facesearch" in page and "ZeroDivisionError" not in page
