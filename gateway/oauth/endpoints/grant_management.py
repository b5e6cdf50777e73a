"""Grant management (OpenID Foundation, Grant Management for OAuth 2.0): a client queries or revokes one of
its consents. A `grant_id` is the id of the consent. A grant is what the person gave, also if the client may use less
now."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from gateway.domain.consents.consent import Consent, ConsentStatus
from gateway.domain.errors import NotFound
from gateway.domain.identity.principal import Principal
from gateway.oauth.authlib_adapter import NO_STORE
from gateway.services.container import Container
from gateway.store.unit import UnitOfWork

QUERY, REVOKE = "grant_management_query", "grant_management_revoke"
_SCOPE_OF = {"GET": QUERY, "DELETE": REVOKE}


class GrantManagement:
    """GET and DELETE /oauth/grants/{grant_id} with a merchant token. The token check runs before it."""

    def __init__(self, container: Container) -> None:
        self._container = container

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends 200 with the grant, or 204; 403 without the scope, 404 for a grant that has ended or belongs to another
        client, 405 for another method."""
        request = Request(scope, receive)
        await (await self._respond(request))(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        principal: Principal = await run_in_threadpool(request.state.authenticate)
        needed = _SCOPE_OF.get(request.method)
        if needed is None:
            return _error(405, "invalid_request", "The method is GET or DELETE.", Allow="GET, DELETE")
        if needed not in principal.allowed:
            scheme = "DPoP" if request.headers["authorization"][:4].lower() == "dpop" else "Bearer"
            challenge = f'{scheme} error="insufficient_scope", scope="{needed}"'
            text = f"The token needs the scope {needed}."
            return _error(403, "insufficient_scope", text, **{"WWW-Authenticate": challenge})
        perform = self._query if request.method == "GET" else self._revoke
        try:
            return await run_in_threadpool(perform, principal, str(request.path_params["grant_id"]))
        except NotFound:
            return _error(404, "invalid_request", "There is no such grant.")

    def _query(self, principal: Principal, grant_id: str) -> Response:
        consent = self._container.database.read(lambda unit: _load_consent(unit, grant_id))
        if consent is None or consent.client_id != principal.client_id:
            raise NotFound("There is no such grant.")
        if consent.status(principal.now) is not ConsentStatus.ACTIVE:
            raise NotFound("The grant has ended.")
        document = {
            "scopes": [{"scope": " ".join(consent.scopes)}],
            "claims": [],
            "authorization_details": [detail.document() for detail in consent.details],
        }
        return JSONResponse(document, headers=NO_STORE)

    def _revoke(self, principal: Principal, grant_id: str) -> Response:
        def revoke(unit: UnitOfWork) -> None:
            client, consent = unit.clients.load(principal.client_id), _load_consent(unit, grant_id)
            if client is None or consent is None or consent.status(principal.now) is not ConsentStatus.ACTIVE:
                raise NotFound("There is no such grant.")
            self._container.consents.revoke_for_client(unit, client, grant_id)

        self._container.database.write(revoke)
        return Response(status_code=204, headers=NO_STORE)


def _load_consent(unit: UnitOfWork, grant_id: str) -> Consent | None:
    return unit.consents.load(grant_id) if grant_id.isprintable() else None


def _error(status: int, code: str, text: str, **headers: str) -> JSONResponse:
    return JSONResponse({"error": code, "error_description": text}, status, {**NO_STORE, **headers})
