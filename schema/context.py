"""The context of every resolver: the principal, the services, and the unit of work of the document."""

from dataclasses import dataclass
from typing import Any

import strawberry

from gateway.domain.identity.principal import Principal
from gateway.services.container import Container
from gateway.services.query_unit import QueryUnit

API_VERSION = "2026-11"
"""The dated version of this API. The path alias and the X-API-Version header contain it."""


@dataclass(frozen=True, slots=True)
class Context:
    """The context of one execution of a document."""

    principal: Principal
    container: Container
    query: QueryUnit
    request_id: str

    def documentation(self, code: str) -> str:
        """Returns the address of the page that explains an error code."""
        return f"{self.container.settings.issuer}/docs/errors#{code}"


Info = strawberry.Info[Context, Any]
