"""The cost of a request: priced before it runs, taken from its client's points, and given back where it cost less."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import FragmentDefinitionNode, GraphQLError

from gateway.kit.buckets import BucketEmpty, Buckets
from gateway.kit.logging import get_logger
from gateway.kit.valkey import SharedStateDown
from schema.build import BuiltSchema
from schema.connection import MAX_SIZE
from schema.cost.price import OperationPrice, Price
from schema.cost.pricing import Pricer
from schema.cost.result import actual_cost
from schema.cost.variables import cost_variables
from schema.cost.weights import read_weights
from schema.documents import PreparedDocument, Refused
from schema.errors import MAX_COST_EXCEEDED, THROTTLED, VALIDATION_FAILED
from schema.operations import Operation
from schema.rate_limit import RateLimitStatus

_MAX_PRICES = 8
"""The largest number of prices kept with one document: one for each combination of page sizes and conditions."""
_MAX_PATHS = 500
"""The largest number of fields in the list of X-Cost-Debug."""

_log = get_logger(__name__)


def build_pricer(built: BuiltSchema) -> Pricer:
    """Returns a pricer with the weights in the text of a schema."""
    return Pricer(built.schema, read_weights(built.sdl, built.schema), largest_page=MAX_SIZE)


class TooExpensive(Exception):
    """The request is refused because of its cost. `error` is the error of the response, `extension` its
    `extensions.cost`. `retry_after` is None if the cost exceeds the maximum, else the whole seconds to wait."""

    def __init__(self, error: dict[str, Any], extension: dict[str, Any], retry_after: int | None) -> None:
        super().__init__(error["message"])
        self.error, self.extension, self.retry_after = error, extension, retry_after


class CostBudget:
    """Prices requests and charges their clients. `maximum` is the largest cost of one document. Safe to use from any
    thread. Must not be used within a unit of work, see Buckets."""

    def __init__(self, pricer: Pricer, buckets: Buckets, *, maximum: int) -> None:
        self._pricer, self._buckets, self._maximum = pricer, buckets, maximum
        self._slicing = frozenset(name for size in pricer.weights.sizes.values() for name in size.slicing_arguments)

    def price(self, document: PreparedDocument, operation: Operation, variables: Mapping[str, Any]) -> OperationPrice:
        """Returns the price of an operation with coerced variables. Raises Refused. Prices are kept with the document,
        so that a repeated request is not priced again."""
        if document.cost_variables is None:
            document.cost_variables = tuple(sorted(cost_variables(document.node, self._slicing)))
        key = (operation.name, *(_key(variables.get(name)) for name in document.cost_variables))
        price = document.prices.get(key)
        if price is None:
            fragments = {
                each.name.value: each for each in document.node.definitions if isinstance(each, FragmentDefinitionNode)
            }
            try:
                price = self._pricer.price(operation.node, fragments, variables)
            except GraphQLError as error:
                raise Refused(VALIDATION_FAILED, [error]) from None
            if len(document.prices) >= _MAX_PRICES:
                document.prices.clear()
            document.prices[key] = price
        return price

    def charge(self, price: OperationPrice, client: str) -> "Charge":
        """Takes the price from the client's points. Raises TooExpensive, and SharedStateDown."""
        if price.requested > self._maximum:
            raise self._over_the_maximum(price, client)
        try:
            available = self._buckets.take(client, price.requested)
        except BucketEmpty as empty:
            raise self._too_few_points(price, empty.available, empty.retry_after) from None
        return Charge(price, client, self._status(available), self._settle)

    def throttle(self, price: OperationPrice) -> TooExpensive:
        """Returns the error of a client without points. For the injected fault of a sandbox."""
        return self._too_few_points(price, 0, 1)

    def _too_few_points(self, price: OperationPrice, available: int, retry_after: int) -> TooExpensive:
        message = f"The client has {available} of the {price.requested} points that the document costs."
        extensions = {"code": THROTTLED, "cost": price.requested, "retryAfter": retry_after}
        error = {"message": message, "extensions": extensions}
        return TooExpensive(error, self._extension(price, None, available), retry_after)

    def _over_the_maximum(self, price: OperationPrice, client: str) -> TooExpensive:
        path = price.dearest_path()
        message = (
            f"The document costs {price.requested} points, more than the maximum of {self._maximum}. The dearest field"
            f" is {'.'.join(path)}."
        )
        extensions = {
            "code": MAX_COST_EXCEEDED,
            "cost": price.requested,
            "maximumCost": self._maximum,
            "dearestPath": path,
        }
        extension = self._extension(price, None, self._buckets.available(client))
        return TooExpensive({"message": message, "extensions": extensions}, extension, None)

    def _settle(self, charge: "Charge", data: Mapping[str, Any] | None, failed: bool) -> dict[str, Any]:
        actual = actual_cost(charge.price, data, failed=failed)
        available, unused = charge.status.available, charge.price.requested - actual
        if unused:
            try:
                available = self._buckets.give_back(charge.client, unused)
            except SharedStateDown:
                _log.warning("cost_not_given_back", points=unused)  # the response must not be lost
        return self._extension(charge.price, actual, available)

    def _status(self, available: int) -> RateLimitStatus:
        size = self._buckets.size
        return RateLimitStatus(size.maximum, available, size.restore_rate, self._maximum)

    def _extension(self, price: OperationPrice, actual: int | None, available: int) -> dict[str, Any]:
        size = self._buckets.size
        return {
            "requestedQueryCost": price.requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": size.maximum,
                "currentlyAvailable": available,
                "restoreRate": size.restore_rate,
            },
        }


@dataclass(frozen=True, slots=True)
class Charge:
    """A price that was taken from a client's points."""

    price: OperationPrice
    client: str
    status: RateLimitStatus
    _settle: Callable[["Charge", Mapping[str, Any] | None, bool], dict[str, Any]]

    def settle(self, data: Mapping[str, Any] | None, *, failed: bool) -> dict[str, Any]:
        """Gives back what the data of the response did not cost. Returns `extensions.cost` of the response. Does not
        raise: the operation may have been committed."""
        return self._settle(self, data, failed)


def field_costs(price: OperationPrice) -> list[dict[str, Any]]:
    """Returns the requested cost of each field that has one, by path, in the order of the document: at most 500."""
    return [
        {
            "path": path,
            "definedCost": _points(each.defined),
            "requestedTotalCost": _points(each.requested),
            "requestedChildrenCost": _points(each.requested - each.defined),
        }
        for (path, each), _ in zip(_paths(price.fields, []), range(_MAX_PATHS), strict=False)
    ]


def _paths(prices: Mapping[str, Price], parent: list[str]) -> Iterator[tuple[list[str], Price]]:
    for key, price in prices.items():
        path = [*parent, key]
        yield path, price
        yield from _paths(price.children, path)


def _points(cost: float) -> int | float:
    return int(cost) if cost == int(cost) else cost


def _key(value: Any) -> Any:
    """The part of a variable's value that matters: the length of a list, otherwise the value."""
    return ("list", len(value)) if isinstance(value, list) else value if isinstance(value, int) else None
