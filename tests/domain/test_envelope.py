"""The standard envelope of messages: its members for each kind of subject, and reading it back."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.environment import EnvironmentLabel
from gateway.domain.events import Topic, topic_named, wire_name
from gateway.domain.json_members import decode, encode, kind_of
from gateway.domain.webhooks.envelope import read_envelope, render_envelope
from gateway.domain.webhooks.notice import EndpointData, Subject, SubjectType
from tests.support.notices import DATA, MOMENT, notice_of_topic

APPROVED = notice_of_topic(Topic.DECISION_APPROVED)


def body(topic: Topic, **fields: Any) -> Any:
    """The decoded body of the standard message of this topic."""
    return json.loads(render_envelope(notice_of_topic(topic, **fields)))


def test_envelope_of_a_decision() -> None:
    assert body(Topic.DECISION_PART_SETTLED) == {
        "type": "decision.part_settled",
        "timestamp": "2026-11-28T10:00:00.123Z",
        "id": "evt_1",
        "apiVersion": "2026-11",
        "environment": "SANDBOX",
        "merchantId": "mer_1",
        "subject": {"type": "decision", "id": "dec_1"},
        "sequence": 3,
        "actor": "MERCHANT",
        "data": {
            "merchantReference": "ride 订 17",
            "product": "DEPOSIT_WAIVER",
            "from": "APPROVED",
            "to": "ACTIVE",
            "exposed": {"amount": "299.00", "currency": "CNY"},
            "settlement": {
                "due": {"amount": "299.00", "currency": "CNY"},
                "settled": {"amount": "100.00", "currency": "CNY"},
                "outstanding": {"amount": "199.00", "currency": "CNY"},
                "dueAt": "2026-11-28T10:00:00.123Z",
                "overdue": True,
            },
            "consentId": "con_1",
            "reasonCodes": ["REDUCED_FOR_TIER"],
        },
    }


def test_envelope_of_a_dispute_is_about_its_decision() -> None:
    envelope = body(Topic.DISPUTE_OPENED)
    assert (envelope["type"], envelope["subject"]) == ("dispute.opened", {"type": "decision", "id": "dec_1"})
    assert envelope["data"] == {
        "disputeId": "dsp_1",
        "kind": "BREACH",
        "respondBy": "2026-11-28T10:00:00.123Z",
        "status": "AWAITING_MERCHANT",
        "merchantReference": "ride 订 17",
    }


def test_envelope_of_a_consent() -> None:
    envelope = body(Topic.CONSENT_GRANTED, environment=EnvironmentLabel.LIVE)
    assert (envelope["type"], envelope["subject"]["type"]) == ("consent.granted", "consent")
    assert envelope["environment"] == "LIVE"
    assert envelope["data"] == {
        "consentId": "con_1",
        "subject": "usr_1",
        "status": "ACTIVE",
        "scopes": ["score:tier", "decisions:request"],
    }


def test_data_of_an_endpoint() -> None:
    document = encode(EndpointData, DATA[EndpointData])
    assert document == {"endpointId": "whe_1", "reason": "No success for 5 days."}
    assert decode(EndpointData, document) == DATA[EndpointData]


def test_times_are_cut_off_to_milliseconds() -> None:
    envelope = body(Topic.DISPUTE_OPENED, occurred_at=MOMENT + timedelta(microseconds=999))
    assert envelope["timestamp"] == "2026-11-28T10:00:00.123Z"
    assert body(Topic.DISPUTE_OPENED, occurred_at=MOMENT.replace(microsecond=0))["timestamp"].endswith(":00.000Z")


@pytest.mark.parametrize("topic", Topic)
def test_envelope_can_be_read_back(topic: Topic) -> None:
    notice = notice_of_topic(topic)
    assert read_envelope(render_envelope(notice)) == notice
    assert len(render_envelope(notice)) < 2_000


def test_decision_without_approval_has_no_amounts() -> None:
    data: Any = APPROVED.data
    pending = replace(data, before=None, exposed=None, settlement=None, reason_codes=())
    notice = notice_of_topic(Topic.DECISION_PENDING, data=pending)
    envelope = json.loads(render_envelope(notice))
    assert [envelope["data"][name] for name in ("from", "exposed", "settlement", "reasonCodes")] == [None] * 3 + [[]]
    assert read_envelope(render_envelope(notice)) == notice


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"type":"decision.approved"', b'"type":"decision.lost"'),
        (b'"type":"decision.approved"', b'"type":"DECISION_APPROVED"'),
        (b'"type":"decision.approved"', b'"type":"consent.granted"'),
        (b'"type":"decision.approved"', b'"type":["decision.approved"]'),
        (b'"type":"decision","id"', b'"type":"consent","id"'),
        (b'"sequence":3', b'"sequence":true'),
        (b'"sequence":3', b'"sequence":"3"'),
        (b'"sequence":3,', b""),
        (b'"overdue":true', b'"overdue":1'),
        (b'"2026-11-28T10:00:00.123Z"', b'"2026-11-28"'),
        (b'"199.00"', b"199.00"),
        (b'["REDUCED_FOR_TIER"]', b'"REDUCED_FOR_TIER"'),
        (b'"data":{', b'"data":[{'),
        (b"{", b"["),
    ],
)
def test_read_rejects_other_bodies(old: bytes, new: bytes) -> None:
    rendered = render_envelope(APPROVED)
    assert old in rendered
    with pytest.raises(ValueError, match=r"."):
        read_envelope(rendered.replace(old, new))


@pytest.mark.parametrize(
    "other", [{"topic": Topic.CONSENT_GRANTED}, {"topic": Topic.DISPUTE_OPENED}, {"data": DATA[EndpointData]}]
)
def test_subject_and_data_are_those_of_the_topic(other: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="does not have this subject or data"):
        replace(APPROVED, **other)
    with pytest.raises(ValueError, match="does not have this subject or data"):
        replace(APPROVED, subject=Subject(SubjectType.CONSENT, "con_1"))


def test_topics_have_dotted_names() -> None:
    assert wire_name(Topic.DECISION_BREACH_VOIDED) == "decision.breach_voided"
    assert {topic_named(wire_name(topic)) for topic in Topic} == set(Topic)
    with pytest.raises(ValueError, match="no topic is named 'DECISION_APPROVED'"):
        topic_named("DECISION_APPROVED")


def test_type_without_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="no JSON for"):
        kind_of(float)
