"""Who an access token is."""

from datetime import datetime

import strawberry

from gateway.domain import merchants as domain
from gateway.settings import EnvironmentName
from schema.context import API_VERSION, Context
from schema.types.merchant import Merchant


@strawberry.type(description="A dated version of this API.")
class ApiVersion:
    handle: str = strawberry.field(description="Version that served this request.")
    latest_stable: str = strawberry.field(description="The newest stable version.")
    supported_until: datetime | None = strawberry.field(description="When yours stops working; null if that is open.")


@strawberry.type(description="Who this access token is.")
class Viewer:
    app_name: str = strawberry.field(description="Name of the app, as registered.")
    merchant: Merchant = strawberry.field(description="The merchant this token acts for.")
    scopes: list[str] = strawberry.field(description="Scopes that this token was given.")
    token_expires_at: datetime = strawberry.field(description="When it stops working.")
    environment: EnvironmentName = strawberry.field(description="Which kind of deployment this is.")
    api_version: ApiVersion = strawberry.field(
        description="Version that served this request, the newest stable one, and when yours stops working."
    )

    @classmethod
    def of(cls, context: Context, merchant: domain.Merchant) -> "Viewer":
        principal = context.principal
        return cls(
            app_name=principal.client_name,
            merchant=Merchant.of(merchant),
            scopes=list(principal.scopes),
            token_expires_at=principal.token_expires_at,
            environment=context.container.settings.environment,
            api_version=ApiVersion(handle=API_VERSION, latest_stable=API_VERSION, supported_until=None),
        )
