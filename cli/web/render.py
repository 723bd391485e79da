"""Templates: everything that goes into a page is escaped, and names from the disk are made safe to show."""

import hashlib
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote_from_bytes

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from cli.report.tables import LEAD
from cli.report.wording import counted
from cli.terminal.console import printable
from db.paths import display

HERE = Path(__file__).parent
ASSETS = HERE / "assets"


@cache
def asset(name: str) -> str:
    """The address of an asset, with the beginning of its digest: a changed one has another."""
    digest = hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()[:12]
    return f"/assets/{name}?v={digest}"


def _shown(name: object) -> str:
    """A name from the disk: in one line, without what steers a display."""
    return printable(display(name) if isinstance(name, bytes) else str(name))


def _code(sentence: str) -> Markup:
    """A sentence with what stands between backticks as code."""
    parts = [escape(printable(part)) for part in sentence.split("`")]
    if len(parts) % 2 == 0:  # one has no partner
        return escape(printable(sentence))
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


@cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(asset=asset, lead=LEAD, counted=counted)
    made.filters.update(
        shown=_shown,
        number=lambda value: f"{value:,}",
        code=_code,
        moment=lambda when: f"{when.astimezone():%Y-%m-%d %H:%M}",
        quoted=lambda path: quote_from_bytes(os.fsencode(path)),
        pairs=lambda query: parse_qsl(query, keep_blank_values=True),
    )
    return made


def page(
    request: Request,
    template: str,
    values: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A page, or a part of one."""
    about = request.app.state
    place = about.place
    viewer = request.cookies.get(f"{about.keys.cookie}-viewer", place.viewer)
    with place.in_session(session_of(request)):
        case = place.chosen
    text = (
        environment()
        .get_template(template)
        .render(
            csrf=about.keys.csrf,
            viewer=viewer if viewer in VIEWERS else "off",
            here=_here(request),
            catalogue=place.path,
            case=case,
            nav=values.get("nav", ""),
            **{key: value for key, value in values.items() if key != "nav"},
        )
    )
    return Response(text.encode("utf-8", "backslashreplace"), status, dict(headers or {}), "text/html; charset=utf-8")


def session_of(request: Request) -> str:
    """What tells one browser from another: the cookie that lets it in."""
    return str(request.cookies.get(request.app.state.keys.cookie, ""))


VIEWERS = {"off": "Show faces", "blur": "Blur faces", "grey": "Grey faces"}
"""How faces are shown until they are pointed at."""


def _here(request: Request) -> str:
    """The way back to this page; to the first one from what a form has asked, which no link leads to."""
    if request.method != "GET":
        return "/"
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
