"""The context of every resolver: the principal, the services, and the unit of work of the document."""

from dataclasses import dataclass
from typing import Any

import strawberry

from gateway.domain.identity.principal import Principal
from gateway.services.container import Container
from gateway.services.query_unit import QueryUnit
from schema.rate_limit import RateLimitStatus

"""The dated version of this API. The path alias and the X-API-Version header contain it."""


@dataclass(frozen=True, slots=True)
class Context:
    """The context of one execution of a document. `rate_limit` are the client's points after its cost was taken."""

    principal: Principal
    container: Container
    query: QueryUnit
    request_id: str
    rate_limit: RateLimitStatus

    def documentation(self, code: str) -> str:
        """Returns the address of the page that explains an error code."""
        return f"{self.container.settings.issuer}/docs/errors#{code}"


Info = strawberry.Info[Context, Any]
