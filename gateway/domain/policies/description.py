"""What a policy says, in words: the same ones on the reference pages and for the operator who asks why."""

from typing import Any

from gateway.domain.policies.column import Cell
from gateway.domain.policies.rule import Rule, plain


def cell_words(cell: Cell) -> str:
    """Such as "deposit at most 500.00 CNY"."""
    tests = [f"{operator.replace('_', ' ')} {value_words(value)}" for operator, value in cell.tests.items()]
    return f"{cell.column} {' and '.join(tests)}"


def rule_words(rule: Rule) -> str:
    """What the rule says if it decides, without its reasons: "approve 70 percent, at most 7000.00 CNY"."""
    says = [rule.verdict.lower() if rule.share is None else f"approve {rule.share} percent"]
    says += [f"at most {value_words(rule.maximum)}"] if rule.maximum else []
    says += [f"{name} {value_words(value)}" for name, value in rule.benefits.items()]
    says += [f"retry after {value_words(rule.retry_after)}"] if rule.retry_after is not None else []
    says += [f"or {value_words(rule.alternatives)}"] if rule.alternatives else []
    return ", ".join(says)


def value_words(value: Any) -> str:
    """A value of a test or of an outcome, as it is or as the log keeps it: "500.00 CNY", "GOOD or FAIR", "yes"."""
    value = plain(value)
    if isinstance(value, dict):
        return f"{value['amount']} {value['currency']}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)
