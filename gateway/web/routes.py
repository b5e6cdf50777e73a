"""The one page of addresses: which URL is answered by what."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from gateway.domain.step_up import StepUp
from gateway.kit.ids import Ids
from gateway.kit.limits import TooManyAttempts
from gateway.kit.valkey import SharedStateDown
from gateway.oauth import metadata
from gateway.oauth.authorization import AuthorizationEndpoint
from gateway.oauth.challenges import oauth_body
from gateway.oauth.device_verification import DeviceVerification
from gateway.oauth.endpoints import GRANT_TYPES, ClientEndpoints
from gateway.oauth.grant_management import GrantManagement
from gateway.oauth.jwks import KeySetEndpoint
from gateway.oauth.registration import RegistrationEndpoints
from gateway.oauth.server import Parts
from gateway.oauth.token_check import TokenCheck
from gateway.services.access import AccessService
from gateway.services.accounts import AccountService
from gateway.services.decided import DecidedService
from gateway.services.disputes import DisputeService
from gateway.services.logins import LoginService
from gateway.services.obligations import ObligationService
from gateway.settings import Settings
from gateway.web.errors import Errors, PageError
from gateway.web.middleware import BodyLimit, Failures, RequestId, SecurityHeaders
from gateway.web.pages.account import AccountPage
from gateway.web.pages.authorize import AuthorizePage
from gateway.web.pages.contesting import Contesting
from gateway.web.pages.device import DONE, DevicePage
from gateway.web.pages.documentation import ERROR_CODES, ErrorCodesPage
from gateway.web.pages.login import LoginPage
from gateway.web.pages.site import Site
from gateway.web.rendering import Renderer
from gateway.web.sessions import Sessions

STATIC = Path(__file__).parent / "static"


def build_site(
    parts: Parts,
    accounts: AccountService,
    accesses: AccessService,
    logins: LoginService,
    step_up: StepUp,
    disputes: DisputeService,
) -> Site:
    """What the pages share, made once."""
    renderer = Renderer(parts.settings)
    return Site(
        database=parts.database,
        settings=parts.settings,
        clock=parts.clock,
        limits=parts.limits,
        accounts=accounts,
        logins=logins,
        step_up=step_up,
        consents=parts.consents,
        accesses=accesses,
        disputes=disputes,
        obligations=ObligationService(disputes),
        decided=DecidedService(),
        authorization=AuthorizationEndpoint(parts),
        tills=DeviceVerification(parts),
        sessions=Sessions(parts.database, accounts, parts.settings, parts.clock),
        renderer=renderer,
        errors=Errors(renderer),
    )


def routes(parts: Parts, site: Site, api: Sequence[BaseRoute] = ()) -> list[BaseRoute]:
    """Every route; `api` holds the GraphQL endpoint and the health checks."""
    return [*oauth_routes(parts), *page_routes(site), *api]


def oauth_routes(parts: Parts) -> list[BaseRoute]:
    """What clients call. The authorization endpoint is a page."""
    endpoints, registration = ClientEndpoints(parts), RegistrationEndpoints(parts)
    server = metadata.server_metadata(parts.settings, parts.realm, GRANT_TYPES)
    resource = metadata.resource_metadata(parts.settings, parts.realm)
    graphql = metadata.resource_metadata(parts.settings, parts.realm, metadata.GRAPHQL)
    return [
        Route(metadata.SERVER_METADATA, _document(server)),
        Route(metadata.RESOURCE_METADATA, _document(resource)),
        Route(metadata.RESOURCE_METADATA + metadata.GRAPHQL, _document(graphql)),
        Route(metadata.PAR, endpoints.par.answer, methods=["POST"]),
        Route(metadata.TOKEN, endpoints.token.answer, methods=["POST"]),
        Route(metadata.DEVICE_AUTHORIZATION, endpoints.device_authorization.answer, methods=["POST"]),
        Route(metadata.REGISTER, registration.register.answer, methods=["POST"]),
        Route(metadata.REGISTER + "/{client_id}", registration.manage.answer, methods=["GET", "PUT", "DELETE"]),
        Route(metadata.JWKS, KeySetEndpoint(parts).show),
        Route(metadata.REVOKE, endpoints.revoke.answer, methods=["POST"]),
        Route(metadata.INTROSPECT, endpoints.introspect.answer, methods=["POST"]),
        Route(metadata.GRANTS + "/{grant_id}", TokenCheck(GrantManagement(parts), parts, oauth_body)),
    ]


def page_routes(site: Site) -> list[BaseRoute]:
    """What people open."""
    authorize, login, account = AuthorizePage(site), LoginPage(site), AccountPage(site)
    contesting = Contesting(site)
    device = DevicePage(site)
    return [
        Route("/", _home),
        Route(metadata.AUTHORIZE, authorize.show),
        Route(metadata.AUTHORIZE, authorize.decide, methods=["POST"]),
        Route(metadata.DEVICE, device.show),
        Route(metadata.DEVICE, device.submit, methods=["POST"]),
        Route(DONE, device.done),
        Route("/login", login.show),
        Route("/login", login.submit, methods=["POST"]),
        Route("/logout", login.sign_out, methods=["POST"]),
        Route("/account", account.show),
        Route("/account/sign-out-everywhere", account.sign_out_everywhere, methods=["POST"]),
        Route("/account/consents/{id}/revoke", account.revoke, methods=["POST"]),
        Route("/account/decisions/{id}/contest", contesting.open, methods=["POST"]),
        Route("/account/disputes/{id}/withdraw", contesting.withdraw, methods=["POST"]),
        Route(ERROR_CODES, ErrorCodesPage(site.renderer).show),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]


def middleware(settings: Settings, ids: Ids, site: Site) -> list[Middleware]:
    """What every request goes through, outermost first."""
    return [
        Middleware(RequestId, ids=ids),
        Middleware(SecurityHeaders, https=settings.issuer.startswith("https")),
        Middleware(Failures, errors=site.errors),
        Middleware(BodyLimit),
    ]


def exception_handlers(site: Site) -> dict[Any, Callable[[Request, Exception], Any]]:
    """How expected errors are answered."""
    return {
        PageError: site.errors.page_error,
        HTTPException: site.errors.http_error,
        TooManyAttempts: site.errors.too_many,
        SharedStateDown: site.errors.out_of_reach,
    }


async def _home(_: Request) -> Response:
    return RedirectResponse("/account", status_code=303)


def _document(content: dict[str, Any]) -> Callable[[Request], Any]:
    async def answer(_: Request) -> Response:
        return JSONResponse(content, headers={"Cache-Control": "public, max-age=300"})

    return answer
