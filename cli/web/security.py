"""Who is let in: the browser of the user who started the server, and nobody else.

Other users of this machine can reach its ports, and so can every web page that this browser shows. So each request
needs the cookie that the printed address is exchanged for, the right Host (a page elsewhere may give its own name this
address), and, to change anything, the right origin and a token that only our own pages hold.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from starlette.exceptions import HTTPException

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""The Content-Security-Policy: nothing from elsewhere, nothing inline, no eval."""

_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
    "cache-control": "no-store",  # faces stay in no browser's cache
}

FORM_BYTES = 256_000
"""Of a form, the text of a statement included."""

UPLOAD_BYTES = 64_000_000
"""Of an upload as a whole."""

_SECONDS = 60.0
"""In which the next part of a body has to come."""

_SAFE = ("GET", "HEAD")
ENTER = "/enter"
ASSETS = "/assets/"
API = "/api/"


@dataclass(slots=True)
class Keys:
    """The secrets of one run of the server. port: where it listens. bearer: what programs send; one is made where none
    is given."""

    port: int
    bearer: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    _session: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    _once: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def address(self) -> str:
        """Where the server is found."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def first_address(self) -> str:
        """What lets a browser in, once; "" when it has."""
        return f"{self.address}{ENTER}?token={self._once}" if self._once else ""

    @property
    def cookie(self) -> str:
        """Its name. Cookies know no ports, so the name has to."""
        return f"facesearch-{self.port}"

    @property
    def csrf(self) -> str:
        """What our own forms hold."""
        return hmac.new(self._session.encode(), b"csrf", hashlib.sha256).hexdigest()

    def exchange(self, token: str) -> str | None:
        """The cookie's value for a token that was not used yet; None for any other."""
        if not self._once or not hmac.compare_digest(token.encode(), self._once.encode()):
            return None
        self._once = ""
        return self._session

    def knows(self, session: str) -> bool:
        return hmac.compare_digest(session.encode(), self._session.encode())

    def is_csrf(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.csrf.encode())

    def is_bearer(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.bearer.encode())


class Refused(Exception):  # noqa: N818 (it is an answer)
    """A request that is not let in: the status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Guard:
    """Lets requests in to an application, and puts the headers on its answers.

    refuse: makes the answer to one that is not let in, of its status and a sentence.
    """

    def __init__(self, app: App, keys: Keys, refuse: Callable[[Scope, int, str], App]) -> None:
        self.app, self.keys, self._refuse = app, keys, refuse
        self._hosts = (f"127.0.0.1:{keys.port}", f"localhost:{keys.port}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # there are no sockets here

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                more = [(key.encode(), value.encode()) for key, value in _HEADERS.items() if key.encode() not in given]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        try:
            receive = await self._admit(scope, receive)
        except Refused as refused:
            await self._refuse(scope, refused.status, refused.sentence)(scope, receive, guarded)
            return
        await self.app(scope, receive, guarded)

    async def _admit(self, scope: Scope, receive: Receive) -> Receive:
        """What the application receives. Raises Refused."""
        headers = _Headers(scope)
        path, method = scope["path"], scope["method"]
        if headers.one("host") not in self._hosts:
            raise Refused(421, "This server answers under its own address only.")
        if path.startswith(ASSETS) and method in _SAFE:
            return receive
        if path == ENTER and method in _SAFE:
            self._check_entering(headers)
            return receive
        of_a_program = path.startswith(API)
        if of_a_program:
            self._check_bearer(headers)
        else:
            self._check_cookie(headers)
            self._check_site(headers, method)
        upload = headers.one("content-type").startswith("multipart/")
        most = UPLOAD_BYTES if upload else FORM_BYTES
        received: Receive = _Limited(receive, most)
        if not headers.one("content-length").strip().isdecimal() and headers.one("content-length"):
            raise Refused(400, "The length of the request is no number.")
        if int(headers.one("content-length") or 0) > most:
            raise Refused(413, _too_large(most))
        if method in _SAFE or of_a_program:
            return received
        given = headers.one("x-csrf-token") or _query(scope, "csrf")
        if not given and headers.one("content-type").startswith("application/x-www-form-urlencoded"):
            given, received = await _peeked(received)
        if not self.keys.is_csrf(given):
            raise Refused(403, "This form is not of a page of this server, or of one before it was restarted.")
        return received

    def _check_entering(self, headers: "_Headers") -> None:
        purpose = headers.one("sec-purpose") or headers.one("purpose")
        if "prefetch" in purpose or "prerender" in purpose:  # it would use up the token
            raise Refused(403, "The address is not for fetching ahead.")

    def _check_cookie(self, headers: "_Headers") -> None:
        try:
            cookies = SimpleCookie("; ".join(headers.all("cookie")))
        except CookieError:
            cookies = SimpleCookie()
        morsel = cookies.get(self.keys.cookie)
        if morsel is None or not self.keys.knows(morsel.value):
            raise Refused(
                403,
                "Open the address that `facesearch serve` has printed: it lets one browser in, once. After a restart "
                "it is another one.",
            )

    def _check_site(self, headers: "_Headers", method: str) -> None:
        """Another server on this machine is the same site to a browser, whatever its port, so cookies come along."""
        site, origin = headers.one("sec-fetch-site"), headers.one("origin")
        if site not in ("", "none", "same-origin"):
            raise Refused(403, "Another page has asked for this: open it from a page of this server.")
        if method in _SAFE:
            return
        # Without a referrer, browsers send "null" as the origin of a form.
        ours = origin in {f"http://{host}" for host in self._hosts} and origin == f"http://{headers.one('host')}"
        if not ours and not (origin in ("", "null") and site == "same-origin"):
            raise Refused(403, "Another page has asked for this: use the forms of this server.")

    def _check_bearer(self, headers: "_Headers") -> None:
        scheme, _, token = headers.one("authorization").partition(" ")
        if scheme.casefold() != "bearer" or not self.keys.is_bearer(token.strip()):
            raise Refused(401, "A program sends the server's token: Authorization: Bearer TOKEN.")
        if headers.one("origin") or headers.one("sec-fetch-site") not in ("", "none", "same-origin"):
            raise Refused(403, "Pages of other servers have no business here.")


class _Headers:
    def __init__(self, scope: Scope) -> None:
        self._pairs = [(key.decode("latin-1").lower(), value.decode("latin-1")) for key, value in scope["headers"]]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]

    def one(self, name: str) -> str:
        """The header's value; two of one kind are none that can be trusted."""
        found = self.all(name)
        return found[0] if len(found) == 1 else ""


class _Limited:
    """A body of at most so many bytes, each part of it in time."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._most, self._had = receive, most, 0

    async def __call__(self) -> Message:
        if self._had < 0:
            return await self._receive()  # waits for the end of the connection
        try:
            message = await asyncio.wait_for(self._receive(), _SECONDS)
        except TimeoutError:
            return {"type": "http.disconnect"}
        if message["type"] == "http.request":
            self._had += len(message.get("body", b""))
            if self._had > self._most:
                raise HTTPException(413, _too_large(self._most))  # in the middle of what reads it
            if not message.get("more_body", False):
                self._had = -1
        return message


def _too_large(most: int) -> str:
    return f"More than {most // 1_000_000 or most / 1_000_000:g} MB were sent: send less at once."


async def _peeked(receive: Receive) -> tuple[str, Receive]:
    """The token of a form, and what gives the form once more."""
    body = b""
    while True:
        try:
            message = await receive()
        except HTTPException as large:
            raise Refused(413, large.detail) from None
        if message["type"] != "http.request":
            raise Refused(400, "The request broke off.")
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        fields = parse_qs(body.decode("ascii", "replace"), max_num_fields=1000)
    except ValueError:
        raise Refused(400, "The form has too many fields.") from None
    return (fields.get("csrf") or [""])[0], again


def _query(scope: Scope, name: str) -> str:
    try:
        pairs = parse_qsl(scope["query_string"].decode("ascii", "replace"), max_num_fields=1000)
    except ValueError:
        raise Refused(400, "The address has too many parts.") from None
    return next((value for key, value in pairs if key == name), "")
