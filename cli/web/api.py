"""The same for programs: `/api/v1`, JSON in and out, one error body with its kind.

It calls what the pages call. Addresses, fields and kinds only grow within version 1.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import FastAPI, File, Query, UploadFile
from fastapi import Path as InPath
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from cli.commands.read import record as reading_record
from cli.report.logged import logged_record
from cli.report.remedies import error_in_words
from cli.report.unseen import unseen_in_words, unseen_record
from cli.report.wording import notice_in_words
from cli.web.asked import Extra
from cli.web.workplace import View, Workplace
from db import errors as of_db
from db.errors import CatalogueError
from db.photos import counts
from db.roots import list_roots
from db.runs import latest_runs
from facesearch.errors import FacesearchError, QueryError, RequestError, UsageError
from facesearch.query import understand
from facesearch.query.errors import StatementError
from facesearch.search import chunks, pictures
from facesearch.search.changes import parse_changes
from facesearch.search.chunks import CHUNK
from facesearch.search.pictures import NoPicture
from facesearch.search.records import face_report_record, hit_records
from facesearch.search.request import Request, catalogue_name, describe
from facesearch.search.similar import ProbeFace, distinct, indexed_faces, like
from facesearch.search.unseen import unseen_by_searches

_KINDS: tuple[tuple[type[Exception], str, int], ...] = (
    (of_db.FaceForgotten, "face forgotten", 410),
    (of_db.FaceHidden, "face hidden", 404),
    (of_db.FaceUnfound, "face not found again", 404),
    (of_db.FaceUnscored, "face not scored", 409),
    (of_db.FaceUnknown, "face unknown", 404),
    (of_db.CatalogueMissing, "no catalogue", 404),
    (of_db.CatalogueBusy, "busy", 503),
    (of_db.CatalogueReadOnly, "read-only", 409),
    (of_db.CatalogueSealed, "sealed", 409),
    (CatalogueError, "catalogue", 500),
    (NoPicture, "no picture", 404),
    (QueryError, "description", 422),
    (RequestError, "request", 422),
    (UsageError, "usage", 422),
    (FacesearchError, "search", 422),
)
"""What can go wrong, the most special first: the kind and the status."""

Face = Annotated[int, InPath(ge=1, lt=1 << 63, description="The number of a face.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Hits of one answer.")]
After = Annotated[str, Query(max_length=64, description="`next` of the answer before.")]


class Problem(BaseModel):
    """What went wrong: its kind, which programs go by, and a sentence for people."""

    kind: str
    message: str
    readings: list[str] = Field(default=[], description="Between which is asked, where a text can be read in two ways.")


class ErrorBody(BaseModel):
    """The body of every answer that is an error."""

    error: Problem


class Statement(BaseModel):
    """A statement to be read."""

    text: str = Field(min_length=1, max_length=20_000)


class Asked(BaseModel):
    """A search: a description or statement, or a request as an answer has it."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(default="", max_length=20_000, description="A description or a statement.")
    person: int | None = Field(default=None, ge=1, description="Whom of a statement that describes several.")
    request: dict[str, Any] | None = Field(default=None, description="A request as `request` of an answer has it.")
    min_score: float = Field(default=0.0, ge=0, le=1)
    min_detection: float = Field(default=0.8, ge=0, le=1)
    min_face: float = Field(default=0.0, ge=0)


class Hits(BaseModel):
    """Hits, best first. faces: how many were searched; found: how many there are to go through; next: for the hits
    behind these, None at the end. The order stays what it was at the first answer, also while an index runs; changed
    says that the catalogue is another by now."""

    reading: str
    request: dict[str, Any]
    faces: int
    found: int
    expected: float | None
    changed: bool
    unseen: dict[str, Any]
    remarks: list[str]
    model: str
    audit: dict[str, Any] | None
    hits: list[dict[str, Any]]
    next: str | None


class Status(BaseModel):
    """What the catalogue holds, and what was not looked at."""

    version: str
    catalogue: str
    faces: int
    photos: int
    failed: int
    folders: list[dict[str, Any]]
    unseen: dict[str, Any]
    being_indexed: bool


class Run(BaseModel):
    """A run of the indexer."""

    id: int
    began: str
    ended: str | None
    counts: dict[str, Any]


class Runs(BaseModel):
    """The last runs, newest first."""

    at_work: bool
    runs: list[Run]


class AsciiJSON(JSONResponse):
    """A path may hold bytes that are no UTF-8; they are the escapes \\udcNN, as everywhere in the program's JSON."""

    def render(self, content: Any) -> bytes:
        import json

        return json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")


# complexipy: ignore (a route after the other)
def build_api(place: Workplace) -> FastAPI:
    """The application. Who may ask is decided before (`cli.web.security`)."""
    from importlib.metadata import version

    errors: dict[int | str, dict[str, Any]] = {
        "4XX": {"model": ErrorBody, "description": "Wrong, or not there"},
        "5XX": {"model": ErrorBody, "description": "The catalogue cannot be used now"},
    }
    api = FastAPI(
        default_response_class=AsciiJSON,
        title="facesearch",
        version="1",
        summary="Find the faces in photos that fit a description. A hit is a lead, not evidence.",
        docs_url=None,  # their viewers load scripts from elsewhere
        redoc_url=None,
        responses=errors,
    )
    scheme = {"bearer": {"type": "http", "scheme": "bearer"}}
    made = api.openapi

    def described() -> dict[str, Any]:
        whole = made()
        whole.setdefault("components", {})["securitySchemes"] = scheme
        whole["security"] = [{"bearer": []}]
        whole["servers"] = [{"url": "/api/v1"}]
        return whole

    api.openapi = described  # type: ignore[method-assign]

    @api.exception_handler(CatalogueError)
    @api.exception_handler(FacesearchError)
    @api.exception_handler(NoPicture)
    async def _problem(_: HttpRequest, error: Exception) -> Response:
        kind, status = next((kind, status) for sort, kind, status in _KINDS if isinstance(error, sort))
        if isinstance(error, StatementError | RequestError):
            kind = error.kind
        readings = list(error.readings) if isinstance(error, StatementError) else []
        return _error(status, kind, error_in_words(error), readings)

    @api.exception_handler(RequestValidationError)
    async def _invalid(_: HttpRequest, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(each) for each in first["loc"])
        return _error(422, "invalid", f"{where}: {first['msg']}.")

    @api.exception_handler(HTTPException)
    async def _http(_: HttpRequest, error: HTTPException) -> Response:
        kinds = {404: "not found", 405: "method"}
        return _error(error.status_code, kinds.get(error.status_code, "refused"), str(error.detail))

    @api.exception_handler(Exception)
    async def _fault(_: HttpRequest, error: Exception) -> Response:  # noqa: ARG001
        return _error(500, "fault", "This is a fault of facesearch; the catalogue keeps all that was stored before.")

    @api.post("/read", tags=["search"])
    def read(statement: Statement) -> dict[str, Any]:
        """How a statement is understood: what is searched, what is set aside, and for whom."""
        found = understand(statement.text)
        found.check_searched()
        return reading_record(found)

    @api.get("/search", tags=["search"])
    def search(
        q: Annotated[str, Query(min_length=1, max_length=20_000, description="A description.")],
        person: Annotated[int | None, Query(ge=1)] = None,
        min_score: Annotated[float, Query(ge=0, le=1)] = 0.0,
        min_detection: Annotated[float, Query(ge=0, le=1)] = 0.8,
        min_face: Annotated[float, Query(ge=0)] = 0.0,
        limit: Limit = CHUNK,
        after: After = "",
    ) -> Hits:
        """The faces that fit a description, best first. A statement, which names people, is better sent in a body."""
        asked = Asked(q=q, person=person, min_score=min_score, min_detection=min_detection, min_face=min_face)
        return _hits(place, *_viewed(place, _request(asked)), limit, after)

    @api.post("/search", tags=["search"])
    def search_with(asked: Asked, limit: Limit = CHUNK, after: After = "") -> Hits:
        """The same, with what is asked in the body: a statement, or a request of a former answer."""
        return _hits(place, *_viewed(place, _request(asked)), limit, after)

    @api.get("/similar", tags=["search"])
    def similar(
        face: Annotated[list[int], Query(description="Faces of one person.", min_length=1, max_length=50)],
        but: Annotated[str, Query(max_length=500, description='Changes in words: "glasses, no beard".')] = "",
        min_detection: Annotated[float, Query(ge=0, le=1)] = 0.8,
        limit: Limit = CHUNK,
        after: After = "",
    ) -> Hits:
        """The faces most like one of the catalogue, or several of one person. This is not face recognition."""
        starts: Sequence[ProbeFace] = indexed_faces(place.catalogue, face)
        request = Request(changes=parse_changes([but]) if but.strip() else parse_changes(), like=like(starts))
        return _hits(place, *_viewed(place, replace(request, min_detection=min_detection), starts), limit, after)

    @api.post("/similar", tags=["search"])
    async def similar_to_photo(
        photo: Annotated[UploadFile, File(description="A photo of one person.")],
        pick: Annotated[int | None, Query(ge=1, description="Which face, where there are several.")] = None,
        but: Annotated[str, Query(max_length=500)] = "",
        limit: Limit = CHUNK,
        after: After = "",
    ) -> Hits:
        """The faces most like one in a photo, which is not kept."""
        from starlette.concurrency import run_in_threadpool

        content = await photo.read()
        name = photo.filename or "the photo"

        def found() -> Hits:
            uploaded = place.probes.find(place.probes.take([(name, content)]))
            assert uploaded is not None
            if not uploaded.faces:
                raise UsageError(f"No face was found in {name}: send a photo in which one can be seen larger.")
            if pick is None and len(uploaded.faces) > 1:
                raise UsageError(f"There are {len(uploaded.faces)} faces in {name}: say which one is meant, from 1.")
            seen: Sequence[ProbeFace] = uploaded.chosen([pick or 1])
            starts = [seen[at] for at in distinct(seen)]
            request = Request(changes=parse_changes([but]) if but.strip() else parse_changes(), like=like(starts))
            return _hits(place, *_viewed(place, request, starts), limit, after)

        return await run_in_threadpool(found)

    @api.get("/faces/{face}", tags=["faces"])
    def get_face(face: Face) -> dict[str, Any]:
        """All that is known of a face, and the faces most like it."""
        found = place.report_face(face)
        return {**face_report_record(found), "nearest": [dict(each) for each in hit_records(found.nearest, ())]}

    @api.get("/faces/{face}/crop", tags=["faces"], response_class=Response, responses=_pictures("image/webp"))
    def get_crop(face: Face) -> Response:
        """The face as a small picture."""
        picture = place.crop(face)
        place.log_picture(face)
        return Response(picture, media_type="image/webp")

    @api.get("/faces/{face}/photo", tags=["faces"], response_class=Response, responses=_pictures("image/jpeg"))
    def get_photo(face: Face, size: Annotated[int, Query(ge=16, le=pictures.LARGEST)] = pictures.WHOLE) -> Response:
        """The photo that the face is in, reduced."""
        found = pictures.whole_photo(place.catalogue, face, size)
        place.log_picture(face)
        return Response(found.jpeg, media_type="image/jpeg")

    @api.get("/status", tags=["catalogue"])
    def status() -> Status:
        """What the catalogue holds, and what was not looked at."""
        catalogue = place.catalogue
        with catalogue.read() as session:
            numbers, known = counts(session), list_roots(session)
        return Status(
            version=version("facesearch"),
            catalogue=str(place.path),
            faces=numbers.faces,
            photos=numbers.photos,
            failed=numbers.failed,
            folders=[
                {"folder": each.display, "photos": each.files, "missing": each.missing, "exhibit": each.exhibit}
                for each in known
            ],
            unseen=unseen_record(unseen_by_searches(catalogue)),
            being_indexed=catalogue.is_indexed_now,
        )

    @api.get("/runs", tags=["catalogue"])
    def runs() -> Runs:
        """The last runs of the indexer, newest first."""
        catalogue = place.catalogue
        with catalogue.read() as session:
            found = latest_runs(session, 50)
        told = [
            Run(
                id=each.id,
                began=each.started.isoformat(),
                ended=each.finished.isoformat() if each.finished else None,
                counts=each.counts,
            )
            for each in found
        ]
        return Runs(at_work=catalogue.is_indexed_now, runs=told)

    return api


def _pictures(kind: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {kind: {}}, "description": "A picture"}}


def _error(status: int, kind: str, message: str, readings: Sequence[str] = ()) -> Response:
    body = ErrorBody(error=Problem(kind=kind, message=message, readings=list(readings)))
    return JSONResponse(body.model_dump(), status)


def _request(asked: Asked) -> Request:
    """Raises what describing does, UsageError where nothing or too much is asked."""
    if bool(asked.q.strip()) == (asked.request is not None):
        raise UsageError("Either q or request says what to search for: send one of them.")
    if asked.request is not None:
        import json

        request = Request.from_json(json.dumps(asked.request))
        if request.like:
            raise UsageError("A request for faces like others is asked with /similar.")
        return request
    request, _ = describe(asked.q, person=asked.person)
    extra = Extra(score=asked.min_score, detection=asked.min_detection, size=asked.min_face)
    return extra.apply(request).merged()


def _viewed(place: Workplace, request: Request, probes: Sequence[ProbeFace] = ()) -> tuple[View, Request]:
    here = replace(request, catalogues=(catalogue_name(place.path),))
    return place.view(here, probes), here


def _hits(place: Workplace, view: View, request: Request, limit: int, after: str) -> Hits:
    """The hits behind `after`. The first answer to a request that is asked again is of what is there by then."""
    import json

    if not after:
        view = place.view(request, view.ranked.probes, anew=True)
        first = 1
    else:
        first = _place_of(after, view)
    result = place.hits(view, first, limit)
    described = not request.like
    attributes = request.query.attributes if described else [each.attribute for each in request.changes.asked]
    words = "; ".join(map(str, request.like))
    behind = first + limit
    return Hits(
        reading=str(request),
        request=json.loads(request.to_json()),
        faces=result.faces,
        found=view.ranked.found,
        expected=result.expected if described else None,
        changed=chunks.has_changed(place.catalogue, view.ranked),
        unseen=unseen_record(result.unseen),
        remarks=[*map(notice_in_words, result.notices), *unseen_in_words(result.unseen)],
        model=result.model.short,
        audit=logged_record(result.logged),
        hits=[dict(each) for each in hit_records(result, attributes, words, described)],
        next=f"{behind}-{view.ranked.generation}" if behind <= view.ranked.found else None,
    )


def _place_of(after: str, view: View) -> int:
    """The first rank that is asked for. Raises UsageError where the answer before was of another moment."""
    rank, _, generation = after.partition("-")
    if not rank.isdecimal() or not generation.isdecimal() or not 1 <= int(rank) < 1 << 62:
        raise UsageError("`after` is not what `next` of an answer was.")
    if int(generation) != view.ranked.generation:
        raise UsageError("The answer that this goes on from is not kept any more: ask again from the first hit.")
    return int(rank)
