"""One request to a page, with what pages want to know of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cli.web.render import page
from cli.web.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Call:
    """request: from the browser; place: what lasts; fields: of the form; uploads: name and content of each photo."""

    request: Request
    place: Workplace
    fields: list[tuple[str, str]]
    uploads: list[tuple[str, bytes]]

    @property
    def query(self) -> Mapping[str, str]:
        """The parts of the address behind its "?"."""
        return self.request.query_params

    @property
    def form(self) -> dict[str, str]:
        """The fields of the form, the last of each name."""
        return dict(self.fields)

    def all_of(self, name: str) -> list[str]:
        """The values of all fields of the form with this name."""
        return [value for key, value in self.fields if key == name]

    @property
    def is_part(self) -> bool:
        """Whether a script asks for a part of a page."""
        return self.request.headers.get("hx-request") == "true"

    def page(self, template: str, values: Mapping[str, Any], status: int = 200) -> Response:
        return page(self.request, template, values, status=status)

    def message(self, sentence: str, status: int, title: str = "That did not work") -> Response:
        """A page of one sentence, or the sentence alone as a part of one."""
        template = "_message.html" if self.is_part else "message.html"
        # A script puts no error into a page, so a part that says what is wrong counts as well made.
        return self.page(template, {"title": title, "sentence": sentence}, 200 if self.is_part else status)

    def to(self, address: str) -> Response:
        """Look at another page now."""
        return RedirectResponse(address, 303)


Page = Callable[[Call], Response]


def whole(text: str, default: int, least: int = 1) -> int:
    """The whole number that a text says; `default` where it says none, or too small a one."""
    try:
        number = int(text)
    except ValueError:
        return default
    return number if least <= number < 1 << 63 else default
