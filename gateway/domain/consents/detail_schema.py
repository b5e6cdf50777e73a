"""The authorization details types as JSON Schema 2020-12, so that clients can check a request before they send it.

The schemas cannot express that a duration is at most 3660 days. Client, contract and enabled products limit further
what a merchant may ask for.
"""

from itertools import groupby
from typing import Any

from gateway.domain.consents.authorization_detail import LEVELS, LONGEST_STORE_ID, THRESHOLD
from gateway.domain.consents.purpose import PURPOSES
from gateway.domain.currency import EXPONENTS
from gateway.domain.merchants import Product
from gateway.domain.money import MAX_MINOR
from gateway.domain.scoring.tier import Tier

_N = "[0-9]{1,9}"
_ABOVE_ZERO = "(?=[^.,]*(?:[.,][0-9]{0,5})?[1-9])"  # decimals of a second after the sixth do not count
_DURATION = rf"^{_ABOVE_ZERO}P(?:{_N}W)?(?:{_N}D)?(?:T(?=.)(?:{_N}H)?(?:{_N}M)?(?:{_N}(?:[.,][0-9]+)?S)?)?$"
_IDENTIFIER = {"type": "string", "pattern": f"^[ -~]{{1,{LONGEST_STORE_ID}}}$"}
_SHARED: dict[str, Any] = {
    "purpose": {
        "description": "Why the merchant asks. Absent: the default purpose of the products' adapters.",
        "enum": list(PURPOSES),
    },
    "duration": {
        "description": "ISO 8601 duration in exact units, at most P3660D. Absent: the contract's. Longer: cut to it.",
        "type": "string",
        "maxLength": 80,
        "pattern": _DURATION,
    },
    "optional": {
        "description": "True if the person may leave this detail out. Its checkbox is not ticked at first.",
        "type": "boolean",
    },
}


def _amounts() -> list[dict[str, Any]]:
    """Returns one schema per number of decimals, each for the currencies that have it. Amounts are above zero and at
    most MAX_MINOR minor units."""
    schemas = []
    by_exponent = sorted(EXPONENTS, key=lambda currency: (EXPONENTS[currency], currency))
    for exponent, currencies in groupby(by_exponent, EXPONENTS.__getitem__):
        largest = str(MAX_MINOR // 10**exponent)
        decimals = rf"(?:\.[0-9]{{1,{exponent}}})?" if exponent else ""
        zeros = rf"(?:\.0{{1,{exponent}}})?" if exponent else ""
        amount = rf"^(?=.*[1-9])0*(?:[0-9]{{1,{len(largest) - 1}}}{decimals}|{largest}{zeros})$"
        schemas.append(
            {
                "properties": {
                    "amount": {"type": "string", "maxLength": 32, "pattern": amount},
                    "currency": {"enum": list(currencies)},
                }
            }
        )
    return schemas


def _schema(kind: str, title: str, required: list[str], properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "properties": {"type": {"const": kind}, **properties, **_SHARED},
        "required": ["type", *required],
        "additionalProperties": False,
        **more,
    }


SCHEMAS: dict[str, dict[str, Any]] = {
    "score": _schema(
        "score",
        "Read the person's score at one level of detail.",
        ["level"],
        {
            "level": {"description": "How much of the score may be read.", "enum": list(LEVELS)},
            "minimum": {
                "description": "With the level threshold: the one tier that threshold inquiries may ask about. It must"
                " be in the contract. Absent: the tier of the first threshold inquiry. All threshold details of a grant"
                " are about one tier.",
                "enum": [str(tier) for tier in Tier],
            },
        },
        # `minimum` belongs to one level: any other detail has only the other members.
        anyOf=[
            {"properties": {"level": {"const": THRESHOLD}}},
            {"properties": {name: {} for name in ("type", "level", *_SHARED)}, "additionalProperties": False},
        ],
    ),
    "decision": _schema(
        "decision",
        "Request decisions about the person.",
        ["products"],
        {
            "products": {
                "description": "The products that decisions may be requested for.",
                "type": "array",
                "minItems": 1,
                "items": {"enum": [str(product) for product in Product]},
            },
            "maximum_amount": {
                "description": "The maximum amount of all open decisions together. Absent: the contract's ceiling.",
                "type": "object",
                "required": ["amount", "currency"],
                "additionalProperties": False,
                "properties": {"amount": {"type": "string"}, "currency": {"type": "string"}},
                "anyOf": _amounts(),
            },
            "store_id": {"description": "The store, in a device authorization request only.", **_IDENTIFIER},
            "terminal_id": {"description": "The terminal in that store.", **_IDENTIFIER},
        },
        dependentRequired={"store_id": ["terminal_id"], "terminal_id": ["store_id"]},
    ),
}
