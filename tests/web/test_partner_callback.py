"""The redirect URI of a sandbox's test clients: a page that shows the code and the next call."""

import re
import shlex
from contextlib import closing
from html import unescape
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from gateway.app import create_app
from gateway.bootstrap import build
from gateway.settings import EnvironmentName, Settings
from tests.support.oauth import pkce
from tests.support.oauth_world import PASSWORD, OAuthWorld

PATH = "/partners/callback"
CODE = "sgw_test_ac_" + "a" * 43
PRE = re.compile(r"<pre[^>]*><code>(.*?)</code></pre>", re.DOTALL)


def show(world: OAuthWorld, language: str = "en", **query: str) -> str:
    response = world.http().get(PATH, params=query, headers={"Accept-Language": language})
    assert response.status_code == 200, response.text
    return str(response.text)


def test_f6_allow_ends_on_the_page_and_its_command_redeems_the_code(world: OAuthWorld) -> None:
    callback = world.container.settings.issuer + PATH
    world.change_client(world.cars, redirect_uris=[callback])
    verifier, challenge = pkce()
    pushed = world.cars.push(challenge, redirect_uri=callback)
    browser = world.browser()
    page = browser.open(world.cars.address(pushed.json()["request_uri"]), "mei", PASSWORD)
    answered = browser.submit(page, "/oauth/authorize", decision="allow")
    shown = browser.get(answered.headers["location"])
    assert shown.status_code == 200
    export, curl = unescape(PRE.findall(shown.text)[0]).split("\n", 1)
    values = {"$CODE": export.removeprefix("export CODE="), "$CODE_VERIFIER": verifier}
    words = shlex.split(curl.replace("\\\n", " "))
    assert words[:3] == ["curl", "-s", world.container.settings.issuer + "/oauth/token"]
    assert words[3:5] == ["-u", "$CLIENT_ID:$CLIENT_SECRET"]
    form = dict(word.split("=", 1) for word in words[6::2])
    sent = {name: values.get(value, value) for name, value in form.items()}
    tokens = world.http().post("/oauth/token", data=sent, headers=world.cars.auth)
    assert tokens.status_code == 200, tokens.text
    assert tokens.json()["access_token"].startswith("sgw_test_at_")


def test_f6_denial_ends_on_the_page(world: OAuthWorld) -> None:
    page = show(world, error="access_denied", state="s", iss=world.container.settings.issuer)
    assert "access_denied" in page
    assert "no code" in page
    assert not PRE.search(page)


def test_f6_code_is_shown_once_and_not_logged(world: OAuthWorld) -> None:
    with capture_logs() as logged:
        page = show(world, code=CODE, state="s", iss=world.container.settings.issuer)
    main = page.split('<main id="main">')[1].split("</main>")[0]
    assert main.count(CODE) == 1
    assert CODE not in str(logged)


@pytest.mark.parametrize(("language", "words"), [("en", "exchange the code"), ("zh", "换取令牌")])
def test_f6_page_is_in_both_languages(world: OAuthWorld, language: str, words: str) -> None:
    assert words in show(world, language, code=CODE)


def test_f6_page_keeps_the_rules_of_pages(world: OAuthWorld) -> None:
    response = world.http().get(PATH, params={"code": CODE})
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy + response.text
    assert "style=" not in response.text
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(query, id=f"F6-{query}")
        for query in (
            "code=",
            "code=x",
            f"code={CODE}x",
            f"code={CODE.replace('test_', '')}",
            f"code={CODE}&code={CODE}",
            "code=$(id)",
            f"code={CODE}%0Aid",
            "error=%3Cscript%3E",
            "error=A B",
            "code=%ff",
        )
    ],
)
def test_other_texts_are_not_shown(world: OAuthWorld, query: str) -> None:
    response = world.http().get(f"{PATH}?{query}", headers={"Accept-Language": "en"})
    assert response.status_code == 400
    assert not PRE.search(response.text)
    assert "There is no response in this address" in response.text


@pytest.mark.parametrize("query", ["", "state=only", "lang=zh"])
def test_f6_page_without_response_says_what_it_is_for(world: OAuthWorld, query: str) -> None:
    response = world.http().get(f"{PATH}?{query}")
    assert response.status_code == 200
    assert world.container.settings.issuer + PATH in response.text


def test_f6_state_is_escaped_and_a_foreign_issuer_is_reported(world: OAuthWorld) -> None:
    page = show(world, code=CODE, state="<b>'\"&", iss="https://evil.example")
    assert "<b>'" not in page
    assert "evil.example" not in page.split('<main id="main">')[1]
    assert "missing or wrong" in page
    assert "missing or wrong" not in show(world, code=CODE, iss=world.container.settings.issuer)


def test_f6_long_or_unprintable_state_is_left_out(world: OAuthWorld) -> None:
    for state in ("x" * 201, "a\nb", "\u202e"):
        main = show(world, code=CODE, state=state).split('<main id="main">')[1]
        assert urlencode({"": state}) not in main
        assert state not in main


@pytest.mark.parametrize(
    ("environment", "issuer", "status"),
    [
        pytest.param(EnvironmentName.SANDBOX, "http://127.0.0.1:8000", 200, id="F6-sandbox"),
        pytest.param(EnvironmentName.LIVE, "https://gateway.example", 404, id="F6-live"),
    ],
)
def test_only_a_sandbox_has_the_page(
    settings: Settings, sqlite_url: str, environment: EnvironmentName, issuer: str, status: int
) -> None:
    changed = {"database_url": sqlite_url, "environment": environment, "issuer": issuer}
    with closing(build(settings.model_copy(update=changed))) as container:
        assert TestClient(create_app(container)).get(PATH, params={"error": "access_denied"}).status_code == status
