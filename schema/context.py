"""The context of every resolver: the principal, the services, and the unit of work of the document."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

import strawberry

from gateway.domain.error_catalogue import documentation_address
from gateway.domain.identity.principal import Principal
from gateway.services.container import Container
from gateway.services.query_unit import QueryUnit
from schema.rate_limit import RateLimitStatus

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """The context of one execution of a document. `rate_limit` are the client's points after its cost was
    taken. `found` has what a document of queries has found, None for mutations, whose reads have a new snapshot each.
    """

    principal: Principal
    container: Container
    query: QueryUnit
    request_id: str
    rate_limit: RateLimitStatus
    found: dict[Any, Any] | None

    def find_once(self, key: Hashable, find: Callable[[], T]) -> T:
        """Returns the result of `find`, which a document of queries calls once for each key."""
        if self.found is None:
            return find()
        if key not in self.found:
            self.found[key] = find()
        result: T = self.found[key]
        return result

    def documentation(self, code: str) -> str:
        """Returns the address of the page that explains an error code."""
        return documentation_address(self.container.settings.issuer, code)


Info = strawberry.Info[Context, Any]
