"""Checks an adapter against all requirements, and a policy against the requirements that depend on its numbers.

An exception in the adapter's code is a finding too, so every requirement is checked.
"""

from collections.abc import Iterator
from itertools import islice

from gateway.domain.policies.table import DecisionTable
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
from merchants.conformance.requirement import SHOWN_FINDINGS, Adapter, Finding, Requirement

POLICY_REQUIREMENTS = (
    tier_monotonicity,
    share_monotonicity,
    money_conservation,
    reasons_named,
    approval_end,
    overdue_declined,
)
"""The requirements that a change of a policy's numbers can violate."""

REQUIREMENTS = (
    golden_cases,
    rules_reached,
    *POLICY_REQUIREMENTS,
    available_limit_monotonicity,
    retry_after_present,
    invalid_amounts_rejected,
    ask_documents,
    asks_frozen,
    outcome_documents,
    notice_messages,
)


def check_adapter(adapter: Adapter) -> dict[str, list[Finding]]:
    """The first findings for every requirement, by the name of the requirement. An empty list if it is satisfied."""
    return {each.name: list(islice(_findings(each, adapter), SHOWN_FINDINGS)) for each in REQUIREMENTS}


def check_policy(adapter: Adapter, table: DecisionTable) -> Iterator[Finding]:
    """Yields the findings of POLICY_REQUIREMENTS for the adapter with this table as its only policy. Raises
    Misconfigured for a table with other columns or benefits."""
    effective = adapter.with_policy(table)
    for requirement in POLICY_REQUIREMENTS:
        yield from _findings(requirement, effective)


def _findings(requirement: Requirement, adapter: Adapter) -> Iterator[Finding]:
    try:
        yield from requirement(adapter)
    except Exception as error:  # noqa: BLE001  # an adapter's code may raise anything
        yield Finding(requirement.name, f"{type(error).__name__}: {error}")
