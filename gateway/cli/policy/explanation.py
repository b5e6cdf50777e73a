"""The trace of a decision in words. Of the person it tells the tier, the number of overdue obligations and the amounts
asked for: what the log entry holds and the ruling was made of."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.domain.decisions.reason import REASONS
from gateway.domain.policies.description import describe_cell, format_value
from gateway.domain.policies.table import DecisionTable
from gateway.services.policies.history import Trace


def lines(trace: Trace) -> Iterator[str]:
    """What to print, line by line."""
    public, policy = trace.public, trace.public["policy"]
    yield f"{public['decision']}: {public['to']} at {public['business_at']}"
    yield f"product: {public['product']} for {public['purpose']}"
    yield f"policy: {policy['adapter']} {policy['version']}, {policy['hash']}"
    yield from _warning(trace)
    if trace.personal is None:
        yield f"rule: {policy['rule']}"
        yield "The rest is sealed for ever: the key of the person has been destroyed."
        return
    yield from _asked(trace.personal)
    yield from _tried(trace.personal["ruling"], trace.table)
    yield f"the policy said: {_said(trace.personal['ruling'])}"
    yield from _outcome(trace.personal["outcome"])
    yield from _shadow(trace.personal)


def _warning(trace: Trace) -> Iterator[str]:
    recorded = trace.public["policy"]
    if trace.in_force is None:
        yield f"warning: the adapter {recorded['adapter']} is not installed"
    elif trace.in_force.hash != recorded["hash"]:
        yield f"warning: the policy now is another one: {trace.in_force.version}, {trace.in_force.hash}"


def _asked(personal: Mapping[str, Any]) -> Iterator[str]:
    # Amounts alone: an ask also names goods, places and dates, which explain no ruling and are the person's.
    for ask in personal["ask"].values():
        amounts = [f"{name} {format_value(value)}" for name, value in ask.items() if _is_money(value)]
        yield f"asked: {', '.join(amounts)}"
    yield f"person: tier {personal['tier']}, {personal['open_overdue']} open and overdue"


def _tried(ruling: Mapping[str, Any], table: DecisionTable | None) -> Iterator[str]:
    for tried in ruling["trace"]:
        name, failed = tried["rule_id"], tried["failed"]
        if failed is None:
            yield f"  {name}: decided"
        else:
            yield f"  {name}: did not hold, it needs {_test(table, name, failed)}"


def _test(table: DecisionTable | None, rule_id: str, column: str) -> str:
    if table is None:  # another version may test the same column of the same rule otherwise
        return f"a test of {column} that is no longer installed"
    rule = next(rule for rule in table.rules if rule.id == rule_id)
    return describe_cell(next(cell for cell in rule.when if cell.column == column))


def _said(ruling: Mapping[str, Any]) -> str:
    says = [f"{ruling['share']} percent"] if ruling["share"] else []
    says += [f"at most {format_value(ruling['maximum'])}"] if ruling.get("maximum") else []
    says += [f"{name} {format_value(value)}" for name, value in ruling["benefits"].items()]
    says += [f"retry after {ruling['retry_after']}"] if ruling.get("retry_after") else []
    says += [f"or {format_value(ruling['alternatives'])}"] if ruling.get("alternatives") else []
    return ", ".join([ruling["verdict"].lower(), *says])


def _outcome(outcome: Mapping[str, Any]) -> Iterator[str]:
    yield f"the outcome: {outcome['kind'].lower()}"
    for code in outcome["reasons"]:
        yield f"  {code}: {REASONS[code].merchant.text() if code in REASONS else 'no longer known'}"


def _shadow(personal: Mapping[str, Any]) -> Iterator[str]:
    said = personal.get("shadow")
    if said is None:
        return
    name = f"the shadow {said['policy']} {said['policy_version']}, {said['policy_hash']}"
    if "error" in said:
        yield f"{name}, failed: {said['error']}"
    else:
        yield f"{name}, said: {_said(said)}, by the rule {said['rule_id']}"


def _is_money(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"amount", "currency"}
