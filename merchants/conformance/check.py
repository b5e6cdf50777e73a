"""Checks an adapter against all requirements, and a policy against those that other numbers can break.

Code of the adapter that fails in any way is a finding as well, so that a check never ends early.
"""

from collections.abc import Iterator
from itertools import islice

from gateway.domain.policies.table import DecisionTable
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
from merchants.conformance.requirement import SHOWN_FINDINGS, Adapter, Finding, Requirement

POLICY_REQUIREMENTS = (
    tier_monotonicity,
    share_monotonicity,
    money_conservation,
    reasons_named,
    approval_end,
    overdue_declined,
)
"""The requirements that other numbers in a policy can break."""

REQUIREMENTS = (
    golden_cases,
    rules_reached,
    *POLICY_REQUIREMENTS,
    available_limit_monotonicity,
    retry_after_present,
    bad_money_refused,
    ask_documents,
    asks_frozen,
    outcome_documents,
    notice_messages,
)


def check_adapter(adapter: Adapter) -> dict[str, list[Finding]]:
    """The first findings of every requirement, by the requirement's name. The list is empty where it holds."""
    return {each.name: list(islice(_findings(each, adapter), SHOWN_FINDINGS)) for each in REQUIREMENTS}


def check_policy(adapter: Adapter, table: DecisionTable) -> Iterator[Finding]:
    """Yields the findings for the adapter with this table as its only policy, for the requirements that numbers can
    break. Raises Misconfigured for a table with other columns or benefits."""
    effective = adapter.with_policy(table)
    for each in POLICY_REQUIREMENTS:
        yield from _findings(each, effective)


def _findings(each: Requirement, adapter: Adapter) -> Iterator[Finding]:
    try:
        yield from each(adapter)
    except Exception as error:  # noqa: BLE001  # foreign code may fail in any way
        yield Finding(each.name, f"{type(error).__name__}: {error}")
