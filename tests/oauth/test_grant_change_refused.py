"""Rejected changes of a grant, at the pushed request or at the person's decision."""

from urllib.parse import parse_qsl

import pytest

from gateway.domain.consents.version import ConsentAction
from tests.support.clock import MovableClock
from tests.support.grants import EXACT, TIER, WAIVER, actions, change_grant, new_grant, open_change, push
from tests.support.oauth import form_to
from tests.support.oauth_world import OAuthWorld
from tests.support.units import writing


def test_merge_cannot_turn_previews_into_requests(world: OAuthWorld) -> None:
    before = world.tokens(scope="decisions:preview")
    refused = push(world.cars, "merge", str(before["grant_id"]), WAIVER)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert "Replace" in refused.json()["error_description"]


@pytest.mark.parametrize(
    "sent",
    [
        {"grant_management_action": "merge"},
        {"grant_management_action": "replace"},
        {"grant_id": "con_test_x"},
        {"grant_management_action": "create", "grant_id": "con_test_x"},
        {"grant_management_action": "update", "grant_id": "con_test_x"},
        {"grant_management_action": "", "grant_id": "con_test_x"},
        {"grant_management_action": "MERGE", "grant_id": "con_test_x"},
    ],
)
def test_inconsistent_parameters_are_rejected(world: OAuthWorld, sent: dict[str, str]) -> None:
    response = world.cars.push(**sent)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("action", ["merge", "replace"])
def test_only_own_active_grant_can_be_changed(each_world: OAuthWorld, action: str) -> None:
    world = each_world
    own = new_grant(world, world.bank, TIER)["grant_id"]
    others = [new_grant(world, app, TIER)["grant_id"] for app in (world.cars, world.rival)]
    ended = new_grant(world, world.bank, TIER)["grant_id"]
    with writing(world.database) as unit:
        world.container.consents.revoke(unit, ended, None)
    responses = [push(world.bank, action, g, WAIVER) for g in (*others, ended, "con_test_x", "x" * 3000, "a\x00b")]
    assert {(a.status_code, a.json()["error"]) for a in responses[:-1]} == {(400, "invalid_grant_id")}
    assert len({a.text for a in responses[:-1]}) == 1  # the responses do not show whether the grant exists
    assert responses[-1].status_code == 400
    assert push(world.bank, action, own, WAIVER).status_code == 201


def test_expired_grant_cannot_be_changed(world: OAuthWorld, clock: MovableClock) -> None:
    own = new_grant(world, world.bank, TIER)["grant_id"]
    clock.advance(days=30)
    assert push(world.bank, "merge", own, WAIVER).json()["error"] == "invalid_grant_id"


@pytest.mark.parametrize("sent", [{"grant_management_action": "merge"}, {"grant_id": "con_test_x"}])
def test_device_request_cannot_change_grant(world: OAuthWorld, sent: dict[str, str]) -> None:
    response = world.cars.post("/oauth/device_authorization", {"scope": "score:tier", **sent})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_other_person_cannot_change_grant(world: OAuthWorld) -> None:
    before = new_grant(world, world.cars, TIER)
    browser, page, _ = open_change(world, world.cars, "merge", before["grant_id"], WAIVER, username="bo")
    assert page.status_code == 403
    assert "a different account" in page.text
    assert 'action="/logout"' in page.text
    # The form is rejected too, although the page did not show it.
    own = browser.get("/account")
    form = form_to(own.text, "/logout").fields
    address = dict(parse_qsl(page.url.query.decode()))
    response = browser.http.post("/oauth/authorize", data={**form, **address, "decision": "allow"})
    assert response.status_code == 403
    assert actions(world, before["grant_id"]) == [ConsentAction.CREATED]


def test_grant_changed_meanwhile_is_rejected(world: OAuthWorld) -> None:
    before = new_grant(world, world.cars, TIER)
    browser, page, _ = open_change(world, world.cars, "merge", before["grant_id"], WAIVER)
    change_grant(world, world.cars, "replace", before["grant_id"], EXACT | {"optional": False})
    response = browser.submit(page, "/oauth/authorize", decision="allow")
    assert response.status_code == 400
    assert "no longer valid" in response.text
    assert actions(world, before["grant_id"]) == [ConsentAction.CREATED, ConsentAction.REPLACED]


def test_grant_ended_meanwhile_stays_ended(world: OAuthWorld) -> None:
    before = new_grant(world, world.cars, TIER)
    browser, page, _ = open_change(world, world.cars, "replace", before["grant_id"], WAIVER)
    with writing(world.database) as unit:
        world.container.consents.revoke(unit, before["grant_id"], None)
    assert browser.submit(page, "/oauth/authorize", decision="allow").status_code == 400
    assert actions(world, before["grant_id"]) == [ConsentAction.CREATED, ConsentAction.REVOKED]
