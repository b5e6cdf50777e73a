"""The operator decides what was referred, and checks the books, without SQL."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.domain.money import Money
from gateway.domain.period import Period
from gateway.store import decisions
from gateway.store.database import Database
from merchants.car_rental import CarRental, CarRentalAsk
from tests.support.factories import make_cast, make_decision, make_persona
from tests.support.operators import Gateway


@pytest.fixture
def gateway(database_url: str, tmp_path: Path) -> Gateway:
    return Gateway(database_url, tmp_path)


def referral(database_url: str) -> str:
    """A referral of a person of the highest tier, as a policy that refers would have left it."""
    now = datetime.now(UTC)
    rental = Period(now + timedelta(days=1), now + timedelta(days=4))
    ask = CarRentalAsk(Money.parse("3000.00", "CNY"), Money.parse("180000.00", "CNY"), rental)
    with closing(Database(database_url)) as database, database.write() as session:
        cast = make_cast(session)
        make_persona(session, cast.partner, cast.user)
        return make_decision(
            session,
            cast.consent,
            status="PENDING",
            ask={"carRental": CarRental().ask_document(ask)},
            outcome={"kind": "REFERRAL", "reasons": ["NOT_SCORED"]},
            valid_until=now + timedelta(days=7),
            requested_minor=300_000,
        )


def status(database_url: str, decision_id: str) -> str:
    with closing(Database(database_url)) as database, database.read() as session:
        row = decisions.load(session, decision_id)
        assert row is not None
        return row.status


def test_a_referral_is_listed_and_approved(gateway: Gateway, database_url: str) -> None:
    assert gateway.answer("decisions", "list") == "No referral waits."
    decision = referral(database_url)
    listed = gateway.answer("decisions", "list")
    assert decision in listed
    assert "excellent very-good good fair" in " ".join(listed.split())
    said = gateway.answer("decisions", "review", decision, "--approve", "--rule", "very-good")
    assert said.startswith(f"{decision} (order-")
    assert "is APPROVED. 2100.00 CNY until" in said
    assert gateway.answer("decisions", "list") == "No referral waits."
    assert "is APPROVED does not allow" in gateway.refusal("decisions", "review", decision, "--decline")


def test_a_referral_is_declined(gateway: Gateway, database_url: str) -> None:
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


def test_the_books_are_checked(gateway: Gateway, database_url: str) -> None:
    assert "is at the newest revision" in gateway.answer("database", "check")
    assert "agree with each other" in gateway.answer("database", "check", "--deep")
    with closing(Database(database_url)) as database, database.write() as session:
        make_decision(session, make_cast(session).consent, held_minor=1)
    done = gateway("database", "check", "--deep")
    assert done.returncode == 1
    assert "stand on no line" in done.stdout
    assert "The books do not agree" in done.stderr
