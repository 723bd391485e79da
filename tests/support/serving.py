"""The page, asked without a browser: an application over a catalogue, and a client that was let in."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
from starlette.testclient import TestClient

from cli.web.app import build
from cli.web.security import Keys
from cli.web.workplace import Workplace
from db import audit
from db.catalogue import open_catalogue

PORT = 8765
ADDRESS = f"http://127.0.0.1:{PORT}"
BEARER = "a-token-for-programs"


class Visitor:
    """Somebody who asks the server. client: as it is; keys: the server's."""

    def __init__(self, client: TestClient, keys: Keys, place: Workplace) -> None:
        self.client, self.keys, self.place = client, keys, place

    def enter(self) -> "Visitor":
        """Open the printed address."""
        assert self.client.get(self.keys.first_address).status_code == 200
        return self

    def get(self, address: str, *, part: bool = False, status: int = 200, **more: Any) -> str:
        headers = {"hx-request": "true"} if part else {}
        answer = self.client.get(address, headers=headers, **more)
        assert answer.status_code == status, answer.text[:2000]
        return answer.text

    def post(self, address: str, data: dict[str, Any], *, follow: bool = True, status: int = 200) -> httpx.Response:
        answer = self.client.post(
            address, data={"csrf": self.keys.csrf, **data}, headers={"origin": ADDRESS}, follow_redirects=follow
        )
        assert answer.status_code == status, answer.text[:2000]
        return answer

    def search(self, text: str, **more: Any) -> httpx.Response:
        return self.post("/search", {"text": text, **more})

    def api(self, method: str, address: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {BEARER}"}
        return self.client.request(method, f"/api/v1{address}", headers=headers, **more)

    def audit_kinds(self) -> list[str]:
        with open_catalogue(self.place.path) as catalogue, catalogue.read() as session:
            return [each.kind for each in audit.entries(session)]


@contextmanager
def served(catalogue: Path, *, inside: bool = True, **options: Any) -> Iterator[Visitor]:
    """inside: whether the visitor was let in."""
    place = Workplace(catalogue, **options)
    keys = Keys(PORT, BEARER)
    app: Any = build(place, keys)
    with TestClient(app, base_url=ADDRESS, follow_redirects=True, raise_server_exceptions=False) as client:
        visitor = Visitor(client, keys, place)
        yield visitor.enter() if inside else visitor


def ranks(page: str) -> list[tuple[int, int]]:
    """Rank and face of the hits on a page."""
    found = re.findall(r'alt="Face (\d+), rank (\d+)"', page)
    return [(int(rank), int(face)) for face, rank in found]


def faces_on(page: str) -> list[int]:
    return [face for _, face in ranks(page)]
