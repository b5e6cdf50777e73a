"""Registering and disabling OAuth clients as the operator."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.decisions.transitions import Status
from gateway.domain.environment import LIVE, SANDBOX
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.events import Actor
from gateway.domain.identity.client import BASELINE, FAPI2, GRANT_TYPES, WITHOUT_BROWSER
from gateway.kit.client_key import private_jwk, public_jwks
from gateway.kit.crypto import digest
from gateway.services.decisions.transitions import ActivateCommand
from gateway.services.identity.clients import ClientService
from tests.services.asks import car, request_command
from tests.support.demo_world import DemoWorld
from tests.support.names import BAD_NAMES
from tests.support.units import reading, writing


def test_client_secret_is_stored_as_digest(world: DemoWorld) -> None:
    with writing(world.database) as unit:
        row, secret = world.clients.register(
            unit, world.merchant(), "Checkout", ["https://a.example/cb", "https://a.example/cb"]
        )
        assert row.redirect_uris == ["https://a.example/cb"]
        assert row.grant_types == list(GRANT_TYPES)
        assert row.scopes == list(SANDBOX.scopes)
        assert secret is not None
        assert (row.profile, row.jwks, row.secret_digest) == ("baseline", None, digest(secret))
        _, other = world.clients.register(unit, world.merchant(), "Checkout", [])
    assert secret != other
    assert str(secret) not in repr(world.contents())


def test_fapi2_client_has_keys_and_no_secret(world: DemoWorld) -> None:
    key = private_jwk()
    with writing(world.database) as unit:
        row, secret = world.clients.register(
            unit, world.merchant(), "Backend", [], profile=FAPI2, jwks=public_jwks(key)
        )
        assert (row.profile, row.secret_digest, secret) == (FAPI2, None, None)
        assert row.jwks == public_jwks(key)
    assert key["d"] not in repr(world.contents())


@pytest.mark.parametrize(
    ("options", "field"),
    [
        pytest.param({"profile": FAPI2}, "jwks", id="without a key"),
        pytest.param({"profile": FAPI2, "jwks": {"keys": [private_jwk()]}}, "jwks", id="private key"),
        pytest.param({"profile": FAPI2, "jwks": [1]}, "jwks", id="not a key set"),
        pytest.param({"profile": FAPI2, "jwks": public_jwks(private_jwk()), "secret": "s"}, "secret", id="with secret"),
        pytest.param({"profile": BASELINE, "jwks": public_jwks(private_jwk())}, "jwks", id="key of baseline"),
        pytest.param({"profile": "fapi3"}, "profile", id="unknown profile"),
    ],
)
def test_invalid_client_options_are_rejected(world: DemoWorld, options: dict[str, Any], field: str) -> None:
    before = world.contents()
    with pytest.raises(InvalidInput) as refused, writing(world.database) as unit:
        world.clients.register(unit, world.merchant(), "Backend", [], **options)
    assert refused.value.field == (field,)
    assert world.contents() == before


def test_client_without_redirect_uris_has_no_code_grant(world: DemoWorld) -> None:
    with writing(world.database) as unit:
        row, _ = world.clients.register(unit, world.merchant(), "Back office", [])
        assert row.grant_types == list(WITHOUT_BROWSER)


@pytest.mark.parametrize(
    "uri",
    [
        "https://a.example/cb",
        "https://a.example:8443/cb?tenant=1",
        "http://127.0.0.1:9000/callback",
        "http://127.0.0.1/callback",
        "http://localhost:9000/callback",
    ],
)
def test_valid_redirect_uri_is_accepted(world: DemoWorld, uri: str) -> None:
    with writing(world.database) as unit:
        row, _ = world.clients.register(unit, world.merchant(), "Website", [uri])
        assert row.redirect_uris == [uri]


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param("", id="empty"),
        pytest.param("/callback", id="relative"),
        pytest.param("//a.example/cb", id="without-scheme"),
        pytest.param("http://a.example/cb", id="http"),
        pytest.param("http://127.0.0.1.example/cb", id="loopback-as-prefix"),
        pytest.param("http://127.0.0.1@evil.example/cb", id="loopback-as-user"),
        pytest.param("https://a.example/cb#top", id="fragment"),
        pytest.param("https://a.example/cb#", id="empty-fragment"),
        pytest.param("https:///cb", id="without-host"),
        pytest.param("https://a.example/回", id="not-ascii"),
        pytest.param("javascript:alert(1)", id="javascript"),
        pytest.param("app://callback", id="own-scheme"),
        pytest.param("https://user:secret@a.example/cb", id="with-password"),
        pytest.param("https://*.a.example/cb", id="wildcard"),
        pytest.param("https://a.example/a b", id="with-space"),
        pytest.param("https://a.example/a\nb", id="with-newline"),
        pytest.param("https://[::1/cb", id="unclosed-bracket"),
        pytest.param("https://a.example:port/cb", id="port-not-a-number"),
    ],
)
def test_invalid_redirect_uri_is_rejected(world: DemoWorld, uri: str) -> None:
    before = world.contents()
    with pytest.raises(InvalidInput) as refused, writing(world.database) as unit:
        world.clients.register(unit, world.merchant(), "Website", ["https://a.example/cb", uri])
    assert (refused.value.code, refused.value.field) == ("INVALID", ("redirect_uris",))
    assert world.contents() == before


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        pytest.param(["decisions:read", "score:tier"], ["score:tier", "decisions:read"], id="registry-order"),
        pytest.param([], [], id="none"),
        pytest.param(["score:tier", "score:tier"], ["score:tier"], id="repeated"),
    ],
)
def test_client_has_the_requested_scopes(world: DemoWorld, wanted: Sequence[str], kept: list[str]) -> None:
    with writing(world.database) as unit:
        row, _ = world.clients.register(unit, world.merchant(), "Checkout", [], scopes=wanted)
        assert row.scopes == kept


def test_unknown_scope_is_rejected(world: DemoWorld) -> None:
    with pytest.raises(InvalidInput) as refused, writing(world.database) as unit:
        world.clients.register(unit, world.merchant(), "Checkout", [], scopes=["score:secret"])
    assert refused.value.field == ("scopes",)


@BAD_NAMES
def test_invalid_client_name_is_rejected(world: DemoWorld, name: str) -> None:
    with pytest.raises(InvalidInput) as refused, writing(world.database) as unit:
        world.clients.register(unit, world.merchant(), name, [])
    assert refused.value.field == ("name",)


def test_live_rejects_baseline_client(world: DemoWorld) -> None:
    live = ClientService(world.ids, LIVE, world.consents)
    with pytest.raises(InvalidInput) as refused, writing(world.database) as unit:
        live.register(unit, world.merchant(), "Website", ["https://a.example/cb"])
    assert (refused.value.code, refused.value.field) == ("INVALID", ("profile",))


def test_register_for_unknown_merchant_raises_not_found(world: DemoWorld) -> None:
    with writing(world.database) as unit, pytest.raises(NotFound):
        world.clients.register(unit, "mer_test_nothing", "Website", [])


def test_disabled_client_cannot_be_loaded(world: DemoWorld) -> None:
    with writing(world.database) as unit:
        world.clients.disable(unit, world.client())
    with writing(world.database) as unit:
        assert unit.clients.load(world.client()) is None
        with pytest.raises(NotFound):
            world.clients.disable(unit, world.client())


def test_disable_revokes_consents_to_the_client(world: DemoWorld) -> None:
    """No token can use these consents any more, so the account page must not show them as active."""
    ended, run_out = world.grant(), world.grant("fair")
    elsewhere = world.grant("excellent", client=world.client("online_shop"))
    decision = world.requester.request(world.user_token(ended), request_command(car(world.clock()))).decision
    world.execute(f"UPDATE consents SET expires_at = granted_at WHERE id = '{run_out.id}'")
    with writing(world.database) as unit:
        world.clients.disable(unit, world.client())
    with reading(world.database) as unit:
        overview = {
            each.consent.id: (each.consent.status(each.now), [version.actor for version in each.history])
            for handle in ("excellent", "fair")
            for each in world.consents.list_of_user(unit, world.user(handle))
        }
    assert overview == {
        ended.id: (ConsentStatus.REVOKED, [Actor.USER, Actor.OPERATOR]),
        run_out.id: (ConsentStatus.EXPIRED, [Actor.USER]),
        elsewhere.id: (ConsentStatus.ACTIVE, [Actor.USER]),
    }
    token = world.merchant_token(world.backend())
    assert world.transitions.activate(token, ActivateCommand(decision.id, "a")).status is Status.ACTIVE
