"""Start from a photo: upload it, choose among its faces, and look for faces like it."""

from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from cli.web.pages.call import Call, whole
from cli.web.probes import MOST_PHOTOS, Uploaded
from facesearch.errors import UsageError
from facesearch.vision.detection.detector import SEARCH_FROM

__all__ = ["MOST_PHOTOS", "crop", "faces", "photo", "start", "upload"]


def start(call: Call) -> Response:
    """Choose a photo."""
    call.place.catalogue  # noqa: B018 (without one there is nothing to look through)
    return call.page("probe.html", {"nav": "probe", "most": MOST_PHOTOS, "problem": ""})


def upload(call: Call) -> Response:
    """Look for the faces of what was uploaded."""
    from facesearch.errors import FacesearchError

    sent = [(name, content) for name, content in call.uploads if name or content]
    try:
        key = call.place.probes.take(sent)
    except FacesearchError as problem:
        return call.page("probe.html", {"nav": "probe", "most": MOST_PHOTOS, "problem": str(problem)}, 422)
    return call.to(f"/probe/{key}")


def faces(call: Call) -> Response:
    """Choose one face, or several of one person."""
    key = call.request.path_params["id"]
    uploaded = _uploaded(call)
    picked_here = [value for name, value in call.request.query_params.multi_items() if name == "pick"]
    chosen = [number for number in (whole(value, 0) for value in picked_here) if number]
    if chosen:
        changes = {"but": call.query.get("but", "")} if call.query.get("but") else {}
        picked = [("probe", key), *(("pick", str(number)) for number in chosen), *changes.items()]
        return call.to(f"/similar?{urlencode(picked)}")
    sure = [each.number for each in uploaded.faces if each.score >= SEARCH_FROM]
    only = sure if len(sure) == 1 else [each.number for each in uploaded.faces] if len(uploaded.faces) == 1 else []
    values = {"nav": "probe", "key": key, "uploaded": uploaded, "only": only, "asked": "pick" in call.query}
    return call.page("probe_faces.html", values)


def photo(call: Call) -> Response:
    """An uploaded photo, reduced."""
    uploaded, number = _uploaded(call), int(call.request.path_params["number"])
    if not 1 <= number <= len(uploaded.photos) or not uploaded.photos[number - 1].preview:
        raise HTTPException(404)
    return Response(uploaded.photos[number - 1].preview, media_type="image/webp")


def crop(call: Call) -> Response:
    """A face of an uploaded photo."""
    number = int(call.request.path_params["number"])
    for each in _uploaded(call).faces:
        if each.number == number and each.crop:
            return Response(each.crop, media_type="image/webp")
    raise HTTPException(404)


def _uploaded(call: Call) -> Uploaded:
    found = call.place.probes.find(call.request.path_params["id"])
    if found is None:
        raise UsageError(
            "This photo is not kept any more: uploaded photos last as long as the server runs, the last few of them. "
            "Upload it again."
        )
    return found
