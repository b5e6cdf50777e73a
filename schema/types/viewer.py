"""The access token of a request: its app, merchant, scopes and API version."""

from datetime import datetime

import strawberry

from gateway.domain.api_version import API_VERSION
from gateway.settings import EnvironmentName
from schema.context import Context
from schema.directives import listed
from schema.types.merchant import Merchant


@strawberry.type(description="A dated version of this API.")
class ApiVersion:
    handle: str = strawberry.field(description="API version that served this request.")
    latest_stable: str = strawberry.field(description="The newest stable version.")
    supported_until: datetime | None = strawberry.field(
        description="When the version of this request stops working. Null if no date is set."
    )


@strawberry.type(
    description="The cost points of this client, the same numbers as extensions.cost in every response. All tokens of"
    " the client share them."
)
class RateLimit:
    maximum: int = strawberry.field(description="The largest number of points that the client can have.")
    available: int = strawberry.field(description="Points that are left after the cost of this request.")
    restore_per_second: int = strawberry.field(description="Points that are restored each second.")
    maximum_per_query: int = strawberry.field(description="The largest cost of one document.")


@strawberry.type(description="The access token of this request.")
class Viewer:
    app_name: str = strawberry.field(description="Name of the client, as registered.")
    merchant: Merchant = strawberry.field(description="Merchant that the token acts for.")
    scopes: list[str] = listed("Scopes of the token.", 10)
    token_expires_at: datetime = strawberry.field(description="When the token expires.")
    environment: EnvironmentName = strawberry.field(description="Kind of deployment that issued the token.")
    api_version: ApiVersion = strawberry.field(
        description="API version of this request, and until when it is supported."
    )

    rate_limit: RateLimit = strawberry.field(description="The cost points of this client.")

    @classmethod
    def of(cls, context: Context) -> "Viewer":
        principal, points = context.principal, context.rate_limit
        return cls(
            app_name=principal.client_name,
            merchant=Merchant.of(principal),
            scopes=list(principal.scopes),
            token_expires_at=principal.token_expires_at,
            environment=context.container.settings.environment,
            api_version=ApiVersion(handle=API_VERSION, latest_stable=API_VERSION, supported_until=None),
            rate_limit=RateLimit(
                maximum=points.maximum,
                available=points.available,
                restore_per_second=points.restore_rate,
                maximum_per_query=points.maximum_per_query,
            ),
        )
