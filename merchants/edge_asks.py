"""The asks at which the numbers of a policy show: around each amount where a share meets its maximum or a rule ends."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gateway.domain.errors import GatewayError
from gateway.domain.money import MAX_MINOR, Money
from gateway.domain.policy import DecisionTable
from merchants.contract import SAMPLE_NOW, MerchantAdapter


def edge_asks(adapter: MerchantAdapter[Any]) -> list[Any]:
    """The adapter's sample asks, and each of them again with other amounts: one less, the same and one more than those
    at which its tables change their answer, as far as the adapter takes them."""
    asks = list(adapter.sample_asks())
    amount = next(field.name for field in adapter.ask_fields if field.type is Money)
    currency, seen = adapter.policy.currency, {json.dumps(adapter.ask_document(ask)) for ask in asks}
    around = {edge + step for table in adapter.policies for edge in _edges(table) for step in (-1, 0, 1)}
    edges = sorted(minor for minor in around if 0 < minor <= MAX_MINOR)
    for ask in list(asks):
        for minor in edges:
            other = replace(ask, **{amount: Money(minor, currency)})
            if (text := json.dumps(adapter.ask_document(other))) not in seen and _taken(adapter, other):
                seen.add(text)
                asks.append(other)
    return asks


def _edges(table: DecisionTable) -> Iterator[int]:
    for rule in table.rules:
        if rule.maximum is not None and rule.share:
            yield rule.maximum.minor
            yield -(-rule.maximum.minor * 100 // rule.share)
        for cell in rule.when:
            yield from (value.minor for value in cell.tests.values() if isinstance(value, Money))


def _taken(adapter: MerchantAdapter[Any], ask: Any) -> bool:
    try:
        adapter.check(ask, SAMPLE_NOW)
    except GatewayError:
        return False
    return True
