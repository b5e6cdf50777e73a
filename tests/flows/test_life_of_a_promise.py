"""From the request to the last settlement, over HTTP: kept, broken and made good, called off, and two who race."""

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from tests.support.asks import home
from tests.support.at_once import at_once
from tests.support.life import MOVES, moving
from tests.support.oauth import Browser
from tests.support.partner import TIER, Partner, car, order, yuan
from tests.support.server import Sandbox

LINE, NO_ROOM = 30_000, ("EXPOSURE_LIMIT_REACHED",)


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
    homes = Partner(own_sandbox, "housing")
    _race_for_one_line(cars, shop)
    _race_for_a_part(cars, homes, browser)
    homes.close()
    shop.close()
    browser.http.close()
    cars.close()


def _at_once(asks: list[tuple[Partner, dict[str, Any]]]) -> list[dict[str, Any]]:
    """What is decided of asks that two merchants make at the same moment about one person."""
    tokens = {id(partner): partner.token() for partner, _ in asks[:2]}
    calls = [partial(partner.request, tokens[id(partner)], ask) for partner, ask in asks]
    answers = [answer for answer in at_once(calls) if not isinstance(answer, Exception)]
    assert len(answers) == len(asks)
    return [answer["decision"] for answer in answers]


def _why(decision: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in decision["outcome"]["reasons"]]


def _exposed(decision: dict[str, Any]) -> Decimal:
    terms = decision["outcome"]["terms"]
    return Decimal((terms.get("waivedAmount") or terms["amount"])["amount"])


def _race_for_one_line(cars: Partner, shop: Partner) -> None:
    """Two merchants ask at the same moment for more than one person's available limit."""
    decisions = _at_once([(cars, car("10000.00")), (shop, order("4000.00"))] * 4)
    approved = [decision for decision in decisions if decision["status"] == "APPROVED"]
    declined = [decision for decision in decisions if decision["status"] == "DECLINED"]
    assert {tuple(_why(decision)) for decision in declined} == {NO_ROOM}
    assert len(approved) + len(declined) == len(decisions)
    assert 0 < sum(map(_exposed, approved)) <= LINE
    for decision in approved:
        (cars if decision["product"] == "DEPOSIT_WAIVER" else shop).release(decision)


def _race_for_a_part(cars: Partner, homes: Partner, browser: Browser) -> None:
    """Both take a part. Whoever comes first, four asks are granted whole, and what is left then is 1,000 or 2,000 yuan
    for at least one of the two, since what is held at the other one counts in steps of a tenth, 3,000 yuan."""
    decisions = _at_once([(cars, car("7000.00")), (homes, home("7000.00"))] * 5)
    approved = [decision for decision in decisions if decision["status"] == "APPROVED"]
    whole = [decision for decision in approved if not _why(decision)]
    parts = [decision for decision in approved if _why(decision)]
    assert [_exposed(decision) for decision in whole] == [7000] * 4
    assert parts
    assert {_exposed(decision) for decision in parts} <= {1000, 2000}
    assert {tuple(_why(decision)) for decision in decisions if decision not in whole} == {NO_ROOM}
    assert sum(map(_exposed, approved)) <= LINE

    listed = browser.open("/account", "", "").text.partition('id="decided"')[2].partition("</section>")[0]
    for decision in parts:
        sentence = f"Granted: CN¥{_exposed(decision):,.0f} of CN¥7,000.</p>"
        (entry, *_) = [entry for entry in listed.split("<li>") if sentence in entry]
        assert "Your open agreements together leave no room for all of this amount." in entry
        assert "Finish or cancel an open agreement, or ask for a smaller amount." in entry
    assert listed.count("Granted: CN¥7,000.</p>") == 4
    assert listed.count("Not granted: CN¥7,000.</p>") == len(decisions) - len(approved)


@pytest.mark.parametrize("move", sorted(MOVES))
def test_a_users_token_moves_nothing(cars: Partner, move: str) -> None:
    token = cars.token()
    decision = cars.request(token, car())["decision"]
    answer = cars.graphql(token, MOVES[move].document, input=moving(move, decision["id"], amount=yuan("1.00")))
    assert answer.status == 200
    assert answer.code == "FORBIDDEN"
    cars.release(decision)
