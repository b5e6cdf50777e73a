"""What every page is made of."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.domain.step_up import StepUp
from gateway.kit.clock import WallClock
from gateway.kit.limits import Limits
from gateway.oauth.authorization import AuthorizationEndpoint
from gateway.oauth.device_verification import DeviceVerification
from gateway.services.access import AccessService
from gateway.services.accounts import AccountService
from gateway.services.consents import ConsentService
from gateway.services.decided import DecidedService
from gateway.services.disputes import DisputeService
from gateway.services.logins import LoginService
from gateway.services.obligations import ObligationService
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.web.errors import Errors
from gateway.web.rendering import Renderer
from gateway.web.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Site:
    """Made once by `routes.site`."""

    database: Database
    settings: Settings
    clock: WallClock
    limits: Limits
    accounts: AccountService
    logins: LoginService
    step_up: StepUp
    consents: ConsentService
    accesses: AccessService
    disputes: DisputeService
    obligations: ObligationService
    decided: DecidedService
    authorization: AuthorizationEndpoint
    tills: DeviceVerification
    sessions: Sessions
    renderer: Renderer
    errors: Errors


def see_other(address: str) -> Response:
    """303: a form has been taken, the browser goes on with GET (RFC 9700 section 4.12)."""
    return Response(status_code=303, headers={"Location": address, "Cache-Control": "no-store"})


def address_of(request: Request) -> str:
    """The path and query of this request, to come back to."""
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
