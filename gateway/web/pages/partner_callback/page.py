"""GET /partners/callback: the redirect URI of a sandbox's test clients, on the sandbox itself.

It stands in for the website of a merchant that does not exist yet. It shows the authorization response and the next
call. It redeems nothing and stores nothing. If the sign-in button of the GraphiQL page began the flow, it leads back
there. A live deployment does not have it.
"""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.oauth.metadata import TOKEN
from gateway.services.seeding import PARTNER_CALLBACK
from gateway.web.pages.partners.graphiql.sign_in import SignIn
from gateway.web.site.redirects import GRAPHIQL, page_address, see_other
from gateway.web.site.site import Site

_ERROR = re.compile(r"[a-z_]{1,40}", re.ASCII)
_STATE = re.compile(r"[ -~]{1,200}", re.ASCII)


def routes(site: Site) -> list[Route]:
    """GET /partners/callback."""
    return [Route(PARTNER_CALLBACK, PartnerCallbackPage(site).show)]


class PartnerCallbackPage:
    """The page. Its texts come from the address, which anybody can write, so it shows only what looks as expected."""

    def __init__(self, site: Site) -> None:
        self._site, self._issuer = site, site.container.settings.issuer
        self._sign_in = SignIn(site.container)
        prefix = re.escape(site.container.environment.token_prefix("ac"))
        self._code = re.compile(f"{prefix}[A-Za-z0-9_-]{{43}}", re.ASCII)

    async def show(self, request: Request) -> Response:
        """The code with the call that redeems it, or the error of the response (RFC 6749 section 4.1.2). 400 if they
        are there and are not of this server. Without both it says what the page is for. 303 to the GraphiQL page if its
        sign-in button began the flow."""
        code, error = self._parameter(request, "code", self._code), self._parameter(request, "error", _ERROR)
        return await self._continue_sign_in(request, code, error) or self._show(request, code, error)

    async def _continue_sign_in(self, request: Request, code: str, error: str) -> Response | None:
        """303 to the GraphiQL page, if the flow began there. None for any other response."""
        session = await self._site.partner_sessions.current(request) if code or error else None
        pending = self._sign_in.receive(request, session, "" if error else code, error) if session else None
        if session is None or pending is None:
            return None
        response = see_other(page_address(GRAPHIQL, {"merchant": pending.merchant_id}))
        self._sign_in.keep(response, session, pending)
        return response

    def _show(self, request: Request, code: str, error: str) -> Response:
        return self._site.renderer.page(
            request,
            "pages/partner_callback/callback.html",
            200 if code or error or not request.query_params.keys() & {"code", "error"} else 400,
            code="" if error else code,
            error=error,
            state=self._parameter(request, "state", _STATE),
            is_own_issuer=request.query_params.getlist("iss") == [self._issuer],
            issuer=self._issuer,
            token_endpoint=self._issuer + TOKEN,
            redirect_uri=self._issuer + PARTNER_CALLBACK,
        )

    def _parameter(self, request: Request, name: str, pattern: re.Pattern[str]) -> str:
        """The parameter, "" if it is absent, repeated or does not fit the pattern."""
        values = request.query_params.getlist(name)
        return values[0] if len(values) == 1 and pattern.fullmatch(values[0]) else ""
