"""A request from the log that is decided again with another policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.domain.decisions.exposure import LIMIT_REACHED
from gateway.domain.decisions.outcome import outcome_from_document
from gateway.domain.errors import GatewayError
from gateway.domain.period import parse_moment
from gateway.domain.policies.comparison import ComparedResult, ResultComparison
from gateway.domain.policies.past_result import benefits_from_document, policy_result_from_document
from gateway.domain.policies.table import DecisionTable, PolicyResult
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime
from merchants.adapter import MerchantAdapter, Person

UNREADABLE = (GatewayError, LookupError, TypeError, ValueError)
"""The exceptions of adapter and policy for an entry that an incompatible version has written."""


@dataclass(frozen=True, slots=True)
class PastRequest:
    """A request from the log. `now` is the time of the decision, `personal` the personal part of its first entry. All
    methods raise one of UNREADABLE for an entry that the installed adapter cannot read."""

    adapter: MerchantAdapter[Any]
    decision_id: str
    ask: object
    person: Person
    now: BusinessTime
    personal: Mapping[str, Any]

    @classmethod
    def read(
        cls, adapter: MerchantAdapter[Any], public: Mapping[str, Any], personal: Mapping[str, Any]
    ) -> "PastRequest":
        """The request in the public and personal parts of its first log entry."""
        return cls(
            adapter=adapter,
            decision_id=public["decision"],
            ask=adapter.ask_from_document(personal["ask"][adapter.member]),
            # Entries of older versions have no breaches of their own: they counted them as overdue obligations. Only
            # the entries of starters have `starter`.
            person=Person(
                Tier(personal["tier"]),
                personal["open_overdue"],
                personal.get("open_breaches", 0),
                personal.get("starter", False),
            ),
            now=BusinessTime(parse_moment(public["business_at"])),
            personal=personal,
        )

    def decide_by(self, table: DecisionTable) -> PolicyResult:
        """The result of another policy for this request."""
        return self.adapter.apply_policy(table, self.ask, self.person, self.now)

    def compare(self, result: PolicyResult) -> ResultComparison:
        """The recorded result of the request, compared with this result of a policy."""
        outcome = self.adapter.outcome(self.ask, result, self.now)
        after = ComparedResult.of(outcome, result.rule_id, result.benefits, self.adapter.policy.currency)
        return ResultComparison(self.decision_id, self.person.tier, self._recorded(), after)

    def _recorded(self) -> ComparedResult:
        recorded, benefits = self.personal["ruling"], self.adapter.benefits
        outcome = outcome_from_document(self.personal["outcome"])
        if LIMIT_REACHED in outcome.reasons:  # policies are compared, not available limits
            outcome = self.adapter.outcome(self.ask, policy_result_from_document(recorded, benefits), self.now)
        granted = benefits_from_document(recorded["benefits"], benefits)
        return ComparedResult.of(outcome, recorded["rule_id"], granted, self.adapter.policy.currency)
