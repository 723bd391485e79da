"""Pages from the templates of this package: each is one file that loads nothing, and runs nothing but the script that
it names.

The one style sheet, and the one script where there is one, are named by their digests in the Content-Security-Policy;
pictures, where there are any, are data URIs. Every text is escaped, and printable: what a name holds that could steer
or reorder what is read stands there as a backslash escape.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from cli.report.tables import score_in_words
from cli.terminal.console import printable

HEAD = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
)
"""How every page begins (templates/base.html): by this one of ours is known."""


def write(to: Callable[[bytes], object], template: str, **values: Any) -> None:
    """Write a page, part by part, through `to`; iterators among the values are only asked as it goes."""
    for part in rendered(template, **values):
        to(part.encode("utf-8", "replace"))


def rendered(
    template: str, *, style: str, more_style: str = "", footer: str = "", script: str = "", **values: Any
) -> Iterator[str]:
    """The page, part by part. style, script: names of files beside the templates; more_style: further rules; footer:
    stands on each printed page."""
    sheet = _file(style) + more_style + (_page_footer(footer) if footer else "")
    runs = _file(script) if script else ""
    yield from (
        _environment()
        .get_template(template)
        .generate(
            style=Markup(sheet), style_digest=_digest(sheet), script=Markup(runs), script_digest=_digest(runs), **values
        )
    )


def data_uri(jpeg: bytes) -> str:
    """A picture as it stands in a page."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cli.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["data_uri"] = data_uri
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    environment.filters["score"] = score_in_words
    environment.filters["several_lines"] = several_lines
    environment.filters["thousands"] = lambda number: f"{number:,}"
    environment.filters["day"] = lambda moment: f"{moment.astimezone():%Y-%m-%d}"
    environment.filters["minute"] = lambda moment: f"{moment.astimezone():%Y-%m-%d %H:%M %Z}"
    return environment


def several_lines(text: str) -> Markup:
    """A text with its own line breaks, for an element that keeps them."""
    return Markup("\n").join(escape(printable(line)) for line in text.replace("\r\n", "\n").split("\n"))


def _finalized(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _file(name: str) -> str:
    return (resources.files("cli.report") / "templates" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _page_footer(text: str) -> str:
    """A rule of the style sheet; every character of the text but letters and digits is escaped, so that none ends
    it."""
    shown = "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in printable(text))
    return f'@page {{ @top-right {{ content: "{shown}"; }} }}\n'
