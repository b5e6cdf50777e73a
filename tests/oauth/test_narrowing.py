"""Narrowed requests: the part that the person allows is granted, returned and enforced (RFC 9396 sections 6 and 7)."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from gateway.store.consents.consents import CONSENTS
from tests.support.oauth import Browser, form_to, pkce, query_of
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import reading

TIER = {"type": "score", "level": "tier"}
EXACT = {"type": "score", "level": "exact", "optional": True, "duration": "P30D"}
WAIVER = {
    "type": "decision",
    "products": ["DEPOSIT_WAIVER"],
    "maximum_amount": {"amount": "3000.00", "currency": "CNY"},
}
LATER = {**WAIVER, "products": ["PAY_LATER"], "optional": True}
ASKED = [TIER, EXACT, WAIVER, LATER]


def open_page(world: OAuthWorld, browser: Browser, *asked: Any, **changed: Any) -> tuple[httpx2.Response, str]:
    """The consent page of a request, and the code_verifier."""
    verifier, challenge = pkce()
    details = {"scope": None, "authorization_details": list(asked)} if asked else {}
    pushed = world.cars.push(challenge, **{**details, **changed})
    assert pushed.status_code == 201, pushed.text
    page = browser.open(world.cars.address(pushed.json()["request_uri"]), "mei", PASSWORD)
    assert page.status_code == 200
    return page, verifier


def grant(world: OAuthWorld, *asked: Any, fields: dict[str, str] | None = None, **changed: Any) -> dict[str, Any]:
    """The token response after the person has allowed the request with these fields."""
    browser = world.browser()
    page, verifier = open_page(world, browser, *asked, **changed)
    response = browser.submit(page, "/oauth/authorize", decision="allow", **(fields or {}))
    assert response.status_code == 303, response.text
    tokens = world.cars.redeem(query_of(response.headers["location"])["code"], verifier)
    assert tokens.status_code == 200
    whole: dict[str, Any] = tokens.json()
    return whole


def introspect(world: OAuthWorld, token: str) -> dict[str, Any]:
    whole: dict[str, Any] = world.cars.post("/oauth/introspect", {"token": token}).json()
    return whole


def levels_and_products(tokens: dict[str, Any]) -> list[Any]:
    return [one.get("level") or one["products"] for one in tokens["authorization_details"]]


def test_34_optional_parts_are_excluded_by_default(world: OAuthWorld) -> None:
    page, _ = open_page(world, world.browser(), *ASKED)
    assert page.text.count('type="checkbox"') == 2
    assert " checked" not in page.text
    tokens = grant(world, *ASKED)
    assert levels_and_products(tokens) == ["tier", ["DEPOSIT_WAIVER"]]
    assert tokens["scope"] == "score:tier decisions:request"


def test_34_form_without_fields_grants_request(world: OAuthWorld) -> None:
    browser = world.browser()
    page, verifier = open_page(world, browser, *ASKED)
    csrf = page.text.split('name="csrf_token" value="')[1].split('"')[0]
    uri = page.text.split('name="request_uri" value="')[1].split('"')[0]
    data = {"csrf_token": csrf, "client_id": world.cars.client_id, "request_uri": uri, "decision": "allow"}
    response = browser.http.post("/oauth/authorize", data=data)
    tokens = world.cars.redeem(query_of(response.headers["location"])["code"], verifier).json()
    assert levels_and_products(tokens) == ["tier", ["DEPOSIT_WAIVER"]]
    assert tokens["authorization_details"][1]["maximum_amount"] == {"amount": "3000.00", "currency": "CNY"}


def test_34_narrowed_consent_is_stored_and_returned(world: OAuthWorld) -> None:
    fields = {"include_1": "yes", "amount_2": "1500", "amount_3": "7", "duration": "P7D"}
    tokens = grant(world, *ASKED, fields=fields)
    expected = [
        {"type": "score", "level": "tier", "purpose": "CAR_RENTAL", "duration": "P7D"},
        {"type": "score", "level": "exact", "purpose": "CAR_RENTAL", "duration": "P7D"},
        {
            "type": "decision",
            "products": ["DEPOSIT_WAIVER"],
            "maximum_amount": {"amount": "1500.00", "currency": "CNY"},
            "purpose": "CAR_RENTAL",
            "duration": "P7D",
        },
    ]
    assert tokens["authorization_details"] == expected
    assert introspect(world, tokens["access_token"])["authorization_details"] == expected
    assert world.cars.refresh(tokens["refresh_token"]).json()["authorization_details"] == expected
    with reading(world.database) as unit:
        row = unit.connection.execute(select(CONSENTS)).one()
        assert row.details == expected
        assert (row.expires_at - row.granted_at).days == 7
        (version,) = unit.consent_versions.list_of_consent(row.id)
    assert version.narrowed
    assert version.asked is not None
    assert [detail.optional for detail in version.asked.details] == [False, True, False, True]


def test_34_plain_scopes_can_be_narrowed(world: OAuthWorld) -> None:
    tokens = grant(world, fields={"amount_1": "100.50", "duration": "P1D"})
    assert {one["duration"] for one in tokens["authorization_details"]} == {"P1D"}
    amounts = [one["maximum_amount"]["amount"] for one in tokens["authorization_details"] if "maximum_amount" in one]
    assert amounts[0] == "100.50"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"amount_2": "3000.01"}, "up to CN¥3,000", id="more-than-asked"),
        pytest.param({"amount_2": "0"}, "above zero", id="zero"),
        pytest.param({"amount_2": "-5"}, "above zero", id="negative"),
        pytest.param({"amount_2": "a lot"}, "above zero", id="junk"),
        pytest.param({"amount_2": ""}, "above zero", id="emptied"),
        pytest.param({"amount_2": "1.001"}, "above zero", id="decimals"),
        pytest.param({"amount_2": "<script>"}, "above zero", id="markup"),
        pytest.param({"duration": "P91D"}, "a duration from the list", id="longer-than-asked"),
        pytest.param({"duration": "junk"}, "a duration from the list", id="junk-duration"),
        pytest.param({"include_0": "yes"}, "does not fit this request", id="tick-of-a-part-not-offered"),
        pytest.param({"include_9": "yes"}, "does not fit this request", id="tick-of-no-part"),
        pytest.param({"include_x": "yes"}, "does not fit this request", id="no-such-field"),
        pytest.param({"amount_99": "1"}, "does not fit this request", id="amount-of-no-part"),
    ],
)
def test_34_invalid_fields_are_reported_and_nothing_is_decided(
    world: OAuthWorld, fields: dict[str, str], expected: str
) -> None:
    browser = world.browser()
    page, verifier = open_page(world, browser, *ASKED)
    response = browser.submit(page, "/oauth/authorize", decision="allow", **{"include_1": "yes", **fields})
    assert response.status_code == 422
    assert expected in response.text
    assert "Nothing has been decided yet." in response.text
    assert "<script>" not in response.text
    assert response.text.count(" checked") == 1
    with reading(world.database) as unit:
        assert unit.connection.execute(select(CONSENTS)).all() == []
    right = {"amount_2": "10", "duration": "P90D"}
    done = browser.submit(response, "/oauth/authorize", decision="allow", **right)
    assert done.status_code == 303
    tokens = world.cars.redeem(query_of(done.headers["location"])["code"], verifier).json()
    assert levels_and_products(tokens) == ["tier", "exact", ["DEPOSIT_WAIVER"]]


def test_34_page_with_error_keeps_language_and_address(world: OAuthWorld) -> None:
    browser = world.browser()
    browser.http.headers["accept-language"] = "zh"
    page, _ = open_page(world, browser, *ASKED)
    response = browser.submit(page, "/oauth/authorize", decision="allow", amount_2="9999")
    assert "不超过 ¥3,000" in response.text
    assert 'value="9999"' in response.text
    address = response.text.split('hreflang="en" href="')[1].split('"')[0].replace("&amp;", "&")
    english = browser.get(address).text
    assert "asks for your permission" in english
    assert 'value="9999"' in english


def test_34_missing_fields_keep_request(world: OAuthWorld) -> None:
    browser = world.browser()
    page, verifier = open_page(world, browser, *ASKED)
    own = {name: value for name, value in form_to(page.text, "/oauth/authorize").fields.items() if "_" in name}
    hidden = {name: value for name, value in own.items() if not name.startswith(("amount_", "include_"))}
    done = browser.http.post("/oauth/authorize", data={**hidden, "decision": "allow"})
    tokens = world.cars.redeem(query_of(done.headers["location"])["code"], verifier).json()
    assert [one.get("maximum_amount") for one in tokens["authorization_details"]] == [None, WAIVER["maximum_amount"]]


def test_34_denial_ignores_invalid_fields(world: OAuthWorld) -> None:
    browser = world.browser()
    page, _ = open_page(world, browser, *ASKED)
    response = browser.submit(page, "/oauth/authorize", decision="deny", amount_2="junk")
    assert query_of(response.headers["location"])["error"] == "access_denied"


def test_34_empty_consent_is_rejected(world: OAuthWorld) -> None:
    browser = world.browser()
    page, _ = open_page(world, browser, EXACT, LATER)
    response = browser.submit(page, "/oauth/authorize", decision="allow")
    assert response.status_code == 422
    assert "tick at least one item" in response.text
    done = browser.submit(response, "/oauth/authorize", decision="allow", include_1="yes")
    assert done.status_code == 303


def test_34_decided_request_is_not_shown_again(world: OAuthWorld) -> None:
    browser = world.browser()
    page, _ = open_page(world, browser, *ASKED)
    first = browser.submit(page, "/oauth/authorize", decision="allow")
    second = browser.submit(page, "/oauth/authorize", decision="allow", amount_2="junk")
    assert second.headers["location"] == first.headers["location"]


def test_54_refresh_cannot_add_excluded_part(world: OAuthWorld) -> None:
    tokens = grant(world, TIER, EXACT, LATER)
    assert tokens["scope"] == "score:tier"
    for scope in ("score:exact", "decisions:request", "score:tier decisions:preview"):
        response = world.cars.refresh(tokens["refresh_token"], scope=scope)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")
    assert world.cars.refresh(tokens["refresh_token"], scope="score:threshold").json()["authorization_details"] == [
        {"type": "score", "level": "threshold", "purpose": "CAR_RENTAL", "duration": "P90D"}
    ]


def test_54_refresh_can_select_allowed_part(world: OAuthWorld) -> None:
    tokens = grant(world, TIER, EXACT, fields={"include_1": "yes"})
    assert world.cars.refresh(tokens["refresh_token"], scope="score:exact").status_code == 200


def test_account_page_shows_narrowed_consent(world: OAuthWorld) -> None:
    browser = world.browser()
    page, _ = open_page(world, browser, *ASKED)
    browser.submit(page, "/oauth/authorize", decision="allow", amount_2="1500")
    text = browser.get("/account").text
    for expected in (
        "Up to CN¥1,500 ",
        "you allowed less than the merchant asked for.",
        "Up to CN¥3,000 ",
        "pay later",
    ):
        assert expected in text, expected
    action = text.split('<form method="post" action="/account/consents/')[1].split('"')[0]
    browser.submit_and_confirm(browser.get("/account"), f"/account/consents/{action}")
    assert "On November 23, 2026 you ended it." in browser.get("/account").text


def test_account_page_shows_unchanged_consent(world: OAuthWorld) -> None:
    browser = world.browser()
    page, _ = open_page(world, browser, TIER)
    browser.submit(page, "/oauth/authorize", decision="allow")
    text = browser.get("/account").text
    assert "On November 23, 2026 you allowed what the merchant asked for." in text
    assert "you allowed less than" not in text
