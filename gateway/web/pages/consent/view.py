"""The view of the consent page: who asks, for what, and what of it is already allowed."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.change import Change, GrantAction, in_force
from gateway.domain.consents.request import AS_ASKED, Choice, Request
from gateway.domain.errors import InvalidInput
from gateway.kit.clock import BusinessTime
from gateway.oauth.metadata import AUTHORIZE
from gateway.web.site.consent_parts import ConsentPart, describe_parts
from gateway.web.site.narrowing_form import NarrowingForm, describe_form
from gateway.web.texts import Texts

_SOURCE = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+|[a-z][a-z0-9+.\-]*:", re.ASCII)


@dataclass(frozen=True, slots=True)
class PermissionRequest:
    """A pushed request and the signed-in person. `request_uri` and `client_id` identify it; `granted_if_allowed` are
    the details in force if all of it were allowed; `now` is the partner's business time."""

    name: str
    merchant: str
    client: str
    client_id: str
    request_uri: str
    redirect_uri: str
    asked: Request
    change: Change | None
    granted_if_allowed: tuple[AuthorizationDetail, ...]
    now: BusinessTime

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the page's address."""
        return {"client_id": self.client_id, "request_uri": self.request_uri}


@dataclass(frozen=True, slots=True)
class PreviousConsent:
    """The consent that the request would change. `merges`: it stays, and the request is added to it."""

    granted_on: str
    merges: bool
    parts: tuple[ConsentPart, ...]


@dataclass(frozen=True, slots=True)
class ConsentPageView:
    """What the page says. `returns_to` is where the person's answer goes, as they read it; `decides`: decisions are
    requested too; `address` is the page's own address, which a login leads back to."""

    name: str
    merchant: str
    client: str
    returns_to: str
    purposes: tuple[str, ...]
    previous: PreviousConsent | None
    parts: tuple[ConsentPart, ...]
    form: NarrowingForm
    decides: bool
    parameters: dict[str, str]
    address: str


def describe_request(
    texts: Texts, request: PermissionRequest, choice: Choice = AS_ASKED, refused: InvalidInput | None = None
) -> ConsentPageView:
    """The request in the person's language, with the choice in its fields, and what is wrong with it if refused."""
    asked = request.asked
    parts = describe_parts(texts, request.merchant, asked.scopes, asked.details, request.now)
    return ConsentPageView(
        name=request.name,
        merchant=request.merchant,
        client=request.client,
        returns_to=urlsplit(request.redirect_uri).netloc or request.redirect_uri,
        purposes=tuple(dict.fromkeys(part.purpose for part in parts)),
        previous=_describe_previous(texts, request),
        parts=parts,
        form=describe_form(texts, asked, request.now, choice, refused),
        decides=any(detail.type == "decision" for detail in asked.details),
        parameters=request.parameters,
        address=consent_address(request.client_id, request.request_uri),
    )


def consent_address(client_id: str | None, request_uri: str | None) -> str:
    """The address of the page for this request."""
    return f"{AUTHORIZE}?{urlencode({'client_id': client_id, 'request_uri': request_uri})}"


def form_target(redirect_uri: str) -> str | None:
    """The redirect URI's origin, or its scheme for an app, as a source in a Content-Security-Policy. None if it cannot
    be one."""
    parts = urlsplit(redirect_uri)
    source = f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} else f"{parts.scheme}:"
    return source if _SOURCE.fullmatch(source) else None


def _describe_previous(texts: Texts, request: PermissionRequest) -> PreviousConsent | None:
    change = request.change
    if change is None:
        return None
    consent = change.consent
    details = tuple(in_force(consent, request.now))
    return PreviousConsent(
        granted_on=texts.date(consent.granted_at),
        merges=change.action is GrantAction.MERGE,
        parts=describe_parts(texts, request.merchant, consent.scopes, details, request.now),
    )
