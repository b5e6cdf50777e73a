"""Dynamic client registration (RFC 7591, RFC 7592): invitations, valid metadata, and the requests."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2

from gateway.services.identity.registration import RegistrationService
from tests.support.fapi import FapiApp, Key, new_key, public
from tests.support.oauth_world import CALLBACK, OAuthWorld
from tests.support.units import writing

PATH = "/oauth/register"
KEY = new_key()
GRANT_TYPES = ["authorization_code", "refresh_token", "client_credentials"]


def metadata(**changed: Any) -> dict[str, Any]:
    """Valid client metadata. `changed` replaces members; those that are None are left out."""
    members = {
        "client_name": "Harbour app",
        "redirect_uris": [CALLBACK],
        "grant_types": GRANT_TYPES,
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [public(KEY)]},
        "scope": "score:tier decisions:request decisions:read",
        **changed,
    }
    return {name: value for name, value in members.items() if value is not None}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@dataclass
class Registrar:
    """Registers clients of the merchant `cars` of a world."""

    world: OAuthWorld
    key: Key = field(default_factory=lambda: KEY)

    @property
    def service(self) -> RegistrationService:
        return self.world.container.registrations

    def invite(self, scopes: Sequence[str] = (), types: Sequence[str] = (), life: timedelta = timedelta(days=7)) -> str:
        with writing(self.world.database) as unit:
            return self.service.invite(unit, self.world.cars_id, life, scopes=scopes, types=types)

    def post(self, body: Any, token: str | None = None, **headers: str) -> httpx2.Response:
        """Sends a registration with this token, by default that of a new invitation."""
        token = self.invite() if token is None else token
        return self.world.http().post(PATH, json=body, headers={**bearer(token), **headers})

    def register(self, token: str | None = None, **changed: Any) -> dict[str, Any]:
        """Registers a client and returns the body of the response."""
        response = self.post(metadata(**changed), token)
        assert response.status_code == 201, response.text
        body: dict[str, Any] = response.json()
        return body

    def manage(
        self, method: str, registered: dict[str, Any], token: str | None = None, **options: Any
    ) -> httpx2.Response:
        """Sends a request to a client's registration_client_uri."""
        path = f"{PATH}/{registered['client_id']}"
        headers = bearer(registered["registration_access_token"] if token is None else token)
        return self.world.http().request(method, path, headers=headers, **options)

    def app(self, registered: dict[str, Any]) -> FapiApp:
        """A client application with the credentials of a registration."""
        container = self.world.container
        return FapiApp(
            self.world.http(),
            registered["client_id"],
            "",
            CALLBACK,
            issuer=container.settings.issuer,
            key=self.key,
            now=lambda: container.clock().timestamp(),
        )
