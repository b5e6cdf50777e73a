"""What every resolver may use: who is calling, the services, the unit of work, and how this deployment names things."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import strawberry

from gateway.domain.principal import Principal
from gateway.services.bundle import Services
from gateway.services.reading import Reading
from gateway.settings import Environment

API_VERSION = "2026-11"
"""The dated version that this code serves; the path alias and the X-API-Version header carry it."""


@dataclass(frozen=True, slots=True)
class Context:
    """One request. `rule_name` tells what a merchant sees of a rule id: the id itself in a sandbox, an opaque
    name that only the operator can resolve in live."""

    principal: Principal
    services: Services
    reading: Reading
    request_id: str
    environment: Environment
    issuer: str
    rule_name: Callable[[str], str]

    def documentation(self, code: str) -> str:
        """The page that explains an error code."""
        return f"{self.issuer}/docs/errors#{code}"


Info = strawberry.Info[Context, Any]
