"""Partners, merchants, their contracts and their enabled adapters."""

from datetime import timedelta

import pytest

from gateway.domain.decisions.exposure import CreditLimits
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.merchants import Contract, Product
from gateway.domain.money import MAX_MINOR, Money
from gateway.domain.scoring.tier import Tier
from gateway.services.decisions.assessment import Assessor
from gateway.services.merchants import DEFAULT_CONTRACT, MerchantService
from merchants.car_rental import CarRental
from merchants.online_shop import OnlineShop
from merchants.registry import AdapterRegistry
from tests.support.demo_world import DemoWorld
from tests.support.names import BAD_NAMES
from tests.support.units import reading, writing


def test_ensure_partner_finds_an_existing_partner(world: DemoWorld) -> None:
    with writing(world.database) as unit:
        one = world.merchants.ensure_partner(unit, "Green Cars")
        assert world.merchants.ensure_partner(unit, "Green Cars").id == one.id
        assert world.merchants.ensure_partner(unit, "green cars").id != one.id


@BAD_NAMES
def test_invalid_name_is_rejected(world: DemoWorld, name: str) -> None:
    before = world.contents()
    with pytest.raises(InvalidInput) as refused, writing(world.database) as unit:
        world.merchants.ensure_partner(unit, name)
    assert (refused.value.code, refused.value.field) == ("INVALID", ("name",))
    with reading(world.database) as unit:
        partner = world.merchants.ensure_partner(unit, "demo")
    with pytest.raises(InvalidInput) as refused, writing(world.database) as unit:
        world.merchants.register(unit, partner, name)
    assert refused.value.field == ("name",)
    assert world.contents() == before


def test_new_merchant_has_the_default_contract_and_no_product(world: DemoWorld) -> None:
    with writing(world.database) as unit:
        partner = world.merchants.ensure_partner(unit, "Green Cars")
        merchant = world.merchants.register(unit, partner, "绿色租车")
        assert merchant.contract == DEFAULT_CONTRACT
        assert world.merchants.list_products(unit, merchant.id) == ()


def test_replaced_contract_does_not_change_consents(world: DemoWorld) -> None:
    consent = world.grant()
    contract = Contract(frozenset({Tier.GOOD, Tier.FAIR}), Money(100, "CNY"), timedelta(minutes=1))
    with writing(world.database) as unit:
        world.merchants.replace_contract(unit, world.merchant(), contract)
    with reading(world.database) as unit:
        assert world.merchants.require(unit, world.merchant()).contract == contract
        (overview,) = world.consents.list_of_user(unit, consent.user_id)
    assert overview.consent == consent
    short = world.grant()
    assert short.expires_at == world.clock() + timedelta(minutes=1)
    assert {detail.maximum_amount for detail in short.details} == {None, Money(100, "CNY")}


@pytest.mark.parametrize(
    "contract",
    [
        pytest.param(Contract(frozenset(), Money(0, "CNY"), timedelta(days=1)), id="no-ceiling"),
        pytest.param(Contract(frozenset(), Money(-1, "CNY"), timedelta(days=1)), id="ceiling-below-zero"),
        pytest.param(Contract(frozenset(), Money(MAX_MINOR + 1, "CNY"), timedelta(days=1)), id="ceiling-too-large"),
        pytest.param(Contract(frozenset(), Money(1, "CNY"), timedelta(seconds=59)), id="no-consent-duration"),
        pytest.param(Contract(frozenset(), Money(1, "CNY"), timedelta(days=4000)), id="consent-duration-too-long"),
    ],
)
def test_invalid_contract_is_rejected(world: DemoWorld, contract: Contract) -> None:
    before = world.contents()
    with pytest.raises(InvalidInput), writing(world.database) as unit:
        world.merchants.replace_contract(unit, world.merchant(), contract)
    assert world.contents() == before


def test_unknown_merchant_raises_not_found(world: DemoWorld) -> None:
    with writing(world.database) as unit:
        with pytest.raises(NotFound):
            world.merchants.replace_contract(unit, "mer_test_nothing", DEFAULT_CONTRACT)
        with pytest.raises(NotFound):
            world.merchants.enable(unit, "mer_test_nothing", "car_rental")


def test_adapter_is_enabled_once(world: DemoWorld) -> None:
    with writing(world.database) as unit:
        assert world.merchants.enable(unit, world.merchant(), "online_shop") is True
    with writing(world.database) as unit:
        assert world.merchants.enable(unit, world.merchant(), "online_shop") is False
    products = world.query(world.merchant_token(), world.merchants.list_own_products)
    assert products == (Product.DEPOSIT_WAIVER, Product.PAY_LATER)


def test_adapter_that_is_not_loaded_cannot_be_enabled(world: DemoWorld) -> None:
    with writing(world.database) as unit, pytest.raises(NotFound) as refused:
        world.merchants.enable(unit, world.merchant(), "space_travel")
    assert "car_rental" in refused.value.message


class OneShop(OnlineShop):
    key = "one_shop"


class AnotherShop(OnlineShop):
    key = "another_shop"


def test_conflicting_adapter_cannot_be_enabled(world: DemoWorld) -> None:
    service = MerchantService(AdapterRegistry([OneShop, AnotherShop, OnlineShop, CarRental]), world.ids)
    with writing(world.database) as unit:
        shop = world.merchant("online_shop")
        assert service.enable(unit, shop, "one_shop") is True
        with pytest.raises(InvalidInput, match="enabled one_shop, which also decides onlineOrder") as refused:
            service.enable(unit, shop, "another_shop")
        assert refused.value.field == ("adapter",)
        assert unit.merchants.list_enabled_adapters(shop) == ("one_shop", "online_shop")


def test_named_merchants_adapter_is_preferred_to_its_profile(world: DemoWorld) -> None:
    assessor = Assessor(AdapterRegistry([OneShop, OnlineShop, CarRental]), CreditLimits({}), world.overrides)
    with writing(world.database) as unit:
        shop = world.merchant("online_shop")
        assert assessor.find_adapter(unit, shop, "onlineOrder").key == "online_shop"
        unit.merchants.enable_adapter(shop, "one_shop", unit.wall)
        assert assessor.find_adapter(unit, shop, "onlineOrder").key == "one_shop"
        with pytest.raises(InvalidInput) as refused:
            assessor.find_adapter(unit, shop, "carRental")
        assert refused.value.code == "PRODUCT_NOT_ENABLED"
