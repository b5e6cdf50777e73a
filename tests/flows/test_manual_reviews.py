"""What a policy leaves to a person, over HTTP and at the operator's command line: approved, declined, run out, called
off, and asked for by somebody who has ended the consent meanwhile."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.support.operators import Gateway
from tests.support.promise import Promise, approved, fulfilled
from tests.support.referring import BOATS, boat
from tests.support.server import Sandbox
from tests.support.story import Story

MERCHANT = "Demo Harbour Boats"
OUTCOME = """query ($id: ID!) { decision(by: {id: $id}) { status availableTransitions settlement { dueAt }
  outcome { __typename ... on Approval { reasons { code } terms { ... on DepositTerms { waivedAmount { amount } } } }
    ... on Decline { reasons { code } alternatives } } } }"""


@pytest.fixture
def told(moving_sandbox: Sandbox) -> Iterator[Story]:
    """Of a person of the tier FAIR, whose asks for a boat are referred."""
    with closing(Story(moving_sandbox, "fair", BOATS)) as told:
        yield told


@pytest.fixture
def operator(moving_sandbox: Sandbox) -> Iterator[Gateway]:
    """Has nothing left to decide when a story has ended; and the books agree."""
    operator = Gateway(moving_sandbox.database_url, moving_sandbox.folder, **moving_sandbox.packages)
    yield operator
    assert operator.answer("decisions", "list") == "No decision waits for manual review."
    assert "agree with each other" in operator.answer("database", "check", "--deep")


def seen(told: Story, promise: Promise) -> dict[str, Any]:
    found: dict[str, Any] = told.merchant.graphql(told.merchant.merchant_token, OUTCOME, id=promise.id).data["decision"]
    return found


def referred(told: Story, token: str | None = None) -> Promise:
    promise = told.asked(boat(), token)
    waits = {"status": "PENDING", "availableTransitions": ["CANCEL"], "settlement": None, "outcome": None}
    assert seen(told, promise) == waits
    assert promise.timeline == ["PENDING by GATEWAY"]
    assert told.receipt(promise) == ("DECISION_PENDING", "PENDING", None)
    assert "CN¥1,000: the operator of this service has somebody look at it, until " in told.decided_by(MERCHANT)
    assert told.agreement() == ""
    return promise


def test_it_is_approved_on_the_operators_terms(told: Story, operator: Gateway) -> None:
    promise = referred(told)
    assert promise.refusal("activate") == ("INVALID_TRANSITION", None)
    (line,) = [line for line in operator.answer("decisions", "list").splitlines() if promise.id in line]
    assert "excellent very-good good" in line
    said = operator.answer("decisions", "review", promise.id, "--approve")
    assert "is APPROVED. 500.00 CNY until " in said

    assert seen(told, promise)["outcome"] == {
        "__typename": "Approval",
        "reasons": [{"code": "REDUCED_FOR_TIER"}],
        "terms": {"waivedAmount": {"amount": "500.00"}},
    }
    assert promise.stands == approved("500.00")
    assert "Granted: CN¥500 of CN¥1,000." in told.decided_by(MERCHANT)
    assert "CN¥500, not used yet. It lapses on " in told.agreement()
    assert told.receipt(promise) == ("DECISION_APPROVED", "APPROVED", "500.00")
    assert "is APPROVED does not allow" in operator.refusal("decisions", "review", promise.id, "--decline")
    promise.move("activate")
    assert promise.move("fulfill") == fulfilled("500.00")
    assert promise.timeline == [
        "PENDING by GATEWAY",
        "APPROVED by OPERATOR",
        "ACTIVATED by MERCHANT",
        "FULFILLED by MERCHANT",
    ]


def test_it_is_declined_for_reasons(told: Story, operator: Gateway) -> None:
    promise = referred(told)
    operator.answer("decisions", "review", promise.id, "--decline", "--reason", "TIER_BELOW_REQUIRED")
    reasons = [{"code": "TIER_BELOW_REQUIRED"}]
    assert seen(told, promise) == {
        "status": "DECLINED",
        "availableTransitions": [],
        "settlement": None,
        "outcome": {"__typename": "Decline", "reasons": reasons, "alternatives": []},
    }
    assert promise.timeline == ["PENDING by GATEWAY", "DECLINED by OPERATOR"]
    assert told.receipt(promise) == ("DECISION_DECLINED", "DECLINED", None)
    page = told.decided_by(MERCHANT)
    assert "Not granted: CN¥1,000." in page
    assert "Your score tier is below the one that this request requires." in page


def test_nobody_looks_at_it_in_time(told: Story, operator: Gateway) -> None:
    promise = referred(told)
    told.later(days=1)
    assert told.happened(promise, "EXPIRED") == ["PENDING by GATEWAY", "EXPIRED by CLOCK"]
    assert promise.refusal("cancel") == ("DECISION_EXPIRED", None)
    for way in ("--approve", "--decline"):
        assert "is EXPIRED does not allow" in operator.refusal("decisions", "review", promise.id, way)
    assert "CN¥1,000: nothing came of it." in told.decided_by(MERCHANT)
    assert told.receipt(promise) == ("DECISION_EXPIRED", "EXPIRED", None)


def test_the_merchant_calls_it_off(told: Story, operator: Gateway) -> None:
    promise = referred(told)
    payload = promise.send("cancel", reason="Sold out")
    assert (payload["userErrors"], payload["decision"]["status"]) == ([], "CANCELLED")
    assert promise.timeline == ["PENDING by GATEWAY", "CANCELLED by MERCHANT: Sold out"]
    for way in ("--approve", "--decline"):
        assert "is CANCELLED does not allow" in operator.refusal("decisions", "review", promise.id, way)
    assert "CN¥1,000: nothing came of it." in told.decided_by(MERCHANT)


def test_the_person_ends_the_consent_meanwhile(told: Story, operator: Gateway) -> None:
    tokens = told.merchant.tokens("fair", told.browser)
    promise = referred(told, tokens["access_token"])
    ended = told.browser.submit(told.page(), f"/account/consents/{tokens['grant_id']}/revoke")
    assert ended.status_code == 303
    assert "The consent is revoked." in operator.refusal("decisions", "review", promise.id, "--approve")
    assert seen(told, promise)["status"] == "PENDING"
    operator.answer("decisions", "review", promise.id, "--decline")
    assert seen(told, promise)["outcome"]["reasons"] == [{"code": "REDUCED_FOR_TIER"}]
