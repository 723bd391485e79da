"""The application: which address is answered by which page, and what becomes of what goes wrong."""

import os
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from cli.errors import FileProblem, UsageProblem
from cli.report.remedies import error_in_words as error_sentence
from cli.web import security
from cli.web.pages import cases, face, photos, pictures, plain, probe, search, statement
from cli.web.pages.call import Call, Page
from cli.web.render import ASSETS, asset, page, session_of
from cli.web.security import Guard, Keys, Scope
from cli.web.workplace import Workplace
from db.errors import CatalogueBusy, CatalogueError, CatalogueMissing, FaceUnknown
from facesearch.cases.errors import CaseUnknown
from facesearch.custody.acting import acting
from facesearch.custody.policy import PolicyRefusal
from facesearch.errors import FacesearchError
from indexer.errors import IndexerError

_ASSETS = {"page.css", "page.js", "photo.js", "vendor/htmx.min.js", "icon.svg"}
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_FIELDS, _PART = 400, security.FORM_BYTES
_FAULT = "This is a fault of facesearch; the catalogue keeps all that was stored before."


def build(place: Workplace, keys: Keys) -> security.App:
    """The application, guarded."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        place.close()

    app = Starlette(
        routes=[
            Route("/", _endpoint(search.start)),
            Route("/search", _endpoint(search.found)),
            Route("/search", _endpoint(search.ask), methods=["POST"]),
            Route("/search/change", _endpoint(search.change_chip), methods=["POST"]),
            Route("/search/filter", _endpoint(search.change_filters), methods=["POST"]),
            Route("/search/again", _endpoint(search.again), methods=["POST"]),
            Route("/search/filters", _endpoint(search.filters)),
            Route("/search/{id}", _endpoint(search.found_stored)),
            Route("/read", _endpoint(search.read), methods=["POST"]),
            Route("/similar", _endpoint(search.similar)),
            Route("/face/{face:int}", _endpoint(face.show)),
            Route("/face", _endpoint(face.find)),
            Route("/crop/{face:int}", _endpoint(pictures.crop)),
            Route("/photo/{face:int}", _endpoint(pictures.photo)),
            Route("/probe", _endpoint(probe.start)),
            Route("/probe", _endpoint(probe.upload), methods=["POST"]),
            Route("/probe/{id}", _endpoint(probe.faces)),
            Route("/probe/{id}/photo/{number:int}", _endpoint(probe.photo)),
            Route("/probe/{id}/face/{number:int}", _endpoint(probe.crop)),
            Route("/photos", _endpoint(photos.show)),
            Route("/photos/progress", _endpoint(photos.progress)),
            Route("/photos/choose", _endpoint(photos.choose)),
            Route("/photos/index", _endpoint(photos.index), methods=["POST"]),
            Route("/photos/stop", _endpoint(photos.stop), methods=["POST"]),
            Route("/mark", _endpoint(cases.mark), methods=["POST"]),
            Route("/cases", _endpoint(cases.list_all)),
            Route("/cases/work", _endpoint(cases.work), methods=["POST"]),
            Route("/cases/new", _endpoint(cases.new), methods=["POST"]),
            Route("/case", _endpoint(cases.show)),
            Route("/case/close", _endpoint(cases.close), methods=["POST"]),
            Route("/case/statement", _endpoint(cases.add_statement), methods=["POST"]),
            Route("/case/statement", _endpoint(statement.sheet)),
            Route("/statement", _endpoint(statement.start)),
            Route("/statement", _endpoint(statement.tell), methods=["POST"]),
            Route("/statement/{id}", _endpoint(statement.show)),
            Route("/statement/{id}", _endpoint(statement.tell_more), methods=["POST"]),
            Route("/statement/{id}/answer", _endpoint(statement.answer), methods=["POST"]),
            Route("/statement/{id}/keep", _endpoint(statement.keep), methods=["POST"]),
            Route("/case/note", _endpoint(cases.add_note), methods=["POST"]),
            Route("/case/search", _endpoint(cases.search_statement), methods=["POST"]),
            Route("/case/ask", _endpoint(cases.ask_again), methods=["POST"]),
            Route("/case/report", _endpoint(cases.report), methods=["POST"]),
            Route("/case/export", _endpoint(cases.export), methods=["POST"]),
            Route("/case/review", _endpoint(cases.review)),
            Route("/case/review", _endpoint(cases.begin_review), methods=["POST"]),
            Route("/keys", _endpoint(plain.keys)),
            Route("/programs", _endpoint(plain.programs)),
            Route("/viewer", _endpoint(plain.viewer), methods=["POST"]),
            Route(security.ENTER, _enter),
            Route("/assets/{name:path}", _asset),
            Mount("/api/v1", app=_api(place)),
        ],
        exception_handlers={HTTPException: _http_error},
        lifespan=lifespan,
    )
    app.state.place, app.state.keys = place, keys
    return Guard(app, keys, lambda scope, status, sentence: _refusal(app, scope, status, sentence))


def _api(place: Workplace) -> security.App:
    """The same for programs; made when the first one asks, since FastAPI takes a while to import."""
    made: list[security.App] = []

    async def api(scope: Scope, receive: security.Receive, send: security.Send) -> None:
        if not made:
            from cli.web.api import build_api

            made.append(await run_in_threadpool(build_api, place))
        await made[0](scope, receive, send)

    return api


def _endpoint(handler: Page) -> Callable[[Request], Any]:
    """A page's function, in a thread; what it raises becomes a page as well."""

    async def endpoint(request: Request) -> Response:
        form = await request.form(max_fields=_FIELDS, max_files=probe.MOST_PHOTOS, max_part_size=_PART)
        try:
            uploads = [
                (each.filename or "", await each.read()) for each in form.getlist("photo") if not isinstance(each, str)
            ]
            fields = [(key, value) for key, value in form.multi_items() if isinstance(value, str)]
            return await run_in_threadpool(_answer, handler, request, fields, uploads)
        finally:
            await form.close()

    return endpoint


def _answer(
    handler: Page, request: Request, fields: list[tuple[str, str]], uploads: list[tuple[str, bytes]]
) -> Response:
    call = Call(request, request.app.state.place, fields, uploads)
    with call.place.in_session(session_of(request)):
        return _answered(handler, call)


def _answered(handler: Page, call: Call) -> Response:
    try:
        with acting(call.place.acting):
            return handler(call)
    except PolicyRefusal as refusal:
        if refusal.kind == "policy demands" and not call.is_part:
            return cases.demanded(call, error_sentence(refusal))
        return call.message(error_sentence(refusal), 422)
    except CatalogueMissing:
        if call.is_part:
            raise
        return RedirectResponse("/photos/choose", 303)
    except (CatalogueError, FacesearchError, IndexerError, UsageProblem, FileProblem) as error:
        status = (
            404 if isinstance(error, FaceUnknown | CaseUnknown) else 503 if isinstance(error, CatalogueBusy) else 422
        )
        return call.message(error_sentence(error), status)
    except OSError as error:
        return call.message(f"The system refused to go on ({error.strerror or error}): try again.", 500)
    except HTTPException:
        raise
    except Exception:
        traceback.print_exc()
        return call.message(_FAULT, 500, "A fault")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentences = {404: "There is no such page.", 405: "This address is for another kind of request."}
    plain = str(error.detail) == HTTPStatus(error.status_code).phrase
    sentence = sentences.get(error.status_code, "That cannot be asked.") if plain else str(error.detail)
    return page(request, "message.html", {"title": "Not found", "sentence": sentence}, status=error.status_code)


def _refusal(app: Starlette, scope: Scope, status: int, sentence: str) -> security.App:
    if scope["path"].startswith(security.API):
        from starlette.responses import JSONResponse

        kind = {401: "not authorised", 413: "too large"}.get(status, "refused")
        headers = {"www-authenticate": "Bearer"} if status == 401 else {}
        return JSONResponse({"error": {"kind": kind, "message": sentence}}, status, headers)
    values = {"title": "Not let in" if status in (401, 403, 421) else "Refused", "sentence": sentence}
    return page(Request({**scope, "app": app}), "refused.html", values, status=status)


async def _enter(request: Request) -> Response:
    """Exchange the printed address for a cookie. The next page is asked for by the page itself: a browser that came
    from elsewhere keeps the cookie back while it is redirected."""
    keys: Keys = request.app.state.keys
    session = keys.exchange(request.query_params.get("token", "")) if request.method == "GET" else None
    if session is None:
        sentence = (
            "This address was used before, or is not the one that `facesearch serve` has printed: it lets one browser "
            "in, once. Start the server again for another one."
        )
        return page(request, "refused.html", {"title": "Not let in", "sentence": sentence}, status=403)
    answer = page(request, "enter.html", {})
    answer.set_cookie(keys.cookie, session, httponly=True, samesite="strict", path="/")
    return answer


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _ASSETS:
        raise HTTPException(404)
    file = ASSETS / name
    fresh = f"/assets/{name}?{request.url.query}" == asset(name)
    return FileResponse(
        os.fspath(file),
        media_type=_KINDS[file.suffix],
        headers={"cache-control": "public, max-age=31536000, immutable" if fresh else "no-cache"},
    )
