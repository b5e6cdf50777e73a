"""The published key set (RFC 7517, RFC 8037): the current key and recently retired ones."""

import base64
from datetime import timedelta

from gateway.kit.crypto import SigningKey, thumbprint
from gateway.store.logs.keys import SIGNING_KEYS
from tests.support.clock import MovableClock
from tests.support.oauth_world import OAuthWorld
from tests.support.units import writing


def _kids(world: OAuthWorld) -> list[str]:
    address = world.http().get("/.well-known/oauth-authorization-server").json()["jwks_uri"]
    response = world.http().get(address)
    assert (response.status_code, response.headers["cache-control"]) == (200, "public, max-age=60")
    return [key["kid"] for key in response.json()["keys"]]


def test_new_deployment_has_no_key(world: OAuthWorld) -> None:
    assert _kids(world) == []


def test_keys_are_published_after_retirement(world: OAuthWorld, clock: MovableClock) -> None:
    kids = []
    for _ in range(2):
        with writing(world.database) as unit:
            kids.append(unit.keys.rotate())
        clock.advance(seconds=1)
    assert _kids(world) == kids
    clock.advance(seconds=(world.container.settings.retired_key_life - timedelta(seconds=2)).total_seconds())
    assert _kids(world) == kids
    clock.advance(seconds=1)
    assert _kids(world) == kids[1:]


def test_key_has_rfc_8037_members(world: OAuthWorld) -> None:
    with writing(world.database) as unit:
        kid = unit.keys.rotate()
    (key,) = world.http().get("/oauth/jwks").json()["keys"]
    public = base64.urlsafe_b64decode(key.pop("x") + "=")
    assert key == {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid}
    assert thumbprint(public) == kid


def test_c2_key_inserted_by_hand_is_not_published(world: OAuthWorld) -> None:
    with writing(world.database) as unit:
        own, foreign = unit.keys.rotate(), SigningKey()
        row = unit.keys.list_signing_keys()[0].model_copy(update={"kid": foreign.kid, "public": foreign.public})
        unit.connection.execute(SIGNING_KEYS.insert(), dict(row))
    assert _kids(world) == [own]
