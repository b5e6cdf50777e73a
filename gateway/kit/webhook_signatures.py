"""Secrets and signatures of webhooks (Standard Webhooks 1.0.0)."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from secrets import token_bytes

from standardwebhooks import Webhook

from gateway.kit.clock import WallTime

PREFIX, SECRET_BYTES = "whsec_", 32


def new_secret() -> str:
    """Returns a new secret: `whsec_` and SECRET_BYTES random bytes in base64."""
    return f"{PREFIX}{b64encode(token_bytes(SECRET_BYTES)).decode()}"


def sign(secrets: Iterable[str], message_id: str, at: WallTime, body: bytes) -> Mapping[str, str]:
    """Returns the headers `webhook-id`, `webhook-timestamp` (seconds since 1970) and `webhook-signature`. There is one
    signature for each secret, so that a receiver may have the old or the new one while a secret is changed. `body` is
    UTF-8."""
    text = body.decode()
    signatures = [Webhook(secret).sign(message_id, at, text) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def sign_body(secret: str, body: bytes) -> str:
    """Returns the HMAC-SHA256 of the body alone in hexadecimal digits, for receivers with a format of their own."""
    return hmac.digest(b64decode(secret.removeprefix(PREFIX)), body, "sha256").hex()
