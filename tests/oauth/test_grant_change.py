"""Merge and replacement of a grant by a pushed request with its grant_id (Grant Management for OAuth 2.0)."""

import pytest

from gateway.domain.consents.version import ConsentAction
from tests.support.clock import MovableClock
from tests.support.grants import (
    EXACT,
    TIER,
    WAIVER,
    actions,
    change_grant,
    detail_kinds,
    introspect,
    new_grant,
    open_change,
    push,
    refreshed_token,
)
from tests.support.oauth import query_of
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import reading


def test_merge_adds_to_grant(each_world: OAuthWorld, profile: str) -> None:
    world, app = each_world, each_world.own_app(profile)
    before = new_grant(world, app, TIER)
    after = change_grant(world, app, "merge", before["grant_id"], WAIVER)
    assert after["grant_id"] == before["grant_id"]
    assert detail_kinds(after) == ["tier", "DEPOSIT_WAIVER"]
    assert after["scope"] == "score:tier decisions:request"
    assert actions(world, before["grant_id"]) == [ConsentAction.CREATED, ConsentAction.MERGED]
    # A merge removes nothing, so earlier tokens stay valid with their own scopes.
    assert app.call(before["access_token"]).json()["scopes"] == ["score:tier"]
    assert app.refresh(before["refresh_token"]).status_code == 200


def test_replacement_replaces_grant(each_world: OAuthWorld, profile: str) -> None:
    world, app = each_world, each_world.own_app(profile)
    before = new_grant(world, app, TIER)
    after = change_grant(world, app, "replace", before["grant_id"], WAIVER)
    assert after["grant_id"] == before["grant_id"]
    assert (detail_kinds(after), after["scope"]) == (["DEPOSIT_WAIVER"], "decisions:request")
    assert actions(world, before["grant_id"]) == [ConsentAction.CREATED, ConsentAction.REPLACED]
    assert app.call(before["access_token"]).status_code == 401
    assert app.refresh(before["refresh_token"]).json()["error"] == "invalid_grant"
    assert app.call(after["access_token"]).json()["scopes"] == ["decisions:request"]


def test_merged_parts_keep_their_durations(world: OAuthWorld, clock: MovableClock) -> None:
    before = new_grant(world, world.bank, TIER)
    clock.advance(days=10, seconds=7)
    after = change_grant(world, world.bank, "merge", before["grant_id"], WAIVER)
    assert [one["duration"] for one in after["authorization_details"]] == ["P19DT86393S", "P60D"]
    clock.advance(days=19)
    assert detail_kinds(introspect(world.bank, refreshed_token(world.bank, after))) == ["tier", "DEPOSIT_WAIVER"]
    clock.advance(days=1)  # the first part has expired
    assert detail_kinds(introspect(world.bank, refreshed_token(world.bank, after))) == ["DEPOSIT_WAIVER"]
    clock.advance(days=40)
    assert world.bank.refresh(after["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("action", ["merge", "replace"])
def test_denied_change_has_no_effect(world: OAuthWorld, action: str) -> None:
    before = new_grant(world, world.cars, TIER)
    browser, page, _ = open_change(world, world.cars, action, before["grant_id"], WAIVER)
    response = browser.submit(page, "/oauth/authorize", decision="deny")
    assert query_of(response.headers["location"])["error"] == "access_denied"
    assert world.cars.call(before["access_token"]).status_code == 200
    assert introspect(world.cars, before["access_token"])["authorization_details"] == before["authorization_details"]
    assert actions(world, before["grant_id"]) == [ConsentAction.CREATED]


@pytest.mark.parametrize("action", ["merge", "replace"])
def test_change_can_be_narrowed(world: OAuthWorld, action: str) -> None:
    before = new_grant(world, world.cars, TIER)
    after = change_grant(
        world, world.cars, action, before["grant_id"], WAIVER, EXACT, amount_0="1000.00", duration="P7D"
    )
    granted = after["authorization_details"][-1]
    assert (granted["maximum_amount"]["amount"], granted["duration"]) == ("1000.00", "P7D")
    assert "exact" not in detail_kinds(after)
    with reading(world.database) as unit:
        assert [v.narrowed for v in unit.consent_versions.list_of_consent(before["grant_id"])] == [False, True]


def test_merge_can_reach_maximum_number_of_details(world: OAuthWorld) -> None:
    several = [
        {**WAIVER, "maximum_amount": {"amount": f"{n}.00", "currency": "CNY"}, "duration": f"P{9 - n}D"}
        for n in (1, 2, 3, 4)
    ]
    more = [{**one, "products": ["PAY_LATER"]} for one in several]
    before = new_grant(world, world.cars, *several)
    after = change_grant(world, world.cars, "merge", before["grant_id"], *more)
    assert len(after["authorization_details"]) == 8
    refused = push(world.cars, "merge", before["grant_id"], TIER)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert push(world.cars, "replace", before["grant_id"], TIER).status_code == 201


def test_create_makes_new_grant(world: OAuthWorld) -> None:
    one, two = world.tokens(grant_management_action="create"), world.tokens()
    assert one["grant_id"] != two["grant_id"]


def test_34_page_shows_previous_consent(world: OAuthWorld) -> None:
    before = new_grant(world, world.cars, TIER)
    for action, words in (("merge", "It stays as it is"), ("replace", "it replaces this")):
        _, page, _ = open_change(world, world.cars, action, before["grant_id"], WAIVER)
        assert "What you already allow" in page.text
        assert "See your credit tier" in page.text
        assert words in page.text
    assert (
        "What you already allow"
        not in world.browser().open(world.cars.address(world.cars.push().json()["request_uri"]), "mei", PASSWORD).text
    )


def test_account_page_shows_history(world: OAuthWorld) -> None:
    before = new_grant(world, world.cars, TIER)
    change_grant(world, world.cars, "merge", before["grant_id"], WAIVER)
    change_grant(world, world.cars, "replace", before["grant_id"], TIER)
    page = world.browser().open("/account", "mei", PASSWORD)
    assert "you added what the merchant asked for" in page.text
    assert "you changed it to what the merchant asked for" in page.text
    assert page.text.count("The consent was then:") == 2


def test_older_code_gets_merged_grant(world: OAuthWorld) -> None:
    before = new_grant(world, world.cars, TIER)
    browser, page, verifier = open_change(world, world.cars, "merge", before["grant_id"], EXACT | {"optional": False})
    code = query_of(browser.submit(page, "/oauth/authorize", decision="allow").headers["location"])["code"]
    change_grant(world, world.cars, "merge", before["grant_id"], WAIVER)
    late = world.cars.redeem(code, verifier)
    assert (late.status_code, late.json()["scope"]) == (200, "score:tier score:exact decisions:request")


def test_long_durations_are_shown_in_days(world: OAuthWorld, clock: MovableClock) -> None:
    before = new_grant(world, world.cars, TIER)
    clock.advance(hours=7, seconds=3)
    _, page, _ = open_change(world, world.cars, "merge", before["grant_id"], WAIVER)
    assert "29 days" in page.text
    assert "seconds" not in page.text


def test_g5_merge_page_shows_the_result(world: OAuthWorld) -> None:
    grant_id = new_grant(world, world.cars, TIER)["grant_id"]
    _, page, _ = open_change(world, world.cars, "merge", grant_id, WAIVER)
    result = page.text.partition("Both together")[2].partition('name="decision"')[0]
    assert "See your credit tier, not the number" in result
    assert "no deposit or a smaller one" in result
    assert "(30 days)" in result
    assert "(60 days)" in result


def test_g5_replacement_shows_no_result(world: OAuthWorld) -> None:
    grant_id = new_grant(world, world.cars, TIER)["grant_id"]
    _, page, _ = open_change(world, world.cars, "replace", grant_id, WAIVER)
    assert "Both together" not in page.text
