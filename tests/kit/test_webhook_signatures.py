"""Signatures of webhooks."""

import hashlib
import hmac
from base64 import b64decode, b64encode

from gateway.kit.webhook_signatures import new_secret, sign, sign_body
from tests.support.clock import NOON

BODY = '{"type":"decision.approved","data":{"merchantReference":"订单 17"}}'.encode()


def computed(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """The signature as the specification describes it."""
    key = b64decode(secret.removeprefix("whsec_"))
    return "v1," + b64encode(hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")).decode()


def test_secret_is_32_random_bytes() -> None:
    first, second = new_secret(), new_secret()
    assert first.startswith("whsec_")
    assert len(b64decode(first.removeprefix("whsec_"), validate=True)) == hashlib.sha256().digest_size
    assert first != second


def test_signature_covers_id_time_and_body() -> None:
    secret = new_secret()
    headers = sign([secret], "evt_1", NOON, BODY)
    assert headers["webhook-id"] == "evt_1"
    assert headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert headers["webhook-signature"] == computed(secret, "evt_1", headers["webhook-timestamp"], BODY)


def test_each_secret_has_a_signature_while_it_is_changed() -> None:
    secrets = [new_secret(), new_secret()]
    headers = sign(secrets, "evt_1", NOON, BODY)
    expected = [computed(secret, "evt_1", headers["webhook-timestamp"], BODY) for secret in secrets]
    assert headers["webhook-signature"].split(" ") == expected


def test_signature_of_the_body_alone_has_the_same_key() -> None:
    secret = new_secret()
    key = b64decode(secret.removeprefix("whsec_"))
    assert sign_body(secret, BODY) == hmac.new(key, BODY, "sha256").hexdigest()
