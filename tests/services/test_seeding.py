"""The demo partner: created once, with the same secrets at every start, and repaired if changed."""

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from gateway.domain.identity.client import BASELINE, FAPI2, GRANT_TYPES
from gateway.domain.scope import SCOPES
from gateway.kit import jose
from gateway.kit.crypto import digest
from gateway.services.seeding import CONTRACT, LOOPBACK_URI, Seed
from tests.support.demo_world import DemoWorld
from tests.support.units import reading, writing

CALLBACK = "http://127.0.0.1:8000/partners/callback"
REDIRECT_URIS = [CALLBACK, LOOPBACK_URI]


def records(world: DemoWorld) -> dict[str, list[str]]:
    """Returns all rows of all tables but the record log, which has every change."""
    return {table: rows for table, rows in world.contents().items() if table not in ("record_log", "log_trees")}


def test_demo_partner_has_a_merchant_and_two_clients_for_each_adapter(world: DemoWorld) -> None:
    assert [(each.name, each.adapter) for each in world.seed.merchants] == [
        ("Demo Car Rental", "car_rental"),
        ("Demo Online Shop", "online_shop"),
    ]
    with reading(world.database) as unit:
        for each in world.seed.merchants:
            for client, profile in ((each.client, BASELINE), (each.backend, FAPI2)):
                row = unit.clients.load(client.client_id)
                assert row is not None
                assert (row.merchant_id, row.profile, row.redirect_uris) == (each.id, profile, REDIRECT_URIS)
                assert set(row.scopes) == set(SCOPES) == set(client.scopes)
                assert row.grant_types == list(GRANT_TYPES)
            assert unit.merchants.list_enabled_adapters(each.id) == (each.adapter,)
            merchant = unit.merchants.load(each.id)
            assert merchant is not None
            assert merchant.contract == CONTRACT


def seed_at(world: DemoWorld, issuer: str) -> Seed:
    """Seeds the demo partner again, as a start with this issuer does."""
    return world.variant(issuer=issuer).seeding.seed_demo()


def test_f6_seeded_clients_redirect_to_the_page_of_the_sandbox(world: DemoWorld) -> None:
    for each in world.seed.merchants:
        assert each.client.redirect_uri == each.backend.redirect_uri == CALLBACK


def test_f6_redirect_uri_follows_the_issuer_and_keeps_those_of_the_partner(world: DemoWorld) -> None:
    client_id = world.seed.merchants[0].client.client_id
    with writing(world.database) as unit:
        row = unit.clients.load(client_id)
        assert row is not None
        row.redirect_uris = [LOOPBACK_URI, CALLBACK, "https://mine.example/cb"]
        unit.clients.update(row)
    for issuer in ("http://127.0.0.1:8220", "https://sandbox.example"):
        seeded = seed_at(world, issuer).merchants[0].client
        assert seeded.redirect_uri == f"{issuer}/partners/callback"
        with reading(world.database) as unit:
            row = unit.clients.load(client_id)
            assert row is not None
            assert row.redirect_uris[:2] == [seeded.redirect_uri, LOOPBACK_URI]
            assert "https://mine.example/cb" in row.redirect_uris


def test_f6_issuer_that_cannot_be_a_redirect_uri_leaves_the_loopback_address(world: DemoWorld) -> None:
    assert seed_at(world, "http://my_sandbox:8000").merchants[0].client.redirect_uri == LOOPBACK_URI


def test_database_has_only_digests_of_secrets(world: DemoWorld) -> None:
    stored = repr(world.contents())
    for each in world.seed.merchants:
        assert each.client.client_secret is not None
        assert each.client.client_secret.startswith("sgw_test_cs_")
        assert each.client.client_secret not in stored
        assert digest(each.client.client_secret) in stored
    assert not any(persona.password in stored for persona in world.seed.personas)
    secrets = [each.client.client_secret for each in world.seed.merchants]
    secrets += [persona.password for persona in world.seed.personas]
    assert len(set(secrets)) == len(secrets)


def test_database_has_only_public_keys(world: DemoWorld) -> None:
    stored = repr(world.contents())
    kids = set()
    for each in world.seed.merchants:
        key = each.backend.private_jwk
        assert key is not None
        assert (each.backend.client_secret, each.client.private_jwk, key["alg"]) == (None, None, "ES256")
        assert key["d"] not in stored
        with reading(world.database) as unit:
            row = unit.clients.load(each.backend.client_id)
            assert row is not None
            assert row.jwks is not None
            (public,) = row.jwks["keys"]
        token = jws.serialize_compact({"alg": "ES256", "kid": key["kid"]}, b"{}", ECKey.import_key(key))
        assert jose.verify(jose.read_unverified(token), jose.public_key(public)).claims == {}
        kids.add(key["kid"])
    assert len(kids) == len(world.seed.merchants)


def test_persona_passwords_are_valid(world: DemoWorld) -> None:
    with reading(world.database) as unit:
        for persona in world.seed.personas:
            user = world.accounts.load_by_username(unit, persona.username)
            assert world.accounts.verify_password(user, persona.password)
            assert user is not None
            assert user.id == world.user(persona.handle)


@pytest.mark.postgresql
def test_seeding_twice_changes_nothing(world: DemoWorld) -> None:
    first, before = world.seed, world.contents()
    world.clock.advance(days=1)
    assert world.seed_demo() == first
    assert world.contents() == before


def test_changed_secret_and_disabled_client_are_repaired(world: DemoWorld) -> None:
    first, before = world.seed, records(world)
    with writing(world.database) as unit:
        world.clients.disable(unit, world.client())
        world.clients.disable(unit, world.backend())
    world.execute(f"UPDATE oauth_clients SET secret_digest = 'other' WHERE id = '{world.client('online_shop')}'")
    assert records(world) != before
    assert world.seed_demo() == first
    assert records(world) == before


def test_changed_key_and_missing_grant_types_are_repaired(world: DemoWorld) -> None:
    first, before = world.seed, records(world)
    shop = world.backend("online_shop")
    world.execute(
        "UPDATE oauth_clients SET grant_types = '[\"authorization_code\"]'",
        f"UPDATE oauth_clients SET jwks = '{{\"keys\": []}}' WHERE id = '{shop}'",
    )
    assert records(world) != before
    assert world.seed_demo() == first
    assert records(world) == before


def test_missing_fapi2_clients_are_created(world: DemoWorld) -> None:
    website = world.client()
    world.execute("DELETE FROM oauth_clients WHERE profile = 'fapi2'")
    seed = world.seed_demo()
    assert world.client() == website
    assert {each.backend.profile for each in seed.merchants} == {FAPI2}
    assert world.counts()["oauth_clients"] == 4


def test_seeding_keeps_changes_of_the_operator(world: DemoWorld) -> None:
    world.execute("UPDATE merchants SET ceiling_minor = 7", "UPDATE oauth_clients SET scopes = '[\"score:tier\"]'")
    world.seed_demo()
    assert {row[0] for row in world.rows("SELECT ceiling_minor FROM merchants")} == {7}
    assert {each.client.scopes for each in world.seed.merchants} == {("score:tier",)}


@pytest.mark.postgresql
def test_seeding_after_a_crash_creates_the_rest(world: DemoWorld) -> None:
    client = world.client("online_shop")
    world.execute("DELETE FROM merchant_adapters", f"DELETE FROM oauth_clients WHERE id = '{client}'")
    seed = world.seed_demo()
    assert world.counts()["merchant_adapters"] == 2
    assert world.counts()["oauth_clients"] == 4
    assert seed.merchants[1].client.client_id != client
    assert str(seed.merchants[1].client.client_secret) not in repr(world.contents())
