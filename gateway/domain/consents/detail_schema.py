"""The authorization details types as JSON Schema 2020-12: what a client may send, for programs to check beforehand.

One thing the schemas cannot say: a duration is at most 3660 days. What a merchant may ask for in a given case is
decided by its client, its contract and its enabled products.
"""

from itertools import groupby
from typing import Any

from gateway.domain.consents.authorization_detail import LEVELS, LONGEST_STORE_ID
from gateway.domain.consents.purpose import PURPOSES
from gateway.domain.currency import EXPONENTS
from gateway.domain.merchants import Product
from gateway.domain.money import MAX_MINOR

_N = "[0-9]{1,9}"
_DURATION = rf"^(?=.*[1-9])P(?:{_N}W)?(?:{_N}D)?(?:T(?=.)(?:{_N}H)?(?:{_N}M)?(?:{_N}(?:\.[0-9]{{1,6}})?S)?)?$"
_IDENTIFIER = {"type": "string", "pattern": f"^[ -~]{{1,{LONGEST_STORE_ID}}}$"}
_SHARED: dict[str, Any] = {
    "purpose": {
        "description": "Why. Absent: the default of the adapters behind the products.",
        "enum": list(PURPOSES),
    },
    "duration": {
        "description": "For how long, ISO 8601 in exact units, at most P3660D. Absent: the contract's; longer is cut.",
        "type": "string",
        "maxLength": 80,
        "pattern": _DURATION,
    },
    "optional": {
        "description": "True for a part that the person may leave out; it starts unticked.",
        "type": "boolean",
    },
}


def _amounts() -> list[dict[str, Any]]:
    """One schema for the currencies with the same number of decimals: above zero, up to MAX_MINOR minor units."""
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
        "See the person's score at a level of exactness.",
        ["level"],
        {"level": {"description": "How exactly.", "enum": list(LEVELS)}},
    ),
    "decision": _schema(
        "decision",
        "Ask for decisions about the person.",
        ["products"],
        {
            "products": {
                "description": "What may be decided on.",
                "type": "array",
                "minItems": 1,
                "items": {"enum": [str(product) for product in Product]},
            },
            "maximum_amount": {
                "description": "Ceiling of all open decisions together. Absent: the contract's.",
                "type": "object",
                "required": ["amount", "currency"],
                "additionalProperties": False,
                "properties": {"amount": {"type": "string"}, "currency": {"type": "string"}},
                "anyOf": _amounts(),
            },
            "store_id": {"description": "The store, in a device authorization request only.", **_IDENTIFIER},
            "terminal_id": {"description": "The till in that store.", **_IDENTIFIER},
        },
        dependentRequired={"store_id": ["terminal_id"], "terminal_id": ["store_id"]},
    ),
}
