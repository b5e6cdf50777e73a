"""A merchant's web server with the public keys of its client, and clients of a world that have their keys there."""

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
    """Answers its `keys`, or `said` where that is set, once `open` is."""

    def __init__(self, *keys: Key, **options: Any) -> None:
        super().__init__(self._said, **options)
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
        """From now on it answers 503."""
        self.raw_response = http_response(b"no", 503)

    def recover(self) -> None:
        self.raw_response = None

    def _said(self, _: bytes) -> Iterable[bytes]:
        self.may_respond.wait(timeout=20)
        keys = json.encode({"keys": [public(key) for key in self.keys]})
        return [http_response(keys, headers=self.headers) if self.raw_response is None else self.raw_response]


@contextmanager
def open_registrar(host: KeyHost, url: str, settings: Settings, clock: WallClock) -> Iterator[Registrar]:
    """Registers clients of a world that may fetch keys from this host alone."""
    changed = {"outgoing_networks": LOOPBACK, "jwks_uri_hosts": (f"127.0.0.1:{host.port}",)}
    with closing(OAuthWorld(url, settings.model_copy(update=changed), clock)) as world:
        yield Registrar(world)


def register_remote(registrar: Registrar, host: KeyHost, **changed: Any) -> dict[str, Any]:
    """A registration whose keys are at the host."""
    return registrar.register(**{"jwks": None, "jwks_uri": host.uri, **changed})


def works(app: FapiApp) -> bool:
    """Whether the client is let in; the one other answer is that it is not."""
    answer = app.merchant_token()
    assert answer.status_code == 200 or (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    return answer.status_code == 200
