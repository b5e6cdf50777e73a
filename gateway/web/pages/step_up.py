"""Step-up at a page: a large consent asks for a fresh login first, and comes back to where it was."""

from collections.abc import Sequence

from starlette.responses import Response

from gateway.domain.authorization_detail import AuthorizationDetail
from gateway.services.accounts import BrowserSession
from gateway.web.pages.login import login_address
from gateway.web.pages.site import Site, see_other


class FreshLoginRequired(Exception):
    """These details need a fresher login. Raised within a unit of work it undoes it: nothing is issued."""


def required(site: Site, browser: BrowserSession, details: Sequence[AuthorizationDetail]) -> bool:
    """Whether this session's login is too old to allow these details. To refuse them it never is."""
    return site.step_up.required(details, browser.authenticated_at, site.clock())


def require(site: Site, browser: BrowserSession, details: Sequence[AuthorizationDetail]) -> None:
    """Raises FreshLoginRequired where `required` is true. Call it at the moment of the decision too."""
    if required(site, browser, details):
        raise FreshLoginRequired


def ask(return_to: str) -> Response:
    """303 to the login, which says why it asks and leads back to `return_to`."""
    return see_other(login_address(return_to, again=True))
