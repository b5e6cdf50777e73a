"""Adapters that each violate one requirement, with a part of the problem's sentence."""

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
from gateway.domain.webhooks.notice import Notice
from merchants.adapter import SAMPLE_NOW
from merchants.asks.fields import ask_field
from merchants.bike_share import BikeRideAsk, BikeShare
from merchants.conformance.asks import ask_documents, asks_frozen, invalid_amounts_rejected
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
from merchants.wire import Rendered

FAULTY: list[tuple[Requirement, type[Any], str]] = []
"""Requirement, an adapter that violates it, and a part of the problem's sentence."""

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
    """A policy with these rules for the adapter."""
    header = 'policy = "faulty"\nversion = "1"\neffective = 2026-11-01\ncurrency = "CNY"\n'
    return read_table(header + rules, adapter.columns, "faulty.toml", adapter.benefits)


def violates(requirement: Requirement, problem: str) -> Any:
    """Decorator: registers the adapter as one that violates the requirement."""

    def register(adapter: type[Any]) -> type[Any]:
        FAULTY.append((requirement, adapter, problem))
        return adapter

    return register


@violates(golden_cases, "the adapter has no golden cases")
class WithoutGoldenCases(BikeShare):
    golden = ()


@violates(golden_cases, "excellent in full: expected Decline")
class WrongGoldenCase(BikeShare):
    golden = (replace(BikeShare.golden[0], expects=Decline), *BikeShare.golden[1:])


@violates(rules_reached, "reaches the rules ['never']")
class UnreachedRule(BikeShare):
    policy = table_of('[[rule]]\nid = "never"\nwhen.open_overdue = { at_least = 2 }\nrefer = {}\n' + OVERDUE + ALL)


@violates(tier_monotonicity, "but EXCELLENT got")
class WorseForBetterTier(BikeShare):
    policy = table_of(
        OVERDUE
        + '[[rule]]\nid = "top"\nwhen.tier = { at_least = "EXCELLENT" }\n'
        + 'approve = { share = 99, reasons = ["REDUCED_FOR_TIER"] }\n'
        + ALL
    )


STARTER = '[[rule]]\nid = "starter"\nwhen.starter = { is = true }\n'
FAIR = '[[rule]]\nid = "fair"\nwhen.tier = { at_least = "FAIR" }\n'
PART = 'approve = { share = SHARE, reasons = ["STARTER_LIMIT"] }\n'
NO = 'decline = { reasons = ["NOT_SCORED"], retry_after = "P1D" }\n'
REST = '[[rule]]\nid = "rest"\n' + NO


@violates(tier_monotonicity, "BUILDING starter got")
class StarterBetterThanFair(BikeShare):
    policy = table_of(
        OVERDUE + STARTER + PART.replace("SHARE", "21") + FAIR + PART.replace("SHARE", "20") + REST,
    )


@violates(tier_monotonicity, "but UNSCORED starter got")
class StarterWorseThanOthers(BikeShare):
    policy = table_of(OVERDUE + STARTER + NO + ALL)


@violates(tier_monotonicity, "UNSCORED starter got")
class StarterOnlyWithoutScore(BikeShare):
    policy = table_of(
        OVERDUE
        + STARTER
        + 'when.tier = { one_of = ["UNSCORED"] }\n'
        + PART.replace("SHARE", "20")
        + FAIR
        + PART.replace("SHARE", "20")
        + REST,
    )


@violates(share_monotonicity, "UNSCORED starter: ")
class LargerShareForLargerStart(BikeShare):
    policy = table_of(OVERDUE + STARTER + PART.replace("SHARE", "20") + ALL)

    def maximum_amount(self, ask: BikeRideAsk, result: PolicyResult) -> Money | None:
        return Money(1, "CNY") if result.rule_id == "starter" and ask.deposit.minor < 100_000 else None


@violates(retry_after_present, "the rule has no retry_after")
class StarterWithoutRetryAfter(BikeShare):
    policy = table_of(OVERDUE + STARTER + 'decline = { reasons = ["NOT_SCORED"] }\n' + ALL)


@violates(share_monotonicity, "a larger share")
class LargerShareForLargerAsk(BikeShare):
    def maximum_amount(self, ask: BikeRideAsk, result: PolicyResult) -> Money | None:
        return Money(100, "CNY") if ask.deposit.minor < 100_000 else None


@violates(share_monotonicity, "must return asks that differ in the amount alone")
class OneAmountOnly(BikeShare):
    policy = table_of(OVERDUE + ALL)

    def sample_asks(self, now: datetime = SAMPLE_NOW) -> Sequence[BikeRideAsk]:
        return [BikeRideAsk(deposit=Money(10000, "CNY"), bike_id=bike) for bike in ("1", "2")]


@violates(overdue_declined, "with an open overdue obligation got Approval")
class ApprovesOverdue(BikeShare):
    policy = table_of(ALL)


@violates(available_limit_monotonicity, "although the merchant accepts a part")
class NeverReducible(BikeShare):
    policy = table_of(OVERDUE + ALL)

    def maximum_amount(self, ask: BikeRideAsk, result: PolicyResult) -> Money | None:
        return None  # ignores the maximum that reduces an approval


class Overstating(BikeShare):
    """Its terms are for twice the deposit of the ask."""

    def terms(self, ask: BikeRideAsk, result: PolicyResult, now: datetime) -> DepositTerms:
        terms = super().terms(ask, result, now)
        return replace(
            terms,
            original_deposit=terms.original_deposit + terms.original_deposit,
            waived_amount=terms.waived_amount + terms.waived_amount,
            deposit_due=terms.deposit_due + terms.deposit_due,
        )


violates(money_conservation, " at risk")(Overstating)


@violates(money_conservation, "due are not")
class LosesDeposit(BikeShare):
    def terms(self, ask: BikeRideAsk, result: PolicyResult, now: datetime) -> DepositTerms:
        waived = self.granted_amount(ask, result)
        return replace(
            super().terms(ask, result, now), original_deposit=waived, deposit_due=Money.zero(waived.currency)
        )


@violates(reasons_named, "without a reason")
class SilentReduction(Hotel):
    policy = table_of(
        OVERDUE
        + '[[rule]]\nid = "all"\napprove = { share = 100, pay_at_check_out = false, skip_front_desk = false }\n',
        Hotel,
    )


@violates(reasons_named, "neither in the policy nor in own_reasons")
class UndeclaredReason(BikeShare):
    def reduced_terms_reasons(self, ask: BikeRideAsk, result: PolicyResult) -> tuple[str, ...]:
        return ("TERM_SHORTENED",)


@violates(retry_after_present, "the rule has no retry_after")
class WithoutRetryAfter(BikeShare):
    policy = table_of('[[rule]]\nid = "all"\ndecline = { reasons = ["NOT_SCORED"] }\n')


@violates(approval_end, "valid until")
class DueInThePast(BikeShare):
    def terms(self, ask: BikeRideAsk, result: PolicyResult, now: datetime) -> DepositTerms:
        return replace(super().terms(ask, result, now), return_by=now - timedelta(days=1))


@violates(invalid_amounts_rejected, "was accepted")
class AcceptsZero(BikeShare):
    def check(self, ask: BikeRideAsk, now: datetime) -> None:
        if ask.deposit.minor:
            super().check(ask, now)


class ReplacesFieldPath(BikeShare):
    """Rejects invalid asks with `path` instead of the path of the field."""

    path: tuple[str, ...] = ()

    def check(self, ask: BikeRideAsk, now: datetime) -> None:
        try:
            super().check(ask, now)
        except InvalidInput as error:
            raise InvalidInput(error.code, "is rejected", self.path) from None


@violates(invalid_amounts_rejected, "was rejected without a field")
class NamesNoField(ReplacesFieldPath):
    pass


@violates(invalid_amounts_rejected, "the unknown field price")
class NamesUnknownField(ReplacesFieldPath):
    path = ("price",)


@violates(ask_documents, "does not have exactly its fields")
class LosesField(BikeShare):
    def ask_document(self, ask: BikeRideAsk) -> dict[str, Any]:  # type: ignore[misc]  # it is final
        return {"deposit": ask.deposit.document()}


@violates(ask_documents, "differs when it is read back")
class ReadsAnotherAsk(BikeShare):
    def ask_from_document(self, document: object) -> BikeRideAsk:  # type: ignore[misc]  # it is final
        return BikeRideAsk(deposit=Money(1, "CNY"), bike_id="another")


@dataclass(frozen=True)
class MutableAsk:
    """A dataclass that is declared frozen, but whose fields can be assigned."""

    deposit: Money = ask_field("The deposit.")  # noqa: RUF009
    bike_id: str = ask_field("The bike.")


MutableAsk.__setattr__ = object.__setattr__  # type: ignore[method-assign]


@violates(asks_frozen, "an ask must be frozen")
class UsesMutableAsks(BikeShare):
    Ask = MutableAsk  # type: ignore[assignment]

    def sample_asks(self, now: datetime = SAMPLE_NOW) -> Any:
        return [MutableAsk(deposit=ask.deposit, bike_id=ask.bike_id) for ask in super().sample_asks(now)]


@violates(notice_messages, "differs when it is read back")
class LosesSequence(BikeShare):
    def render(self, notice: Notice) -> Rendered:
        return super().render(replace(notice, sequence=1))


@violates(notice_messages, "values that are not in the notice: EXCELLENT")
class DisclosesTier(BikeShare):
    def render(self, notice: Notice) -> Rendered:
        rendered = super().render(notice)
        message = json.loads(rendered.body)
        return replace(rendered, body=json.dumps({**message, "tier": "EXCELLENT"}).encode())


@violates(notice_messages, "is rendered differently the second time")
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
