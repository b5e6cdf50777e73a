"""Decisions on the device page: once, by an eligible person, about the shown request."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from gateway.store.consents.consents import CONSENTS
from gateway.store.oauth.device_codes import DEVICE_CODES
from gateway.store.outbox import OUTBOX
from tests.support.clock import MovableClock
from tests.support.oauth import form_to
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.point_of_sale import (
    SALE,
    TIER,
    authorize_device,
    decide,
    is_undecided,
    only_consent,
    open_confirmation,
    poll,
)
from tests.support.units import reading


def test_70_allowed_request_gets_consent(world: OAuthWorld, device: dict[str, Any]) -> None:
    browser = world.browser()
    response = decide(browser, device["user_code"])
    assert device["user_code"] not in response.headers["location"]
    assert "Allowed" in browser.get(response.headers["location"]).text
    consent = only_consent(world)
    assert consent.single_use
    assert consent.scopes == ["decisions:request"]
    with reading(world.database) as unit:
        assert unit.connection.execute(select(DEVICE_CODES)).one().consent_id == consent.id
        assert unit.connection.execute(select(OUTBOX)).one().topic == "CONSENT_GRANTED"


def test_70_denied_request_gets_no_consent(world: OAuthWorld, device: dict[str, Any]) -> None:
    browser = world.browser()
    response = decide(browser, device["user_code"], "deny")
    assert "Not allowed" in browser.get(response.headers["location"]).text
    with reading(world.database) as unit:
        assert unit.connection.execute(select(CONSENTS)).all() == []
        assert unit.connection.execute(select(DEVICE_CODES)).one().decided_at is not None


def test_70_request_is_decided_once(world: OAuthWorld, device: dict[str, Any]) -> None:
    browser = world.browser()
    first, second = open_confirmation(browser, device["user_code"]), open_confirmation(browser, device["user_code"])
    denied = browser.submit(first, "/device", decision="deny")
    assert denied.status_code == 303
    assert browser.submit(second, "/device", decision="allow").headers["location"] == denied.headers["location"]
    assert poll(world.bank, device["device_code"]).json()["error"] == "access_denied"


def test_70_second_person_cannot_decide(world: OAuthWorld, device: dict[str, Any]) -> None:
    mei, bo = world.browser(), world.browser()
    one, other = open_confirmation(mei, device["user_code"]), open_confirmation(bo, device["user_code"], "bo")
    assert mei.submit(one, "/device", decision="allow").status_code == 303
    assert bo.submit(other, "/device", decision="allow").status_code == 400
    only_consent(world)


def test_70_late_decision_is_rejected(world: OAuthWorld, device: dict[str, Any], clock: MovableClock) -> None:
    browser = world.browser()
    page = open_confirmation(browser, device["user_code"])
    clock.advance(minutes=10)
    assert browser.submit(page, "/device", decision="allow").status_code == 400
    assert is_undecided(world)


@pytest.mark.parametrize("decision", ["ALLOW", "maybe", "allow "])
def test_70_unknown_decision_is_rejected(world: OAuthWorld, device: dict[str, Any], decision: str) -> None:
    browser = world.browser()
    page = open_confirmation(browser, device["user_code"])
    assert browser.submit(page, "/device", decision=decision).status_code == 400
    assert is_undecided(world)


@pytest.mark.parametrize("token", ["", "wrong", "é"])
def test_70_csrf_token_is_required(world: OAuthWorld, device: dict[str, Any], token: str) -> None:
    browser = world.browser()
    page = open_confirmation(browser, device["user_code"])
    assert browser.submit(page, "/device", decision="allow", csrf_token=token).status_code == 403
    assert browser.submit(page, "/device", csrf_token=token).status_code == 403
    assert is_undecided(world)


def test_70_form_of_other_origin_is_rejected(world: OAuthWorld, device: dict[str, Any]) -> None:
    browser = world.browser()
    form = form_to(open_confirmation(browser, device["user_code"]).text, "/device")
    headers = {"Origin": "https://evil.example"}
    assert browser.http.post("/device", data={**form.fields, "decision": "allow"}, headers=headers).status_code == 403
    assert is_undecided(world)


def test_70_visitor_cannot_decide(world: OAuthWorld, device: dict[str, Any]) -> None:
    browser = world.browser()
    token = form_to(browser.get("/login").text, "/login").fields["csrf_token"]
    data = {"csrf_token": token, "user_code": device["user_code"], "decision": "allow"}
    assert browser.http.post("/device", data=data).status_code == 403
    assert is_undecided(world)


def test_70_user_of_other_partner_is_rejected(world: OAuthWorld, device: dict[str, Any]) -> None:
    browser = world.browser()
    page = open_confirmation(browser, device["user_code"], "otto")
    assert page.status_code == 403
    assert "Green Cars" not in page.text
    token = form_to(page.text, "/logout").fields["csrf_token"]
    data = {"csrf_token": token, "user_code": device["user_code"], "decision": "allow"}
    assert browser.http.post("/device", data=data).status_code == 403
    assert is_undecided(world)


def test_70_shown_request_is_granted(world: OAuthWorld, device: dict[str, Any]) -> None:
    browser = world.browser()
    page = open_confirmation(browser, device["user_code"])
    world.change_merchant(ceiling_minor=100)
    assert browser.submit(page, "/device", decision="allow").status_code == 400
    assert is_undecided(world)


@pytest.mark.parametrize("tick", [True, False])
def test_70_optional_parts_start_unticked(world: OAuthWorld, tick: bool) -> None:
    device = authorize_device(world.bank, SALE, {**TIER, "optional": True})
    browser = world.browser()
    page = open_confirmation(browser, device["user_code"])
    assert 'name="include_1"' in page.text
    assert "checked" not in page.text
    form = form_to(page.text, "/device")
    fields = {name: value for name, value in form.fields.items() if name != "include_1"}
    more = {"include_1": "yes"} if tick else {}
    assert browser.http.post("/device", data={**fields, **more, "decision": "allow"}).status_code == 303
    consent = only_consent(world)
    assert [detail["type"] for detail in consent.details] == (["decision", "score"] if tick else ["decision"])
    assert consent.scopes == (["score:tier", "decisions:request"] if tick else ["decisions:request"])
    response = poll(world.bank, device["device_code"]).json()
    assert [detail["type"] for detail in response["authorization_details"]] == [d["type"] for d in consent.details]


def test_70_empty_consent_is_rejected(world: OAuthWorld) -> None:
    device = authorize_device(world.bank, {**SALE, "optional": True})
    browser = world.browser()
    form = form_to(open_confirmation(browser, device["user_code"]).text, "/device")
    fields = {name: value for name, value in form.fields.items() if not name.startswith("include_")}
    page = browser.http.post("/device", data={**fields, "decision": "allow"})
    assert page.status_code == 422
    assert "Please tick at least one item" in page.text
    assert is_undecided(world)
    assert browser.submit(page, "/device", decision="deny").status_code == 303


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("include_0", "yes"),
        ("include_1", "yes"),
        ("include_" + "9" * 5000, "yes"),
        ("include_x", "yes"),
        ("amount_0", "1.00"),
        ("duration", "P1D"),
        ("duration", "junk"),
    ],
)
def test_70_amount_and_duration_cannot_be_changed(
    world: OAuthWorld, device: dict[str, Any], field: str, value: str
) -> None:
    browser = world.browser()
    page = open_confirmation(browser, device["user_code"])
    assert form_to(page.text, "/device").fields.keys() == {"csrf_token", "user_code"}
    assert browser.submit(page, "/device", decision="allow", **{field: value}).status_code == 422
    assert is_undecided(world)
    assert browser.submit(page, "/device", decision="allow").status_code == 303


def large(world: OAuthWorld) -> dict[str, Any]:
    """A sale above the amount that requires a fresh login."""
    world.change_merchant(ceiling_minor=15_000_000)
    return authorize_device(world.bank, {**SALE, "maximum_amount": {"amount": "120000.00", "currency": "CNY"}})


def test_70_large_sale_requires_fresh_login(world: OAuthWorld, clock: MovableClock) -> None:
    browser = world.browser()
    device = large(world)
    page = open_confirmation(browser, device["user_code"])
    clock.advance(minutes=6)
    for response in (
        browser.submit(page, "/device", decision="allow"),
        open_confirmation(browser, device["user_code"]),
    ):
        assert response.status_code == 303
        assert response.headers["location"].startswith("/login?")
        assert device["user_code"] not in response.headers["location"]
    assert is_undecided(world)
    again = browser.sign_in("mei", PASSWORD, response.headers["location"])
    assert again.headers["location"] == "/device"
    assert decide(browser, device["user_code"]).status_code == 303


def test_70_denial_needs_no_fresh_login(world: OAuthWorld, clock: MovableClock) -> None:
    browser = world.browser()
    page = open_confirmation(browser, large(world)["user_code"])
    clock.advance(minutes=6)
    assert browser.submit(page, "/device", decision="deny").status_code == 303


def test_account_page_shows_consent(world: OAuthWorld, device: dict[str, Any]) -> None:
    browser = world.browser()
    decide(browser, device["user_code"])
    consent = only_consent(world)
    assert consent.expires_at - consent.granted_at == timedelta(minutes=15)
    assert f"/account/consents/{consent.id}/revoke" in browser.get("/account").text
