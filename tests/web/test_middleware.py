"""Middleware and error pages: request ids, headers, limits, errors, and the protection of secrets."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from gateway.web import routes
from tests.support.oauth import pkce
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import writing

PICO = "dc3885c4785f04e3bd458469eec0d18bc071c2b1f1d2fd735e83d00dfe9571b3"
FOLDER = Path(routes.__file__).parent / "static"


def test_pico_file_is_unchanged() -> None:
    css = FOLDER / "pico" / "pico-2.1.1.jade.min.css"
    assert hashlib.sha256(css.read_bytes()).hexdigest() == PICO
    assert "MIT License" in (FOLDER / "pico" / "LICENSE.md").read_text()


def test_styles_are_served(world: OAuthWorld) -> None:
    for name in ("gateway.css", "mark.svg", "pico/pico-2.1.1.jade.min.css"):
        response = world.http().get(f"/static/{name}")
        assert response.status_code == 200
        assert response.headers["x-content-type-options"] == "nosniff"


def test_static_files_are_compressed_and_asked_for_again(world: OAuthWorld) -> None:
    http, address = world.http(), "/static/graphiql/graphiql.js"
    response = http.get(address, headers={"Accept-Encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert response.content == (FOLDER / "graphiql" / "graphiql.js").read_bytes()
    assert response.headers["cache-control"] == "no-cache"
    assert http.get(address, headers={"If-None-Match": response.headers["etag"]}).status_code == 304


@pytest.mark.parametrize("sent", ["abcdefgh", "8f1c-2b.7_X" * 5])
def test_valid_request_id_is_kept(world: OAuthWorld, sent: str) -> None:
    assert world.http().get("/login", headers={"X-Request-Id": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["short", "x" * 65, "a b c d e f", "<script>alert", ""])
def test_invalid_request_id_is_replaced(world: OAuthWorld, sent: str) -> None:
    assert world.http().get("/login", headers={"X-Request-Id": sent}).headers["x-request-id"].startswith("req_test_")


def test_unknown_address_gets_page_or_json(world: OAuthWorld) -> None:
    page = world.http().get("/nowhere", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert page.headers["x-request-id"] in page.text
    error = world.http().get("/nowhere").json()["errors"][0]
    assert error["extensions"]["code"] == "NOT_FOUND"


def test_wrong_method_is_rejected(world: OAuthWorld) -> None:
    assert world.http().put("/login").status_code == 405


def test_unexpected_error_shows_and_logs_no_details(world: OAuthWorld) -> None:
    http = TestClient(world.app, base_url=world.container.settings.issuer)
    with capture_logs() as logs:
        program = http.get("/broken")
        person = http.get("/broken", headers={"Accept": "text/html"})
    for response in (program, person):
        assert response.status_code == 500
        assert "secret" not in response.text
        assert "Traceback" not in response.text
        assert response.headers["x-request-id"] in response.text
    assert [entry["error"] for entry in logs] == ["RuntimeError", "RuntimeError"]
    assert "secret" not in json.dumps(logs)


def test_oauth_endpoint_without_database_returns_server_error(world: OAuthWorld) -> None:
    with writing(world.database) as unit:
        unit.connection.exec_driver_sql("ALTER TABLE oauth_clients RENAME TO gone")
    with capture_logs() as logs:
        response = world.cars.merchant_token()
    assert (response.status_code, response.json()["error"]) == (500, "server_error")
    assert "oauth_clients" not in response.text
    assert logs[0]["error"] in {"OperationalError", "ProgrammingError"}
    assert "oauth_clients" not in json.dumps(logs)


def test_74_no_secret_in_logs_or_error_pages(
    world: OAuthWorld, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    browser = world.browser()
    verifier, challenge = pkce()
    uri = world.cars.push(challenge).json()["request_uri"]
    page = browser.open(world.cars.address(uri), "mei", PASSWORD)
    location = browser.submit(page, "/oauth/authorize", decision="allow").headers["location"]
    code = re.findall(r"code=([^&]+)", location)[0]
    tokens = world.cars.redeem(code, verifier).json()
    texts = [
        world.cars.redeem(code, verifier).text,
        world.cars.refresh(tokens["refresh_token"] + "x").text,
        browser.get(world.cars.address(uri)).text.replace(f"request_uri={uri}", ""),
        world.cars.call(tokens["access_token"] + "x").text,
        browser.sign_in("mei", "a wrong password").text,
    ]
    out, err = capfd.readouterr()
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith("httpx2")]
    everything = "\n".join([*texts[:2], *texts[3:], out, err, *logged])
    for secret in (code, tokens["access_token"], tokens["refresh_token"], verifier, uri, PASSWORD, world.cars.secret):
        assert secret not in everything, secret


def test_75_database_has_no_usable_secret(world: OAuthWorld, sqlite_url: str) -> None:
    browser = world.browser()
    tokens = world.cars.tokens(browser, "mei", PASSWORD)
    cookie = browser.http.cookies["sesame_session"]
    world.database.close()
    stored = b"".join(file.read_bytes() for file in Path(sqlite_url.removeprefix("sqlite:///")).parent.glob("*.db*"))
    for secret in (tokens["access_token"], tokens["refresh_token"], cookie, PASSWORD, world.cars.secret):
        assert secret.encode() not in stored
