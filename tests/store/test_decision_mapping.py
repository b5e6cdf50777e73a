"""The mapping of a decision's state: fields are stored, digested and read by their declaration, and names in digests
never change."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from gateway.domain.decisions.outcome import Approval
from gateway.domain.decisions.settlement import Windows
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.stored_names import stored_as
from gateway.domain.decisions.terms import PayLaterTerms
from gateway.domain.decisions.transitions import BreachKind, Status
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.kit.clock import BusinessTime
from gateway.store.base import amount_column, table_of
from gateway.store.decisions import mapping
from gateway.store.decisions.decisions import MAPPING
from gateway.store.decisions.mapping import StateMapping
from tests.support.clock import BUSINESS_NOON

DAY = timedelta(days=1)
DIGEST_NAMES = [
    "activated_at",
    "adapter",
    "ask",
    "breach_kind",
    "breached_at",
    "claim",
    "claim_accepted_at",
    "claim_contradicted_at",
    "claim_told_at",
    "claim_withdrawn_at",
    "claimed_at",
    "client_id",
    "confirmed_at",
    "consent_id",
    "contest_starts_at",
    "contested_at",
    "created_at",
    "currency",
    "due_at",
    "due_minor",
    "id",
    "lapsed_at",
    "merchant_id",
    "merchant_reference",
    "outcome",
    "overdue_at",
    "policy_hash",
    "policy_version",
    "product",
    "purpose",
    "requested_minor",
    "rule_id",
    "score_as_of",
    "settled_minor",
    "status",
    "stood_still_seconds",
    "subject",
    "updated_at",
    "valid_until",
    "voided_at",
    "windows",
    "written_off_at",
]


def at(length: timedelta) -> BusinessTime:
    return BusinessTime(BUSINESS_NOON + length)


FIELDS: dict[str, Any] = {
    "id": "dec_1",
    "merchant_id": "mer_1",
    "client_id": "cli_1",
    "consent_id": "con_1",
    "subject": "pws_1",
    "merchant_reference": "order-1",
    "adapter": "online_shop",
    "product": Product.PAY_LATER,
    "purpose": "PURCHASE",
    "status": Status.ACTIVE,
    "ask": {"payLater": {"注": "é", "b": 1, "a": [True, None]}},
    "outcome": Approval(PayLaterTerms(Money(30_000, "CNY"), at(7 * DAY), DAY), at(3 * DAY), ("PARTIAL",)),
    "policy_version": "2026-11-01",
    "policy_hash": "0" * 64,
    "rule_id": "rule_1",
    "score_as_of": at(-DAY),
    "currency": "CNY",
    "valid_until": at(3 * DAY),
    "created_at": BUSINESS_NOON,
    "updated_at": at(8 * DAY + timedelta(microseconds=7)),
    "requested": Money(40_000, "CNY"),
    "due": Money(30_000, "CNY"),
    "settled": Money(10_000, "CNY"),
    "due_at": at(7 * DAY),
    "windows": Windows(report=10 * DAY, contest=5 * DAY, respond=2 * DAY, write_off=100 * DAY),
    "activated_at": at(timedelta(hours=1)),
    "overdue_at": at(8 * DAY),
    "dispute_rejected_at": at(8 * DAY + timedelta(microseconds=7)),
    "dispute_pause": timedelta(hours=1),
}
STATE = DecisionState(**FIELDS)
ALL_MOMENTS = dict.fromkeys(("lapsed_at", "breached_at", "written_off_at", "contested_at", "voided_at"), BUSINESS_NOON)


def test_digest_names_never_change() -> None:
    assert sorted(each.digest for each in MAPPING.fields) == DIGEST_NAMES


def test_digests_of_older_revisions_still_verify() -> None:
    """The digests were computed by an older revision, which had the columns amount_minor, held_minor, wakes_at,
    confirmed_at and stood_still_seconds."""
    row = MAPPING.write(STATE)
    assert MAPPING.digest(row) == "2a63367a46ef8edfcd7d6bcd00861a1ef07ac3c93868c1c47eae8552c7c288c1"
    older = {**row, "windows": None, "dispute_rejected_at": None, "dispute_pause_seconds": 0}
    assert MAPPING.digest(older) == "cc024008a97d841c512e72ec0425c9ed29fa0c4513ee2698658c0bb8507938ea"
    every = DecisionState(**{**FIELDS, **ALL_MOMENTS, "breach_kind": BreachKind.NOT_PAID})
    assert MAPPING.digest(MAPPING.write(every)) == "20dce7d1c81e89f163d44e47647a5ee6c1829692f730cfdb6f0f1251aee5e1f6"


def test_state_round_trips() -> None:
    row = MAPPING.write(STATE)
    assert MAPPING.read(row) == STATE
    assert MAPPING.derive(STATE) == {
        "committed_minor": 20_000,
        "exposure_minor": 20_000,
        "next_transition_at": at(18 * DAY + timedelta(hours=1)),
        "flagged_at": at(8 * DAY),
    }
    assert MAPPING.read({**row, "windows": None}).windows == Windows()
    for column in MAPPING.derive(STATE):
        assert MAPPING.digest({**row, column: None}) == MAPPING.digest(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class LargerState(DecisionState):
    """A state with more fields, as a later version might declare it."""

    handed_over_at: BusinessTime | None = None
    deposit: Money = field(default=Money(0, "CNY"), metadata=stored_as("deposit_minor", digest="pledge_minor"))


def test_new_field_is_mapped_by_its_declaration(monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere(SQLModel, registry=registry()):
        """Keeps the table out of the gateway's own metadata."""

    monkeypatch.setattr(mapping, "Record", Elsewhere)
    larger = StateMapping(LargerState, {"doubled_minor": (amount_column(), lambda state: 2 * state.deposit.minor)})
    table = table_of(larger.declare(__name__, "Larger", "larger_decisions", {"id": {"primary_key": True}}))
    state = LargerState(**FIELDS, handed_over_at=at(DAY), deposit=Money(500, "CNY"))
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), larger.write(state))
        row = connection.execute(select(table)).one()
    engine.dispose()
    assert (row.deposit_minor, row.handed_over_at, row.doubled_minor) == (500, at(DAY), 1_000)
    assert larger.read(row) == state
    assert larger.digest(row) == larger.digest(larger.write(state)) != MAPPING.digest(MAPPING.write(STATE))
    assert {each.digest for each in larger.fields} - set(DIGEST_NAMES) == {"handed_over_at", "pledge_minor"}
    same = larger.write(LargerState(**FIELDS))
    assert larger.digest(same) == MAPPING.digest(MAPPING.write(STATE)), "a new field changes no digest of an older row"


def test_a_field_of_an_unknown_type_is_refused() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class WithFloat(DecisionState):
        ratio: float = 0.5

    with pytest.raises(TypeError, match="ratio"):
        StateMapping(WithFloat, {})
