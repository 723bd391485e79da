"""The API answers whatever its description (OpenAPI) allows, and says so of what it does not: no fault, and no answer
that the description does not know."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.support.serving import ADDRESS, BEARER, Visitor, served
from tests.support.squares import album, index

schemathesis: Any = pytest.importorskip("schemathesis", reason="schemathesis is not installed: pip install '.[dev]'")
checks: Any = pytest.importorskip("schemathesis.specs.openapi.checks")

pytestmark = pytest.mark.slow

EXAMPLES = 100
EXCLUDED = [
    checks.positive_data_acceptance,  # a text that cannot be read is refused as such
    checks.ignored_auth,  # it sends the token all the same; see test_serve_security.py
]
HEADERS = {"authorization": f"Bearer {BEARER}", "host": ADDRESS.removeprefix("http://")}


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    folder = tmp_path_factory.mktemp("described")
    with served(index(folder / "faces.db", album(folder / "album"))) as found:
        yield found


@pytest.fixture(scope="module")
def described(visitor: Visitor) -> Any:
    schema = schemathesis.openapi.from_dict(visitor.api("GET", "/openapi.json").json())
    schema.app = _kept_open(visitor.client.app)
    schema.config.update(base_url=f"{ADDRESS}/api/v1")
    return schema


def _kept_open(app: Any) -> Any:
    """The application without its end, which each of the requests would bring otherwise."""

    async def asked(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    return asked


OPERATIONS = [
    "POST /read",
    "GET /search",
    "POST /search",
    "GET /similar",
    "POST /similar",
    "GET /faces/{face}",
    "GET /faces/{face}/crop",
    "GET /faces/{face}/photo",
    "GET /status",
    "GET /runs",
]


def test_every_operation_is_tried(described: Any) -> None:
    assert sorted(each.ok().label for each in described.get_all_operations()) == sorted(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_answer_is_one_that_the_description_knows(described: Any, operation: str) -> None:
    method, _, path = operation.partition(" ")

    @given(case=described[path][method].as_strategy())
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,  # the same requests each time
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def answered(case: Any) -> None:
        case.call_and_validate(headers=HEADERS, excluded_checks=EXCLUDED)

    answered()
