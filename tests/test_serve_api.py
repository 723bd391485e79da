"""`/api/v1`: the same answers for programs, in pages that stay as they were, with one body for what goes wrong."""

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from facesearch.search.request import Request
from tests.conftest import Program
from tests.support.serving import Visitor, faces_on, served
from tests.support.squares import GREEN, album, index
from tests.support.stand_ins import picture, save

pytestmark = pytest.mark.slow


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return index(tmp_path / "faces.db", album(tmp_path / "album"))


@pytest.fixture
def visitor(catalogue: Path) -> Iterator[Visitor]:
    with served(catalogue, inside=False) as found:
        yield found


def test_hits_are_those_of_the_command_and_of_the_page(visitor: Visitor, catalogue: Path, facesearch: Program) -> None:
    answer = visitor.api("GET", "/search", params={"q": "stubble, no attractive"}).json()
    ran = facesearch("search", "stubble, no attractive", "--json", "--catalogue", catalogue)
    assert answer["hits"] == json.loads(ran.out)["hits"]
    assert answer["faces"] == answer["found"] == 3 and answer["next"] is None
    assert Request.from_json(json.dumps(answer["request"])).query.text == "stubble, no attractive"
    again = visitor.api("POST", "/search", json={"request": answer["request"]}).json()
    assert again["hits"] == answer["hits"]
    visitor.enter()
    assert faces_on(visitor.search("stubble, no attractive").text) == [hit["face"] for hit in answer["hits"]]


def test_pages_of_hits_stay_as_they_were_while_the_catalogue_changes(
    visitor: Visitor, catalogue: Path, tmp_path: Path
) -> None:
    whole = [hit["face"] for hit in visitor.api("GET", "/search?q=stubble").json()["hits"]]
    first = visitor.api("GET", "/search?q=stubble&limit=1").json()
    save(tmp_path / "album" / "more.png", picture(GREEN, (250, 0, 0)))
    index(catalogue, tmp_path / "album")
    rest = visitor.api("GET", "/search", params={"q": "stubble", "limit": 2, "after": first["next"]}).json()
    assert [hit["face"] for hit in first["hits"] + rest["hits"]] == whole
    assert [hit["rank"] for hit in rest["hits"]] == [2, 3]
    assert rest["changed"] is True and rest["next"] is None
    assert visitor.api("GET", "/search?q=stubble").json()["found"] == 5
    gone = visitor.api("GET", "/search", params={"q": "stubble", "after": first["next"]})
    assert gone.status_code == 422 and "not kept any more" in gone.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "address", "body", "status", "kind"),
    [
        ("GET", "/search?q=xyzzy", None, 422, "nothing"),
        ("GET", "/search?q=he+had+stubble.+he+had+no+stubble", None, 422, "contradiction"),
        ("GET", "/search?q=must:", None, 422, "must lacks words"),
        ("GET", "/search", None, 422, "invalid"),
        ("GET", "/search?q=stubble&limit=0", None, 422, "invalid"),
        ("GET", "/search?q=stubble&min_score=nan", None, 422, "invalid"),
        ("GET", "/search?q=stubble&after=x", None, 422, "usage"),
        ("POST", "/search", {}, 422, "usage"),
        ("POST", "/search", {"q": "stubble", "top": 5}, 422, "invalid"),
        ("POST", "/search", {"request": {"version": 99}}, 422, "newer request"),
        ("POST", "/search", {"request": {"version": 1, "tree": {"x": 1}}}, 422, "no request"),
        ("POST", "/read", {"text": "Er hatte einen Bart und eine Brille"}, 422, "language"),
        ("GET", "/faces/9999", None, 404, "face unknown"),
        ("GET", "/faces/0", None, 422, "invalid"),
        ("GET", "/faces/99999999999999999999999", None, 422, "invalid"),
        ("GET", "/faces/9999/crop", None, 404, "face unknown"),
        ("GET", "/similar?face=9999", None, 404, "face unknown"),
        ("GET", "/similar?face=1&but=scar", None, 422, "usage"),
        ("GET", "/nowhere", None, 404, "not found"),
        ("DELETE", "/search", None, 405, "method"),
    ],
)  # fmt: skip
def test_what_goes_wrong_has_one_body_with_a_kind(
    visitor: Visitor, method: str, address: str, body: object, status: int, kind: str
) -> None:
    answer = visitor.api(method, address, **({} if body is None else {"json": body}))
    assert (answer.status_code, answer.json()["error"]["kind"]) == (status, kind)
    assert answer.json()["error"].keys() == {"kind", "message", "readings"}
    assert answer.json()["error"]["message"]


def test_without_a_catalogue_everything_says_so(tmp_path: Path) -> None:
    with served(tmp_path / "faces.db", inside=False) as visitor:
        for address in ("/status", "/runs", "/search?q=man", "/faces/1", "/faces/1/crop", "/similar?face=1"):
            answer = visitor.api("GET", address)
            assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "no catalogue")


def test_a_face_its_pictures_status_and_runs(visitor: Visitor) -> None:
    face = visitor.api("GET", "/search?q=stubble").json()["hits"][0]["face"]
    known = visitor.api("GET", f"/faces/{face}").json()
    assert len(known["attributes"]) == 40 and len(known["nearest"]) == 2
    assert visitor.api("GET", f"/faces/{face}/crop").headers["content-type"] == "image/webp"
    assert visitor.api("GET", f"/faces/{face}/photo?size=64").headers["content-type"] == "image/jpeg"
    status = visitor.api("GET", "/status").json()
    assert (status["faces"], status["photos"], status["being_indexed"]) == (3, 3, False)
    assert visitor.api("GET", "/runs").json()["runs"][0]["counts"]["photos"] == 3
    assert visitor.audit_kinds()[-2:] == ["search", "show"]


def test_a_probe_that_is_no_photo_is_said(visitor: Visitor) -> None:
    answer = visitor.api("POST", "/similar", files={"photo": ("x.jpg", io.BytesIO(b"nothing"))})
    assert answer.status_code == 422 and "x.jpg" in answer.json()["error"]["message"]


def test_the_description_of_the_api_names_no_other_server_and_every_call(visitor: Visitor) -> None:
    told = visitor.api("GET", "/openapi.json").json()
    assert set(told["paths"]) >= {
        "/read",
        "/search",
        "/similar",
        "/faces/{face}",
        "/faces/{face}/crop",
        "/status",
        "/runs",
    }
    assert told["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert visitor.api("GET", "/docs").status_code == visitor.api("GET", "/redoc").status_code == 404
    visitor.enter()
    page = visitor.get("/programs")
    assert all(path in page for path in told["paths"])


def test_many_at_once_get_each_their_own_answer(visitor: Visitor) -> None:
    answers: dict[str, list[int]] = {}

    def ask(words: str) -> None:
        answers[words] = [hit["face"] for hit in visitor.api("GET", f"/search?q={words}").json()["hits"]]

    asked = ["stubble", "no+stubble", "attractive", "not+attractive", "arched+eyebrows", "no+arched+eyebrows"]
    alone = {words: [h["face"] for h in visitor.api("GET", f"/search?q={words}").json()["hits"]] for words in asked}
    threads = [threading.Thread(target=ask, args=(words,)) for words in asked * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == alone
