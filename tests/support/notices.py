"""Notices: one of each topic, with all members set. The published schemas of their messages."""

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.decisions.dispute import Contested, DisputeStatus
from gateway.domain.decisions.settlement import Settlement
from gateway.domain.decisions.transitions import Status
from gateway.domain.environment import EnvironmentLabel
from gateway.domain.events import Actor, Topic, wire_name
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.webhooks.notice import (
    ConsentData,
    Data,
    DecisionData,
    DisputeData,
    EndpointData,
    EndpointTestData,
    Notice,
    Subject,
    data_type_of,
    subject_type_of,
)
from tests.support.checkout import ROOT
from tests.support.json_schema import Schemas

SCHEMAS = ROOT / "docs/reference/webhooks"

MOMENT = datetime(2026, 11, 28, 10, 0, 0, 123_000, tzinfo=UTC)
DUE = Money(29_900, "CNY")
SETTLEMENT = Settlement(DUE, Money(10_000, "CNY"), Money(19_900, "CNY"), MOMENT, True)
DATA: dict[type[Data], Data] = {
    DecisionData: DecisionData(
        merchant_reference="ride 订 17",
        product=Product.DEPOSIT_WAIVER,
        before=Status.APPROVED,
        after=Status.ACTIVE,
        exposed=DUE,
        settlement=SETTLEMENT,
        consent_id="con_1",
        reason_codes=("REDUCED_FOR_TIER",),
    ),
    DisputeData: DisputeData(
        dispute_id="dsp_1",
        kind=Contested.BREACH,
        respond_by=MOMENT,
        status=DisputeStatus.AWAITING_MERCHANT,
        merchant_reference="ride 订 17",
    ),
    ConsentData: ConsentData(
        consent_id="con_1", subject="usr_1", status=ConsentStatus.ACTIVE, scopes=("score:tier", "decisions:request")
    ),
    EndpointData: EndpointData(endpoint_id="whe_1", reason="No success for 5 days."),
    EndpointTestData: EndpointTestData(message="Your endpoint gets events."),
}


def schema_faults(topic: Topic, message: Any) -> list[str]:
    """Where a decoded standard message does not fit the published schema of this topic. Empty if it fits."""
    return _published(topic).faults(wire_name(topic), message)


@cache
def _published(topic: Topic) -> Schemas:
    name = wire_name(topic)
    return Schemas.of_schema(name, json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8")))


def notice_of_topic(topic: Topic, **fields: Any) -> Notice:
    """A notice of this topic; `fields` replace fields of the notice."""
    defaults: dict[str, Any] = {
        "topic": topic,
        "occurred_at": MOMENT,
        "event_id": "evt_1",
        "environment": EnvironmentLabel.SANDBOX,
        "merchant_id": "mer_1",
        "subject": Subject(subject_type_of(topic), "dec_1"),
        "sequence": 3,
        "actor": Actor.MERCHANT,
        "data": DATA[data_type_of(topic)],
    }
    return Notice(**{**defaults, **fields})
