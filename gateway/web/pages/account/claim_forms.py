"""The forms with which a person says that an agreement was kept, or withdraws that."""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import ClaimKind
from gateway.domain.errors import InvalidInput, NotFound
from gateway.services.decisions.obligations import Agreement
from gateway.services.identity.accounts import BrowserSession
from gateway.web.errors import PageError
from gateway.web.own_forms import FOREIGN_FORM
from gateway.web.pages.account.claims import KIND, WITHDRAW_CLAIM, describe_claim
from gateway.web.pages.account.confirmation import Question, ask_for_confirmation, is_confirmed, read_id
from gateway.web.pages.account.decisions import DECISIONS
from gateway.web.site.redirects import request_login, see_other
from gateway.web.site.site import Site
from gateway.web.texts import msgid

_UNKNOWN = msgid("You have no such agreement.")
_NOT_POSSIBLE = msgid("You cannot do this, or no longer. The page of the agreement shows its current state.")
_INVALID_KIND = msgid("This does not fit the agreement.")


class ClaimForms:
    """POST /account/decisions/ID/claim and /account/decisions/ID/claim/withdraw, which asks first."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def routes(self) -> list[Route]:
        address = f"{DECISIONS}/{{id}}/claim"
        return [
            Route(address, self.claim, methods=["POST"]),
            Route(f"{address}/withdraw", self.confirm_withdrawal),
            Route(f"{address}/withdraw", self.withdraw, methods=["POST"]),
        ]

    async def claim(self, request: Request) -> Response:
        """Says that the agreement was kept; 303 to its page, also if the same was said before. 404 if the person has no
        such agreement, 409 if it cannot be said about it, 422 if it does not fit the agreement."""
        session, form = await self._site.sessions.submitted(request)
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        user_id, decision_id = session.user_id, read_id(request)
        kind = _read_kind(form.get(KIND, ""))
        return await self._run(
            user_id,
            decision_id,
            lambda: self._site.container.claims.claim(user_id, decision_id, kind),
            lambda state: state.claim is kind and (state.claim_is_open or state.claim_stands),
        )

    async def confirm_withdrawal(self, request: Request) -> Response:
        """Asks whether to withdraw what was said; 303 to the login page if nobody is signed in; 404 if the person has
        no such agreement, 409 if nothing can be withdrawn."""
        session = await self._site.sessions.current(request)
        if session is None or session.user_id is None:
            return request_login(request, request.scope["path"])
        return await self._ask(request, session, session.user_id)

    async def withdraw(self, request: Request) -> Response:
        """Withdraws what was said; 303 to the page of the agreement. Asks first unless the form is `confirmed`. 404 if
        the person has no such agreement, 409 if nothing can be withdrawn."""
        session, form = await self._site.sessions.submitted(request)
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        if not is_confirmed(form):
            return await self._ask(request, session, session.user_id)
        user_id, decision_id = session.user_id, read_id(request)
        return await self._run(
            user_id,
            decision_id,
            lambda: self._site.container.claims.withdraw(user_id, decision_id),
            lambda state: state.claim_withdrawn_at is not None,
        )

    async def _ask(self, request: Request, session: BrowserSession, user_id: str) -> Response:
        agreement = await run_in_threadpool(self._load, user_id, read_id(request))
        view = describe_claim(self._site.renderer.texts(request), agreement)
        if not view.withdraw_address:
            raise PageError(409, _NOT_POSSIBLE)
        question = Question(WITHDRAW_CLAIM, agreement.merchant_name, view.sentences[0], view.withdrawal)
        return ask_for_confirmation(self._site, request, session, question)

    async def _run(
        self,
        user_id: str,
        decision_id: str,
        action: Callable[[], object],
        is_repeated: Callable[[DecisionState], bool],
    ) -> Response:
        try:
            await run_in_threadpool(action)
        except NotFound:
            raise PageError(404, _UNKNOWN) from None
        except InvalidInput as refused:
            if refused.field == (KIND,):
                raise PageError(422, _INVALID_KIND) from None
            agreement = await run_in_threadpool(self._load, user_id, decision_id)
            if not is_repeated(agreement.decision):
                raise PageError(409, _NOT_POSSIBLE) from None
        return see_other(f"{DECISIONS}/{decision_id}")

    def _load(self, user_id: str, decision_id: str) -> Agreement:
        container = self._site.container
        try:
            return container.database.read(
                lambda unit: container.obligations.load_agreement(unit, user_id, decision_id)
            )
        except NotFound:
            raise PageError(404, _UNKNOWN) from None


def _read_kind(text: str) -> ClaimKind:
    try:
        return ClaimKind(text)
    except ValueError:
        raise PageError(422, _INVALID_KIND) from None
