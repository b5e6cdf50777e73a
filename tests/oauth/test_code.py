"""The authorization code at the token endpoint (RFC 6749 section 4.1.3)."""

from typing import Any

import pytest
from sqlmodel import select

from gateway.store.clients import ClientRow
from gateway.store.users import UserRow
from tests.support.clock import NOON, MovableClock
from tests.support.oauth import pkce, query_of
from tests.support.oauth_world import PASSWORD, World


def asked(world: World) -> tuple[str, str]:
    back, verifier = world.cars.ask(world.browser(), "mei", PASSWORD)
    return back["code"], verifier


def refused(answer: Any, error: str = "invalid_grant") -> None:
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_43_the_token_answer(world: World) -> None:
    code, verifier = asked(world)
    answer = world.cars.redeem(code, verifier)
    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert code.startswith("sgw_test_ac_")
    assert body["access_token"].startswith("sgw_test_at_")
    assert body["refresh_token"].startswith("sgw_test_rt_")
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 12 * 3600)
    assert body["scope"] == "score:tier decisions:request"
    assert {detail["type"] for detail in body["authorization_details"]} == {"score", "decision"}
    assert world.cars.call(body["access_token"]).json()["kind"] == "user"


def test_36_a_used_code_ends_what_it_was_used_for(world: World) -> None:
    code, verifier = asked(world)
    first = world.cars.redeem(code, verifier).json()
    second = world.cars.refresh(first["refresh_token"]).json()
    refused(world.cars.redeem(code, verifier))
    for token in (first["access_token"], second["access_token"]):
        assert world.cars.call(token).status_code == 401
    refused(world.cars.refresh(second["refresh_token"]))


def test_37_a_code_lives_60_seconds(world: World, clock: MovableClock) -> None:
    code, verifier = asked(world)
    clock.advance(seconds=60)
    refused(world.cars.redeem(code, verifier))


def test_37_just_in_time(world: World, clock: MovableClock) -> None:
    code, verifier = asked(world)
    clock.advance(seconds=59)
    assert world.cars.redeem(code, verifier).status_code == 200


@pytest.mark.parametrize("verifier", [None, "short", "x" * 43, "é" * 43, '"' * 50, "x" * 129])
def test_38_a_wrong_verifier(world: World, verifier: str | None) -> None:
    code, _ = asked(world)
    refused(world.cars.redeem(code, verifier))


def test_38_anothers_verifier_does_not_burn_the_code(world: World) -> None:
    code, verifier = asked(world)
    refused(world.cars.redeem(code, pkce()[0]))
    assert world.cars.redeem(code, verifier).status_code == 200


@pytest.mark.parametrize("redirect_uri", [None, "https://client.example/other", "http://127.0.0.1:9/cb?shop=1"])
def test_39_another_redirect_uri(world: World, redirect_uri: str | None) -> None:
    code, verifier = asked(world)
    refused(world.cars.redeem(code, verifier, redirect_uri=redirect_uri))


def test_39_another_clients_code_survives_for_its_owner(world: World) -> None:
    code, verifier = asked(world)
    refused(world.shop.redeem(code, verifier))
    tokens = world.cars.redeem(code, verifier).json()
    refused(world.shop.redeem(code, verifier))  # used, but a foreign replay ends nothing
    assert world.cars.call(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("code", ["sgw_test_ac_unknown", "é", "x" * 5000])
def test_an_unknown_code(world: World, code: str) -> None:
    refused(world.cars.redeem(code, pkce()[0]))


def test_a_missing_code(world: World) -> None:
    refused(world.cars.redeem("", pkce()[0]), "invalid_request")


@pytest.mark.parametrize("grant_type", ["password", "implicit", "unknown", "", 'j"unk', "é", "authorization_code x"])
def test_41_other_grant_types(world: World, grant_type: str) -> None:
    refused(world.cars.post("/oauth/token", {"grant_type": grant_type}), "unsupported_grant_type")


def test_41_a_grant_type_the_client_may_not_use(world: World) -> None:
    code, verifier = asked(world)
    with world.database.write() as session:
        session.get_one(ClientRow, world.cars.client_id).grant_types = ["client_credentials"]
    refused(world.cars.redeem(code, verifier), "unauthorized_client")
    refused(world.cars.push(), "unauthorized_client")


def test_details_are_not_chosen_here(world: World) -> None:
    code, verifier = asked(world)
    refused(world.cars.redeem(code, verifier, authorization_details="[]"), "invalid_authorization_details")


def test_a_consent_revoked_before_the_code_is_redeemed(world: World) -> None:
    browser = world.browser()
    back, verifier = world.cars.ask(browser, "mei", PASSWORD)
    page = browser.get("/account")
    action = page.text.split('action="/account/consents/')[1].split('"')[0]
    assert browser.submit(page, f"/account/consents/{action}").status_code == 303
    refused(world.cars.redeem(back["code"], verifier))


def test_56_a_person_who_is_locked_out(world: World) -> None:
    code, verifier = asked(world)
    with world.database.write() as session:
        session.exec(select(UserRow).where(UserRow.username == "mei")).one().disabled_at = NOON
    refused(world.cars.redeem(code, verifier))


def test_a_token_never_outlives_its_consent(world: World) -> None:
    details = [{"type": "score", "level": "tier", "duration": "PT90S"}]
    tokens = world.tokens(scope=None, authorization_details=details)
    assert tokens["expires_in"] == 90


def test_the_redirect_uri_may_carry_a_query(world: World) -> None:
    verifier, challenge = pkce()
    uri = "http://127.0.0.1:9/cb?shop=1"
    request_uri = world.cars.push(challenge, redirect_uri=uri).json()["request_uri"]
    browser = world.browser()
    page = browser.open(world.cars.address(request_uri), "mei", PASSWORD)
    location = browser.submit(page, "/oauth/authorize", decision="allow").headers["location"]
    assert location.startswith(uri + "&")
    assert world.cars.redeem(query_of(location)["code"], verifier, redirect_uri=uri).status_code == 200
