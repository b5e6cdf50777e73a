"""Partners, merchants, clients and the deployment's own row."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from gateway.domain.contract import Contract
from gateway.domain.money import Money
from gateway.domain.tier import Tier
from gateway.store import clients, deployment, merchants, partners
from gateway.store.clients import ClientRow
from gateway.store.database import Database
from tests.support.clock import NOON
from tests.support.factories import make_cast, make_client, make_merchant, make_partner
from tests.support.race import race_writes


def test_a_partner_is_found_by_name_and_id(database: Database) -> None:
    with database.write() as session:
        partner = make_partner(session, name="Demo", clock_offset_seconds=90)
    with database.read() as session:
        found = partners.by_name(session, "Demo")
        assert found is not None
        assert (found.id, found.clock_offset_seconds) == (partner, 90)
        assert partners.load(session, partner) == found
        assert partners.by_name(session, "demo") is None
        assert partners.load(session, "prt_no") is None


def test_a_partners_name_is_its_own(database: Database) -> None:
    with database.write() as session:
        make_partner(session, name="Demo")
    with pytest.raises(DBAPIError), database.write() as session:
        make_partner(session, name="Demo")


def test_a_contract_comes_back_as_it_was_put(database: Database) -> None:
    contract = Contract(frozenset({Tier.GOOD, Tier.EXCELLENT}), Money(10**11, "CNY"), timedelta(days=30))
    with database.write() as session:
        merchant = make_merchant(session, make_partner(session), contract=contract)
    with database.read() as session:
        row = merchants.load(session, merchant)
        assert row is not None
        assert row.contract == contract
        assert row.askable_tiers == ["GOOD", "EXCELLENT"]


def test_merchants_are_listed_oldest_first(database: Database) -> None:
    with database.write() as session:
        one, two = make_partner(session), make_partner(session)
        ids = [make_merchant(session, partner) for partner in (one, two, one)]
    with database.read() as session:
        assert [row.id for row in merchants.listed(session)] == ids
        assert [row.id for row in merchants.listed(session, one)] == [ids[0], ids[2]]
        assert merchants.listed(session, "prt_no") == []


def test_adapters_are_enabled_and_disabled_once(database: Database) -> None:
    with database.write() as session:
        merchant = make_merchant(session, make_partner(session))
        assert merchants.enable(session, merchant, "online_shop", NOON)
        assert merchants.enable(session, merchant, "car_rental", NOON)
    with database.write() as session:
        assert not merchants.enable(session, merchant, "car_rental", NOON)
        assert merchants.enabled(session, merchant) == ("car_rental", "online_shop")
        assert merchants.disable(session, merchant, "car_rental")
        assert not merchants.disable(session, merchant, "car_rental")
        assert merchants.enabled(session, merchant) == ("online_shop",)


def test_a_disabled_client_is_listed_but_not_loaded(database: Database) -> None:
    with database.write() as session:
        merchant = make_merchant(session, make_partner(session))
        first, second = make_client(session, merchant), make_client(session, merchant, disabled_at=NOON)
        other = make_cast(session).client
    with database.read() as session:
        row = clients.load(session, first)
        assert row is not None
        assert row.redirect_uris == ["https://client.example/callback"]
        assert clients.load(session, second) is None
        assert clients.load(session, "cli_no") is None
        assert [row.id for row in clients.listed(session, merchant)] == [first, second]
        assert [row.id for row in clients.listed(session)] == [first, second, other]
        assert session.get_one(ClientRow, second).disabled_at == NOON


def test_a_database_belongs_to_one_deployment(database: Database) -> None:
    with database.write() as session:
        assert deployment.load(session) is None
        deployment.create(session, "sandbox", "check", NOON)
    with database.read() as session:
        row = deployment.load(session)
        assert row is not None
        assert (row.environment, row.key_check, row.created_at) == ("sandbox", "check", NOON)

    def create(number: int) -> None:
        with database.write() as session:
            deployment.create(session, "live", f"other {number}", NOON)

    with pytest.raises(DBAPIError):
        create(1)
    with database.read() as session:
        assert deployment.load(session) is not None


def test_counting_partners_under_load_is_exact(database: Database) -> None:
    """Eight writers that insert at once all get their row."""
    made = race_writes(database, lambda session, _: make_partner(session))
    assert len(set(made)) == 8
    with database.read() as session:
        assert all(partners.load(session, partner) for partner in made)
