"""Pages that only tell something, and the switch for how faces are shown."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.responses import Response

from cli.web.pages.call import Call
from cli.web.render import VIEWERS


def keys(call: Call) -> Response:
    """All keys."""
    return call.page("keys.html", {"nav": "keys"})


def programs(call: Call) -> Response:
    """How programs ask the same."""
    about = call.request.app.state.keys
    values = {"nav": "programs", "address": about.address, "bearer": about.bearer, "calls": _calls(call)}
    return call.page("programs.html", values)


@dataclass(frozen=True, slots=True)
class ApiCall:
    """Something that programs can ask. parameters: name, whether it is required, and what it is."""

    method: str
    path: str
    does: str
    parameters: tuple[tuple[str, bool, str], ...]


def _calls(call: Call) -> list[ApiCall]:
    """What the description of the API (OpenAPI) lists, for people."""
    from cli.web.api import build_api

    told = build_api(call.place).openapi()
    return [
        ApiCall(
            method.upper(),
            path,
            about.get("description", about.get("summary", "")),
            tuple(
                (each["name"], bool(each.get("required")), each.get("description", ""))
                for each in about.get("parameters", ())
            ),
        )
        for path, methods in told["paths"].items()
        for method, about in methods.items()
    ]


def viewer(call: Call) -> Response:
    """Switch how faces are shown, and go back."""
    wanted = call.form.get("viewer", "off")
    answer = call.to(local(call.form.get("back", "/")))
    name = f"{call.request.app.state.keys.cookie}-viewer"
    answer.set_cookie(name, wanted if wanted in VIEWERS else "off", httponly=True, samesite="strict", path="/")
    return answer


def local(address: str) -> str:
    """An address of this server; its first page for any other."""
    parts = urlsplit(address)
    sound = address.startswith("/") and not address.startswith("//") and "\\" not in address and address.isprintable()
    return address if sound and not parts.scheme and not parts.netloc else "/"
