"""What all pages of a partner's desk share: the layout with the links between them, and the partner's session."""

from collections.abc import Callable
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gateway.services.sandbox.partner_sessions import PartnerSession
from gateway.store.unit import UnitOfWork
from gateway.web.own_forms import CSRF_FIELD
from gateway.web.site.redirects import GRAPHIQL, PARTNER_DESK
from gateway.web.site.site import Site
from gateway.web.texts import msgid

T = TypeVar("T")

MERCHANTS, PERSONAS = f"{PARTNER_DESK}/merchants", f"{PARTNER_DESK}/personas"
WEBHOOKS, CLOCK = f"{PARTNER_DESK}/webhooks", f"{PARTNER_DESK}/clock"
REQUESTS = f"{PARTNER_DESK}/requests"

SECTIONS = (
    (PARTNER_DESK, msgid("Overview")),
    (MERCHANTS, msgid("Merchants")),
    (PERSONAS, msgid("Personas")),
    (WEBHOOKS, msgid("Webhooks")),
    (CLOCK, msgid("Time")),
    (REQUESTS, msgid("Requests")),
    (GRAPHIQL, "GraphiQL"),
)
"""The pages of the desk and the page of GraphiQL, with their titles."""

NOT_THERE = msgid("There is no such entry among those of your partner.")


def read_id(request: Request) -> str:
    """The id in the address, "" for a text that cannot be an id. PostgreSQL rejects NUL in a parameter."""
    text = str(request.path_params["id"])
    return text if text.isprintable() else ""


class Desk:
    """Renders the pages of the desk, and reads for them."""

    def __init__(self, site: Site) -> None:
        self.site, self.container, self.sessions = site, site.container, site.partner_sessions

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """The result of a unit of work that reads."""
        return await run_in_threadpool(self.container.database.read, work)

    def page(
        self,
        request: Request,
        session: PartnerSession,
        template: str,
        status: int = 200,
        *,
        section: str,
        address: str | None = None,
        **values: Any,
    ) -> Response:
        """The page of this section. `address` is that of the page for the language links, if it is the response to a
        form."""
        return self.site.renderer.page(
            request,
            f"pages/partners/{template}",
            status,
            address=address,
            session=session,
            sections=SECTIONS,
            section=section,
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
            **values,
        )
