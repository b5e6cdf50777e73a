"""Health checks."""

from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway.web.health import health_routes


def test_healthy_and_ready() -> None:
    http = TestClient(Starlette(routes=list(health_routes(lambda: None))))
    for path in ("/healthz", "/readyz"):
        response = http.get(path)
        assert (response.status_code, response.json()) == (200, {"status": "ok"})
        assert response.headers["cache-control"] == "no-store"


def test_healthy_but_not_ready() -> None:
    def down() -> None:
        raise ConnectionError("user:password@host")

    http = TestClient(Starlette(routes=list(health_routes(down))))
    assert http.get("/healthz").status_code == 200
    response = http.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"status": "unavailable"})
