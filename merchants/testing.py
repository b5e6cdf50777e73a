"""The contract suite: the requirements on every adapter, as tests. The tests of an adapter inherit them:

class TestCarRental(AdapterContract):
    adapter = CarRental
"""

from itertools import islice
from typing import Any, ClassVar

from merchants.adapter import MerchantAdapter
from merchants.conformance.asks import ask_documents, asks_frozen, invalid_amounts_rejected
from merchants.conformance.disclosure import notice_messages, outcome_documents
from merchants.conformance.fairness import (
    available_limit_monotonicity,
    overdue_declined,
    share_monotonicity,
    tier_monotonicity,
)
from merchants.conformance.golden import golden_cases, rules_reached
from merchants.conformance.outcomes import approval_end, money_conservation, reasons_named, retry_after_present
from merchants.conformance.requirement import SHOWN_FINDINGS, Requirement


class AdapterContract:
    """One test for each requirement. It fails with the findings."""

    adapter: ClassVar[type[MerchantAdapter[Any]]]

    def test_golden_cases_have_expected_outcomes(self) -> None:
        self._require(golden_cases)

    def test_every_rule_is_reached(self) -> None:
        self._require(rules_reached)

    def test_better_tier_never_gets_worse_outcome(self) -> None:
        self._require(tier_monotonicity)

    def test_better_tier_never_gets_worse_outcome_within_available_limit(self) -> None:
        self._require(available_limit_monotonicity)

    def test_larger_ask_never_gets_larger_share(self) -> None:
        self._require(share_monotonicity)

    def test_amounts_add_up(self) -> None:
        self._require(money_conservation)

    def test_reduced_approval_has_reasons(self) -> None:
        self._require(reasons_named)

    def test_every_decline_has_a_retry_time(self) -> None:
        self._require(retry_after_present)

    def test_every_approval_ends(self) -> None:
        self._require(approval_end)

    def test_overdue_is_never_approved(self) -> None:
        self._require(overdue_declined)

    def test_invalid_amount_is_rejected_with_its_field(self) -> None:
        self._require(invalid_amounts_rejected)

    def test_documents_hold_only_the_outcome(self) -> None:
        self._require(outcome_documents)

    def test_asks_can_be_read_back_from_documents(self) -> None:
        self._require(ask_documents)

    def test_messages_hold_exactly_the_notice(self) -> None:
        self._require(notice_messages)

    def test_asks_cannot_be_changed(self) -> None:
        self._require(asks_frozen)

    def _require(self, requirement: Requirement) -> None:
        problems = [finding.problem for finding in islice(requirement(self.adapter()), SHOWN_FINDINGS)]
        if problems:  # `assert` does nothing under `python -O`
            raise AssertionError("\n".join(problems))
