"""Requests: the outcome for each persona, the written records, and errors with their fields."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.consent import Consent
from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import ConsentRefused, IdempotencyConflict, InvalidInput
from gateway.domain.merchants import Product
from gateway.domain.money import MAX_MINOR, Money
from gateway.kit.json import decode
from gateway.services.decisions.requests import RequestCommand
from gateway.services.decisions.transitions import CancelCommand
from tests.services.asks import car, order, request_command, waiver
from tests.support.demo_world import DemoWorld
from tests.support.units import writing

WRITTEN = ("decisions", "decision_log", "access_log", "idempotency_records", "outbox", "notices")
TOTALS = ("exposures", "merchant_exposures", "consent_commitments")


def growth(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


def code_of(world: DemoWorld, consent: Consent, command: RequestCommand) -> tuple[str, tuple[str, ...] | None]:
    """Code and field of the error of a request, which must have changed nothing."""
    before = world.contents()
    with pytest.raises((ConsentRefused, InvalidInput)) as refused:
        world.requester.request(world.user_token(consent), command)
    assert world.contents() == before
    return refused.value.code, refused.value.field


@pytest.mark.parametrize(
    ("handle", "waived", "reasons"),
    [
        ("excellent", "3000.00", ()),
        ("threshold", "3000.00", ()),
        ("just-below", "2100.00", ("REDUCED_FOR_TIER",)),
        ("good", "1500.00", ("REDUCED_FOR_TIER",)),
        ("fair", "600.00", ("REDUCED_FOR_TIER",)),
        ("building", None, ("TIER_BELOW_REQUIRED",)),
        ("unscored", None, ("NOT_SCORED",)),
        ("overdue", None, ("OPEN_OVERDUE_OBLIGATION",)),
    ],
)
def test_outcome_by_persona(world: DemoWorld, handle: str, waived: str | None, reasons: tuple[str, ...]) -> None:
    consent, now = world.grant(handle), world.now
    answer = world.requester.request(world.user_token(consent), request_command(car(now)))
    decision = answer.decision
    assert not answer.replayed
    assert decision.outcome is not None
    assert decision.outcome.reasons == reasons
    assert (decision.consent_id, decision.subject, decision.product) == (
        consent.id,
        consent.subject,
        Product.DEPOSIT_WAIVER,
    )
    assert (decision.created_at, decision.updated_at, decision.provenance.score_as_of) == (now, now, now)
    if waived is None:
        assert decision.status is Status.DECLINED
        assert isinstance(decision.outcome, Decline)
        assert decision.valid_until is None
    else:
        assert decision.status is Status.APPROVED
        assert isinstance(decision.outcome, Approval)
        assert decision.outcome.terms.exposed == Money.parse(waived, "CNY")
        assert decision.valid_until == now + timedelta(days=4)


def test_decision_is_read_as_it_was_returned(world: DemoWorld) -> None:
    consent = world.grant()
    answer = world.requester.request(world.user_token(consent), request_command(car(world.clock())))
    token = world.user_token(consent)
    assert world.query(token, lambda query: world.decisions.find(query, answer.decision.id)) == answer.decision
    assert world.query(token, lambda query: world.decisions.find_by_reference(query, "order-1")) == answer.decision


@pytest.mark.parametrize("handle", ["excellent", "building"], ids=["approved", "declined"])
def test_request_writes_all_records(world: DemoWorld, handle: str) -> None:
    consent = world.grant(handle)
    before = world.counts()
    decision = world.requester.request(world.user_token(consent), request_command(car(world.clock()))).decision
    assert growth(before, world.counts()) == {
        **dict.fromkeys(WRITTEN, 1),
        **(dict.fromkeys(TOTALS, 1) if handle == "excellent" else {}),  # a decline reserves nothing
        "user_keys": 1,
        **dict.fromkeys(("outbox", "notices"), 2),  # also of the first use of the consent
    }
    ((topic, aggregate, payload),) = world.rows(
        "SELECT topic, aggregate_id, payload FROM outbox WHERE topic LIKE 'DECISION%'"
    )
    assert (topic, aggregate) == (f"DECISION_{decision.status}", decision.id)
    payload = decode(payload) if isinstance(payload, str) else payload
    assert (payload["adapter"], payload["data"]["to"]) == ("car_rental", decision.status)
    assert world.rows("SELECT decision_id FROM decision_log") == [(decision.id,)]
    assert world.rows("SELECT decision_id, key FROM idempotency_records") == [(decision.id, "key-1")]
    ((public,),) = world.rows("SELECT public FROM access_log")
    assert decode(public)["kind"] == "REQUEST"


@pytest.mark.parametrize("table", WRITTEN)
def test_failed_insert_rolls_back_the_request(world: DemoWorld, table: str) -> None:
    consent = world.grant()
    world.block_inserts(table)
    before = world.contents()
    with pytest.raises(Exception, match="full"):
        world.requester.request(world.user_token(consent), request_command(car(world.clock())))
    assert world.contents() == before
    assert not world.rows("SELECT id FROM decisions")


def test_missing_outbox_rolls_back_the_request(world: DemoWorld) -> None:
    consent = world.grant()
    before = world.contents()
    world.execute("ALTER TABLE outbox RENAME TO elsewhere")
    with pytest.raises(Exception, match="outbox"):
        world.requester.request(world.user_token(consent), request_command(car(world.clock())))
    world.execute("ALTER TABLE elsewhere RENAME TO outbox")
    assert world.contents() == before


def test_replay_returns_the_decision_and_writes_nothing(world: DemoWorld) -> None:
    consent = world.grant()
    first = world.requester.request(world.user_token(consent), request_command(car(world.clock())))
    same = request_command(car(world.clock()))
    before = world.contents()
    world.clock.advance(hours=23)
    again = world.requester.request(world.user_token(consent), same)
    assert again.replayed
    assert again.decision == first.decision
    assert world.contents() == before


def test_replay_returns_the_current_state(world: DemoWorld) -> None:
    consent, ask = world.grant(), request_command(car(world.clock()))
    first = world.requester.request(world.user_token(consent), ask).decision
    cancelled = world.transitions.cancel(world.merchant_token(), CancelCommand(first.id, "key-2", "Changed plans"))
    again = world.requester.request(world.user_token(consent), ask)
    assert again.replayed
    assert again.decision == cancelled
    assert again.decision.status is Status.CANCELLED


def test_key_can_be_reused_after_24_hours(world: DemoWorld) -> None:
    consent, ask = world.grant(), car(world.clock())
    first = world.requester.request(world.user_token(consent), request_command(ask))
    world.clock.advance(hours=24)
    later = world.requester.request(world.user_token(consent), request_command(ask, reference="order-2"))
    assert not later.replayed
    assert later.decision.id != first.decision.id
    assert world.counts()["idempotency_records"] == 1


@pytest.mark.parametrize(
    ("changed", "paths"),
    [
        pytest.param({"reference": "order-2"}, {("merchantReference",)}, id="reference"),
        pytest.param({"purpose": "LENDING"}, {("purpose",)}, id="purpose"),
        pytest.param({"deposit": "3000.01"}, {("ask", "carRental", "deposit", "amount")}, id="amount"),
        pytest.param({"reduction": False}, {("ask", "carRental", "acceptReduction")}, id="flag"),
    ],
)
def test_reused_key_with_another_input_is_rejected(
    world: DemoWorld, changed: dict[str, Any], paths: set[tuple[str, ...]]
) -> None:
    consent, now = world.grant(), world.clock()
    world.requester.request(world.user_token(consent), request_command(car(now)))
    ask = car(now, changed.get("deposit", "3000.00"), reduction=changed.get("reduction", True))
    other = request_command(ask, reference=changed.get("reference", "order-1"), purpose=changed.get("purpose"))
    before = world.contents()
    with pytest.raises(IdempotencyConflict) as refused:
        world.requester.request(world.user_token(consent), other)
    assert set(refused.value.differing) == paths
    assert world.contents() == before


def test_reused_key_under_another_consent_is_rejected(world: DemoWorld) -> None:
    one, other = world.grant(), world.grant("good")
    world.requester.request(world.user_token(one), request_command(car(world.clock())))
    before = world.contents()
    with pytest.raises(IdempotencyConflict) as refused:
        world.requester.request(world.user_token(other), request_command(car(world.clock())))
    assert refused.value.differing == ()
    assert world.contents() == before


def test_key_is_separate_for_each_client(world: DemoWorld) -> None:
    here, there = world.grant(), world.grant(client=world.client("online_shop"))
    one = world.requester.request(world.user_token(here), request_command(car(world.clock())))
    other = world.requester.request(world.user_token(there), request_command(order()))
    assert not other.replayed
    assert one.decision.id != other.decision.id


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        pytest.param(
            request_command(order()), ("PRODUCT_NOT_ENABLED", ("ask", "onlineOrder")), id="product-not-enabled"
        ),
        pytest.param({"purpose": "MARKETING"}, ("INVALID", ("purpose",)), id="unknown-purpose"),
        pytest.param({"purpose": "LENDING"}, ("CONSENT_PURPOSE_MISMATCH", ("purpose",)), id="purpose-mismatch"),
        pytest.param({"key": ""}, ("INVALID", ("idempotencyKey",)), id="no-key"),
        pytest.param({"reference": " order"}, ("INVALID", ("merchantReference",)), id="reference-with-space"),
        pytest.param({"reference": "x" * 256}, ("INVALID", ("merchantReference",)), id="long-reference"),
        pytest.param({"reference": "a\x00b"}, ("INVALID", ("merchantReference",)), id="nul-in-reference"),
    ],
)
def test_invalid_input_is_rejected_with_its_field(
    world: DemoWorld, command: Any, refusal: tuple[str, tuple[str, ...]]
) -> None:
    request = request_command(car(world.clock()), **command) if isinstance(command, dict) else command
    assert code_of(world, world.grant(), request) == refusal


@pytest.mark.parametrize(
    ("deposit", "refusal"),
    [
        pytest.param(Money(0, "CNY"), ("INVALID_AMOUNT", ("ask", "carRental", "deposit", "amount")), id="zero"),
        pytest.param(
            Money(MAX_MINOR + 1, "CNY"), ("INVALID_AMOUNT", ("ask", "carRental", "deposit", "amount")), id="huge"
        ),
        pytest.param(Money(-1, "CNY"), ("INVALID_AMOUNT", ("ask", "carRental", "deposit", "amount")), id="negative"),
        pytest.param(
            Money(100, "USD"), ("UNSUPPORTED_CURRENCY", ("ask", "carRental", "deposit", "currency")), id="currency"
        ),
    ],
)
def test_invalid_amount_is_rejected_with_its_field(
    world: DemoWorld, deposit: Money, refusal: tuple[str, tuple[str, ...]]
) -> None:
    ask = car(world.clock())
    bad = type(ask)(deposit=deposit, vehicle_value=ask.vehicle_value, rental=ask.rental)
    assert code_of(world, world.grant(), request_command(bad)) == refusal


@pytest.mark.parametrize(
    ("details", "refusal"),
    [
        pytest.param((waiver("2999.99"),), "CONSENT_AMOUNT_EXCEEDED", id="amount-exceeded"),
        pytest.param((waiver("3000.00"),), None, id="exactly-covered"),
        pytest.param((waiver("3000.00", purpose="LENDING"),), "CONSENT_PURPOSE_MISMATCH", id="purpose-mismatch"),
        pytest.param((AuthorizationDetail("score", level="exact"),), "CONSENT_PRODUCT_NOT_COVERED", id="score-only"),
    ],
)
def test_request_needs_a_covering_consent(
    world: DemoWorld, details: tuple[AuthorizationDetail, ...], refusal: str | None
) -> None:
    consent, command = world.grant("excellent", *details), request_command(car(world.clock()))
    if refusal is None:
        assert world.requester.request(world.user_token(consent), command).decision.status is Status.APPROVED
    else:
        assert code_of(world, consent, command)[0] == refusal


def test_product_outside_of_the_consent_is_rejected(world: DemoWorld) -> None:
    with writing(world.database) as unit:
        world.merchants.enable(unit, world.merchant(), "online_shop")
    consent = world.grant("excellent", waiver("3000.00"))
    assert code_of(world, consent, request_command(order())) == ("CONSENT_PRODUCT_NOT_COVERED", ("ask",))


def test_reference_is_unique_for_each_merchant(world: DemoWorld) -> None:
    one, other = world.grant(), world.grant("good")
    elsewhere = world.grant(client=world.client("online_shop"))
    world.requester.request(world.user_token(one), request_command(car(world.clock())))
    refusal = ("DUPLICATE_REFERENCE", ("merchantReference",))
    assert code_of(world, one, request_command(car(world.clock()), "key-2")) == refusal
    assert code_of(world, other, request_command(car(world.clock()), "key-2")) == refusal
    assert not world.requester.request(world.user_token(elsewhere), request_command(order())).replayed


def test_merchant_token_cannot_request(world: DemoWorld) -> None:
    with pytest.raises(InvalidInput):
        world.requester.request(world.merchant_token(), request_command(car(world.clock())))
    assert not world.rows("SELECT id FROM decisions")
