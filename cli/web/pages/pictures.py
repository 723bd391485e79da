"""Pictures of faces and photos, by the number of a face and in no other way."""

from html import escape

from starlette.responses import Response

from cli.terminal.console import printable
from cli.web.pages.call import Call, whole
from db.errors import CatalogueError
from facesearch.search import pictures
from facesearch.search.pictures import NoPicture


def crop(call: Call) -> Response:
    """A face."""
    face = int(call.request.path_params["face"])
    try:
        picture = call.place.crop(face)
        call.place.log_picture(face)
    except (NoPicture, CatalogueError) as problem:
        return instead(str(problem))
    return Response(picture, media_type="image/webp")


def photo(call: Call) -> Response:
    """The photo that a face is in, reduced."""
    face = int(call.request.path_params["face"])
    longest = min(whole(call.query.get("size", ""), pictures.WHOLE), pictures.LARGEST)
    try:
        found = pictures.whole_photo(call.place.catalogue, face, longest)
        call.place.log_picture(face)
    except (NoPicture, CatalogueError) as problem:
        return instead(str(problem))
    return Response(found.jpeg, media_type="image/jpeg")


def instead(why: str) -> Response:
    """A picture that says why there is none. It is no error: many faces may lie on a drive that is unplugged."""
    words = printable(why)[:80]
    lines = [words[at : at + 20] for at in range(0, len(words), 20)]
    text = "".join(f'<tspan x="64" dy="13">{escape(line)}</tspan>' for line in lines)
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="128" height="128" viewBox="0 0 128 128">'
        '<rect width="128" height="128" fill="#e4e6e8"/>'
        '<g fill="none" stroke="#8a9096" stroke-width="2"><circle cx="64" cy="30" r="12"/>'
        '<path d="M42 62c0-13 9-19 22-19s22 6 22 19"/></g>'
        f'<text y="66" text-anchor="middle" font-family="sans-serif" font-size="10" fill="#44494e">{text}</text></svg>'
    )
    return Response(svg, media_type="image/svg+xml", headers={"content-security-policy": "default-src 'none'"})
