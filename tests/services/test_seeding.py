"""The demo partner: made once, the same secrets at every start, repaired where it was changed."""

from gateway.domain.scope import SCOPES
from gateway.kit.crypto import digest
from gateway.services.seeding import CONTRACT, REDIRECT_URI
from gateway.store import clients, merchants
from tests.services.world import World


def test_the_demo_partner_has_a_merchant_and_a_client_for_each_adapter(world: World) -> None:
    assert [(each.name, each.adapter) for each in world.seed.merchants] == [
        ("Demo Car Rental", "car_rental"),
        ("Demo Online Shop", "online_shop"),
    ]
    with world.database.read() as session:
        for each in world.seed.merchants:
            row = clients.load(session, each.client.client_id)
            assert row is not None
            assert (row.merchant_id, row.profile, row.redirect_uris) == (each.id, "baseline", [REDIRECT_URI])
            assert set(row.scopes) == set(SCOPES) == set(each.client.scopes)
            assert merchants.enabled(session, each.id) == (each.adapter,)
            merchant = merchants.load(session, each.id)
            assert merchant is not None
            assert merchant.contract == CONTRACT


def test_the_database_holds_digests_of_the_secrets_only(world: World) -> None:
    stored = repr(world.contents())
    for each in world.seed.merchants:
        assert each.client.client_secret.startswith("sgw_test_cs_")
        assert each.client.client_secret not in stored
        assert digest(each.client.client_secret) in stored
    assert not any(persona.password in stored for persona in world.seed.personas)
    secrets = [each.client.client_secret for each in world.seed.merchants]
    secrets += [persona.password for persona in world.seed.personas]
    assert len(set(secrets)) == len(secrets)


def test_the_passwords_let_the_personas_in(world: World) -> None:
    with world.database.read() as session:
        for persona in world.seed.personas:
            user = world.accounts.authenticate(session, persona.username, persona.password)
            assert user is not None
            assert user.id == world.user(persona.handle)


def test_seeding_twice_gives_the_same_and_changes_nothing(world: World) -> None:
    first, before = world.seed, world.contents()
    world.clock.advance(days=1)
    assert world.plant() == first
    assert world.contents() == before


def test_a_changed_secret_and_a_disabled_client_are_repaired(world: World) -> None:
    first, before = world.seed, world.contents()
    with world.database.write() as session:
        world.clients.disable(session, world.client(), world.clock())
    world.execute(f"UPDATE oauth_clients SET secret_digest = 'other' WHERE id = '{world.client('online_shop')}'")
    assert world.contents() != before
    assert world.plant() == first
    assert world.contents() == before


def test_what_an_operator_changed_is_left_alone(world: World) -> None:
    world.execute("UPDATE merchants SET ceiling_minor = 7", "UPDATE oauth_clients SET scopes = '[\"score:tier\"]'")
    world.plant()
    assert {row[0] for row in world.rows("SELECT ceiling_minor FROM merchants")} == {7}
    assert {each.client.scopes for each in world.seed.merchants} == {("score:tier",)}


def test_seeding_after_a_crash_makes_the_rest(world: World) -> None:
    client = world.client("online_shop")
    world.execute("DELETE FROM merchant_adapters", f"DELETE FROM oauth_clients WHERE id = '{client}'")
    seed = world.plant()
    assert world.counts()["merchant_adapters"] == 2
    assert world.counts()["oauth_clients"] == 2
    assert seed.merchants[1].client.client_id != client
    assert seed.merchants[1].client.client_secret not in repr(world.contents())
