"""The handlers of the account page and its forms."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.decisions.dispute import OPEN_DISPUTE_STATUSES, DisputeStatus
from gateway.domain.errors import NotFound
from gateway.services.access_log import AccessGroup
from gateway.services.consents.service import ConsentOverview
from gateway.services.decisions.obligations import HistoryPage, Obligation
from gateway.services.identity.accounts import BrowserSession
from gateway.services.notices.inbox import MOST_COUNTED
from gateway.store.unit import UnitOfWork
from gateway.web.errors import PageError, SignedOut
from gateway.web.own_forms import CSRF_FIELD, FOREIGN_FORM
from gateway.web.pages.account.access_list import AccessList
from gateway.web.pages.account.accesses import describe_group
from gateway.web.pages.account.agreement import AgreementPage
from gateway.web.pages.account.claim_forms import ClaimForms
from gateway.web.pages.account.confirmation import (
    END_CONSENT,
    ENDING,
    WITHDRAW_DISPUTE,
    Question,
    ask_for_confirmation,
    is_confirmed,
    read_id,
)
from gateway.web.pages.account.consents import describe_consent
from gateway.web.pages.account.decision_list import DecisionList, decisions_address
from gateway.web.pages.account.decisions import describe_decision
from gateway.web.pages.account.dispute_actions import NOT_CONTESTABLE, run_dispute_action
from gateway.web.pages.account.inbox.page import InboxPages
from gateway.web.pages.account.obligations import STATEMENT, describe_obligation
from gateway.web.pages.account.records.page import RecordPages
from gateway.web.pages.account.score.page import ScorePage
from gateway.web.site.redirects import ACCOUNT, request_login, see_other, signed_out_address
from gateway.web.site.site import Site
from gateway.web.texts import msgid

_AGREEMENTS = f"{ACCOUNT}#agreements"
_UNKNOWN_CONSENT = msgid("You have no such consent.")
_UNKNOWN_DISPUTE = msgid("You have no such agreement or dispute.")
_INVALID_STATEMENT = msgid("Please say what is wrong, in up to 2000 characters.")


def routes(site: Site) -> list[Route]:
    """GET /account and the pages below it, and POST for their forms."""
    page, disputes = AccountPage(site), DisputeForms(site)
    return [
        Route(ACCOUNT, page.show),
        Route(f"{ACCOUNT}/sign-out-everywhere", page.sign_out_everywhere, methods=["POST"]),
        Route(f"{ACCOUNT}/consents/{{id}}/revoke", page.confirm_revocation),
        Route(f"{ACCOUNT}/consents/{{id}}/revoke", page.revoke, methods=["POST"]),
        Route(f"{ACCOUNT}/decisions/{{id}}/contest", disputes.open, methods=["POST"]),
        Route(f"{ACCOUNT}/disputes/{{id}}/withdraw", disputes.confirm_withdrawal),
        Route(f"{ACCOUNT}/disputes/{{id}}/withdraw", disputes.withdraw, methods=["POST"]),
        AccessList(site).route,
        DecisionList(site).route,
        AgreementPage(site).route,
        *ClaimForms(site).routes,
        *ScorePage(site).routes,
        *RecordPages(site).routes,
        *InboxPages(site).routes,
    ]


@dataclass(frozen=True, slots=True)
class Account:
    """The records of one person, each list newest first; accesses by kind, those that disclose most first. `unread` is
    the number of unread notices, at most MOST_COUNTED."""

    name: str
    unread: int
    consents: tuple[ConsentOverview, ...]
    obligations: tuple[Obligation, ...]
    history: HistoryPage
    accesses: tuple[AccessGroup, ...]


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
        texts, kept = self._site.renderer.texts(request), self._site.kept_forms
        obligations = [describe_obligation(texts, obligation) for obligation in account.obligations]
        forms = [each.contest_address for each in obligations if each.contest_address]
        consents = [describe_consent(texts, consent) for consent in account.consents]
        return self._site.renderer.page(
            request,
            "pages/account/account.html",
            name=account.name,
            unread=f"{MOST_COUNTED - 1}+" if account.unread == MOST_COUNTED else str(account.unread or ""),
            active=[consent for consent in consents if consent.status is ConsentStatus.ACTIVE],
            ended=[consent for consent in consents if consent.status is not ConsentStatus.ACTIVE],
            obligations=obligations,
            statements={form: kept.load(request, form, session.user_id).get(STATEMENT, "") for form in forms},
            decisions=[describe_decision(texts, decision) for decision in account.history.decisions],
            older_decisions=decisions_address(account.history.next) if account.history.next else "",
            accesses=[describe_group(texts, group) for group in account.accesses],
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
        )

    async def confirm_revocation(self, request: Request) -> Response:
        """Asks whether to end one of the person's consents; 303 to the login page if nobody is signed in; 404 if the
        person has no such consent."""
        session = await self._site.sessions.current(request)
        if session is None or session.user_id is None:
            return request_login(request, request.scope["path"])
        return await self._ask(request, session, session.user_id)

    async def revoke(self, request: Request) -> Response:
        """Ends one of the person's consents; 303 back to the account page. Asks first unless the form is `confirmed`.
        404 if the person has no such consent."""
        session, form = await self._site.sessions.submitted(request)
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        if not is_confirmed(form):
            return await self._ask(request, session, session.user_id)
        try:
            await run_in_threadpool(self._revoke, read_id(request), session.user_id)
        except NotFound:
            raise PageError(404, _UNKNOWN_CONSENT) from None
        return see_other(ACCOUNT)

    async def _ask(self, request: Request, session: BrowserSession, user_id: str) -> Response:
        consent_id = read_id(request)
        account = await run_in_threadpool(self._load, user_id)
        overview = next((each for each in account.consents if each.consent.id == consent_id), None)
        if overview is None:
            raise PageError(404, _UNKNOWN_CONSENT)
        texts = self._site.renderer.texts(request)
        view = describe_consent(texts, overview)
        question = Question(END_CONSENT, view.merchant, view.parts[0].sentence, texts.gettext(ENDING))
        return ask_for_confirmation(self._site, request, session, question)

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
                unread=container.inbox.count_unread(unit, user_id),
                consents=container.consents.list_of_user(unit, user_id),
                obligations=container.obligations.list_obligations(unit, user_id),
                history=container.obligations.list_history(unit, user_id),
                accesses=container.access_log.list_groups(unit, user_id),
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
        422 without a valid statement. If nobody is signed in any more, the statement is on the page after the login."""
        try:
            session, form = await self._site.sessions.submitted(request, multiline={STATEMENT})
        except SignedOut as signed_out:
            response = request_login(request, ACCOUNT)
            statement = signed_out.form.get(STATEMENT, "").strip()
            # Only the person whose decision this is has this form.
            self._site.kept_forms.keep(response, request.scope["path"], None, {STATEMENT: statement})
            return response
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        user_id, decision_id, container = session.user_id, read_id(request), self._site.container
        statement = form.get(STATEMENT, "").strip()

        def is_open(unit: UnitOfWork) -> bool:
            newest = container.disputes.list_newest(unit, [decision_id]).get(decision_id)
            return newest is not None and newest.status in OPEN_DISPUTE_STATUSES and newest.statement == statement

        response = await _run_action(
            lambda: container.disputes.open(user_id, decision_id, statement),
            lambda: container.database.read(is_open),
        )
        self._site.kept_forms.forget(response)
        return response

    async def confirm_withdrawal(self, request: Request) -> Response:
        """Asks whether to withdraw a dispute; 303 to the login page if nobody is signed in; 404 if the person has no
        such dispute."""
        session = await self._site.sessions.current(request)
        if session is None or session.user_id is None:
            return request_login(request, request.scope["path"])
        return await self._ask(request, session, session.user_id)

    async def withdraw(self, request: Request) -> Response:
        """Withdraws a dispute; 303 back to the page. Asks first unless the form is `confirmed`. 404 if the person has
        no such dispute, 409 if it has ended otherwise."""
        session, form = await self._site.sessions.submitted(request)
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        if not is_confirmed(form):
            return await self._ask(request, session, session.user_id)
        user_id, dispute_id, disputes = session.user_id, read_id(request), self._site.container.disputes
        return await _run_action(
            lambda: disputes.withdraw(user_id, dispute_id),
            lambda: disputes.load(dispute_id).status is DisputeStatus.WITHDRAWN,
        )

    async def _ask(self, request: Request, session: BrowserSession, user_id: str) -> Response:
        container, dispute_id = self._site.container, read_id(request)

        def load(unit: UnitOfWork) -> Obligation | None:
            obligations = container.obligations.list_obligations(unit, user_id)
            return next((each for each in obligations if each.dispute and each.dispute.id == dispute_id), None)

        obligation = await run_in_threadpool(container.database.read, load)
        if obligation is None:
            raise PageError(404, _UNKNOWN_DISPUTE)
        view = describe_obligation(self._site.renderer.texts(request), obligation)
        if not view.withdraw_address:
            raise PageError(409, NOT_CONTESTABLE)
        question = Question(WITHDRAW_DISPUTE, view.merchant, view.sentence, view.withdrawal)
        return ask_for_confirmation(self._site, request, session, question)


async def _run_action(action: Callable[[], object], is_repeated: Callable[[], bool]) -> Response:
    return await run_dispute_action(
        action, is_repeated, _AGREEMENTS, unknown=_UNKNOWN_DISPUTE, invalid=_INVALID_STATEMENT
    )
