"""The handlers of the pages of behaviour records: the list, one record, and the forms of disputes."""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.errors import NotFound
from gateway.domain.scoring.record import Dimension
from gateway.domain.scoring.record_dispute import RecordDisputeStatus
from gateway.services.identity.accounts import BrowserSession
from gateway.services.scoring.person_records import PersonRecord, RecordPage
from gateway.store.unit import UnitOfWork
from gateway.web.errors import PageError, SignedOut
from gateway.web.own_forms import CSRF_FIELD, FOREIGN_FORM
from gateway.web.pages.account.confirmation import (
    WITHDRAW_DISPUTE,
    Question,
    ask_for_confirmation,
    is_confirmed,
    read_id,
)
from gateway.web.pages.account.dispute_actions import NOT_CONTESTABLE, run_dispute_action
from gateway.web.pages.account.obligations import STATEMENT
from gateway.web.pages.account.records.view import RECORDS, describe_record, describe_record_dispute
from gateway.web.pages.account.score.view import DIMENSIONS
from gateway.web.site.redirects import ACCOUNT, page_address, request_login, see_other
from gateway.web.site.site import Site
from gateway.web.texts import msgid

_UNKNOWN = msgid("You have no such record or dispute.")
_INVALID_STATEMENT = msgid(
    "Please say what is wrong, in up to 2000 characters. If you have disputed this before, say what is new."
)


class RecordPages:
    """The list at /account/records in pages, and the page of each imported record. A record of a decision has the page
    of its agreement."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def routes(self) -> list[Route]:
        forms = RecordDisputeForms(self._site)
        return [
            Route(RECORDS, self.show_list),
            Route(f"{RECORDS}/{{id}}", self.show),
            Route(f"{RECORDS}/{{id}}/contest", forms.open, methods=["POST"]),
            Route(f"{ACCOUNT}/record-disputes/{{id}}/withdraw", forms.confirm_withdrawal),
            Route(f"{ACCOUNT}/record-disputes/{{id}}/withdraw", forms.withdraw, methods=["POST"]),
        ]

    async def show_list(self, request: Request) -> Response:
        """A page of the list, of the `dimension` in the address or of all; 303 to the login page if nobody is signed
        in. Unknown dimensions are ignored."""
        name, after = (request.query_params.get(each, "") for each in ("dimension", "after"))
        dimension = Dimension(name) if name in Dimension.__members__ else None
        after = after if after.isprintable() else ""
        session = await self._site.sessions.current(request)
        if session is None or session.user_id is None:
            return request_login(request, _address(dimension, after))
        page = await run_in_threadpool(self._load_page, session.user_id, dimension, after)
        texts = self._site.renderer.texts(request)
        return self._site.renderer.page(
            request,
            "pages/account/records/records.html",
            records=[describe_record(texts, record) for record in page.records],
            is_used=page.is_used,
            filters=[(None, RECORDS), *((each, _address(each)) for each in DIMENSIONS)],
            names=DIMENSIONS,
            dimension=dimension,
            first=_address(dimension) if after else "",
            next=_address(dimension, page.next) if page.next else "",
        )

    async def show(self, request: Request) -> Response:
        """The page of a record; 303 to the login page if nobody is signed in, and to the page of the agreement for a
        record of a decision; 404 if the person has no such record."""
        session = await self._site.sessions.current(request)
        if session is None or session.user_id is None:
            return request_login(request, request.scope["path"])
        try:
            record = await run_in_threadpool(self._load, session.user_id, read_id(request))
        except NotFound:
            raise PageError(404, _UNKNOWN) from None
        texts, kept = self._site.renderer.texts(request), self._site.kept_forms
        view = describe_record(texts, record)
        if view.is_own:
            return see_other(view.address)
        form = view.contest_address
        return self._site.renderer.page(
            request,
            "pages/account/records/record.html",
            record=view,
            disputes=[describe_record_dispute(texts, dispute) for dispute in reversed(record.disputes)],
            statement=kept.load(request, form, session.user_id).get(STATEMENT, "") if form else "",
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
        )

    def _load_page(self, user_id: str, dimension: Dimension | None, after: str) -> RecordPage:
        container = self._site.container
        return container.database.read(
            lambda unit: container.person_records.list_page(unit, user_id, dimension=dimension, after=after or None)
        )

    def _load(self, user_id: str, record_id: str) -> PersonRecord:
        container = self._site.container
        return container.database.read(lambda unit: container.person_records.load(unit, user_id, record_id))


class RecordDisputeForms:
    """The forms that open a dispute about a record and withdraw it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def open(self, request: Request) -> Response:
        """Opens a dispute; 303 back to the record. 404 if the person has no such record, 409 if it cannot be disputed,
        422 without a valid statement. If nobody is signed in any more, the statement is on the page after the login."""
        record_id, container = read_id(request), self._site.container
        address = f"{RECORDS}/{record_id}"
        try:
            session, form = await self._site.sessions.submitted(request, multiline={STATEMENT})
        except SignedOut as signed_out:
            response = request_login(request, address)
            statement = signed_out.form.get(STATEMENT, "").strip()
            # Only the person whom the record is about has this form.
            self._site.kept_forms.keep(response, request.scope["path"], None, {STATEMENT: statement})
            return response
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        user_id, statement = session.user_id, form.get(STATEMENT, "").strip()

        def is_open(unit: UnitOfWork) -> bool:
            dispute = container.person_records.load(unit, user_id, record_id).open_dispute
            return dispute is not None and dispute.statement == statement

        response = await _run_action(
            lambda: container.record_disputes.open(user_id, record_id, statement),
            lambda: container.database.read(is_open),
            address,
        )
        self._site.kept_forms.forget(response)
        return response

    async def confirm_withdrawal(self, request: Request) -> Response:
        """Asks whether to withdraw a dispute; 303 to the login page if nobody is signed in; 404 if the person has no
        such dispute, 409 if it has ended."""
        session = await self._site.sessions.current(request)
        if session is None or session.user_id is None:
            return request_login(request, request.scope["path"])
        return await self._ask(request, session, session.user_id)

    async def withdraw(self, request: Request) -> Response:
        """Withdraws a dispute; 303 to the list of records. Asks first unless the form is `confirmed`. 404 if the person
        has no such dispute, 409 if it has ended otherwise."""
        session, form = await self._site.sessions.submitted(request)
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        if not is_confirmed(form):
            return await self._ask(request, session, session.user_id)
        user_id, dispute_id, container = session.user_id, read_id(request), self._site.container

        def is_withdrawn(unit: UnitOfWork) -> bool:
            return container.record_disputes.load(unit, dispute_id).status is RecordDisputeStatus.WITHDRAWN

        return await _run_action(
            lambda: container.record_disputes.withdraw(user_id, dispute_id),
            lambda: container.database.read(is_withdrawn),
            RECORDS,
        )

    async def _ask(self, request: Request, session: BrowserSession, user_id: str) -> Response:
        container, dispute_id = self._site.container, read_id(request)

        def load(unit: UnitOfWork) -> PersonRecord:
            dispute = container.record_disputes.load(unit, dispute_id)
            listed = unit.contested_records.load_current(dispute.source, dispute.reference)
            if dispute.user_id != user_id or listed is None:
                raise NotFound("There is no such dispute.")
            return container.person_records.load(unit, user_id, listed.record.id)

        try:
            record = await run_in_threadpool(container.database.read, load)
        except NotFound:
            raise PageError(404, _UNKNOWN) from None
        view = describe_record(self._site.renderer.texts(request), record)
        if record.open_dispute is None or record.open_dispute.id != dispute_id:
            raise PageError(409, NOT_CONTESTABLE)
        question = Question(WITHDRAW_DISPUTE, view.partner, view.sentence, view.withdrawal)
        return ask_for_confirmation(self._site, request, session, question)


async def _run_action(action: Callable[[], object], is_repeated: Callable[[], bool], address: str) -> Response:
    return await run_dispute_action(action, is_repeated, address, unknown=_UNKNOWN, invalid=_INVALID_STATEMENT)


def _address(dimension: Dimension | None = None, after: str = "") -> str:
    return page_address(RECORDS, {"dimension": dimension and dimension.value, "after": after or None})
