"""The page that asks whether to do what cannot be undone."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.services.identity.accounts import BrowserSession
from gateway.web.own_forms import CSRF_FIELD
from gateway.web.site.site import Site
from gateway.web.texts import msgid

END_CONSENT = msgid("End this consent")
ENDING = msgid(
    "The merchant can then not ask for anything more. Decisions already made stay valid. This cannot be undone."
)
WITHDRAW_DISPUTE = msgid("Withdraw dispute")


@dataclass(frozen=True, slots=True)
class Question:
    """What the page asks. `title` is also its button, a msgid; `subject` is a sentence about what would end;
    `consequence` is what happens then. They are in the person's language, except for the title."""

    title: str
    merchant: str
    subject: str
    consequence: str


def is_confirmed(form: Mapping[str, str]) -> bool:
    """Whether the form is that of the page."""
    return form.get("confirmed") == "yes"


def read_id(request: Request) -> str:
    """The id in the path. One that cannot be an id is returned as "", because PostgreSQL rejects NUL in a parameter."""
    identifier = str(request.path_params["id"])
    return identifier if identifier.isprintable() else ""


def ask_for_confirmation(site: Site, request: Request, session: BrowserSession, question: Question) -> Response:
    """The page, whose form goes to the address of the request."""
    return site.renderer.page(
        request,
        "pages/account/confirm.html",
        address=request.scope["path"],
        question=question,
        action=request.scope["path"],
        csrf_field=CSRF_FIELD,
        csrf_token=session.csrf_token,
    )
