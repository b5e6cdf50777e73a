"""A request as the log has it, asked of its adapter once more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain.errors import GatewayError
from gateway.domain.exposure import LIMIT_REACHED
from gateway.domain.outcome import outcome_from_document
from gateway.domain.past_ruling import benefits_from_document, ruling_from_document
from gateway.domain.period import parse_moment
from gateway.domain.policy import DecisionTable, Ruling
from gateway.domain.policy_change import Answered, Compared
from gateway.domain.tier import Tier
from merchants.contract import MerchantAdapter, Person

UNREADABLE = (GatewayError, LookupError, TypeError, ValueError)
"""What adapter and policy raise at an entry that was written by another version of them."""


@dataclass(frozen=True, slots=True)
class PastRequest:
    """`now` is the business time at which it was decided, `personal` the sealed part of its first entry. All methods
    raise one of UNREADABLE where the adapter has changed too much."""

    adapter: MerchantAdapter[Any]
    decision_id: str
    ask: object
    person: Person
    now: datetime
    personal: Mapping[str, Any]

    @classmethod
    def read(
        cls, adapter: MerchantAdapter[Any], public: Mapping[str, Any], personal: Mapping[str, Any]
    ) -> "PastRequest":
        return cls(
            adapter=adapter,
            decision_id=public["decision"],
            ask=adapter.ask_from_document(personal["ask"][adapter.member]),
            person=Person(Tier(personal["tier"]), personal["open_overdue"]),
            now=parse_moment(public["business_at"]),
            personal=personal,
        )

    def ruled_by(self, table: DecisionTable) -> Ruling:
        """What another policy says of it."""
        return table.decide(self.adapter.facts(self.ask, self.person, self.now))

    def held_against(self, ruling: Ruling) -> Compared:
        """How it was answered, beside how it would have been with that ruling."""
        outcome = self.adapter.outcome(self.ask, ruling, self.now)
        after = Answered.of(outcome, ruling.rule_id, ruling.benefits, self.adapter.policy.currency)
        return Compared(self.decision_id, self.person.tier, self._answered(), after)

    def _answered(self) -> Answered:
        recorded, benefits = self.personal["ruling"], self.adapter.benefits
        outcome = outcome_from_document(self.personal["outcome"])
        if LIMIT_REACHED in outcome.reasons:  # the policy had said something else, which is what is compared
            outcome = self.adapter.outcome(self.ask, ruling_from_document(recorded, benefits), self.now)
        given = benefits_from_document(recorded["benefits"], benefits)
        return Answered.of(outcome, recorded["rule_id"], given, self.adapter.policy.currency)
