"""The reference of webhook messages: one JSON Schema for each topic, and a page with all topics and examples."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

from graphql import GraphQLEnumType

from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.decisions.dispute import Contested, DisputeStatus
from gateway.domain.decisions.settlement import Settlement
from gateway.domain.decisions.transitions import Status
from gateway.domain.environment import EnvironmentLabel
from gateway.domain.events import Actor, Topic, wire_name
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.webhooks.envelope import envelope_of, envelope_schema
from gateway.domain.webhooks.notice import (
    ConsentData,
    Data,
    DecisionData,
    DisputeData,
    Notice,
    Subject,
    subject_type_of,
)
from merchants.registry import discover
from schema.build import build_schema
from tools.adapter_pages import BUILT_IN

Table = Callable[[tuple[str, ...], list[tuple[str, ...]]], str]
_NOON = datetime(2026, 11, 28, 12, 0, 0, 250_000, tzinfo=UTC)
_DUE = datetime(2026, 12, 5, 12, tzinfo=UTC)
_OWED, _PAID = Money(30_000, "CNY"), Money(10_000, "CNY")
_INTRO = (
    "The body of a message is one envelope. Each topic has a JSON Schema (2020-12). A message of this version has"
    " exactly the members of its schema. A later version can send more, see"
    " [what may change](../webhooks.md#what-may-change): use the schemas in your tests, and let your receiver ignore"
    " what it does not know.",
    "Times are business time in UTC with milliseconds. Amounts are exact decimals in strings. If the merchant's adapter"
    " has a wire format of its own, messages about decisions and disputes have that format. The page of the adapter has"
    " an example.",
)


def webhook_schemas() -> dict[str, str]:
    """Returns the text of the JSON Schema of each topic by file name."""
    meanings = _meanings()
    return {
        _file_of(topic): json.dumps({**envelope_schema(topic), "description": meanings[topic]}, indent=2) + "\n"
        for topic in Topic
    }


def webhook_page(table: Table) -> tuple[str, str]:
    """Returns title and body of the page with all topics."""
    meanings = _meanings()
    rows = [
        (f"[`{wire_name(topic)}`]({_file_of(topic)})", f"`{topic}`", subject_type_of(topic).value, meanings[topic])
        for topic in Topic
    ]
    parts = [*_INTRO, table(("type", "topic in the API", "subject", "meaning"), rows)]
    for notice in _EXAMPLES:
        example = json.dumps(envelope_of(notice), indent=2, ensure_ascii=False)
        parts += [f"## Example: {wire_name(notice.topic)}", f"```json\n{example}\n```"]
    return "Webhook messages", "\n\n".join(parts)


def _file_of(topic: Topic) -> str:
    return f"webhooks/{wire_name(topic)}.json"


def _meanings() -> dict[Topic, str]:
    """Returns what the API says about each topic."""
    published = build_schema(discover(BUILT_IN), sandbox=False).schema.type_map["WebhookTopic"]
    assert isinstance(published, GraphQLEnumType)
    return {topic: published.values[topic.value].description or "" for topic in Topic}


def _example(topic: Topic, subject_id: str, actor: Actor, data: Data) -> Notice:
    return Notice(
        topic=topic,
        occurred_at=_NOON,
        event_id="evt_1",
        environment=EnvironmentLabel.LIVE,
        merchant_id="mer_1",
        subject=Subject(subject_type_of(topic), subject_id),
        sequence=3,
        actor=actor,
        data=data,
    )


_EXAMPLES = (
    _example(
        Topic.DECISION_PART_SETTLED,
        "dec_1",
        Actor.MERCHANT,
        DecisionData(
            merchant_reference="order-17",
            product=Product.PAY_LATER,
            before=Status.ACTIVE,
            after=Status.ACTIVE,
            exposed=_OWED,
            settlement=Settlement(_OWED, _PAID, _OWED - _PAID, _DUE, overdue=False),
            consent_id="con_1",
            reason_codes=(),
        ),
    ),
    _example(
        Topic.DISPUTE_OPENED,
        "dec_1",
        Actor.USER,
        DisputeData(
            dispute_id="dsp_1",
            kind=Contested.BREACH,
            respond_by=_DUE,
            status=DisputeStatus.AWAITING_MERCHANT,
            merchant_reference="order-17",
        ),
    ),
    _example(
        Topic.CONSENT_REVOKED,
        "con_1",
        Actor.USER,
        ConsentData(
            consent_id="con_1",
            subject="usr_1",
            status=ConsentStatus.REVOKED,
            scopes=("score:tier", "decisions:request"),
        ),
    ),
)
