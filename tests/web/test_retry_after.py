"""Responses with Retry-After: 429 at a limit, 503 without the shared store, as a page or as JSON."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from gateway.kit.limits import TooManyAttempts
from gateway.kit.valkey import SharedStateDown
from gateway.settings import Settings
from gateway.web.errors import Errors
from gateway.web.rendering import Renderer


def http(settings: Settings, error: Exception) -> Any:
    """A client of an application that always raises this error."""

    async def fail(_: Request) -> Response:
        raise error

    handlers = Errors(Renderer(settings)).handlers()
    return TestClient(Starlette(routes=[Route("/{path:path}", fail)], exception_handlers=handlers))


@pytest.mark.parametrize(
    ("error", "status", "seconds"), [(TooManyAttempts(42), 429, "42"), (SharedStateDown(), 503, "5")]
)
def test_response_is_page_or_json(settings: Settings, error: Exception, status: int, seconds: str) -> None:
    client = http(settings, error)
    page, oauth, graphql = client.get("/login"), client.get("/oauth/token"), client.get("/graphql")
    for response in (page, oauth, graphql):
        assert (response.status_code, response.headers["retry-after"]) == (status, seconds)
        assert response.headers["cache-control"] == "no-store"
    assert "text/html" in page.headers["content-type"]
    assert oauth.json()["error"] == "temporarily_unavailable"
    assert graphql.json()["errors"]


def test_error_pages_have_their_own_texts(settings: Settings) -> None:
    assert "Too many attempts" in http(settings, TooManyAttempts(1)).get("/account").text
    assert "not available right now" in http(settings, SharedStateDown()).get("/account").text
