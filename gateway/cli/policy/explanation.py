"""The explanation of a decision. Of the person it contains the tier, the numbers of overdue obligations and breaches,
whether the person was a starter, and the requested amounts, as recorded in the log entry."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.cli.output import Record
from gateway.domain.decisions.reason import REASONS
from gateway.domain.policies.description import describe_cell, format_value
from gateway.domain.policies.table import DecisionTable
from gateway.services.policies.history import Trace

_RESULT = ("verdict", "share", "maximum", "benefits", "retry_after", "alternatives")


def describe(trace: Trace) -> Record:
    """The explanation as a document. Members about the person are None if the person's key has been destroyed."""
    public, policy, personal = trace.public, trace.public["policy"], trace.personal
    in_force = trace.in_force
    return {
        "decision_id": public["decision"],
        "status": public["to"],
        "decided_at": public["business_at"],
        "product": public["product"],
        "purpose": public["purpose"],
        "policy": {name: policy[name] for name in ("adapter", "version", "hash", "rule")},
        "policy_in_force": in_force and {"version": in_force.version, "hash": in_force.hash},
        "is_sealed": personal is None,
        "requested": personal and _requested(personal),
        "person": personal and _person(personal),
        "rules": personal and list(_rules(personal["ruling"]["trace"], trace.table)),
        "result": personal and _result(personal["ruling"]),
        "outcome": personal and {"kind": personal["outcome"]["kind"], "reasons": personal["outcome"]["reasons"]},
        "shadow": personal and _shadow(personal.get("shadow")),
    }


def _person(personal: Record) -> Record:
    # Entries of older versions have no breaches of their own: they counted them as overdue obligations. Only the
    # entries of starters have `starter`.
    return {
        "tier": personal["tier"],
        "open_overdue": personal["open_overdue"],
        "open_breaches": personal.get("open_breaches", 0),
        "starter": personal.get("starter", False),
    }


def lines(explanation: Record) -> Iterator[str]:
    """The explanation in words, line by line."""
    policy = explanation["policy"]
    yield f"{explanation['decision_id']}: {explanation['status']} at {explanation['decided_at']}"
    yield f"product: {explanation['product']} for {explanation['purpose']}"
    yield f"policy: {policy['adapter']} {policy['version']}, {policy['hash']}"
    yield from _warning(policy, explanation["policy_in_force"])
    if explanation["is_sealed"]:
        yield f"rule: {policy['rule']}"
        yield "The rest cannot be read any more: the person's key has been destroyed."
        return
    yield f"requested: {', '.join(f'{name} {format_value(value)}' for name, value in explanation['requested'].items())}"
    person = explanation["person"]
    counts = f"overdue obligations: {person['open_overdue']}, breaches: {person['open_breaches']}"
    yield f"person: tier {person['tier']}, {counts}" + (", a starter" if person["starter"] else "")
    for rule in explanation["rules"]:
        yield f"  {rule['rule']}: " + ("matched" if rule["is_matched"] else f"not met, requires {rule['requires']}")
    yield f"policy result: {_result_words(explanation['result'])}"
    outcome = explanation["outcome"]
    yield f"outcome: {outcome['kind'].lower()}"
    for code in outcome["reasons"]:
        yield f"  {code}: {REASONS[code].merchant.text() if code in REASONS else 'a code of an earlier version'}"
    yield from _shadow_words(explanation["shadow"])


def _warning(policy: Record, in_force: Record | None) -> Iterator[str]:
    if in_force is None:
        yield f"warning: the adapter {policy['adapter']} is not installed"
    elif in_force["hash"] != policy["hash"]:
        yield f"warning: another policy is in force now: {in_force['version']}, {in_force['hash']}"


def _requested(personal: Mapping[str, Any]) -> Record:
    # Amounts only: an ask also has goods, places and dates, which are the person's and do not explain the result.
    (ask,) = personal["ask"].values()
    return {name: value for name, value in ask.items() if _is_money(value)}


def _rules(tried: list[Mapping[str, Any]], table: DecisionTable | None) -> Iterator[Record]:
    """The rules that were tried, in order; the last one matched."""
    for each in tried:
        failed = each["failed"]
        requires = None if failed is None else _condition(table, each["rule_id"], failed)
        yield {"rule": each["rule_id"], "is_matched": failed is None, "failed_column": failed, "requires": requires}


def _condition(table: DecisionTable | None, rule_id: str, column: str) -> str:
    if table is None:  # another version may have another condition for the same column of the same rule
        return f"a condition on {column} of a policy that is no longer installed"
    rule = next(rule for rule in table.rules if rule.id == rule_id)
    return describe_cell(next(cell for cell in rule.when if cell.column == column))


def _result(recorded: Mapping[str, Any]) -> Record:
    return {name: recorded.get(name) for name in _RESULT}


def _result_words(result: Record) -> str:
    words = [f"{result['share']} percent"] if result["share"] else []
    words += [f"at most {format_value(result['maximum'])}"] if result["maximum"] else []
    words += [f"{name} {format_value(value)}" for name, value in (result["benefits"] or {}).items()]
    words += [f"retry after {result['retry_after']}"] if result["retry_after"] else []
    words += [f"or {format_value(result['alternatives'])}"] if result["alternatives"] else []
    return ", ".join([result["verdict"].lower(), *words])


def _shadow(recorded: Mapping[str, Any] | None) -> Record | None:
    if recorded is None:
        return None
    failed = "error" in recorded
    return {
        "policy": recorded["policy"],
        "version": recorded["policy_version"],
        "hash": recorded["policy_hash"],
        "error": recorded.get("error"),
        "rule": recorded.get("rule_id"),
        "result": None if failed else _result(recorded),
    }


def _shadow_words(shadow: Record | None) -> Iterator[str]:
    if shadow is None:
        return
    name = f"shadow policy {shadow['policy']} {shadow['version']}, {shadow['hash']}"
    if shadow["error"]:
        yield f"{name}: failed with {shadow['error']}"
    else:
        yield f"{name}: {_result_words(shadow['result'])}, by the rule {shadow['rule']}"


def _is_money(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"amount", "currency"}
