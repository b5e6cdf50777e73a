"""Registration of a jwks_uri (RFC 7591, RFC 7592): which addresses are fetched, and what a failed fetch changes."""

from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.kit.http import HttpClient
from gateway.services.identity.client_key_cache import ClientKeyCache
from gateway.services.identity.client_keys import KeySource, KeysRefused
from gateway.settings import Settings
from tests.support.authority import Authority
from tests.support.clock import MovableClock
from tests.support.fapi import new_key, public
from tests.support.key_host import LOOPBACK, KeyHost, can_authenticate, register_remote
from tests.support.oauth_world import OAuthWorld
from tests.support.registration import KEY, PATH, Registrar, metadata
from tests.support.units import reading


def refusal(response: httpx2.Response) -> str:
    """The error description of a rejected registration."""
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata"), response.text
    return str(response.json()["error_description"])


def post(remote_registrar: Registrar, uri: Any, token: str | None = None, **changed: Any) -> httpx2.Response:
    return remote_registrar.post(metadata(**{"jwks": None, "jwks_uri": uri, **changed}), token)


def test_73_response_has_jwks_uri_and_no_keys(each_remote_registrar: Registrar, host: KeyHost) -> None:
    made = register_remote(each_remote_registrar, host)
    assert made["jwks_uri"] == host.uri
    assert "jwks" not in made
    assert each_remote_registrar.manage("GET", made).json() == made
    with reading(each_remote_registrar.world.database) as unit:
        row = unit.clients.load(made["client_id"])
        assert row is not None
        assert (row.jwks, row.jwks_uri) == (None, host.uri)


def test_71_jwks_and_jwks_uri_exclude_each_other(remote_registrar: Registrar, host: KeyHost) -> None:
    assert "not both" in refusal(post(remote_registrar, host.uri, jwks={"keys": [public(KEY)]}))
    assert "not both" in refusal(post(remote_registrar, None))
    assert host.connections == 0


@pytest.mark.parametrize(
    "uri",
    [
        *("https://other.example/keys", "https://127.0.0.1/keys", "http://127.0.0.1/keys", "http://localhost:{port}/k"),
        *("ftp://127.0.0.1:{port}/", "//127.0.0.1:{port}/keys", "keys.json", "", "http://a@127.0.0.1:{port}/"),
        *("http://127.0.0.1:{port}/#keys", "http://127.0.0.1:{port}/k s", "http://127.0.0.1:{port}/\u00e9"),
        *("http://127.1:{port}/", "http://2130706433:{port}/", "http://0x7f000001:{port}/", "http://[::1]:{port}/"),
        "http://127.0.0.1:{port}/" + "x" * 2048,
    ],
)
def test_73_unlisted_address_is_not_fetched(remote_registrar: Registrar, host: KeyHost, uri: str) -> None:
    assert refusal(post(remote_registrar, uri.replace("{port}", str(host.port))))
    assert host.connections == 0


@pytest.mark.parametrize(
    ("name", "words"), [("outgoing_networks", "GATEWAY_JWKS_URI_HOSTS"), ("jwks_uri_hosts", "not public")]
)
def test_73_both_lists_are_required(
    host: KeyHost, sqlite_url: str, settings: Settings, clock: MovableClock, name: str, words: str
) -> None:
    lists = {"outgoing_networks": LOOPBACK, "jwks_uri_hosts": (f"127.0.0.1:{host.port}",)}
    with closing(OAuthWorld(sqlite_url, settings.model_copy(update={name: lists[name]}), clock)) as world:
        assert words in refusal(post(Registrar(world), host.uri))
    assert host.connections == 0


def test_73_keys_are_fetched_over_tls(sqlite_url: str, settings: Settings, clock: MovableClock, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    changed = {
        "outgoing_networks": LOOPBACK,
        "outgoing_ca_file": authority.ca_file,
        "jwks_uri_hosts": ("127.0.0.1:*",),
    }
    with (
        KeyHost(context=authority.server("127.0.0.1")) as host,
        KeyHost(context=authority.server("127.0.0.2")) as wrong,
        closing(OAuthWorld(sqlite_url, settings.model_copy(update=changed), clock)) as world,
    ):
        remote_registrar = Registrar(world)
        made = register_remote(remote_registrar, host)
        assert made["jwks_uri"].startswith("https://")
        assert can_authenticate(remote_registrar.app(made))
        assert "certificate" in refusal(post(remote_registrar, wrong.uri))


def test_73_removed_host_is_not_fetched_again(remote_registrar: Registrar, host: KeyHost, clock: MovableClock) -> None:
    made = register_remote(remote_registrar, host)
    restarted = ClientKeyCache(
        KeySource(HttpClient(LOOPBACK), ["127.0.0.1:1", "other.example:*"]), clock, max_fetches=1
    )
    with pytest.raises(KeysRefused) as refused:
        restarted.get_key_set(made["client_id"], made["jwks_uri"], "k1")
    assert refused.value.reason == "host"
    assert host.fetches == 1


def test_71_fetch_requires_invitation_and_failure_keeps_it(remote_registrar: Registrar, host: KeyHost) -> None:
    body = metadata(jwks=None, jwks_uri=host.uri)
    http = remote_registrar.world.http()
    assert http.post(PATH, json=body).status_code == 401
    assert remote_registrar.post(body, "sgw_test_ia_unknown").status_code == 401
    assert host.connections == 0
    token = remote_registrar.invite()
    host.fail()
    assert "200" in refusal(remote_registrar.post(body, token))
    host.recover()
    assert remote_registrar.post(body, token).status_code == 201
    assert remote_registrar.post(body, token).status_code == 401
    assert host.fetches == 2, "a used invitation fetches nothing"


def test_13_a_key_must_fit_algorithm(remote_registrar: Registrar, host: KeyHost) -> None:
    host.keys = (KEY, new_key("Ed25519", kid="k2"))
    assert "does not fit" in refusal(post(remote_registrar, host.uri, token_endpoint_auth_signing_alg="PS256"))
    assert post(remote_registrar, host.uri, token_endpoint_auth_signing_alg="Ed25519").status_code == 201


def test_73_error_does_not_contain_address(remote_registrar: Registrar, host: KeyHost) -> None:
    host.fail()
    description = refusal(post(remote_registrar, host.uri))
    assert not any(part in description for part in ("127.0.0.1", "somewhere", "tenant"))


def test_72_update_switches_between_jwks_and_jwks_uri(each_remote_registrar: Registrar, host: KeyHost) -> None:
    remote_registrar = each_remote_registrar
    made, second = remote_registrar.register(), new_key(kid="k2")
    host.keys = (second,)
    app = remote_registrar.app(made)
    assert can_authenticate(app)
    whole = metadata(client_id=made["client_id"])
    changed = remote_registrar.manage("PUT", made, json={**whole, "jwks": None, "jwks_uri": host.uri})
    assert (changed.status_code, changed.json()["jwks_uri"], "jwks" in changed.json()) == (200, host.uri, False)
    assert not can_authenticate(app)
    app.key = second
    assert can_authenticate(app)
    changed = remote_registrar.manage("PUT", made, json=whole)
    assert (changed.status_code, changed.json()["jwks"], "jwks_uri" in changed.json()) == (200, whole["jwks"], False)
    assert not can_authenticate(app)
    app.key = KEY
    assert can_authenticate(app)


def test_72_new_jwks_uri_applies_to_next_request(remote_registrar: Registrar, host: KeyHost) -> None:
    made, second = register_remote(remote_registrar, host), new_key(kid="k1")
    app = remote_registrar.app(made)
    assert can_authenticate(app)
    host.keys = (second,)  # the keys at the new address; the cached keys of the old one must not be used
    moved = {**metadata(client_id=made["client_id"]), "jwks": None, "jwks_uri": host.url("/elsewhere")}
    assert remote_registrar.manage("PUT", made, json=moved).status_code == 200
    assert not can_authenticate(app)
    app.key = second
    assert can_authenticate(app)


def test_72_update_with_failed_fetch_has_no_effect(remote_registrar: Registrar, host: KeyHost) -> None:
    made = remote_registrar.register()
    whole = {**metadata(client_id=made["client_id"]), "jwks": None, "jwks_uri": host.uri}
    host.fail()
    refusal(remote_registrar.manage("PUT", made, json=whole))
    fetched = host.fetches
    refusal(remote_registrar.manage("PUT", made, json={**whole, "client_id": "cli_test_other"}))
    refusal(remote_registrar.manage("PUT", made, json={**whole, "client_secret": "s"}))
    assert remote_registrar.manage("PUT", made, "sgw_test_ra_unknown", json=whole).status_code == 401
    assert host.fetches == fetched
    assert remote_registrar.manage("GET", made).json() == made
    assert can_authenticate(remote_registrar.app(made))
