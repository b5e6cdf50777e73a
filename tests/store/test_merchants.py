"""Partners, merchants, clients and the deployment's row."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from gateway.domain.merchants import Contract
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from gateway.store.database import Database
from gateway.store.deployment import DeploymentRow
from tests.support.clock import NOON
from tests.support.factories import make_cast, make_client, make_merchant, make_partner
from tests.support.race import race_writes
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql


def test_a_partner_is_found_by_name_and_id(database: Database) -> None:
    with writing(database) as unit:
        partner = make_partner(unit, name="Demo", clock_offset_seconds=90)
    with reading(database) as unit:
        loaded = unit.partners.load_by_name("Demo")
        assert loaded is not None
        assert (loaded.id, loaded.clock_offset_seconds) == (partner, 90)
        assert unit.partners.load(partner) == loaded
        assert unit.partners.load_by_name("demo") is None
        assert unit.partners.load("prt_no") is None


def test_partner_name_is_unique(database: Database) -> None:
    with writing(database) as unit:
        make_partner(unit, name="Demo")
    with pytest.raises(DBAPIError), writing(database) as unit:
        make_partner(unit, name="Demo")


def test_contract_round_trips(database: Database) -> None:
    contract = Contract(frozenset({Tier.GOOD, Tier.EXCELLENT}), Money(10**11, "CNY"), timedelta(days=30))
    with writing(database) as unit:
        merchant = make_merchant(unit, make_partner(unit), contract=contract)
    with reading(database) as unit:
        row = unit.merchants.load(merchant)
        assert row is not None
        assert row.contract == contract
        assert row.askable_tiers == ["GOOD", "EXCELLENT"]


def test_merchants_are_listed_oldest_first(database: Database) -> None:
    with writing(database) as unit:
        one, two = make_partner(unit), make_partner(unit)
        ids = [make_merchant(unit, partner) for partner in (one, two, one)]
    with reading(database) as unit:
        assert [row.id for row in unit.merchants.list_merchants()] == ids
        assert [row.id for row in unit.merchants.list_merchants(one)] == [ids[0], ids[2]]
        assert unit.merchants.list_merchants("prt_no") == []


def test_adapters_are_enabled_and_disabled_once(database: Database) -> None:
    with writing(database) as unit:
        merchant = make_merchant(unit, make_partner(unit))
        assert unit.merchants.enable_adapter(merchant, "online_shop", NOON)
        assert unit.merchants.enable_adapter(merchant, "car_rental", NOON)
    with writing(database) as unit:
        assert not unit.merchants.enable_adapter(merchant, "car_rental", NOON)
        assert unit.merchants.list_enabled_adapters(merchant) == ("car_rental", "online_shop")
        assert unit.merchants.disable_adapter(merchant, "car_rental")
        assert not unit.merchants.disable_adapter(merchant, "car_rental")
        assert unit.merchants.list_enabled_adapters(merchant) == ("online_shop",)


def test_a_disabled_client_is_listed_but_not_loaded(database: Database) -> None:
    with writing(database) as unit:
        merchant = make_merchant(unit, make_partner(unit))
        first, second = make_client(unit, merchant), make_client(unit, merchant, disabled_at=NOON)
        other = make_cast(unit).client
    with reading(database) as unit:
        row = unit.clients.load(first)
        assert row is not None
        assert row.redirect_uris == ["https://client.example/callback"]
        assert unit.clients.load(second) is None
        assert unit.clients.load("cli_no") is None
        assert [row.id for row in unit.clients.list_clients(merchant)] == [first, second]
        assert [row.id for row in unit.clients.list_clients()] == [first, second, other]
        assert unit.clients.list_clients(merchant)[1].disabled_at == NOON


def test_loaded_client_is_as_it_is_stored_now(database: Database) -> None:
    with writing(database) as unit:
        client = make_client(unit, make_merchant(unit, make_partner(unit)))
    with reading(database) as unit:
        first = unit.clients.load(client)
        assert first is not None
        first.name = "Changed, and not written"
        second = unit.clients.load(client)
        assert second is not None
        assert second.name == "Test client"
    with writing(database) as unit:
        unit.clients.update(first)
    with reading(database) as unit:
        assert unit.clients.load(client) == first
    with writing(database) as unit:
        first.disabled_at = NOON
        unit.clients.update(first)
    with reading(database) as unit:
        assert unit.clients.load(client) is None


def test_a_database_belongs_to_one_deployment(database: Database) -> None:
    with writing(database) as unit:
        assert unit.deployment.load() is None
        unit.deployment.insert_missing(DeploymentRow(environment="sandbox", key_check="check", created_at=NOON))
    with reading(database) as unit:
        row = unit.deployment.load()
        assert row is not None
        assert (row.environment, row.key_check, row.created_at) == ("sandbox", "check", NOON)

    with writing(database) as unit:
        unit.deployment.insert_missing(DeploymentRow(environment="live", key_check="other", created_at=NOON))
    with reading(database) as unit:
        assert unit.deployment.load() == row


def test_concurrent_inserts_all_succeed(database: Database) -> None:
    """Eight concurrent writers all insert their row."""
    made = race_writes(database, lambda unit, _: make_partner(unit))
    assert len(set(made)) == 8
    with reading(database) as unit:
        assert all(unit.partners.load(partner) for partner in made)
