"""Random requests to the registration endpoint: each response is a JSON error or a registration, never a 500."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.oauth_world import OAuthWorld
from tests.support.registration import PATH, Registrar, bearer, metadata

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = sorted({*metadata(), "response_types", "jwks_uri", "software_statement", "authorization_details_types"})
KEYS = st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "key_ops"]), ANYTHING)
# A host that is allowed, but not reachable.
SETTINGS = Settings(issuer="https://gateway.example", jwks_uri_hosts=("127.0.0.1:*", "localhost:*"))
VALUES = ANYTHING | st.builds(lambda keys: {"keys": keys}, st.lists(KEYS, max_size=3)) | st.lists(st.text(), max_size=3)


@pytest.fixture(scope="module")
def registrar(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registrar]:
    file = tmp_path_factory.mktemp("fuzz") / "gateway.db"
    file.write_bytes(sqlite_template.read_bytes())
    with closing(OAuthWorld(f"sqlite:///{file}", SETTINGS, MovableClock())) as world:
        yield Registrar(world)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(changed=st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=3))
def test_71_random_members(registrar: Registrar, changed: dict[str, Any]) -> None:
    response = registrar.post(metadata(**changed), registrar.invite(life=timedelta(days=1)))
    assert response.status_code in {201, 400}, response.text
    assert ("client_id" if response.status_code == 201 else "error") in response.json()


URIS = st.text(max_size=40) | st.from_regex(r"(https?|ftp)://[a-z0-9.:@\[\]%-]{0,20}(/[!-~]{0,10})?", fullmatch=True)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(uri=URIS | ANYTHING, algorithm=st.none() | st.sampled_from(["ES256", "PS256", "RS256"]))
def test_71_73_random_jwks_uris(registrar: Registrar, uri: Any, algorithm: str | None) -> None:
    sent = metadata(jwks=None, jwks_uri=uri, token_endpoint_auth_signing_alg=algorithm)
    response = registrar.post(sent, registrar.invite(life=timedelta(days=1)))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata"), response.text


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(body=st.binary(max_size=60) | ANYTHING.map(str).map(str.encode))
def test_71_random_bytes(registrar: Registrar, body: bytes) -> None:
    headers = {**bearer(registrar.invite()), "Content-Type": "application/json"}
    response = registrar.world.http().post(PATH, content=body, headers=headers)
    assert (response.status_code, "error" in response.json()) == (400, True)
