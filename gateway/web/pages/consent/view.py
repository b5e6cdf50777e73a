"""The view of the consent page: the permission form, and the consent that the request would change."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.change import Change, GrantAction, in_force
from gateway.domain.consents.request import AS_ASKED, Choice, Request
from gateway.domain.errors import InvalidInput
from gateway.kit.clock import BusinessTime
from gateway.oauth.metadata import AUTHORIZE
from gateway.web.site.consent_parts import ConsentPart, describe_parts
from gateway.web.site.permission import Permission, describe_permission
from gateway.web.site.redirects import page_address
from gateway.web.texts import Texts


@dataclass(frozen=True, slots=True)
class PermissionRequest:
    """A pushed request and the signed-in person. `client_id` and `request_uri` identify the request;
    `granted_if_allowed` are the details of the consent if the person allows all of it; `now` is the partner's business
    time."""

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
    """The consent that the request would change. `merges`: the request is added to it, else it is replaced. `result` is
    the consent after a merge, if the person allows everything, empty for a replacement."""

    granted_on: str
    merges: bool
    parts: tuple[ConsentPart, ...]
    result: tuple[ConsentPart, ...]


@dataclass(frozen=True, slots=True)
class ConsentPageView:
    """The content of the page. `returns_to` is the host that gets the person's answer; `previous` is None for a new
    consent."""

    permission: Permission
    returns_to: str
    previous: PreviousConsent | None


def describe_request(
    texts: Texts, request: PermissionRequest, choice: Choice = AS_ASKED, refused: InvalidInput | None = None
) -> ConsentPageView:
    """The request in the person's language, with their choice in its fields, and the problem if it was refused."""
    permission = describe_permission(
        texts,
        request.asked,
        request.now,
        choice,
        refused,
        name=request.name,
        merchant=request.merchant,
        client=request.client,
        action=AUTHORIZE,
        fields=request.parameters,
        return_to=consent_address(request.client_id, request.request_uri),
    )
    return ConsentPageView(
        permission=permission,
        returns_to=urlsplit(request.redirect_uri).netloc or request.redirect_uri,
        previous=_describe_previous(texts, request),
    )


def consent_address(client_id: str | None, request_uri: str | None) -> str:
    """The address of the page for this request."""
    return page_address(AUTHORIZE, {"client_id": client_id, "request_uri": request_uri})


def _describe_previous(texts: Texts, request: PermissionRequest) -> PreviousConsent | None:
    change = request.change
    if change is None:
        return None
    consent = change.consent
    details, merges = tuple(in_force(consent, request.now)), change.action is GrantAction.MERGE
    result = change.result(request.asked, request.now)
    return PreviousConsent(
        granted_on=texts.date(consent.granted_at),
        merges=merges,
        result=describe_parts(texts, result.scopes, result.details, request.now) if merges else (),
        parts=describe_parts(texts, consent.scopes, details, request.now),
    )
