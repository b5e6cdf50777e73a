"""Wire formats: the standard webhook, a merchant's own format, and invalid formats."""

import json
from typing import Any

import pytest

from gateway.domain.errors import Misconfigured
from gateway.domain.events import Topic
from gateway.domain.webhooks.envelope import render_envelope
from merchants.bike_share import BikeShare
from merchants.harbour_bikes import HarbourBikes
from merchants.lotus_hotels import LotusHotels
from merchants.testing import AdapterContract
from merchants.wire import NAMES, STANDARD, Rendered, Signature, StandardWire, Wire
from tests.support.notices import notice_of_topic

NOTICE = notice_of_topic(Topic.DECISION_APPROVED)
DISPUTED = notice_of_topic(Topic.DISPUTE_OPENED)
AMOUNTS = {
    "due": {"amount": "299.00", "currency": "CNY"},
    "settled": {"amount": "100.00", "currency": "CNY"},
    "outstanding": {"amount": "199.00", "currency": "CNY"},
}


class TestHarbourBikesContract(AdapterContract):
    adapter = HarbourBikes


class TestLotusHotelsContract(AdapterContract):
    adapter = LotusHotels


def test_standard_wire_renders_the_envelope() -> None:
    rendered = BikeShare().render(NOTICE)
    assert rendered.body == render_envelope(NOTICE)
    assert (rendered.signature, rendered.header) == (Signature.STANDARD_WEBHOOKS, "webhook-signature")


def test_message_in_a_merchants_own_format() -> None:
    rendered = HarbourBikes().render(NOTICE)
    assert rendered == Rendered(rendered.body, "application/json", Signature.HMAC_SHA256_HEX, "x-harbour-seal")
    assert json.loads(rendered.body) == {
        "signal": "clear to ride",
        "at": "2026-11-28T10:00:00.123Z",
        "signalNo": "evt_1",
        "environment": "SANDBOX",
        "merchantId": "mer_1",
        "clearanceNo": "dec_1",
        "sequence": 3,
        "actor": "MERCHANT",
        "rideNo": "ride 订 17",
        "product": "free ride",
        "was": "cleared",
        "is": "riding",
        "trustedWith": {"amount": "299.00", "currency": "CNY"},
        **AMOUNTS,
        "backBy": "2026-11-28T10:00:00.123Z",
        "overdue": True,
        "consentId": "con_1",
        "reasonCodes": ["REDUCED_FOR_TIER"],
        "disputeId": None,
        "disputeKind": None,
        "respondBy": None,
        "disputeStatus": None,
    }


def test_dispute_in_a_merchants_own_format() -> None:
    wire = Wire(header="x", words={"AWAITING_MERCHANT": "your turn", "BREACH": "no show", "MERCHANT": "us"})
    message = json.loads(wire.render(DISPUTED).body)
    assert {name: value for name, value in message.items() if value is not None} == {
        "type": "DISPUTE_OPENED",
        "timestamp": "2026-11-28T10:00:00.123Z",
        "id": "evt_1",
        "environment": "SANDBOX",
        "merchantId": "mer_1",
        "decisionId": "dec_1",
        "sequence": 3,
        "actor": "us",
        "merchantReference": "ride 订 17",
        "disputeId": "dsp_1",
        "disputeKind": "no show",
        "respondBy": "2026-11-28T10:00:00.123Z",
        "disputeStatus": "your turn",
    }
    assert tuple(message) == NAMES
    assert wire.read(wire.render(DISPUTED).body) == DISPUTED


@pytest.mark.parametrize("adapter", [HarbourBikes, LotusHotels])
def test_usual_messages_stay_small(adapter: type[HarbourBikes | LotusHotels]) -> None:
    assert max(len(adapter().render(notice).body) for notice in (NOTICE, DISPUTED)) < 2_000


def test_unmapped_names_and_words_stay_unchanged() -> None:
    wire = Wire(header="x", names={"to": "state"}, words={"ACTIVE": "yes"})
    message = json.loads(wire.render(NOTICE).body)
    assert (message["type"], message["state"], message["product"]) == ("DECISION_APPROVED", "yes", "DEPOSIT_WAIVER")
    assert wire.read(wire.render(NOTICE).body) == NOTICE


def test_own_format_is_for_decisions_only() -> None:
    with pytest.raises(ValueError, match="CONSENT_GRANTED has the standard envelope only"):
        HarbourBikes().render(notice_of_topic(Topic.CONSENT_GRANTED))


@pytest.mark.parametrize("wire", [STANDARD, HarbourBikes.wire])
@pytest.mark.parametrize("change", [(b"{", b""), (b'"dec_1"', b"1"), (b'"MERCHANT"', b'"NOBODY"'), (b'"CNY"', b'"XX"')])
def test_read_rejects_other_bodies(wire: Wire | StandardWire, change: tuple[bytes, bytes]) -> None:
    rendered = wire.render(NOTICE).body
    assert change[0] in rendered
    with pytest.raises(ValueError, match=r"."):
        wire.read(rendered.replace(*change))
    for body in (b"", b"{}", b"[]", b"null"):
        with pytest.raises(ValueError, match=r"."):
            wire.read(body)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"names": {"to": "from"}}, "names must be distinct: from"),
        ({"names": {"to": "x", "from": "x"}}, "names must be distinct: x"),
        ({"names": {"tier": "level"}}, "unknown names: tier"),
        ({"words": {"APPROVED": "DECLINED"}}, "words must be distinct: DECLINED"),
        ({"words": {"APPROVED": "x", "ACTIVE": "x"}}, "words must be distinct: x"),
        ({"words": {"EXCELLENT": "gold"}}, "unknown words: EXCELLENT"),
    ],
)
def test_invalid_wire_format_is_rejected(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(Misconfigured, match=message):
        Wire(header="x", **changed)
