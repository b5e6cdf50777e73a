"""Wire formats: the standard webhook, a merchant's own format, and invalid formats."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import Misconfigured
from gateway.domain.events import Topic
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from merchants.bike_share import BikeShare
from merchants.harbour_bikes import HarbourBikes
from merchants.lotus_hotels import LotusHotels
from merchants.testing import AdapterContract
from merchants.wire import STANDARD, Notice, Rendered, Signature, Wire

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
NOTICE = Notice(
    topic=Topic.DECISION_APPROVED,
    occurred_at=NOON,
    event_id="evt_1",
    decision_id="dec_1",
    merchant_reference="ride 订 17",
    product=Product.DEPOSIT_WAIVER,
    before=None,
    after=Status.APPROVED,
    exposed=Money(29900, "CNY"),
    due_at=NOON,
)


class TestHarbourBikesContract(AdapterContract):
    adapter = HarbourBikes


class TestLotusHotelsContract(AdapterContract):
    adapter = LotusHotels


def test_standard_webhook_format() -> None:
    rendered = BikeShare().render(NOTICE)
    assert json.loads(rendered.body) == {
        "type": "DECISION_APPROVED",
        "timestamp": "2026-11-02T12:00:00Z",
        "data": {
            "eventId": "evt_1",
            "decisionId": "dec_1",
            "merchantReference": "ride 订 17",
            "product": "DEPOSIT_WAIVER",
            "before": None,
            "after": "APPROVED",
            "exposed": {"amount": "299.00", "currency": "CNY"},
            "dueAt": "2026-11-02T12:00:00Z",
        },
    }
    assert (rendered.signature, rendered.header) == (Signature.STANDARD_WEBHOOKS, "webhook-signature")


def test_message_in_a_merchants_own_format() -> None:
    rendered = HarbourBikes().render(NOTICE)
    assert rendered == Rendered(rendered.body, "application/json", Signature.HMAC_SHA256_HEX, "x-harbour-seal")
    assert json.loads(rendered.body) == {
        "signal": "clear to ride",
        "at": "2026-11-02T12:00:00Z",
        "signalNo": "evt_1",
        "clearanceNo": "dec_1",
        "rideNo": "ride 订 17",
        "product": "free ride",
        "was": None,
        "is": "cleared",
        "trustedWith": {"amount": "299.00", "currency": "CNY"},
        "backBy": "2026-11-02T12:00:00Z",
    }


def test_unmapped_names_and_words_stay_unchanged() -> None:
    wire = Wire(header="x", names={"after": "state"}, words={"APPROVED": "yes"})
    message = json.loads(wire.render(NOTICE).body)
    assert (message["type"], message["state"], message["product"]) == ("DECISION_APPROVED", "yes", "DEPOSIT_WAIVER")
    assert wire.read(wire.render(NOTICE).body) == NOTICE


@pytest.mark.parametrize("body", [b"", b"{}", STANDARD.render(NOTICE).body.replace(b"dec_1", b'dec"')])
def test_read_rejects_other_bodies(body: bytes) -> None:
    with pytest.raises((KeyError, ValueError)):
        STANDARD.read(body)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"names": {"after": "before"}}, "names must be distinct: before"),
        ({"names": {"after": "x", "before": "x"}}, "names must be distinct: x"),
        ({"names": {"tier": "level"}}, "unknown names: tier"),
        ({"words": {"APPROVED": "DECLINED"}}, "words must be distinct: DECLINED"),
        ({"words": {"APPROVED": "x", "ACTIVE": "x"}}, "words must be distinct: x"),
        ({"words": {"EXCELLENT": "gold"}}, "unknown words: EXCELLENT"),
    ],
)
def test_invalid_wire_format_is_rejected(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(Misconfigured, match=message):
        Wire(header="x", **changed)
