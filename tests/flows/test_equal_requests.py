"""Concurrent requests: equal ones create one decision, different ones never exceed the consent's maximum amount."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.support.merchant_client import REQUEST, MerchantClient, car, request_input, yuan

RUNNERS = 8


def test_concurrent_equal_requests_create_one_decision(cars: MerchantClient) -> None:
    token, input_ = cars.token(), request_input(car())

    payloads = _at_once([(cars, token, input_)] * RUNNERS)

    assert len({payload["decision"]["id"] for payload in payloads}) == 1
    assert [payload["replayed"] for payload in payloads].count(False) == 1


def test_concurrent_requests_never_exceed_the_maximum_amount(cars: MerchantClient) -> None:
    details = [{"type": "decision", "products": ["DEPOSIT_WAIVER"], "maximum_amount": yuan("3000.00")}]
    token = cars.token(scope=None, authorization_details=details)

    payloads = _at_once([(cars, token, request_input(car("1000.00"))) for _ in range(RUNNERS)])

    approved = [payload for payload in payloads if payload["decision"]]
    errors = [payload["userErrors"][0]["code"] for payload in payloads if payload["userErrors"]]
    assert len(approved) == 3
    assert errors == ["CONSENT_AMOUNT_EXCEEDED"] * (RUNNERS - 3)


def test_each_mutation_of_a_document_is_its_own_unit(cars: MerchantClient) -> None:
    document = """mutation ($good: DecisionRequestInput!, $bad: DecisionRequestInput!) {
        first: decisionRequest(input: $good) { decision { id } userErrors { code } }
        second: decisionRequest(input: $bad) { decision { id } userErrors { code } }
        third: decisionRequest(input: $good) { replayed decision { id } userErrors { code } } }"""

    data = cars.graphql(cars.token(), document, good=request_input(car("100.00")), bad=request_input(car("-1.00"))).data

    assert data["first"]["decision"] is not None
    assert data["second"] == {"decision": None, "userErrors": [{"code": "INVALID_AMOUNT"}]}
    assert data["third"]["replayed"] is True
    assert data["third"]["decision"] == data["first"]["decision"]


def _at_once(calls: list[tuple[MerchantClient, str, dict[str, Any]]]) -> list[dict[str, Any]]:
    def call(one: tuple[MerchantClient, str, dict[str, Any]]) -> dict[str, Any]:
        partner, token, input_ = one
        payload: dict[str, Any] = partner.graphql(token, REQUEST, input=input_).data["decisionRequest"]
        return payload

    with ThreadPoolExecutor(RUNNERS) as pool:
        return list(pool.map(call, calls))
