"""A merchant's web server that publishes the keys of its client, and clients registered with its jwks_uri."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_network
from threading import Event
from typing import Any

from gateway.kit import json
from gateway.kit.clock import WallClock
from gateway.settings import Settings
from tests.support.fapi import FapiApp, Key, public
from tests.support.local_server import LocalServer, http_response
from tests.support.oauth_world import OAuthWorld
from tests.support.registration import KEY, Registrar

PATH = "/somewhere/keys.json?tenant=t1"
LOOPBACK = (ip_network("127.0.0.0/8"),)


class KeyHost(LocalServer):
    """Responds with its `keys`, or with `raw_response` if that is set. Waits until `may_respond` is set."""

    def __init__(self, *keys: Key, **options: Any) -> None:
        super().__init__(self._respond, **options)
        self.keys: tuple[Key, ...] = keys or (KEY,)
        self.headers: tuple[tuple[str, str], ...] = ()
        self.raw_response: bytes | None = None
        self.may_respond = Event()
        self.may_respond.set()

    @property
    def uri(self) -> str:
        return self.url(PATH)

    @property
    def fetches(self) -> int:
        return len(self.requests)

    def fail(self) -> None:
        """Makes all further responses 503."""
        self.raw_response = http_response(b"no", 503)

    def recover(self) -> None:
        """Ends `fail`."""
        self.raw_response = None

    def _respond(self, _: bytes) -> Iterable[bytes]:
        self.may_respond.wait(timeout=20)
        keys = json.encode({"keys": [public(key) for key in self.keys]})
        return [http_response(keys, headers=self.headers) if self.raw_response is None else self.raw_response]


@contextmanager
def open_registrar(host: KeyHost, url: str, settings: Settings, clock: WallClock) -> Iterator[Registrar]:
    """Registers clients of a world that may fetch keys only from this host."""
    changed = {"outgoing_networks": LOOPBACK, "jwks_uri_hosts": (f"127.0.0.1:{host.port}",)}
    with closing(OAuthWorld(url, settings.model_copy(update=changed), clock)) as world:
        yield Registrar(world)


def register_remote(registrar: Registrar, host: KeyHost, **changed: Any) -> dict[str, Any]:
    """Registers a client with its keys at the host, and returns the response."""
    return registrar.register(**{"jwks": None, "jwks_uri": host.uri, **changed})


def can_authenticate(app: FapiApp) -> bool:
    """Whether the client can authenticate. The response must be a token or the error invalid_client."""
    response = app.merchant_token()
    assert response.status_code == 200 or (response.status_code, response.json()["error"]) == (401, "invalid_client")
    return response.status_code == 200
