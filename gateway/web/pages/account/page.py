"""The handlers of the account page and its forms."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.errors import InvalidInput, NotFound, StateConflict
from gateway.services.access_log import LoggedAccess
from gateway.services.consents.service import ConsentOverview
from gateway.services.decisions.obligations import Obligation, PastDecision
from gateway.store.unit import UnitOfWork
from gateway.web.errors import PageError
from gateway.web.pages.account.accesses import describe_access
from gateway.web.pages.account.consents import describe_consent
from gateway.web.pages.account.decisions import LISTED_DECISIONS, describe_decision
from gateway.web.pages.account.obligations import describe_obligation
from gateway.web.sessions import CSRF_FIELD, FOREIGN_FORM
from gateway.web.site.redirects import ACCOUNT, request_login, see_other, signed_out_address
from gateway.web.site.site import Site
from gateway.web.texts import msgid

STATEMENT = "statement"
_AGREEMENTS = f"{ACCOUNT}#agreements"
_UNKNOWN_CONSENT = msgid("You have no such consent.")
_UNKNOWN_DISPUTE = msgid("You have no such agreement or dispute.")
_NOT_CONTESTABLE = msgid("You cannot dispute this, or no longer. Your account page shows its current state.")
_INVALID_STATEMENT = msgid("Please say what is wrong, in up to 2000 characters.")


def routes(site: Site) -> list[Route]:
    """GET / and /account, and POST for the forms below /account."""
    page, disputes = AccountPage(site), DisputeForms(site)
    return [
        Route("/", _redirect_to_account),
        Route(ACCOUNT, page.show),
        Route(f"{ACCOUNT}/sign-out-everywhere", page.sign_out_everywhere, methods=["POST"]),
        Route(f"{ACCOUNT}/consents/{{id}}/revoke", page.revoke, methods=["POST"]),
        Route(f"{ACCOUNT}/decisions/{{id}}/contest", disputes.open, methods=["POST"]),
        Route(f"{ACCOUNT}/disputes/{{id}}/withdraw", disputes.withdraw, methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True)
class Account:
    """The records of one person, each list newest first."""

    name: str
    consents: tuple[ConsentOverview, ...]
    obligations: tuple[Obligation, ...]
    decisions: tuple[PastDecision, ...]
    accesses: tuple[LoggedAccess, ...]


async def _redirect_to_account(_: Request) -> Response:
    return RedirectResponse(ACCOUNT, status_code=303)


class AccountPage:
    """The page, and its forms that end a consent or all sessions."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """The person's consents, obligations, decisions and accesses, newest first; 303 to the login page if
        nobody is signed in."""
        session = await self._site.sessions.current(request)
        if session is None or session.user_id is None:
            return request_login(request, ACCOUNT)
        account = await run_in_threadpool(self._load, session.user_id)
        texts = self._site.renderer.texts(request)
        consents = [describe_consent(texts, consent) for consent in account.consents]
        return self._site.renderer.page(
            request,
            "pages/account/account.html",
            name=account.name,
            active=[consent for consent in consents if consent.status is ConsentStatus.ACTIVE],
            ended=[consent for consent in consents if consent.status is not ConsentStatus.ACTIVE],
            obligations=[describe_obligation(texts, obligation) for obligation in account.obligations],
            decisions=[describe_decision(texts, decision) for decision in account.decisions],
            listed_decisions=LISTED_DECISIONS,
            accesses=[describe_access(texts, access) for access in account.accesses],
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
        )

    async def revoke(self, request: Request) -> Response:
        """Ends one of the person's consents; 303 back to the page. 404 if the person has no such consent."""
        session, _ = await self._site.sessions.submitted(request)
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        consent_id = str(request.path_params["id"])
        try:
            if not consent_id.isprintable():  # PostgreSQL rejects NUL in a text parameter
                raise NotFound("There is no such consent.")
            await run_in_threadpool(self._revoke, consent_id, session.user_id)
        except NotFound:
            raise PageError(404, _UNKNOWN_CONSENT) from None
        return see_other(ACCOUNT)

    async def sign_out_everywhere(self, request: Request) -> Response:
        """Ends all sessions of the person, also in other browsers; 303 to the login page with their number."""
        session, _ = await self._site.sessions.submitted(request)
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        response = see_other(signed_out_address(await run_in_threadpool(self._end_sessions, session.user_id)))
        self._site.sessions.forget(response)
        return response

    def _end_sessions(self, user_id: str) -> int:
        container = self._site.container
        return container.database.write(lambda unit: container.accounts.sign_out_everywhere(unit, user_id))

    def _load(self, user_id: str) -> Account:
        container = self._site.container

        def load_account(unit: UnitOfWork) -> Account:
            return Account(
                name=container.accounts.load_user(unit, user_id).display_name,
                consents=container.consents.list_of_user(unit, user_id),
                obligations=container.obligations.list_obligations(unit, user_id),
                decisions=container.obligations.list_history(unit, user_id, LISTED_DECISIONS),
                accesses=container.access_log.list_of_user(unit, user_id),
            )

        return container.database.read(load_account)

    def _revoke(self, consent_id: str, user_id: str) -> None:
        container = self._site.container
        container.database.write(lambda unit: container.consents.revoke(unit, consent_id, user_id))


class DisputeForms:
    """The forms that open a dispute and withdraw it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def open(self, request: Request) -> Response:
        """Opens a dispute; 303 back to the page. 404 if the person has no such decision, 409 if it cannot be disputed,
        422 without a valid statement."""
        user_id, decision_id, form = await self._read_form(request)
        statement = form.get(STATEMENT, "").strip()
        return await self._perform(lambda: self._site.container.disputes.open(user_id, decision_id, statement))

    async def withdraw(self, request: Request) -> Response:
        """Withdraws a dispute; 303 back to the page. 404 if the person has no such dispute, 409 if it has ended."""
        user_id, dispute_id, _ = await self._read_form(request)
        return await self._perform(lambda: self._site.container.disputes.withdraw(user_id, dispute_id))

    async def _read_form(self, request: Request) -> tuple[str, str, dict[str, str]]:
        session, form = await self._site.sessions.submitted(request, multiline={STATEMENT})
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        identifier = str(request.path_params["id"])
        if not identifier.isprintable():  # PostgreSQL rejects NUL in a text parameter
            raise PageError(404, _UNKNOWN_DISPUTE)
        return session.user_id, identifier, dict(form)

    async def _perform(self, action: Callable[[], object]) -> Response:
        try:
            await run_in_threadpool(action)
        except NotFound:
            raise PageError(404, _UNKNOWN_DISPUTE) from None
        except InvalidInput as refused:
            if refused.field == (STATEMENT,):
                raise PageError(422, _INVALID_STATEMENT) from None
            raise PageError(409, _NOT_CONTESTABLE) from None
        except StateConflict:
            raise PageError(409, _NOT_CONTESTABLE) from None
        return see_other(_AGREEMENTS)
