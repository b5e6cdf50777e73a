"""The actions of the forms that open and withdraw disputes, about agreements and about imported records."""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from gateway.domain.errors import InvalidInput, NotFound, StateConflict
from gateway.web.errors import PageError
from gateway.web.pages.account.obligations import STATEMENT
from gateway.web.site.redirects import see_other
from gateway.web.texts import msgid

NOT_CONTESTABLE = msgid("You cannot dispute this, or no longer. Your account page shows its current state.")


async def run_dispute_action(
    action: Callable[[], object], is_repeated: Callable[[], bool], address: str, *, unknown: str, invalid: str
) -> Response:
    """The redirect to the address after the action, also if the same form was sent before (`is_repeated`). Raises
    PageError: 404 with the message `unknown` if the dispute or its subject does not exist, 422 with `invalid` for the
    statement, 409 if it cannot be disputed."""
    try:
        await run_in_threadpool(action)
    except NotFound:
        raise PageError(404, unknown) from None
    except InvalidInput as refused:
        if refused.field == (STATEMENT,):
            raise PageError(422, invalid) from None
        if not await run_in_threadpool(is_repeated):
            raise PageError(409, NOT_CONTESTABLE) from None
    except StateConflict:
        if not await run_in_threadpool(is_repeated):
            raise PageError(409, NOT_CONTESTABLE) from None
    return see_other(address)
