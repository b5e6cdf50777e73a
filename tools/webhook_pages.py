"""The reference of webhook messages: one JSON Schema for each topic, and a page with all topics and examples."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from graphql import GraphQLEnumType

from gateway.domain.events import Topic, wire_name
from gateway.domain.webhooks.envelope import envelope_schema
from gateway.domain.webhooks.notice import subject_type_of
from gateway.kit.clock import WallTime
from gateway.kit.ids import Ids
from gateway.services.webhooks.certification.samples import Samples
from merchants.registry import discover
from schema.build import build_schema
from tools.adapter_pages import BUILT_IN

Table = Callable[[tuple[str, ...], list[tuple[str, ...]]], str]
_NOON = WallTime(datetime(2026, 11, 28, 12, 0, 0, 250_000, tzinfo=UTC))
_FIRST = frozenset(
    {
        Topic.DECISION_PENDING,
        Topic.DECISION_APPROVED,
        Topic.DECISION_DECLINED,
        Topic.CONSENT_GRANTED,
        Topic.ENDPOINT_DISABLED,
        Topic.TEST,
    }
)
"""Topics of the first event of a subject."""

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
    meanings, examples = _meanings(), _examples()
    return {
        _file_of(topic): json.dumps(
            {**envelope_schema(topic), "description": meanings[topic], "examples": [examples[topic]]},
            indent=2,
            ensure_ascii=False,
        )
        + "\n"
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
    parts.append("## A message of each topic")
    for topic, message in _examples().items():
        parts += [f"### {wire_name(topic)}", f"```json\n{_in_lines(message)}\n```"]
    return "Webhook messages", "\n\n".join(parts)


def _file_of(topic: Topic) -> str:
    return f"webhooks/{wire_name(topic)}.json"


def _meanings() -> dict[Topic, str]:
    """Returns what the API says about each topic."""
    published = build_schema(discover(BUILT_IN), sandbox=False).schema.type_map["WebhookTopic"]
    assert isinstance(published, GraphQLEnumType)
    return {topic: published.values[topic.value].description or "" for topic in Topic}


def _examples() -> dict[Topic, dict[str, Any]]:
    """Returns a message of each topic, as a sandbox sends it. Ids and times are the same each time."""

    def message(topic: Topic) -> dict[str, Any]:
        sample = Samples(lambda: _NOON, _NumberedIds()).event(topic, sequence=1 if topic in _FIRST else 2)
        document: dict[str, Any] = json.loads(sample.body)
        return document

    return {topic: message(topic) for topic in Topic}


class _NumberedIds(Ids):
    """Makes ids with numbers instead of random parts."""

    def __init__(self) -> None:
        super().__init__("test_")
        self._numbers = count(1)

    def new(self, noun: str) -> str:
        """Returns an id such as dec_test_00000000000000000000000001."""
        return f"{noun}_test_{next(self._numbers):026}"


def _in_lines(message: dict[str, Any]) -> str:
    """Returns a message as JSON, with one line for each member of the envelope and of its data."""
    data = message["data"].items()
    inner = ",\n    ".join(f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in data)
    lines = [
        f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in message.items()
        if name != "data"
    ]
    return "{\n" + ",\n".join([*lines, f'  "data": {{\n    {inner}\n  }}']) + "\n}"
