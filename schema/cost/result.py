"""The actual cost of a result: what its objects cost, instead of what its lists could have cost."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from schema.compiled.kept import Data
from schema.cost.price import OperationPrice, Price


def actual_cost(price: OperationPrice, data: Mapping[str, Any] | None, *, failed: bool) -> int:
    """Returns the cost of the data of a response in points, from 1 to the requested cost. If the response has errors
    (`failed`), a field that is null costs what was requested, because it may have been executed."""
    if data is None:
        return price.requested
    return max(1, min(price.requested, ceil(_fields(price.fields, data, failed))))


def _fields(prices: Mapping[str, Price], data: Mapping[str, Any], failed: bool) -> float:
    if type(data) is not Data or failed:
        return _sum(prices, data, failed)
    if data.cost is None or data.cost[0] is not prices:
        data.cost = prices, _sum(prices, data, failed)
    return data.cost[1]


def _sum(prices: Mapping[str, Price], data: Mapping[str, Any], failed: bool) -> float:
    total = 0.0
    for key, price in prices.items():
        if key in data:  # the fields of other possible types are absent
            total += _field(price, data[key], failed)
    return total


def _field(price: Price, value: Any, failed: bool) -> float:
    if value is None:
        return price.requested if failed else price.weight
    if isinstance(value, list):
        below = sum([_fields(price.children, each, failed) for each in value if isinstance(each, dict)])
        if failed and None in value:
            return price.requested
        return price.weight + len(value) * (price.item or 0) + below
    if isinstance(value, dict) and price.children:
        return price.weight + _fields(price.children, value, failed)
    return price.weight
