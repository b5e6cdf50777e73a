"""Step-up authentication: a large consent requires a recent login, which then leads back to the page."""

from collections.abc import Sequence

from starlette.responses import Response

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.kit.clock import WallTime
from gateway.services.identity.accounts import BrowserSession
from gateway.web.site.redirects import login_address, see_other
from gateway.web.site.site import Site


class FreshLoginRequired(Exception):
    """These details need a more recent login. In a unit of work it rolls back, so nothing is issued."""


def needs_fresh_login(
    site: Site, browser: BrowserSession, details: Sequence[AuthorizationDetail], now: WallTime
) -> bool:
    """Whether the session's login is too old to allow these details. Denying them never needs a fresh login."""
    return site.container.step_up.required(details, browser.authenticated_at, now)


def require_fresh_login(
    site: Site, browser: BrowserSession, details: Sequence[AuthorizationDetail], now: WallTime
) -> None:
    """Raises FreshLoginRequired if these details need a fresh login. Call it also when the decision is made."""
    if needs_fresh_login(site, browser, details, now):
        raise FreshLoginRequired


def request_fresh_login(return_to: str) -> Response:
    """303 to the login page, which explains why and leads back to `return_to`."""
    return see_other(login_address(return_to, again=True))
