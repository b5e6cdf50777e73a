"""Clients that register themselves, for tests: invitations, metadata that is taken, and the requests."""

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
    """Metadata that is taken; a member that is None is left out."""
    whole = {
        "client_name": "Harbour app",
        "redirect_uris": [CALLBACK],
        "grant_types": GRANT_TYPES,
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [public(KEY)]},
        "scope": "score:tier decisions:request decisions:read",
        **changed,
    }
    return {name: value for name, value in whole.items() if value is not None}


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
        """A registration with this token, by default a fresh one."""
        token = self.invite() if token is None else token
        return self.world.http().post(PATH, json=body, headers={**bearer(token), **headers})

    def register(self, token: str | None = None, **changed: Any) -> dict[str, Any]:
        """The answer to a registration that is taken."""
        answer = self.post(metadata(**changed), token)
        assert answer.status_code == 201, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def manage(self, method: str, made: dict[str, Any], token: str | None = None, **options: Any) -> httpx2.Response:
        """A request to a client's registration_client_uri."""
        path = f"{PATH}/{made['client_id']}"
        headers = bearer(made["registration_access_token"] if token is None else token)
        return self.world.http().request(method, path, headers=headers, **options)

    def app(self, made: dict[str, Any]) -> FapiApp:
        """The registered client at work."""
        container = self.world.container
        return FapiApp(
            self.world.http(),
            made["client_id"],
            "",
            CALLBACK,
            issuer=container.settings.issuer,
            key=self.key,
            now=lambda: container.clock().timestamp(),
        )
