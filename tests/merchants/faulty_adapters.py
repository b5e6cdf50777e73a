"""Adapters that each break one requirement, with the sentence by which it is found."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.decisions.outcome import Decline
from gateway.domain.decisions.terms import DepositTerms
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.policies.table import DecisionTable, PolicyResult
from merchants.adapter import SAMPLE_NOW
from merchants.asks.fields import asked
from merchants.bike_share import BikeRideAsk, BikeShare
from merchants.conformance.asks import ask_documents, asks_frozen, bad_money_refused
from merchants.conformance.disclosure import notice_messages
from merchants.conformance.fairness import (
    available_limit_monotonicity,
    overdue_declined,
    share_monotonicity,
    tier_monotonicity,
)
from merchants.conformance.golden import golden_cases, rules_reached
from merchants.conformance.outcomes import approval_end, money_conservation, reasons_named, retry_after_present
from merchants.conformance.requirement import Requirement
from merchants.hotel import Hotel
from merchants.policies.tables import read_table
from merchants.wire import Notice, Rendered

FAULTY: list[tuple[Requirement, type[Any], str]] = []
"""The requirement, an adapter that breaks it, and a part of the problem's sentence."""

OVERDUE = """
[[rule]]
id = "overdue"
when.open_overdue = { at_least = 1 }
decline = { reasons = ["OPEN_OVERDUE_OBLIGATION"], retry_after = "P1D" }
"""
ALL = """
[[rule]]
id = "all"
approve = { share = 100 }
"""


def table_of(rules: str, adapter: type[Any] = BikeShare) -> DecisionTable:
    """A policy of these rules for the adapter."""
    header = 'policy = "faulty"\nversion = "1"\neffective = 2026-11-01\ncurrency = "CNY"\n'
    return read_table(header + rules, adapter.columns, "faulty.toml", adapter.benefits)


def breaks(requirement: Requirement, problem: str) -> Any:
    """Registers the decorated adapter as one that breaks the requirement."""

    def register(adapter: type[Any]) -> type[Any]:
        FAULTY.append((requirement, adapter, problem))
        return adapter

    return register


@breaks(golden_cases, "an adapter brings golden cases")
class WithoutGoldenCases(BikeShare):
    golden = ()


@breaks(golden_cases, "excellent in full: expected Decline")
class WrongGoldenCase(BikeShare):
    golden = (replace(BikeShare.golden[0], expects=Decline), *BikeShare.golden[1:])


@breaks(rules_reached, "reaches the rules ['never']")
class UnreachedRule(BikeShare):
    policy = table_of('[[rule]]\nid = "never"\nwhen.open_overdue = { at_least = 2 }\nrefer = {}\n' + OVERDUE + ALL)


@breaks(tier_monotonicity, "the tier above it only")
class WorseForBetterTier(BikeShare):
    policy = table_of(
        OVERDUE
        + '[[rule]]\nid = "top"\nwhen.tier = { at_least = "EXCELLENT" }\n'
        + 'approve = { share = 99, reasons = ["REDUCED_FOR_TIER"] }\n'
        + ALL
    )


@breaks(share_monotonicity, "a smaller share")
class LargerShareForLargerAsk(BikeShare):
    def maximum_amount(self, ask: BikeRideAsk, result: PolicyResult) -> Money | None:
        return Money(100, "CNY") if ask.deposit.minor < 100_000 else None


@breaks(share_monotonicity, "must hold asks that differ in the amount alone")
class OneAmountOnly(BikeShare):
    policy = table_of(OVERDUE + ALL)

    def sample_asks(self, now: datetime = SAMPLE_NOW) -> Sequence[BikeRideAsk]:
        return [BikeRideAsk(deposit=Money(10000, "CNY"), bike_id=bike) for bike in ("1", "2")]


@breaks(overdue_declined, "with an open overdue obligation got Approval")
class ApprovesOverdue(BikeShare):
    policy = table_of(ALL)


@breaks(available_limit_monotonicity, "although the merchant accepts a part")
class NeverReducible(BikeShare):
    policy = table_of(OVERDUE + ALL)

    def maximum_amount(self, ask: BikeRideAsk, result: PolicyResult) -> Money | None:
        return None  # ignores the maximum by which an approval is reduced


class Overstating(BikeShare):
    """Its terms are of another deposit than the one that was asked about."""

    def terms(self, ask: BikeRideAsk, result: PolicyResult, now: datetime) -> DepositTerms:
        terms = super().terms(ask, result, now)
        return replace(
            terms,
            original_deposit=terms.original_deposit + terms.original_deposit,
            waived_amount=terms.waived_amount + terms.waived_amount,
            deposit_due=terms.deposit_due + terms.deposit_due,
        )


breaks(money_conservation, " exposes ")(Overstating)


@breaks(money_conservation, "due are not")
class LosesDeposit(BikeShare):
    def terms(self, ask: BikeRideAsk, result: PolicyResult, now: datetime) -> DepositTerms:
        waived = self.granted_amount(ask, result)
        return replace(
            super().terms(ask, result, now), original_deposit=waived, deposit_due=Money.zero(waived.currency)
        )


@breaks(reasons_named, "no reason")
class SilentReduction(Hotel):
    policy = table_of(
        OVERDUE
        + '[[rule]]\nid = "all"\napprove = { share = 100, pay_at_check_out = false, skip_front_desk = false }\n',
        Hotel,
    )


@breaks(reasons_named, "neither in the policy nor in own_reasons")
class UndeclaredReason(BikeShare):
    def shortfall_reasons(self, ask: BikeRideAsk, result: PolicyResult) -> tuple[str, ...]:
        return ("TERM_SHORTENED",)


@breaks(retry_after_present, "the rule has no retry_after")
class WithoutRetryAfter(BikeShare):
    policy = table_of('[[rule]]\nid = "all"\ndecline = { reasons = ["NOT_SCORED"] }\n')


@breaks(approval_end, "valid until")
class DueInThePast(BikeShare):
    def terms(self, ask: BikeRideAsk, result: PolicyResult, now: datetime) -> DepositTerms:
        return replace(super().terms(ask, result, now), return_by=now - timedelta(days=1))


@breaks(bad_money_refused, "was taken")
class TakesZero(BikeShare):
    def check(self, ask: BikeRideAsk, now: datetime) -> None:
        if ask.deposit.minor:
            super().check(ask, now)


class Refusing(BikeShare):
    path: tuple[str, ...] = ()

    def check(self, ask: BikeRideAsk, now: datetime) -> None:
        try:
            super().check(ask, now)
        except InvalidInput as error:
            raise InvalidInput(error.code, "is refused", self.path) from None


@breaks(bad_money_refused, "without naming a field")
class NamesNoField(Refusing):
    pass


@breaks(bad_money_refused, "the unknown field price")
class NamesUnknownField(Refusing):
    path = ("price",)


@breaks(ask_documents, "does not have exactly its fields")
class LosesField(BikeShare):
    def ask_document(self, ask: BikeRideAsk) -> dict[str, Any]:  # type: ignore[misc]  # it is final
        return {"deposit": ask.deposit.document()}


@breaks(ask_documents, "differs when it is read back")
class ReadsAnotherAsk(BikeShare):
    def ask_from_document(self, document: object) -> BikeRideAsk:  # type: ignore[misc]  # it is final
        return BikeRideAsk(deposit=Money(1, "CNY"), bike_id="another")


@dataclass(frozen=True)
class LooseAsk:
    """Says that it is frozen, and is not."""

    deposit: Money = asked("The deposit.")  # noqa: RUF009
    bike_id: str = asked("The bike.")


LooseAsk.__setattr__ = object.__setattr__  # type: ignore[method-assign]


@breaks(asks_frozen, "an ask must be frozen")
class TakesLooseAsks(BikeShare):
    Ask = LooseAsk  # type: ignore[assignment]

    def sample_asks(self, now: datetime = SAMPLE_NOW) -> Any:
        return [LooseAsk(deposit=ask.deposit, bike_id=ask.bike_id) for ask in super().sample_asks(now)]


@breaks(notice_messages, "differs when it is read back")
class LosesMoment(BikeShare):
    def render(self, notice: Notice) -> Rendered:
        return super().render(replace(notice, due_at=None))


@breaks(notice_messages, "a notice says more than it was given: EXCELLENT")
class TellsTheTier(BikeShare):
    def render(self, notice: Notice) -> Rendered:
        rendered = super().render(notice)
        message = json.loads(rendered.body)
        return replace(rendered, body=json.dumps({**message, "tier": "EXCELLENT"}).encode())


@breaks(notice_messages, "is rendered in two ways")
class RendersDifferently(BikeShare):
    def __init__(self) -> None:
        super().__init__()
        self.spaces = self._spaces()

    def render(self, notice: Notice) -> Rendered:
        rendered = super().render(notice)
        return replace(rendered, body=rendered.body + next(self.spaces))

    def _spaces(self) -> Iterator[bytes]:
        while True:
            yield b""
            yield b" "
