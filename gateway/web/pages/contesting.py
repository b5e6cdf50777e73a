"""The forms by which a person contests what is held against them, and takes that back."""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gateway.domain.errors import InvalidInput, NotFound, StateConflict
from gateway.web.errors import PageError
from gateway.web.pages.site import Site, see_other
from gateway.web.sessions import FOREIGN_FORM
from gateway.web.texts import msgid

STATEMENT = "statement"
_NOTHING_THERE = msgid("There is nothing of yours here that you could contest.")
_NOT_NOW = msgid("This cannot be contested, or not any more. Your account page shows where it stands.")
_SAY_SOMETHING = msgid("Please say what is wrong, in at most 2000 characters.")
_BACK = "/account#agreements"


class Contesting:
    """POST /account/decisions/{id}/contest and POST /account/disputes/{id}/withdraw."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def open(self, request: Request) -> Response:
        """Opens a dispute; 303 back. 404 for a decision that is not theirs, 409 where there is nothing to contest, 422
        without a statement."""
        user_id, identifier, form = await self._submitted(request)
        statement = form.get(STATEMENT, "").strip()
        return await self._done(lambda: self._site.disputes.open(user_id, identifier, statement))

    async def withdraw(self, request: Request) -> Response:
        """Ends the person's own open dispute; 303 back. 404 for any other, 409 for one that has ended."""
        user_id, identifier, _ = await self._submitted(request)
        return await self._done(lambda: self._site.disputes.withdraw(user_id, identifier))

    async def _submitted(self, request: Request) -> tuple[str, str, dict[str, str]]:
        session, form = await self._site.sessions.submitted(request, several_lines={STATEMENT})
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        identifier = str(request.path_params["id"])
        if not identifier.isprintable():  # PostgreSQL cannot even look for a NUL
            raise PageError(404, _NOTHING_THERE)
        return session.user_id, identifier, dict(form)

    async def _done(self, act: Callable[[], object]) -> Response:
        try:
            await run_in_threadpool(act)
        except NotFound:
            raise PageError(404, _NOTHING_THERE) from None
        except InvalidInput as refused:
            said = refused.field == (STATEMENT,)
            raise PageError(422 if said else 409, _SAY_SOMETHING if said else _NOT_NOW) from None
        except StateConflict:
            raise PageError(409, _NOT_NOW) from None
        return see_other(_BACK)
