"""Requirements on asks: invalid amounts are rejected, documents can be read back, and asks cannot be changed."""

import json
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, replace
from typing import Any

from gateway.domain.errors import InvalidInput
from gateway.domain.money import MAX_MINOR, Money
from gateway.domain.scoring.tier import Tier
from merchants.adapter import Person
from merchants.conformance.requirement import Adapter, policy_versions, requirement
from merchants.conformance.samples import decide_sample

TRIED_ASKS = 3
"""The number of sample asks in which each invalid amount is tried."""


@requirement("invalid amount is rejected with its field")
def invalid_amounts_rejected(adapter: Adapter) -> Iterator[str]:
    """Every field of Money rejects zero, negative and huge amounts and a foreign currency."""
    members = {field.member for field in adapter.ask_fields}
    for version in policy_versions(adapter):
        for field in version.ask_fields:
            for amount in _invalid_amounts(version, field.name) if field.type is Money else ():
                for ask in version.sample_asks()[:TRIED_ASKS]:
                    error = _error_of(version, replace(ask, **{field.name: amount}))
                    if error is None:
                        yield f"{field.name} = {amount} was accepted"
                    elif not error.field:
                        yield f"{field.name} = {amount} was rejected without a field"
                    elif error.field[0] not in members:
                        yield f"{field.name} = {amount} was rejected with the unknown field {error.field[0]}"


@requirement("asks can be read back from documents")
def ask_documents(adapter: Adapter) -> Iterator[str]:
    """The document of an ask has every field, and the ask can be read back from it."""
    members = {field.member for field in adapter.ask_fields}
    for ask in adapter.sample_asks():
        document = adapter.ask_document(ask)
        if set(document) != members:
            yield f"the document of {ask} does not have exactly its fields: {', '.join(document)}"
        elif adapter.ask_from_document(json.loads(json.dumps(document))) != ask:
            yield f"{ask} differs when it is read back from its document"


@requirement("asks cannot be changed")
def asks_frozen(adapter: Adapter) -> Iterator[str]:
    """Assigning to a field of an ask raises FrozenInstanceError."""
    try:
        setattr(adapter.sample_asks()[0], adapter.ask_fields[0].name, None)
    except FrozenInstanceError:
        return
    yield "an ask must be frozen"


def _invalid_amounts(adapter: Adapter, field: str) -> Iterator[Money]:
    currency = adapter.policy.currency
    yield Money(MAX_MINOR + 1, currency)
    yield Money(-1, currency)
    yield Money(10000, "USD" if currency != "USD" else "EUR")
    if field not in adapter.zero_allowed:
        yield Money.zero(currency)


def _error_of(adapter: Adapter, ask: Any) -> InvalidInput | None:
    """The error with which the adapter rejects an ask, None if it accepts the ask."""
    try:
        decide_sample(adapter, ask, Person(Tier.EXCELLENT, 0))
    except InvalidInput as error:
        return error
    return None
