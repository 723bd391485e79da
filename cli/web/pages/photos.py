"""The photos: which folders are indexed, what runs are at work, what failed, and which folder to add."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote_from_bytes, unquote_to_bytes

from starlette.responses import Response

from cli.report.unseen import unseen_in_words
from cli.report.wording import notice_in_words
from cli.web.pages.call import Call, whole
from db.paths import absolute, display, is_folder
from db.photos import counts, failures
from db.roots import list_roots
from db.runs import latest_runs
from facesearch.errors import UsageError
from facesearch.places import kind_of
from facesearch.search.unseen import unseen_by_searches

_FAILURES = 100
_SHOWN = 500
_LOOKED_THROUGH = 5_000
_PHOTOS = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".jp2", ".dng")


def show(call: Call) -> Response:
    """All of it."""
    catalogue = call.place.catalogue
    with catalogue.read() as session:
        failed, known, numbers = failures(session), list_roots(session), counts(session)
        runs = latest_runs(session, 10)
    first = min(whole(call.query.get("from", ""), 1), max(len(failed), 1))
    values = {
        "nav": "photos",
        "roots": [(each, is_folder(each.path)) for each in known],
        "numbers": numbers,
        "unseen": unseen_in_words(unseen_by_searches(catalogue)),
        "failures": failed[first - 1 : first - 1 + _FAILURES],
        "failed": len(failed),
        "first": first,
        "next": first + _FAILURES if first + _FAILURES <= len(failed) else 0,
        "runs": runs,
        "remarks": [notice_in_words(each) for each in catalogue.notices],
        "read_only": catalogue.read_only,
        "progress": call.place.progress(),
    }
    return call.page("photos.html", values)


def progress(call: Call) -> Response:
    """How far the run at work is, for a page that asks again and again."""
    brief = call.query.get("brief", "")
    return call.page(
        "_progress.html", {"progress": call.place.progress(), "brief": brief if brief in ("hits", "start") else ""}
    )


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder to choose. value: for an address; odd: what else it is, such as "hidden"."""

    name: str
    value: str
    odd: str


def choose(call: Call) -> Response:
    """Choose a folder of this machine."""
    at = _named(call, "at") or os.fsencode(_home())
    at = absolute(at)
    problem, folders, photos = "", list[Folder](), 0
    try:
        folders, photos = _inside(at)
    except OSError as error:
        problem = f"The folder {display(at)} cannot be read ({error.strerror}): choose another one."
    parts = [part for part in at.split(b"/") if part]
    crumbs = [("/", quote_from_bytes(b"/"))]
    crumbs += [
        (display(part), quote_from_bytes(b"/" + b"/".join(parts[: number + 1]))) for number, part in enumerate(parts)
    ]
    values = {
        "nav": "photos",
        "at": display(at),
        "value": quote_from_bytes(at),
        "crumbs": crumbs,
        "folders": folders,
        "photos": photos,
        "problem": problem,
        "new": not call.place.has_catalogue,
        "places": _places(),
        "progress": call.place.progress(),
        "keeps_crops": call.place.keeps_crops,
    }
    return call.page("choose.html", values, 422 if problem else 200)


def index(call: Call) -> Response:
    """Start a run on the folder that was chosen, or on all that were indexed before."""
    chosen = call.form.get("folder", "")
    folders = [absolute(unquote_to_bytes(chosen))] if chosen else []
    for each in folders:
        if not is_folder(each):
            raise UsageError(f"There is no folder {display(each)} any more: choose another one.")
    if folders and not call.place.has_catalogue:
        from indexer.selection import refuse_to_write_into

        refuse_to_write_into(folders, call.place.path)
    if not call.place.runs.start(folders):
        raise UsageError("A run is at work already: wait until it has ended, or stop it.")
    return call.to("/photos" if call.place.has_catalogue else "/photos/choose")


def stop(call: Call) -> Response:
    """Ask the run to stop."""
    call.place.runs.stop()
    return call.to("/photos" if call.place.has_catalogue else "/photos/choose")


def _named(call: Call, name: str) -> bytes:
    """A path in the address: the bytes that the system has, which need not be UTF-8."""
    text = call.request.scope["query_string"].decode("ascii", "replace")
    pairs = parse_qsl(text, encoding="utf-8", errors="surrogateescape", max_num_fields=20)
    return os.fsencode(next((value for key, value in pairs if key == name), ""))


def _home() -> Path:
    with suppress(RuntimeError):
        home = Path.home()
        pictures = home / "Pictures"
        return pictures if is_folder(pictures) else home
    return Path("/")


def _places() -> list[tuple[str, str]]:
    """Where people keep photos: name and value."""
    found = []
    with suppress(RuntimeError):
        home = Path.home()
        found += [("Home", home), ("Pictures", home / "Pictures"), ("Downloads", home / "Downloads")]
    found += [(each, Path(each)) for each in (f"/run/media/{os.environ.get('USER', '')}", "/media", "/mnt")]
    return [(name, quote_from_bytes(os.fsencode(path))) for name, path in found if is_folder(path)]


def _inside(at: bytes) -> tuple[list[Folder], int]:
    """The folders in a folder, ordinary ones first, and how many photos lie in it by their names."""
    folders, photos = list[Folder](), 0
    with os.scandir(at) as entries:
        for number, entry in enumerate(entries):
            if number >= _LOOKED_THROUGH:
                break
            try:
                is_dir = entry.is_dir(follow_symlinks=False)
            except OSError:
                continue
            if is_dir:
                value = quote_from_bytes(entry.path)
                folders.append(Folder(display(entry.name), value, kind_of(entry.name, folder=True) or ""))
            photos += entry.name.lower().endswith(tuple(os.fsencode(each) for each in _PHOTOS))
    return sorted(folders, key=lambda each: (bool(each.odd), each.name.casefold()))[:_SHOWN], photos
