"""What time does to promises, over HTTP: as their merchant sees it, as the person reads it, and what it means when they
ask at another merchant. Each story is another persona's; time goes on from one to the next."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.life import moving
from tests.support.operators import Gateway
from tests.support.partner import TIER, car
from tests.support.promise import Promise, Stands
from tests.support.server import Sandbox
from tests.support.story import Story

OVERDUE, NO_ROOM = ["OPEN_OVERDUE_OBLIGATION"], ["EXPOSURE_LIMIT_REACHED"]
BEGAN = ["APPROVED by GATEWAY", "ACTIVATED by MERCHANT"]
EVERYTHING, ONLY_SETTLE = ["EXTEND", "FULFILL", "REPORT_BREACH"], ["FULFILL"]
BREACH = """mutation ($input: DecisionReportBreachInput!) { decisionReportBreach(input: $input) {
  decision { id } userErrors { code ... on StateConflictError { currentStatus availableTransitions } } } }"""
RESPOND = """mutation ($input: DisputeRespondInput!) { disputeRespond(input: $input) {
  dispute { status } userErrors { code } } }"""


@pytest.fixture
def story(moving_sandbox: Sandbox) -> Iterator[Callable[[str], Story]]:
    """Begins the story of a persona. The books agree when it has ended."""
    told: list[Story] = []

    def begin(handle: str) -> Story:
        told.append(Story(moving_sandbox, handle))
        return told[-1]

    yield begin
    for each in told:
        each.close()
    operator = Gateway(moving_sandbox.database_url, moving_sandbox.folder)
    assert "agree with each other" in operator.answer("database", "check", "--deep")


def breach_refused(promise: Promise, told: Story) -> dict[str, Any]:
    """What a merchant is told that cannot report a breach."""
    given = moving("breach", promise.id)
    payload = told.merchant.graphql(told.merchant.merchant_token, BREACH, input=given).data["decisionReportBreach"]
    assert payload["decision"] is None
    error: dict[str, Any] = payload["userErrors"][0]
    return error


def test_an_approval_runs_out_unused(story: Callable[[str], Story]) -> None:
    told = story("fair")
    promise = told.asked(car("10000.00", told.time.now))
    assert promise.stands == Stands("APPROVED", ["ACTIVATE", "CANCEL"], "2000.00", "0.00", "2000.00")
    assert "CN¥2,000, not used yet. It lapses on " in told.agreement()
    assert told.elsewhere("400.00") == NO_ROOM

    told.later(days=4)
    assert told.happened(promise, "EXPIRED") == ["APPROVED by GATEWAY", "EXPIRED by CLOCK"]
    assert promise.stands == Stands("EXPIRED", [], "2000.00", "0.00", "0.00")
    for move in ("activate", "cancel"):
        assert promise.refusal(move) == ("DECISION_EXPIRED", None)
    assert told.agreement() == ""
    assert "Granted: CN¥2,000 of CN¥10,000. It was not used in time." in told.decided_by("Demo Car Rental")
    assert told.receipt(promise) == ("DECISION_EXPIRED", "EXPIRED", "0.00")
    assert told.elsewhere("400.00") == []


def test_a_mark_is_contested_and_the_merchant_is_silent(story: Callable[[str], Story]) -> None:
    told = story("excellent")
    promise = told.rental("2000.00")
    told.later(days=5)
    assert told.happened(promise, "OVERDUE") == [*BEGAN, "OVERDUE by CLOCK"]
    assert promise.stands == Stands("ACTIVE", EVERYTHING, "2000.00", "0.00", "2000.00", overdue=True)
    assert "Overdue since " in told.agreement(promise)
    assert told.receipt(promise) == ("DECISION_OVERDUE", "ACTIVE", "2000.00")
    assert told.elsewhere("400.00") == OVERDUE

    dispute = told.contest(promise, "I brought it back on Tuesday.")
    page = told.agreement()
    assert "it does not count against you. Demo Car Rental has until " in page
    assert "without an answer you are right" in page
    assert "Overdue since" not in page
    assert promise.stands == Stands("ACTIVE", ["EXTEND", "FULFILL"], "2000.00", "0.00", "2000.00")
    assert breach_refused(promise, told)["availableTransitions"] == ["EXTEND", "FULFILL"]
    assert (told.elsewhere("400.00"), told.elsewhere("1500.00")) == ([], NO_ROOM)

    told.later(days=7)
    assert told.happened(promise, "DISPUTE_RESOLVED") == [
        *BEGAN,
        "OVERDUE by CLOCK",
        "DISPUTE_OPENED",
        "LAPSED by CLOCK: A dispute about it was upheld.",
        "DISPUTE_RESOLVED",
    ]
    assert told.disputes(promise) == [{"id": dispute, "status": "UPHELD", "subject": "OVERDUE"}]
    assert promise.stands == Stands("ACTIVE", ONLY_SETTLE, "2000.00", "0.00", "2000.00")
    assert breach_refused(promise, told) == {
        "code": "INVALID_TRANSITION",
        "currentStatus": "ACTIVE",
        "availableTransitions": ONLY_SETTLE,
    }
    given = {"disputeId": dispute, "idempotencyKey": dispute, "accept": False, "statement": "We have a photo."}
    late = told.merchant.graphql(told.merchant.merchant_token, RESPOND, input=given).data["disputeRespond"]
    assert late == {"dispute": None, "userErrors": [{"code": "INVALID_TRANSITION"}]}
    page = told.agreement()
    assert "CN¥2,000 are open, until " in page
    assert "You contested something here, and were right." in page
    assert "Overdue since" not in page
    assert told.receipt(promise) == ("DISPUTE_RESOLVED", "ACTIVE", "2000.00")
    assert told.elsewhere("1500.00") == []
    assert promise.move("fulfill") == Stands("FULFILLED", [], "2000.00", "2000.00", "0.00")


def test_a_mark_lapses_when_nobody_reports_a_breach(story: Callable[[str], Story]) -> None:
    told = story("threshold")
    promise = told.rental("2000.00")
    told.later(days=5)
    told.happened(promise, "OVERDUE")
    assert told.elsewhere("400.00") == OVERDUE

    told.later(days=14)
    assert told.happened(promise, "LAPSED") == [
        *BEGAN,
        "OVERDUE by CLOCK",
        "LAPSED by CLOCK: No breach was reported in time: the mark no longer counts.",
    ]
    assert promise.stands == Stands("ACTIVE", ONLY_SETTLE, "2000.00", "0.00", "2000.00")
    assert breach_refused(promise, told) == {
        "code": "INVALID_TRANSITION",
        "currentStatus": "ACTIVE",
        "availableTransitions": ONLY_SETTLE,
    }
    assert promise.refusal("extend") == ("INVALID_TRANSITION", None)
    page = told.agreement()
    assert "CN¥2,000 are open, until " in page
    assert "Overdue since" not in page
    assert told.receipt(promise) == ("DECISION_LAPSED", "ACTIVE", "2000.00")
    assert told.elsewhere("1500.00") == []
    assert promise.move("fulfill") == Stands("FULFILLED", [], "2000.00", "2000.00", "0.00")
    assert told.receipt(promise) == ("DECISION_FULFILLED", "FULFILLED", "0.00")


def test_a_breach_after_the_mark_counts_without_a_pause_until_it_is_cured(story: Callable[[str], Story]) -> None:
    told = story("just-below")
    promise = told.rental("3000.00")
    told.later(days=5)
    told.happened(promise, "OVERDUE")
    told.later(days=13)
    assert told.elsewhere("400.00") == OVERDUE
    assert promise.move("breach") == Stands("BREACHED", ONLY_SETTLE, "2100.00", "0.00", "2100.00", overdue=True)
    assert told.elsewhere("400.00") == OVERDUE
    page = told.agreement(promise)
    assert "Demo Car Rental reported on " in page
    assert "that it was not kept: not paid." in page

    told.later(days=15)
    assert told.elsewhere("400.00") == OVERDUE
    assert "that it was not kept: not paid." in told.agreement(), "and it cannot be contested any more"
    assert promise.move("fulfill") == Stands("FULFILLED", [], "2100.00", "2100.00", "0.00")
    assert promise.timeline == [*BEGAN, "OVERDUE by CLOCK", "BREACHED by MERCHANT", "FULFILLED by MERCHANT"]
    assert told.agreement() == ""
    assert told.elsewhere("1500.00") == []


def test_a_breach_is_written_off_and_still_counts_until_it_is_cured(story: Callable[[str], Story]) -> None:
    told = story("good")
    promise = told.rental("4000.00")
    assert promise.move("breach") == Stands("BREACHED", ONLY_SETTLE, "2000.00", "0.00", "2000.00")
    # The person has a fortnight to contest it, in which it only uses their credit limit.
    assert (told.elsewhere("400.00"), told.elsewhere("1500.00")) == ([], NO_ROOM)
    told.later(days=14)
    assert told.elsewhere("400.00") == OVERDUE
    assert told.exposure == "2000.00"

    told.later(days=351)
    assert told.happened(promise, "WRITTEN_OFF") == [
        *BEGAN,
        "BREACHED by MERCHANT",
        "WRITTEN_OFF by CLOCK: Written off: it no longer uses the credit limit.",
    ]
    assert promise.stands == Stands("BREACHED", ONLY_SETTLE, "2000.00", "0.00", "2000.00")
    assert told.receipt(promise) == ("DECISION_WRITTEN_OFF", "BREACHED", "2000.00")
    assert "that it was not kept: not paid." in told.agreement()
    assert told.exposure == "0.00"
    assert told.elsewhere("400.00") == OVERDUE

    assert promise.move("fulfill") == Stands("FULFILLED", [], "2000.00", "2000.00", "0.00")
    assert told.receipt(promise) == ("DECISION_FULFILLED", "FULFILLED", "0.00")
    assert told.elsewhere("1500.00") == []
    assert told.exposure == "0.00"


def test_moved_time_ends_a_consent_with_its_token_and_no_merchant_token(story: Callable[[str], Story]) -> None:
    told = story("building")
    merchant = told.merchant
    token = merchant.token("building", browser=told.browser)
    told.later(days=89)
    assert merchant.graphql(token, TIER).status == 200
    told.later(days=2)
    assert merchant.graphql(token, TIER).status == 401
    assert merchant.graphql(merchant.merchant_token, "{ merchant { id } }").status == 200
