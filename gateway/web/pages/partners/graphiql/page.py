"""GraphiQL for a partner: the page, and the tokens that its editor asks for. A live deployment has neither."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.domain.errors import GatewayError, InvalidInput, NotFound
from gateway.kit.clock import BusinessTime
from gateway.kit.crypto import random_token
from gateway.services.identity.access_tokens import AccessToken
from gateway.services.sandbox.page_tokens import Caller, Callers
from gateway.services.sandbox.partner_sessions import PartnerSession
from gateway.services.sandbox.request_log import find_request, is_cut
from gateway.services.seeding import DEMO_ADAPTER, DEMO_PERSONA
from gateway.store.sandbox.request_log import RequestLogRow
from gateway.store.unit import UnitOfWork
from gateway.web.errors import PageError
from gateway.web.own_forms import CSRF_FIELD
from gateway.web.pages.partners.graphiql.operations import Operation, Token, logged_operation, prepare_operations
from gateway.web.pages.partners.graphiql.sign_in import PendingSignIn, SignIn, SignInFailed
from gateway.web.site.redirects import GRAPHIQL, see_other
from gateway.web.site.site import Site
from gateway.web.texts import msgid

TOKENS, SIGN_IN = f"{GRAPHIQL}/token", f"{GRAPHIQL}/sign-in"
NO_MERCHANT = msgid("Your partner has no such merchant with a client of the profile baseline.")
NO_ENTRY = msgid("The request log of your partner has no such request, or has it no more.")
NOT_SIGNED_IN = msgid("The sign-in could not begin. Choose another merchant, or use a persona from the list.")
_KEY_LENGTH = 16


def routes(site: Site) -> list[Route]:
    """GET /partners/graphiql, and POST of its tokens and of its sign-in button."""
    page = GraphiqlPage(site)
    return [
        Route(GRAPHIQL, page.show),
        Route(TOKENS, page.issue_token, methods=["POST"]),
        Route(SIGN_IN, page.sign_in, methods=["POST"]),
    ]


class GraphiqlPage:
    """The page. Its address names the merchant that calls; without a name it is that of the demo."""

    def __init__(self, site: Site) -> None:
        self._site, self._sessions, self._container = site, site.partner_sessions, site.container
        self._service, self._sign_in = site.container.sandbox.page_tokens, SignIn(site.container)

    async def show(self, request: Request) -> Response:
        """The page with the editor, and with the request of the entry of the request log that the address names. 404
        for a merchant or an entry that the partner has not."""
        session = await self._sessions.require(request)
        entry = await run_in_threadpool(self._find_entry, session, request.query_params.get("entry"))
        callers = await run_in_threadpool(self._service.list_callers, session.partner_id)
        merchant = _choose_merchant(callers, entry.merchant_id if entry else request.query_params.get("merchant"))
        pending = self._sign_in.load(request, session)
        operations = await run_in_threadpool(self._prepare, merchant) if merchant else ()
        response = self._site.renderer.page(
            request,
            "pages/partners/graphiql/graphiql.html",
            has_editor=True,
            session=session,
            csrf_field=CSRF_FIELD,
            callers=callers,
            merchant=merchant,
            persona=DEMO_PERSONA,
            error=pending.error if pending else "",
            is_cut=entry is not None and (is_cut(entry.document) or is_cut(entry.variables)),
            configuration=_configuration(session, merchant, operations, entry, pending),
        )
        if pending is not None and pending.error:
            self._sign_in.forget(response)
        return response

    async def issue_token(self, request: Request) -> Response:
        """A token as JSON: `accessToken`, `expiresIn` in seconds, and for a token of a consent `consent`, the id of the
        consent. `kind` is merchant, consent or sign_in; the last one finishes the flow of the sign-in button, and also
        gets `username` and `persona`. Errors have `error` with `code` and `message`."""
        session, form = await self._sessions.submitted(request)
        kind, merchant = form.get("kind", ""), form.get("merchant", "")
        if kind == "sign_in":
            return await self._finish_sign_in(request, session)
        if kind == Token.MERCHANT:
            work = partial(self._issue_merchant_token, session, merchant)
        elif kind == Token.CONSENT:
            work = partial(self._issue_consent_token, session, merchant, form.get("persona", ""))
        else:
            return _error(InvalidInput("INVALID", "The kind is merchant, consent or sign_in.", ("kind",)))
        return await _respond(lambda: run_in_threadpool(work))

    async def sign_in(self, request: Request) -> Response:
        """303 to the consent page of a new authorization request of the merchant. 400 if it could not be made."""
        session, form = await self._sessions.submitted(request)
        try:
            address, pending = await self._sign_in.start(session, form.get("merchant", ""))
        except (GatewayError, SignInFailed):
            raise PageError(400, NOT_SIGNED_IN) from None
        response = see_other(address)
        self._sign_in.keep(response, session, pending)
        return response

    async def _finish_sign_in(self, request: Request, session: PartnerSession) -> Response:
        pending = self._sign_in.load(request, session)
        if pending is None or not pending.code:
            return _error(NotFound("No sign-in waits for its token."))

        async def finish() -> dict[str, Any]:
            signed = await self._sign_in.finish(session, pending)
            return {
                "accessToken": signed.access_token,
                "expiresIn": signed.expires_in,
                "consent": signed.consent_id,
                "username": signed.username,
                "persona": signed.persona,
            }

        response = await _respond(finish)
        self._sign_in.forget(response)
        return response

    def _find_entry(self, session: PartnerSession, entry_id: str | None) -> RequestLogRow | None:
        """The entry of the request log, None without an id. Raises PageError (404)."""
        if entry_id is None:
            return None
        found = None
        if entry_id.isprintable():  # PostgreSQL rejects NUL in a parameter
            found = self._container.database.read(lambda unit: find_request(unit, session.partner_id, entry_id))
        if found is None:
            raise PageError(404, NO_ENTRY)
        return found

    def _issue_merchant_token(self, session: PartnerSession, merchant_id: str) -> dict[str, Any]:
        return _describe(self._service.issue_merchant_token(session.partner_id, merchant_id))

    def _issue_consent_token(self, session: PartnerSession, merchant_id: str, handle: str) -> dict[str, Any]:
        grant = self._service.issue_consent_token(session.partner_id, merchant_id, handle)
        return {**_describe(grant.token), "consent": grant.consent.id}

    def _prepare(self, merchant: Caller) -> tuple[Operation, ...]:
        def business_time(unit: UnitOfWork) -> BusinessTime:
            return unit.business_time(merchant.merchant_id)

        now: datetime = self._container.database.read(business_time)
        registry = self._container.registry
        adapters = [registry[key] for key in merchant.adapters if key in registry]
        return prepare_operations(adapters, now, lambda: random_token("")[:_KEY_LENGTH])


async def _respond(work: Callable[[], Awaitable[dict[str, Any]]]) -> Response:
    try:
        return _json(await work())
    except (InvalidInput, NotFound) as error:
        return _error(error)
    except SignInFailed as failed:
        return _json({"error": {"code": failed.code, "message": "The code could not be redeemed. Sign in again."}}, 400)


def _describe(token: AccessToken) -> dict[str, Any]:
    return {"accessToken": token.text, "expiresIn": int((token.expires_at - token.issued_at).total_seconds())}


def _error(error: GatewayError) -> Response:
    status = 404 if isinstance(error, NotFound) else 400
    return _json({"error": {"code": error.code, "message": error.message}}, status)


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(content, status, headers={"Cache-Control": "no-store"})


def _choose_merchant(callers: Callers, merchant_id: str | None) -> Caller | None:
    """The merchant with this id. Without an id, that of the demo or else the first one, None without any. Raises
    PageError (404)."""
    merchants = callers.merchants
    if merchant_id is not None:
        found = next((each for each in merchants if each.merchant_id == merchant_id), None)
        if found is None:
            raise PageError(404, NO_MERCHANT)
        return found
    demo = next((each for each in merchants if DEMO_ADAPTER in each.adapters), None)
    return demo or next(iter(merchants), None)


def _configuration(
    session: PartnerSession,
    merchant: Caller | None,
    operations: tuple[Operation, ...],
    entry: RequestLogRow | None,
    pending: PendingSignIn | None,
) -> dict[str, Any]:
    """What the script of the page reads. It has no token."""
    waits = pending is not None and merchant is not None and pending.merchant_id == merchant.merchant_id
    return {
        "csrf": session.csrf_token,
        "partner": session.partner_id,
        "merchant": merchant.merchant_id if merchant else None,
        "operations": [asdict(each) for each in operations],
        "logged": asdict(logged_operation(entry)) if entry else None,
        "signIn": bool(waits and pending and pending.code),
    }
