"""One face: the whole photo, its attributes, what its photo says of itself, and the faces most like it."""

from dataclasses import dataclass

from starlette.responses import Response

from cli.report.face import facts_of
from cli.report.summary import remarks_in_words
from cli.web.cards import card
from cli.web.marks import marked
from cli.web.pages.call import Call, whole
from db import faces
from db.paths import is_there
from db.values.case import Role
from facesearch.attributes import Group, members
from facesearch.query.phrases import phrase
from facesearch.reliability import MEANINGS, UNGRADED
from facesearch.search import pictures
from facesearch.search.face import FaceReport
from facesearch.search.pictures import NoPicture
from facesearch.search.ranking.explain import whole_percent


@dataclass(frozen=True, slots=True)
class Bar:
    """An attribute as a bar. p: 0..1."""

    words: str
    p: float
    percent: int
    grade: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Place:
    """A face in the photo, in pixels of it."""

    face: int
    x: float
    y: float
    width: float
    height: float
    this: bool


def find(call: Call) -> Response:
    """Go to the face with a number that was typed."""
    number = whole(call.query.get("number", "").strip().lstrip("#"), 0)
    if not number:
        return call.message("That is no number of a face: they stand below the hits, and are printed by searches.", 422)
    return call.to(f"/face/{number}")


def show(call: Call) -> Response:
    """The page of a face."""
    number = int(call.request.path_params["face"])
    found = call.place.report_face(number)
    face = found.face.face
    with call.place.catalogue.read() as session:
        others = faces.details_of_scored(session, list(faces.of_photo(session, face.sha256, face.page)))
    width, height, missing = _size(call, found)
    values = {
        "nav": "face",
        "face": face,
        "name": face.path.name + face.where,
        "facts": [each for each in facts_of(found) if each[0] != "Face"],
        "groups": _groups(found),
        "graded": any(found.grades),
        "places": [Place(each.face, each.x, each.y, each.width, each.height, each.face == number) for each in others],
        "width": width,
        "height": height,
        "missing": missing,
        "hard": found.hard,
        "nearest": [card(hit) for hit in found.nearest.hits],
        "marked": marked(call.place, [number, *(hit.face.face for hit in found.nearest.hits)]),
        "roles": [each.value for each in Role],
        "notes": remarks_in_words(found.nearest),
    }
    return call.page("face.html", values)


def _size(call: Call, found: FaceReport) -> tuple[int, int, str]:
    """Width and height of the photo in pixels, or why it cannot be shown."""
    if not any(is_there(path) for path in found.face.face.paths):
        return 0, 0, "The photo is not there now: moved, deleted, or on a drive that is not connected."
    known = found.face
    if known.face.page == 1 and known.photo_width and known.photo_height:
        return known.photo_width, known.photo_height, ""
    try:
        whole_photo = pictures.whole_photo(call.place.catalogue, known.face.face)
    except NoPicture as problem:
        return 0, 0, f"The photo cannot be shown: {problem}."
    return round(whole_photo.width / whole_photo.scale), round(whole_photo.height / whole_photo.scale), ""


def _groups(found: FaceReport) -> list[tuple[str, list[Bar]]]:
    """The attributes in the groups of the network's paper."""

    def bar(index: int) -> Bar:
        p, grade = float(found.probabilities[index]), found.grades[index]
        return Bar(phrase(index, True), p, whole_percent(p), grade or UNGRADED, MEANINGS.get(grade or "", "not graded"))

    return [(group.heading, [bar(each.index) for each in members(group)]) for group in Group]
