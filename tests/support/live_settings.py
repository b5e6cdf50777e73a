"""The variables of a live deployment."""

import base64
import hashlib

import pytest

RANDOM = hashlib.sha256(b"key").digest()
KEY = base64.b64encode(RANDOM).decode()
LIVE = {
    "GATEWAY_ENVIRONMENT": "live",
    "GATEWAY_ISSUER": "https://gateway.example",
    "GATEWAY_SECRET_KEY": KEY,
    "GATEWAY_ADAPTERS": "car_rental",
    "GATEWAY_DATABASE_URL": "postgresql://gateway@db/gateway",
}


def set_all(environment: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        environment.setenv(name, value)
