"""The operator decides manual reviews, and reconciles the records, without SQL."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.decisions.outcome import Referral
from gateway.domain.decisions.transitions import Status
from gateway.domain.money import Money
from gateway.domain.period import Period
from gateway.kit.clock import BusinessTime, business_time, wall_clock
from gateway.store.database import Database
from merchants.car_rental import CarRental, CarRentalAsk
from tests.support.factories import make_cast, make_decision, make_persona
from tests.support.operators import Gateway
from tests.support.units import reading, writing


@pytest.fixture
def gateway(database_url: str, tmp_path: Path) -> Gateway:
    return Gateway(database_url, tmp_path)


def referral(database_url: str) -> str:
    """The id of a decision in manual review, about a person of the highest tier."""
    now = business_time(wall_clock(), 0)
    rental = Period(now + timedelta(days=1), now + timedelta(days=4))
    ask = CarRentalAsk(Money.parse("3000.00", "CNY"), Money.parse("180000.00", "CNY"), rental)
    with closing(Database(database_url)) as database, writing(database) as unit:
        cast = make_cast(unit)
        make_persona(unit, cast.partner, cast.user)
        return make_decision(
            unit,
            cast.consent,
            status=Status.PENDING,
            ask={"carRental": CarRental().ask_document(ask)},
            outcome=Referral(("NOT_SCORED",)),
            valid_until=BusinessTime(now + timedelta(days=7)),
        )


def status(database_url: str, decision_id: str) -> str:
    with closing(Database(database_url)) as database, reading(database) as unit:
        decision = unit.decisions.load(decision_id)
        assert decision is not None
        return decision.status


def test_a_manual_review_is_listed_and_approved(gateway: Gateway, database_url: str) -> None:
    assert gateway.answer("decisions", "list") == "No decision waits for manual review."
    decision = referral(database_url)
    listed = gateway.answer("decisions", "list")
    assert decision in listed
    assert "excellent very-good good fair" in " ".join(listed.split())
    said = gateway.answer("decisions", "review", decision, "--approve", "--rule", "very-good")
    assert said.startswith(f"{decision} (order-")
    assert "is APPROVED. 2100.00 CNY until" in said
    assert gateway.answer("decisions", "list") == "No decision waits for manual review."
    assert "is APPROVED does not allow" in gateway.refusal("decisions", "review", decision, "--decline")


def test_a_manual_review_is_declined(gateway: Gateway, database_url: str) -> None:
    decision = referral(database_url)
    said = gateway.answer("decisions", "review", decision, "--decline", "--reason", "TIER_BELOW_REQUIRED")
    assert said.endswith("is DECLINED.")
    assert status(database_url, decision) == "DECLINED"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--approve or --decline"),
        (("--approve", "--decline"), "--approve or --decline"),
        (("--decline", "--rule", "good"), "--rule goes with --approve"),
        (("--approve", "--reason", "NOT_SCORED"), "--reason with --decline"),
        (("--approve", "--rule", "none"), "Rules that approve: excellent very-good good fair."),
        (("--decline", "--reason", "NONE"), "A decline names its reasons."),
    ],
)
def test_what_cannot_be_meant_decides_nothing(
    gateway: Gateway, database_url: str, arguments: tuple[str, ...], told: str
) -> None:
    decision = referral(database_url)
    assert told in gateway.refusal("decisions", "review", decision, *arguments)
    assert status(database_url, decision) == "PENDING"


def test_an_unknown_decision(gateway: Gateway) -> None:
    assert "There is no decision dec_none" in gateway.refusal("decisions", "review", "dec_none", "--approve")


def test_the_records_are_reconciled(gateway: Gateway, database_url: str) -> None:
    assert "is at the newest revision" in gateway.answer("database", "check")
    assert "agree with each other" in gateway.answer("database", "check", "--deep")
    with closing(Database(database_url)) as database, writing(database) as unit:
        cast = make_cast(unit)
        make_decision(unit, cast.consent)
        unit.exposures.change(cast.user, cast.merchant, Money(1, "CNY"))
    done = gateway("database", "check", "--deep")
    assert done.returncode == 1
    assert "is 300001, and its decisions add up to 300000" in done.stdout
    assert "found mismatches" in done.stderr
