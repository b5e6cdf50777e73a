"""The reference page of each built-in adapter: its ask, policy, terms, golden cases and notice."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema

from gateway.domain.consents.purpose import PURPOSES
from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.settlement import Settlement
from gateway.domain.decisions.transitions import Status
from gateway.domain.environment import EnvironmentLabel
from gateway.domain.events import Actor, Topic
from gateway.domain.money import Money
from gateway.domain.policies.description import describe_cell, describe_rule, format_value
from gateway.domain.policies.rule import Rule, plain
from gateway.domain.webhooks.notice import DecisionData, Notice, Subject, SubjectType
from merchants.adapter import GoldenCase, MerchantAdapter
from merchants.registry import discover
from schema.build import build_schema

BUILT_IN = sorted(path.parent.name for path in (Path(__file__).parent.parent / "merchants").glob("*/policy.toml"))
_CASE = ("case", "tier", "open overdue obligations", "open breaches", "starter", "differences", "outcome")
Table = Callable[[tuple[str, ...], list[tuple[str, ...]]], str]


def adapter_pages(table: Table) -> dict[str, tuple[str, str]]:
    """Returns title and body of the page of each built-in adapter, and of their list, by file name."""
    registry = discover(BUILT_IN)
    schema = build_schema(registry, sandbox=False).schema
    rows = [(f"[{key}]({key}.md)", f"`{each.product}`", each.summary) for key, each in registry.items()]
    return {
        "adapters/README.md": ("Adapters", table(("adapter", "product", "what it decides"), rows)),
        **{
            f"adapters/{key}.md": (f"Adapter {key}", _body(adapter, schema, table)) for key, adapter in registry.items()
        },
    }


def _body(adapter: MerchantAdapter[Any], schema: GraphQLSchema, table: Table) -> str:
    parts = [adapter.summary, _facts(adapter, table), "## Ask", _ask(adapter, schema, table)]
    parts += ["## Policy", _policy(adapter, table), "## Terms", _terms(adapter, schema, table)]
    parts += ["## Golden cases", _golden(adapter, table), "## Notice", _notice(adapter)]
    return "\n\n".join(parts)


def _facts(adapter: MerchantAdapter[Any], table: Table) -> str:
    purpose = PURPOSES[adapter.default_purpose]
    versions = ", ".join(table.version for table in adapter.policies)
    rows = [
        ("member of `DecisionAsk`", f"`{adapter.member}`"),
        ("product", f"`{adapter.product}`"),
        ("default purpose", f"`{purpose.code}`: ... so that the merchant can {purpose.sentence}."),
        (
            "an approval can be activated for",
            f"`{plain(adapter.approval_validity)}`, at most until the due date of its terms",
        ),
        (
            "policy",
            f"version {versions}, amounts in {adapter.policy.currency}",
        ),
    ]
    return table(("property", "value"), rows)


def _ask(adapter: MerchantAdapter[Any], schema: GraphQLSchema, table: Table) -> str:
    form = schema.type_map[adapter.ask_type_name]
    assert isinstance(form, GraphQLInputObjectType)
    rows = [(f"`{name}`", f"`{field.type}`", field.description or "") for name, field in form.fields.items()]
    return f"`{form.name}`: {form.description}\n\n{table(('field', 'type', 'meaning'), rows)}"


def _policy(adapter: MerchantAdapter[Any], table: Table) -> str:
    versions = list(adapter.policies)
    parts = ["The first matching rule decides."]
    for version in versions:
        parts += [f"Version {version.version} is in force from {version.effective}."] if len(versions) > 1 else []
        parts.append(table(("rule", "condition", "result"), [_rule(rule) for rule in version.rules]))
    return "\n\n".join(parts)


def _rule(rule: Rule) -> tuple[str, str, str]:
    result = "; ".join([describe_rule(rule), *(f"`{code}`" for code in rule.reasons)])
    return f"`{rule.id}`", ", ".join(map(describe_cell, rule.when)) or "always", result


def _terms(adapter: MerchantAdapter[Any], schema: GraphQLSchema, table: Table) -> str:
    outcome = adapter.decide(adapter.ordinary_case.ask, adapter.ordinary_case.person, adapter.ordinary_case.now).outcome
    assert isinstance(outcome, Approval)
    form = schema.type_map[type(outcome.terms).__name__]
    assert isinstance(form, GraphQLObjectType)
    rows = [(f"`{name}`", f"`{field.type}`", field.description or "") for name, field in form.fields.items()]
    exposed = (type(outcome.terms).exposed.__doc__ or "").strip()
    rows.append(("exposed", "not in the response", exposed))
    return f"`{form.name}`: {form.description}\n\n{table(('field', 'type', 'meaning'), rows)}"


def _golden(adapter: MerchantAdapter[Any], table: Table) -> str:
    usual = adapter.ask_document(adapter.ordinary_case.ask)
    example = json.dumps({adapter.member: usual}, indent=2, ensure_ascii=False)
    rows = [_case(adapter, case, usual) for case in adapter.golden]
    intro = f"The ordinary ask. Each case lists its differences from it.\n\n```json\n{example}\n```\n\n"
    return intro + table(_CASE, rows)


def _notice(adapter: MerchantAdapter[Any]) -> str:
    outcome = adapter.decide(adapter.ordinary_case.ask, adapter.ordinary_case.person, adapter.ordinary_case.now).outcome
    assert isinstance(outcome, Approval)
    terms = outcome.terms
    notice = Notice(
        topic=Topic.DECISION_APPROVED,
        occurred_at=adapter.ordinary_case.now,
        event_id="evt_1",
        environment=EnvironmentLabel.LIVE,
        merchant_id="mer_1",
        subject=Subject(SubjectType.DECISION, "dec_1"),
        sequence=1,
        actor=Actor.GATEWAY,
        data=DecisionData(
            merchant_reference="order-17",
            product=adapter.product,
            before=None,
            after=Status.APPROVED,
            exposed=terms.exposed,
            settlement=Settlement(
                terms.exposed, Money.zero(terms.exposed.currency), terms.exposed, terms.due_at, overdue=False
            ),
            consent_id="con_1",
            reason_codes=outcome.reasons,
        ),
    )
    rendered = adapter.render(notice)
    example = json.dumps(json.loads(rendered.body), indent=2, ensure_ascii=False)
    intro = (
        f"Sent when the ordinary ask is approved, signed with `{rendered.signature}` in the header `{rendered.header}`:"
    )
    return f"{intro}\n\n```json\n{example}\n```"


def _case(adapter: MerchantAdapter[Any], case: GoldenCase[Any], usual: dict[str, Any]) -> tuple[str, ...]:
    asked = adapter.ask_document(case.ask)
    changed = [f"{name} {format_value(value)}" for name, value in asked.items() if value != usual[name]]
    outcome = adapter.decide(case.ask, case.person, case.now).outcome
    result = [f"approved, exposure {outcome.terms.exposed}"] if isinstance(outcome, Approval) else []
    result += ["declined"] if isinstance(outcome, Decline) else []
    result += [f"`{code}`" for code in outcome.reasons]
    person = case.person
    facts = (person.tier.value, str(person.open_overdue), str(person.open_breaches), "yes" if person.starter else "no")
    return case.name, *facts, ", ".join(changed) or "none", "; ".join(result or ["manual review"])
