"""Sample events for a receiver: one of every topic, and such as a later version of the gateway may send."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from gateway.domain.api_version import API_VERSION
from gateway.domain.events import Actor, Topic
from gateway.kit.clock import WallClock, WallTime
from gateway.kit.ids import Ids

REFERENCE = "订单-2026-17"
"""A merchant's reference that is not ASCII, as references may be."""


@dataclass(frozen=True, slots=True)
class Sample:
    """An event as it is sent: its id and its body."""

    id: str
    body: bytes

    def changed(self, **members: Any) -> "Sample":
        """Returns the event with other or further members of its envelope."""
        return Sample(self.id, encode({**json.loads(self.body), **members}))

    def with_data(self, **members: Any) -> "Sample":
        """Returns the event with other or further members of its data."""
        return self.changed(data={**json.loads(self.body)["data"], **members})

    def with_other_layout(self) -> "Sample":
        """Returns the event with spaces, line ends and escape sequences in its JSON."""
        return Sample(self.id, json.dumps(json.loads(self.body), indent=2, ensure_ascii=True).encode())


@dataclass(frozen=True, slots=True)
class Samples:
    """Makes sample events of a merchant that does not exist. Each has new ids, except those that the caller passes."""

    clock: WallClock
    ids: Ids = field(default_factory=lambda: Ids("test_"))

    def new_subject(self, topic: Topic) -> str:
        """Returns the id of a new decision, consent or endpoint, as the events of this topic are about."""
        return self.ids.new({"CONSENT": "con", "ENDPOINT": "whe"}.get(topic.partition("_")[0], "dec"))

    def event(self, topic: Topic, subject: str | None = None, sequence: int = 1) -> Sample:
        """Returns an event of the topic about this subject, or about a new one."""
        event_id = self.ids.new("evt")
        about = subject or self.new_subject(topic)
        return Sample(event_id, encode(_envelope(topic, event_id, about, sequence, self.clock(), self.ids)))


def encode(document: Mapping[str, Any]) -> bytes:
    """Returns a JSON document as the gateway sends it: compact, in UTF-8."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _envelope(topic: Topic, event_id: str, subject: str, sequence: int, now: WallTime, ids: Ids) -> dict[str, Any]:
    family = topic.partition("_")[0].lower()
    return {
        "type": topic.lower().replace("_", ".", 1),
        "timestamp": _moment(now),
        "id": event_id,
        "apiVersion": API_VERSION,
        "environment": "SANDBOX",
        "merchantId": ids.new("mer"),
        "subject": {"type": "decision" if family == "dispute" else family, "id": subject},
        "sequence": sequence,
        "actor": Actor.MERCHANT,
        "data": _data(family, subject, now, ids),
    }


def _data(family: str, subject: str, now: WallTime, ids: Ids) -> dict[str, Any]:
    if family == "consent":
        return {"consentId": subject, "subject": ids.new("usr"), "status": "ACTIVE", "scopes": ["score:tier"]}
    if family == "dispute":
        respond_by = _moment(WallTime(now + timedelta(days=7)))
        dispute = {"disputeId": ids.new("dsp"), "kind": "BREACH", "respondBy": respond_by}
        return {**dispute, "status": "AWAITING_MERCHANT", "merchantReference": REFERENCE}
    due = {"amount": "300.00", "currency": "CNY"}
    settlement = {
        "due": due,
        "settled": {"amount": "0.00", "currency": "CNY"},
        "outstanding": due,
        "dueAt": _moment(WallTime(now + timedelta(days=7))),
        "overdue": False,
    }
    return {
        "merchantReference": REFERENCE,
        "product": "DEPOSIT_WAIVER",
        "from": "APPROVED",
        "to": "ACTIVE",
        "exposed": due,
        "settlement": settlement,
        "consentId": ids.new("con"),
        "reasonCodes": [],
    }


def _moment(moment: WallTime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
