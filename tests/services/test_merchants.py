"""What the operator sets up of merchants: partners, contracts and adapters."""

from datetime import timedelta

import pytest

from gateway.domain.contract import Contract
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.money import MAX_MINOR, Money
from gateway.domain.product import Product
from gateway.domain.tier import Tier
from gateway.services.assessment import Assessor
from gateway.services.merchants import DEFAULT_CONTRACT, MerchantService
from gateway.store import merchants
from merchants.car_rental import CarRental
from merchants.online_shop import OnlineShop
from merchants.registry import AdapterRegistry
from tests.services.world import LINES, World
from tests.support.names import BAD_NAMES


def test_a_partner_is_found_by_its_name_when_it_exists(world: World) -> None:
    with world.database.write() as session:
        one = world.merchants.partner(session, "Green Cars", world.clock())
        assert world.merchants.partner(session, "Green Cars", world.clock()).id == one.id
        assert world.merchants.partner(session, "green cars", world.clock()).id != one.id


@BAD_NAMES
def test_an_unusable_name_is_refused(world: World, name: str) -> None:
    before = world.contents()
    with pytest.raises(InvalidInput) as refused, world.database.write() as session:
        world.merchants.partner(session, name, world.clock())
    assert (refused.value.code, refused.value.field) == ("INVALID", ("name",))
    with world.database.read() as session:
        partner = world.merchants.partner(session, "demo", world.clock())
    with pytest.raises(InvalidInput) as refused, world.database.write() as session:
        world.merchants.register(session, partner, name, world.clock())
    assert refused.value.field == ("name",)
    assert world.contents() == before


def test_a_new_merchant_has_the_default_contract_and_no_product(world: World) -> None:
    with world.database.write() as session:
        partner = world.merchants.partner(session, "Green Cars", world.clock())
        merchant = world.merchants.register(session, partner, "绿色租车", world.clock())
        assert merchant.contract == DEFAULT_CONTRACT
        assert world.merchants.products(session, merchant.id) == ()


def test_a_contract_is_replaced_and_consents_keep_what_they_say(world: World) -> None:
    consent = world.grant()
    contract = Contract(frozenset({Tier.GOOD, Tier.FAIR}), Money(100, "CNY"), timedelta(minutes=1))
    with world.database.write() as session:
        world.merchants.contract(session, world.merchant(), contract)
    with world.database.read() as session:
        assert world.merchants.require(session, world.merchant()).contract == contract
        (given,) = world.consents.of_user(session, consent.user_id, world.clock())
    assert given.consent == consent
    short = world.grant()
    assert short.expires_at == world.clock() + timedelta(minutes=1)
    assert {detail.maximum_amount for detail in short.details} == {None, Money(100, "CNY")}


@pytest.mark.parametrize(
    "contract",
    [
        pytest.param(Contract(frozenset(), Money(0, "CNY"), timedelta(days=1)), id="no-ceiling"),
        pytest.param(Contract(frozenset(), Money(-1, "CNY"), timedelta(days=1)), id="ceiling-below-zero"),
        pytest.param(Contract(frozenset(), Money(MAX_MINOR + 1, "CNY"), timedelta(days=1)), id="ceiling-too-large"),
        pytest.param(Contract(frozenset(), Money(1, "CNY"), timedelta(seconds=59)), id="no-life"),
        pytest.param(Contract(frozenset(), Money(1, "CNY"), timedelta(days=4000)), id="life-beyond-every-duration"),
    ],
)
def test_an_unusable_contract_is_refused(world: World, contract: Contract) -> None:
    before = world.contents()
    with pytest.raises(InvalidInput), world.database.write() as session:
        world.merchants.contract(session, world.merchant(), contract)
    assert world.contents() == before


def test_a_contract_or_an_adapter_of_an_unknown_merchant_is_not_found(world: World) -> None:
    with world.database.write() as session:
        with pytest.raises(NotFound):
            world.merchants.contract(session, "mer_test_nothing", DEFAULT_CONTRACT)
        with pytest.raises(NotFound):
            world.merchants.enable(session, "mer_test_nothing", "car_rental", world.clock())


def test_an_adapter_is_enabled_once(world: World) -> None:
    with world.database.write() as session:
        assert world.merchants.enable(session, world.merchant(), "online_shop", world.clock()) is True
    with world.database.write() as session:
        assert world.merchants.enable(session, world.merchant(), "online_shop", world.clock()) is False
    reading = world.reading(world.merchant_token())
    assert world.merchants.own(reading).products == (Product.DEPOSIT_WAIVER, Product.PAY_LATER)
    reading.finish()


def test_an_adapter_that_is_not_loaded_cannot_be_enabled(world: World) -> None:
    with world.database.write() as session, pytest.raises(NotFound) as refused:
        world.merchants.enable(session, world.merchant(), "space_travel", world.clock())
    assert "car_rental" in refused.value.message


class OneShop(OnlineShop):
    key = "one_shop"


class AnotherShop(OnlineShop):
    key = "another_shop"


def test_a_merchant_has_one_adapter_for_a_form_or_one_and_its_profile(world: World) -> None:
    service = MerchantService(AdapterRegistry([OneShop, AnotherShop, OnlineShop, CarRental]), world.ids)
    with world.database.write() as session:
        shop = world.merchant("online_shop")
        assert service.enable(session, shop, "one_shop", world.clock()) is True
        with pytest.raises(InvalidInput, match="one_shop answers onlineOrder") as refused:
            service.enable(session, shop, "another_shop", world.clock())
        assert refused.value.field == ("adapter",)
        assert merchants.enabled(session, shop) == ("one_shop", "online_shop")


def test_a_named_merchants_adapter_answers_instead_of_its_profile(world: World) -> None:
    assessor = Assessor(AdapterRegistry([OneShop, OnlineShop, CarRental]), world.source, LINES, world.overrides)
    with world.database.write() as session:
        shop = world.merchant("online_shop")
        assert assessor.adapter(session, shop, "onlineOrder").key == "online_shop"
        merchants.enable(session, shop, "one_shop", world.clock())
        assert assessor.adapter(session, shop, "onlineOrder").key == "one_shop"
        with pytest.raises(InvalidInput) as refused:
            assessor.adapter(session, shop, "carRental")
        assert refused.value.code == "PRODUCT_NOT_ENABLED"
