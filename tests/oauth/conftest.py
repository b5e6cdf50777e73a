"""Fixtures of the OAuth tests. `world` is on SQLite with a movable clock; `each_world` is the same on both databases;
`racing_world` is on both databases in real time; `https_world` has an https issuer; `both_world` requires a fresh login
for smaller amounts. `profile` is each client profile in turn; `bank` is a client with a nonce; `remote_app` is a client
with keys at `host`."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.domain.identity.client import BASELINE, DEVICE_CODE, FAPI2
from gateway.kit.clock import wall_clock
from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.dpop import bank_with_nonce
from tests.support.fapi import FapiApp
from tests.support.key_host import KeyHost, open_registrar, register_remote
from tests.support.oauth_world import OAuthWorld
from tests.support.registration import GRANT_TYPES, Registrar


@pytest.fixture
def world(sqlite_url: str, settings: Settings, clock: MovableClock) -> Iterator[OAuthWorld]:
    with closing(OAuthWorld(sqlite_url, settings, clock)) as opened:
        yield opened


@pytest.fixture
def each_world(database_url: str, settings: Settings, clock: MovableClock) -> Iterator[OAuthWorld]:
    with closing(OAuthWorld(database_url, settings, clock)) as opened:
        yield opened


@pytest.fixture
def racing_world(database_url: str, settings: Settings) -> Iterator[OAuthWorld]:
    with closing(OAuthWorld(database_url, settings, wall_clock)) as opened:
        yield opened


@pytest.fixture(params=[BASELINE, FAPI2])
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bank(world: OAuthWorld) -> FapiApp:
    """A fapi2 client with a nonce."""
    return bank_with_nonce(world)


@pytest.fixture
def https_world(sqlite_url: str, settings: Settings, clock: MovableClock) -> Iterator[OAuthWorld]:
    settings = settings.model_copy(update={"issuer": "https://gateway.example"})
    with closing(OAuthWorld(sqlite_url, settings, clock)) as opened:
        yield opened


@pytest.fixture
def both_world(database_url: str, settings: Settings, clock: MovableClock) -> Iterator[OAuthWorld]:
    """The world on both databases, where consents above 1,000 yuan need a fresh login."""
    settings = settings.model_copy(update={"step_up_amount": "1000.00 CNY"})
    with closing(OAuthWorld(database_url, settings, clock)) as opened:
        yield opened


@pytest.fixture
def host() -> Iterator[KeyHost]:
    """A merchant's web server with the keys of its client."""
    with KeyHost() as running:
        yield running


@pytest.fixture
def remote_registrar(host: KeyHost, sqlite_url: str, settings: Settings, clock: MovableClock) -> Iterator[Registrar]:
    """Registers clients of a world that may fetch keys from the host."""
    with open_registrar(host, sqlite_url, settings, clock) as opened:
        yield opened


@pytest.fixture
def each_remote_registrar(
    host: KeyHost, database_url: str, settings: Settings, clock: MovableClock
) -> Iterator[Registrar]:
    """The same on both databases."""
    with open_registrar(host, database_url, settings, clock) as opened:
        yield opened


@pytest.fixture
def remote_app(remote_registrar: Registrar, host: KeyHost) -> FapiApp:
    """A client with its keys at the host. They have been fetched once, at the registration."""
    return remote_registrar.app(register_remote(remote_registrar, host, grant_types=[*GRANT_TYPES, DEVICE_CODE]))


@pytest.fixture
def token(world: OAuthWorld) -> str:
    """A merchant token of the bank. After this the bank has a nonce."""
    return str(world.bank.merchant_token().json()["access_token"])
