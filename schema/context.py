"""What every resolver may use: who is calling, the services, and the unit of work of the document."""

from dataclasses import dataclass
from typing import Any

import strawberry

from gateway.domain.identity.principal import Principal
from gateway.services.container import Container
from gateway.services.query_unit import QueryUnit

API_VERSION = "2026-11"
"""The dated version that this code serves; the path alias and the X-API-Version header carry it."""


@dataclass(frozen=True, slots=True)
class Context:
    """One run of a document."""

    principal: Principal
    container: Container
    query: QueryUnit
    request_id: str

    def documentation(self, code: str) -> str:
        """The address of the page that explains an error code."""
        return f"{self.container.settings.issuer}/docs/errors#{code}"


Info = strawberry.Info[Context, Any]
