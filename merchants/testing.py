"""The contract suite: what every adapter must satisfy, as tests. An adapter's test file inherits it:

class TestCarRental(AdapterContract):
    adapter = CarRental
"""

from itertools import islice
from typing import Any, ClassVar

from merchants.adapter import MerchantAdapter
from merchants.conformance.asks import ask_documents, asks_frozen, bad_money_refused
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

    def test_golden_cases_come_out_as_written(self) -> None:
        self._require(golden_cases)

    def test_every_rule_is_reached(self) -> None:
        self._require(rules_reached)

    def test_better_tier_never_gets_worse_answer(self) -> None:
        self._require(tier_monotonicity)

    def test_better_tier_never_gets_worse_answer_within_available_limit(self) -> None:
        self._require(available_limit_monotonicity)

    def test_larger_ask_never_gets_larger_share(self) -> None:
        self._require(share_monotonicity)

    def test_money_is_conserved(self) -> None:
        self._require(money_conservation)

    def test_less_than_asked_names_its_reasons(self) -> None:
        self._require(reasons_named)

    def test_every_decline_says_when_asking_again_can_help(self) -> None:
        self._require(retry_after_present)

    def test_every_approval_ends(self) -> None:
        self._require(approval_end)

    def test_overdue_is_never_approved(self) -> None:
        self._require(overdue_declined)

    def test_bad_money_is_refused_and_the_field_named(self) -> None:
        self._require(bad_money_refused)

    def test_documents_hold_no_more_than_the_answer(self) -> None:
        self._require(outcome_documents)

    def test_asks_survive_being_written_down(self) -> None:
        self._require(ask_documents)

    def test_notices_lose_nothing_on_the_wire_and_add_nothing(self) -> None:
        self._require(notice_messages)

    def test_asks_cannot_be_changed(self) -> None:
        self._require(asks_frozen)

    def _require(self, requirement: Requirement) -> None:
        problems = [finding.problem for finding in islice(requirement(self.adapter()), SHOWN_FINDINGS)]
        if problems:  # `assert` would check nothing under `python -O`
            raise AssertionError("\n".join(problems))
