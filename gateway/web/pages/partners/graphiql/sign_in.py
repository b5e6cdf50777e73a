"""The sign-in button of the GraphiQL page: a real authorization code flow as a merchant's website has it. This server
takes the part of the website's backend, which holds the client's secret.

A sealed cookie keeps the state and the code verifier, and after the redirect the code. Only the session of the partner
that began can open it. The page redeems the code by POST, so that no address and no page source has a token.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gateway.domain.errors import InvalidInput
from gateway.kit.crypto import SealBroken, base64url, random_token, seal, unseal
from gateway.oauth.authlib_adapter import OAuthResponse
from gateway.oauth.endpoints.client_endpoints import ClientEndpoints
from gateway.oauth.endpoints.par import PushedAuthorizationRequestEndpoint
from gateway.oauth.metadata import AUTHORIZE, PAR
from gateway.oauth.metadata import TOKEN as TOKEN_PATH
from gateway.oauth.request_parsing import ParsedRequest
from gateway.oauth.server import TOKEN
from gateway.services.container import Container
from gateway.services.sandbox.consents import requestable_scopes
from gateway.services.sandbox.page_tokens import find_client
from gateway.services.sandbox.partner_sessions import PartnerSession
from gateway.services.seeding import PARTNER_CALLBACK
from gateway.store.identity.clients import ClientRow
from gateway.store.unit import UnitOfWork

LIFE = timedelta(minutes=15)
"""The time to sign in and to decide."""

_LONGEST_COOKIE = 3_500


class SignInFailed(Exception):
    """The authorization server refused a call of the flow. `code` is the OAuth error."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A flow that has begun. `code` or `error` is set after the redirect, "" before."""

    merchant_id: str
    state: str
    verifier: str
    code: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The token of a finished flow, its lifetime in seconds, its consent, and the person's username. `persona` is the
    handle of a persona of the partner, None for another person."""

    access_token: str
    expires_in: int
    consent_id: str
    username: str
    persona: str | None


class SignIn:
    """Begins and finishes flows."""

    def __init__(self, container: Container) -> None:
        self._container, self._endpoints = container, ClientEndpoints(container)
        self._key, self._issuer = container.secrets.derive("graphiql sign-in"), container.settings.issuer
        self._secure = self._issuer.startswith("https")
        self.cookie = f"{'__Host-' if self._secure else ''}sesame_sign_in"

    async def start(self, session: PartnerSession, merchant_id: str) -> tuple[str, PendingSignIn]:
        """Pushes an authorization request for all that the merchant's client can ask for (RFC 9126, RFC 7636). Returns
        the address to which the browser goes, and what `keep` keeps. Raises NotFound, InvalidInput, SignInFailed."""
        client, secret = await run_in_threadpool(self._load_client, session.partner_id, merchant_id)
        pending = PendingSignIn(merchant_id, random_token(""), random_token(""))
        challenge = base64url(hashlib.sha256(pending.verifier.encode()).digest())
        form = {
            "response_type": "code",
            "redirect_uri": self._issuer + PARTNER_CALLBACK,
            "scope": " ".join(requestable_scopes(client)),
            "state": pending.state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        pushed = await self._post(PushedAuthorizationRequestEndpoint.ENDPOINT_NAME, PAR, client, secret, form)
        query = urlencode({"client_id": client.id, "request_uri": pushed["request_uri"]})
        return f"{AUTHORIZE}?{query}", pending

    def receive(self, request: Request, session: PartnerSession, code: str, error: str) -> PendingSignIn | None:
        """What the browser brings back to the redirect URI. None if this session has begun no flow with the state, or
        if the response is not of this issuer (RFC 9207)."""
        pending, query = self.load(request, session), request.query_params
        if pending is None or not (code or error) or query.getlist("iss") != [self._issuer]:
            return None
        if not hmac.compare_digest(query.get("state", "").encode(), pending.state.encode()):
            return None
        return replace(pending, code=code, error=error)

    async def finish(self, session: PartnerSession, pending: PendingSignIn) -> SignedIn:
        """Redeems the code. Raises SignInFailed, and as `start`."""
        client, secret = await run_in_threadpool(self._load_client, session.partner_id, pending.merchant_id)
        form = {
            "grant_type": "authorization_code",
            "code": pending.code,
            "redirect_uri": self._issuer + PARTNER_CALLBACK,
            "code_verifier": pending.verifier,
        }
        tokens = await self._post(TOKEN, TOKEN_PATH, client, secret, form)
        describe = partial(_describe_person, partner_id=session.partner_id, consent_id=tokens["grant_id"])
        username, persona = await run_in_threadpool(self._container.database.read, describe)
        return SignedIn(tokens["access_token"], tokens["expires_in"], tokens["grant_id"], username, persona)

    def keep(self, response: Response, session: PartnerSession, pending: PendingSignIn) -> None:
        """Keeps the flow in the cookie."""
        sealed = base64url(seal(self._key, json.dumps(asdict(pending)).encode(), session.secret.encode()))
        life = int(LIFE.total_seconds())
        response.set_cookie(
            self.cookie, sealed, max_age=life, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    def load(self, request: Request, session: PartnerSession) -> PendingSignIn | None:
        """The flow in the cookie, None without a cookie that this session can open."""
        text = request.cookies.get(self.cookie, "")
        if not 0 < len(text) <= _LONGEST_COOKIE:
            return None
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            return PendingSignIn(**json.loads(unseal(self._key, sealed, session.secret.encode())))
        except (SealBroken, binascii.Error, ValueError, TypeError):
            return None

    def forget(self, response: Response) -> None:
        """Deletes the cookie."""
        response.delete_cookie(self.cookie, path="/", secure=self._secure, httponly=True, samesite="lax")

    def _load_client(self, partner_id: str, merchant_id: str) -> tuple[ClientRow, str]:
        client = self._container.database.read(lambda unit: find_client(unit, partner_id, merchant_id))
        secret = self._container.seeding.client_secret(client)
        if secret is None:
            message = "The secret of this client is not known to the sandbox. Choose a merchant of a seeded partner."
            raise InvalidInput("INVALID", message, ("merchant",))
        return client, secret

    async def _post(self, name: str, path: str, client: ClientRow, secret: str, form: dict[str, str]) -> dict[str, Any]:
        """The body of the response of an OAuth endpoint. Raises SignInFailed for an error."""
        pair = f"{quote(client.id, safe='')}:{quote(secret, safe='')}"
        basic = f"Basic {base64.b64encode(pair.encode()).decode()}"
        parsed = ParsedRequest(path, form, basic, self._container.clock())
        perform = partial(self._endpoints.perform, name, parsed)
        response: OAuthResponse = await self._container.client_requests.run(perform)
        if response.status >= 400:
            raise SignInFailed(str(response.body["error"]))
        body: dict[str, Any] = response.body
        return body


def _describe_person(unit: UnitOfWork, partner_id: str, consent_id: str) -> tuple[str, str | None]:
    """Returns the username of the person who gave a consent, and the handle of the persona, None for another person."""
    user_id = unit.consents.load_user_id(consent_id)
    user = unit.users.load(user_id)
    personas = unit.users.list_personas(partner_id)
    handle = next((persona.handle for persona in personas if persona.user_id == user_id), None)
    return user.username if user else "", handle
