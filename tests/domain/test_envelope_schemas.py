"""The published JSON Schemas of webhook messages: every message of a topic fits its schema, and nothing else does."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.events import Topic, wire_name
from gateway.domain.webhooks.envelope import envelope_schema, render_envelope
from gateway.domain.webhooks.notice import DecisionData
from tests.support.notices import SCHEMAS, notice_of_topic, schema_faults


def objects(document: Any) -> Iterator[Any]:
    """Every JSON object in a document."""
    for value in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from objects(value)
    if isinstance(document, dict):
        yield document


def test_each_topic_has_a_schema_and_no_other_has() -> None:
    assert {path.name for path in SCHEMAS.iterdir()} == {f"{wire_name(topic)}.json" for topic in Topic}


@pytest.mark.parametrize("topic", Topic)
def test_message_fits_the_schema_of_its_topic_only(topic: Topic) -> None:
    body = json.loads(render_envelope(notice_of_topic(topic)))
    assert schema_faults(topic, body) == []
    fitting = [other for other in Topic if not schema_faults(other, body)]
    assert fitting == [topic]


@pytest.mark.parametrize("topic", Topic)
def test_published_schema_has_an_example_that_fits(topic: Topic) -> None:
    published = json.loads((SCHEMAS / f"{wire_name(topic)}.json").read_text(encoding="utf-8"))
    (example,) = published["examples"]
    assert example["type"] == wire_name(topic)
    assert schema_faults(topic, example) == []


@pytest.mark.parametrize("topic", Topic)
def test_schema_refuses_additional_and_missing_members(topic: Topic) -> None:
    body = json.loads(render_envelope(notice_of_topic(topic)))
    for number, each in enumerate(objects(body)):
        added = deepcopy(body)
        list(objects(added))[number]["tier"] = "EXCELLENT"
        (fault,) = schema_faults(topic, added)[:1]
        assert fault.endswith((".tier: false", ": anyOf"))
        for name in each:
            missing = deepcopy(body)
            del list(objects(missing))[number][name]
            assert schema_faults(topic, missing), name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timestamp", "2026-11-28"),
        ("sequence", 0),
        ("sequence", "1"),
        ("environment", "sandbox"),
        ("actor", None),
        ("apiVersion", "2025-01"),
        ("subject", {"type": "consent", "id": "con_1"}),
        ("data", {}),
    ],
)
def test_schema_refuses_other_values(name: str, value: Any) -> None:
    body = json.loads(render_envelope(notice_of_topic(Topic.DECISION_APPROVED)))
    assert schema_faults(Topic.DECISION_APPROVED, {**body, name: value})


def test_decision_without_amounts_fits() -> None:
    notice = notice_of_topic(Topic.DECISION_DECLINED)
    assert isinstance(notice.data, DecisionData)
    declined = replace(notice.data, before=None, exposed=None, settlement=None, reason_codes=())
    body = json.loads(render_envelope(replace(notice, data=declined)))
    assert schema_faults(Topic.DECISION_DECLINED, body) == []


def test_every_reference_has_a_definition() -> None:
    for topic in Topic:
        schema = envelope_schema(topic)
        references = {each["$ref"] for each in objects(schema) if "$ref" in each}
        assert references == {f"#/$defs/{name}" for name in schema["$defs"]}
