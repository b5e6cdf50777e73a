"""English descriptions of policy rules, for the reference pages and `gateway policy explain`."""

from typing import Any

from gateway.domain.policies.column import Cell
from gateway.domain.policies.rule import Rule, plain


def describe_cell(cell: Cell) -> str:
    """Returns a text such as "deposit at most 500.00 CNY"."""
    tests = [f"{operator.replace('_', ' ')} {format_value(value)}" for operator, value in cell.tests.items()]
    return f"{cell.column} {' and '.join(tests)}"


def describe_rule(rule: Rule) -> str:
    """Returns the result of a rule without its reasons: "approve 70 percent, at most 7000.00 CNY"."""
    parts = [rule.verdict.lower() if rule.share is None else f"approve {rule.share} percent"]
    parts += [f"at most {format_value(rule.maximum)}"] if rule.maximum else []
    parts += [f"{name} {format_value(value)}" for name, value in rule.benefits.items()]
    parts += [f"retry after {format_value(rule.retry_after)}"] if rule.retry_after is not None else []
    parts += [f"or {format_value(rule.alternatives)}"] if rule.alternatives else []
    return ", ".join(parts)


def format_value(value: Any) -> str:
    """Returns the text of a value of a test or an outcome: "500.00 CNY", "GOOD or FAIR", "yes". Accepts the value
    itself or its form in the log."""
    value = plain(value)
    if isinstance(value, dict):
        return f"{value['amount']} {value['currency']}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)
