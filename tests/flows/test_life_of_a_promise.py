"""From the request to the last settlement, over HTTP: kept, broken and made good, called off, and two who race."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.life import MOVES, moving
from tests.support.partner import TIER, Partner, car, order, yuan
from tests.support.server import Sandbox


def step(partner: Partner, move: str, decision_id: str, **given: Any) -> dict[str, Any]:
    """The payload of a move by the merchant's own token."""
    answer = partner.graphql(partner.merchant_token, MOVES[move].document, input=moving(move, decision_id, **given))
    (payload,) = answer.data.values()
    found: dict[str, Any] = payload
    return found


def moved(partner: Partner, move: str, decision_id: str, **given: Any) -> dict[str, Any]:
    payload = step(partner, move, decision_id, **given)
    assert payload["userErrors"] == []
    decision: dict[str, Any] = payload["decision"]
    assert decision["status"] == MOVES[move].leads_to
    return decision


def refusal(partner: Partner, move: str, decision_id: str, **given: Any) -> tuple[str, list[str] | None]:
    payload = step(partner, move, decision_id, **given)
    assert payload["decision"] is None
    (error,) = payload["userErrors"]
    return error["code"], error["field"]


def test_the_life_of_a_promise(own_sandbox: Sandbox) -> None:
    cars = Partner(own_sandbox)
    browser = cars.browser()
    tokens = cars.tokens(browser=browser)
    token = str(tokens["access_token"])
    decision = cars.request(token, car())["decision"]
    assert decision["availableTransitions"] == ["ACTIVATE", "CANCEL"]
    active = moved(cars, "activate", decision["id"])
    assert active["availableTransitions"] == ["EXTEND", "FULFILL", "REPORT_BREACH"]
    assert refusal(cars, "cancel", decision["id"]) == ("INVALID_TRANSITION", None)
    assert refusal(cars, "part", decision["id"], amount=yuan("3000.01")) == (
        "INVALID_AMOUNT",
        ["input", "settledAmount", "amount"],
    )
    assert refusal(cars, "extend", decision["id"], dueAt="2020-01-01T00:00:00Z") == (
        "INVALID_PERIOD",
        ["input", "dueAt"],
    )
    later = moved(cars, "extend", decision["id"])
    assert later["settlement"]["dueAt"] > active["settlement"]["dueAt"]
    part = moved(cars, "part", decision["id"], amount=yuan("1000.00"))
    assert part["settlement"]["outstanding"] == {"amount": "2000.00"}
    # The consent ends; the promise goes on under its own terms.
    page = browser.open("/account", "", "")
    ended = browser.submit(page, f"/account/consents/{tokens['grant_id']}/revoke")
    assert (ended.status_code, cars.graphql(token, TIER).status) == (303, 401)
    breach = moved(cars, "breach", decision["id"], kind="DAMAGED", amountOutstanding=yuan("500.00"), note="A dent")
    assert breach["settlement"]["outstanding"] == {"amount": "500.00"}
    assert breach["availableTransitions"] == ["FULFILL"]
    cured = moved(cars, "fulfill", decision["id"])
    assert cured["availableTransitions"] == []
    assert cured["settlement"]["outstanding"] == {"amount": "0.00"}

    second = cars.request(cars.token("good"), car())["decision"]
    moved(cars, "cancel", second["id"], reason="Changed plans")
    assert refusal(cars, "activate", second["id"]) == ("INVALID_TRANSITION", None)
    shop = Partner(own_sandbox, "online_shop")
    assert refusal(shop, "fulfill", decision["id"]) == ("NOT_FOUND", ["input", "decisionId"])
    _race_for_one_line(cars, shop)
    shop.close()
    browser.http.close()
    cars.close()


def _race_for_one_line(cars: Partner, shop: Partner) -> None:
    """Two merchants ask at the same moment for more than one person's line of trust has left."""
    asks = [(cars, car("10000.00")), (shop, order("4000.00"))] * 4
    tokens = {id(partner): partner.token() for partner in (cars, shop)}

    def ask(one: tuple[Partner, dict[str, Any]]) -> dict[str, Any]:
        partner, asked = one
        decision: dict[str, Any] = partner.request(tokens[id(partner)], asked)["decision"]
        return decision

    with ThreadPoolExecutor(len(asks)) as pool:
        decisions = list(pool.map(ask, asks))
    held = 0.0
    for decision in decisions:
        outcome = decision["outcome"]
        if decision["status"] == "APPROVED":
            terms = outcome["terms"]
            held += float((terms.get("waivedAmount") or terms["amount"])["amount"])
        else:
            assert [reason["code"] for reason in outcome["reasons"]] == ["EXPOSURE_LIMIT_REACHED"]
    assert 0 < held <= 30_000
    assert {decision["status"] for decision in decisions} == {"APPROVED", "DECLINED"}


@pytest.mark.parametrize("move", sorted(MOVES))
def test_a_users_token_moves_nothing(cars: Partner, move: str) -> None:
    token = cars.token()
    decision = cars.request(token, car())["decision"]
    answer = cars.graphql(token, MOVES[move].document, input=moving(move, decision["id"], amount=yuan("1.00")))
    assert answer.status == 200
    assert answer.code == "FORBIDDEN"
    cars.release(decision)
