"""GraphiQL in a real browser: prepared tabs run at one press, the sign-in button leads to a real consent, and nothing
is loaded from another host."""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from tests.support.browsing import Watch
from tests.support.graphiql import PAGE
from tests.support.http_server import wait_until
from tests.support.merchant_client import MerchantClient
from tests.support.operators import Gateway
from tests.support.server import Sandbox

pytestmark = pytest.mark.browser
SIZES = [pytest.param(1280, 900, id="1280"), pytest.param(390, 844, id="390")]
LOOKS = ["light", "dark"]
AROUND = "axe.run({exclude: [['#graphiql']]}, {resultTypes: ['violations']}).then(result => result.violations)"

Open = Callable[..., Watch]


@pytest.fixture
def open_link(chromium: Any, sqlite_sandbox: Sandbox) -> Open:
    """Returns a function that opens a sign-in link of the demo partner."""
    issuer = str(sqlite_sandbox.credentials["issuer"])
    gateway = Gateway(sqlite_sandbox.database_url, sqlite_sandbox.folder, GATEWAY_ISSUER=issuer)

    def open_link(width: int = 1280, height: int = 900, look: str = "light", locale: str = "en-US") -> Watch:
        watch = Watch(chromium, issuer, width, height, locale, scripts=True, color_scheme=look)
        link = re.search(r"http\S+token=\S+", gateway.output("sandbox", "partner", "link"))
        assert link is not None
        watch.page.goto(link[0])
        return watch

    return open_link


@pytest.fixture
def open_page(open_link: Open) -> Open:
    """Returns a function that opens the page as the demo partner."""

    def open_page(*arguments: Any, **options: Any) -> Watch:
        watch = open_link(*arguments, **options)
        watch.page.goto(watch.issuer + PAGE)
        wait_for_editor(watch)
        return watch

    return open_page


def wait_for_editor(watch: Watch) -> None:
    watch.page.wait_for_selector(".graphiql-query-editor .view-line")


def choose_tab(watch: Watch, name: str) -> None:
    watch.page.locator(".graphiql-tab-button", has_text=name).click()
    watch.page.wait_for_function(
        "name => document.querySelector('.graphiql-query-editor').innerText.includes(name)", arg=name
    )


def run(watch: Watch) -> dict[str, Any]:
    """Presses the button of the editor; returns the data of the last response."""
    with watch.page.expect_response(lambda response: response.url.endswith("/graphql")) as sent:
        watch.page.click(".graphiql-execute-button")
    body: dict[str, Any] = sent.value.json()
    assert "errors" not in body, body
    data: dict[str, Any] = body["data"]
    return data


def assert_fits(watch: Watch) -> None:
    """Nothing is wider than the window."""
    assert watch.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0


def assert_clean(watch: Watch) -> None:
    assert watch.foreign_requests == []
    assert watch.console_messages == []


def test_second_click_makes_the_first_decision(open_link: Open) -> None:
    watch = open_link()
    watch.page.get_by_role("link", name="Try requests in GraphiQL").click()
    wait_for_editor(watch)
    assert run(watch)["decisionRequest"]["decision"]["status"] == "APPROVED"


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_each_prepared_tab_runs(open_page: Open, tmp_path: Path, width: int, height: int, look: str) -> None:
    watch = open_page(width, height, look)
    choose_tab(watch, "Tier")
    assert run(watch)["consentedUser"]["scoreTier"]["tier"] == "EXCELLENT"
    choose_tab(watch, "Preview")
    assert run(watch)["decisionPreview"]["eligible"]
    choose_tab(watch, "Request")
    decision = run(watch)["decisionRequest"]["decision"]
    watch.page.screenshot(path=tmp_path / f"request-{look}-{width}.png", full_page=True)
    choose_tab(watch, "Lifecycle")
    assert watch.page.is_checked("input[name=token][value=merchant]")
    fulfilled = run(watch)["decisionFulfill"]["decision"]
    assert (fulfilled["id"], fulfilled["status"]) == (decision["id"], "FULFILLED")
    choose_tab(watch, "Log")
    assert decision["id"] in json.dumps(run(watch)["merchant"])
    assert_fits(watch)
    assert_clean(watch)


def test_lifecycle_alone_requests_a_decision_first(open_page: Open) -> None:
    watch = open_page()
    choose_tab(watch, "Lifecycle")
    with watch.page.expect_response(lambda response: "decisionFulfill" in (response.request.post_data or "")) as sent:
        watch.page.click(".graphiql-execute-button")
    assert sent.value.json()["data"]["decisionFulfill"]["decision"]["status"] == "FULFILLED"
    assert_clean(watch)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_sign_in_gives_the_token_of_the_consent(
    open_page: Open, partner: MerchantClient, tmp_path: Path, width: int, height: int
) -> None:
    watch = open_page(width, height)
    watch.page.click(f"form[action='{PAGE}/sign-in'] button")
    watch.sign_in(partner.persona("fair"))
    watch.page.click("button[name=decision][value=allow]")
    wait_for_editor(watch)
    assert watch.page.url.startswith(f"{watch.issuer}{PAGE}?merchant=")
    told = watch.page.inner_text("#status")
    choose_tab(watch, "Tier")
    user = run(watch)["consentedUser"]
    assert user["scoreTier"]["tier"] == "FAIR"
    assert "fair@demo" in told
    assert user["consent"]["id"] in told
    watch.page.screenshot(path=tmp_path / f"signed-in-{width}.png", full_page=True)
    assert watch.foreign_requests == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_schema_and_history_open_beside_the_editor(open_page: Open, tmp_path: Path, width: int, height: int) -> None:
    watch = open_page(width, height)
    choose_tab(watch, "Tier")
    run(watch)
    watch.page.click(".graphiql-sidebar button >> nth=0")
    watch.page.get_by_role("link", name="ConsentedUser").click()
    watch.page.get_by_text("The user's tier. Null, with error SCORE_UNAVAILABLE").wait_for()
    watch.page.screenshot(path=tmp_path / f"schema-{width}.png", full_page=True)
    watch.page.click(".graphiql-sidebar button >> nth=1")
    watch.page.locator(".graphiql-history-item", has_text="Tier").wait_for()
    assert_fits(watch)
    assert_clean(watch)


def test_request_of_the_log_opens_in_its_tab_and_runs(open_page: Open, partner: MerchantClient) -> None:
    watch = open_page()
    watch.page.locator(".graphiql-tab-add").click()
    name = f"Logged{token_hex(4)}"
    document = f"query {name}($minimum: Tier!) {{ consentedUser {{ meetsTier(minimum: $minimum) }} }}"
    watch.page.locator(".graphiql-query-editor textarea").fill(document)
    watch.page.locator(".graphiql-editor-tool textarea").first.fill('{"minimum": "FAIR"}')
    watch.page.locator(".graphiql-tab-button", has_text=name).wait_for()
    assert run(watch)["consentedUser"] == {"meetsTier": "YES"}
    find = "query Find($name: String!) { requestLog(filter: {operationName: $name}) { nodes { graphiqlUrl } } }"
    read = partial(partner.graphql, partner.merchant_token, find, name=name)
    wait_until(lambda: bool(read().data["requestLog"]["nodes"]))
    watch.page.goto(read().data["requestLog"]["nodes"][0]["graphiqlUrl"])
    wait_for_editor(watch)
    assert watch.page.inner_text(".graphiql-tab-active .graphiql-tab-button") == name
    assert run(watch)["consentedUser"] == {"meetsTier": "YES"}
    assert_clean(watch)


def test_decline_for_lack_of_credit_limit_says_what_to_do(open_page: Open) -> None:
    watch = open_page()

    def force_decline(route: Any) -> None:
        body = json.loads(route.request.post_data)
        body["variables"]["input"]["merchantReference"] = f"force-limit-{token_hex(8)}"
        route.continue_(post_data=json.dumps(body))

    watch.page.route("**/graphql", force_decline)
    assert run(watch)["decisionRequest"]["decision"]["status"] == "DECLINED"
    hint = watch.page.locator("#status", has_text="choose another persona, or start afresh (sandboxReset)")
    hint.wait_for()
    watch.page.unroute("**/graphql")
    choose_tab(watch, "Tier")
    run(watch)
    hint.wait_for(state="detached")
    assert_clean(watch)


def test_edited_tab_stays_beside_the_prepared_one(open_page: Open) -> None:
    watch = open_page()
    watch.page.locator(".graphiql-query-editor textarea").fill("query Mine { viewer { appName } }")
    watch.page.locator(".graphiql-tab-button", has_text="Mine").wait_for()
    watch.page.wait_for_function("() => JSON.stringify({...localStorage}).includes('Mine')")
    watch.page.reload()
    wait_for_editor(watch)
    names = watch.page.locator(".graphiql-tab-button").all_inner_texts()
    assert names == ["Tier", "Preview", "Request", "Lifecycle", "Log", "Mine"]
    choose_tab(watch, "Tier")
    assert run(watch)["consentedUser"]
    assert_clean(watch)


def test_tokens_are_stored_nowhere(open_page: Open) -> None:
    watch = open_page()
    run(watch)
    stored = watch.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "Tier" in stored
    assert "sgw_test_" not in stored + watch.page.content() + watch.page.url


def test_refused_token_is_replaced_at_the_next_run(open_page: Open, partner: MerchantClient) -> None:
    watch = open_page()
    choose_tab(watch, "Tier")
    watch.page.select_option("#persona", "threshold")
    consent = run(watch)["consentedUser"]["consent"]["id"]
    end = """mutation End($id: ID!) { sandboxConsentEnd(consentId: $id, as: REVOKED) { consent { status } } }"""
    assert partner.graphql(partner.merchant_token, end, id=consent).data["sandboxConsentEnd"]["consent"]
    with watch.page.expect_response(lambda response: response.url.endswith("/graphql")) as sent:
        watch.page.click(".graphiql-execute-button")
    assert sent.value.status == 401
    assert run(watch)["consentedUser"]["consent"]["id"] != consent


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_page_around_the_editor_has_no_violation(
    open_page: Open, axe: str, width: int, height: int, look: str, locale: str
) -> None:
    watch = open_page(width, height, look, locale)
    assert_fits(watch)
    watch.page.evaluate(f"{axe}; 0")
    found = watch.page.evaluate(AROUND)
    assert [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in found] == []
