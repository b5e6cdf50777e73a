"""A small decision table, for tests of rules."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from gateway.domain.money import Money
from gateway.domain.policies.column import Cell, ColumnKind, Fact
from gateway.domain.policies.rule import Rule, Verdict
from gateway.domain.policies.table import DecisionTable
from gateway.domain.scoring.tier import Tier

COLUMNS = {
    "tier": ColumnKind.TIER,
    "amount": ColumnKind.AMOUNT,
    "overdue": ColumnKind.COUNT,
    "wait": ColumnKind.DURATION,
    "member": ColumnKind.FLAG,
    "category": ColumnKind.WORD,
}
FACTS: dict[str, Fact] = {
    "tier": Tier.GOOD,
    "amount": Money(10000, "CNY"),
    "overdue": 0,
    "wait": timedelta(days=7),
    "member": True,
    "category": "shoes",
}
DAY = timedelta(days=1)
LAST = Rule(id="last", verdict=Verdict.DECLINE, reasons=("TIER_BELOW_REQUIRED",))


def approve(rule_id: str, *when: Cell, **more: Any) -> Rule:
    return Rule(**{"id": rule_id, "when": when, "verdict": Verdict.APPROVE, "share": 100, **more})


def decline(rule_id: str, *when: Cell, **more: Any) -> Rule:
    return Rule(**{"id": rule_id, "when": when, "verdict": Verdict.DECLINE, "reasons": ("NOT_SCORED",), **more})


def with_rules(policy: DecisionTable, rules: Sequence[Rule], version: str = "another") -> DecisionTable:
    """Another version of a policy, with these rules and without benefits."""
    return DecisionTable(
        policy=policy.policy,
        version=version,
        effective=policy.effective,
        currency=policy.currency,
        columns=policy.columns,
        rules=rules,
        source=f"{version}.toml",
    )


def table(*rules: Rule, **more: Any) -> DecisionTable:
    header = {
        "policy": "test",
        "version": "1",
        "effective": date(2026, 11, 1),
        "currency": "CNY",
        "source": "test.toml",
    }
    return DecisionTable(**{**header, "columns": COLUMNS, "rules": rules, **more})


def yuan(minor: int) -> Money:
    return Money(minor, "CNY")
