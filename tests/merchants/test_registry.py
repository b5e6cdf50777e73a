"""The registry of adapters, and the documents of asks."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from importlib.metadata import EntryPoint
from typing import Any

import pytest

import merchants.registry
from gateway.domain.errors import InvalidInput, Misconfigured
from gateway.domain.money import Money
from gateway.domain.period import Period
from merchants.asks.documents import ask_document, ask_from_document
from merchants.asks.fields import ask_field, ask_fields, ask_type
from merchants.bike_share import BikeShare
from merchants.car_rental import CarRental, CarRentalAsk
from merchants.harbour_bikes import HarbourBikes
from merchants.online_shop import OnlineShop
from merchants.registry import AdapterRegistry, LoadedAdapter, discover


def test_built_in_adapters_are_loaded() -> None:
    registry = discover({"car_rental", "online_shop"})
    assert list(registry) == ["car_rental", "online_shop"]
    assert isinstance(registry["car_rental"], CarRental)
    assert registry.by_member("onlineOrder") is registry["online_shop"]
    description = registry.describe()[0]
    assert (description.key, description.member) == ("car_rental", "carRental")
    assert description.distribution == "sesame-gateway"
    assert description.version
    assert description.policy_hash == CarRental.policy.hash


def test_all_installed_adapters_are_loaded_by_default() -> None:
    assert {"car_rental", "online_shop"} <= discover().keys()


def test_only_allowed_adapters_are_loaded() -> None:
    assert list(discover({"online_shop"})) == ["online_shop"]
    assert len(discover(())) == 0
    with pytest.raises(Misconfigured, match="moon_travel"):
        discover({"online_shop", "moon_travel"})


def test_unknown_key_or_member_raises_key_error() -> None:
    registry = AdapterRegistry([CarRental])
    with pytest.raises(KeyError):
        registry["online_shop"]
    with pytest.raises(KeyError):
        registry.by_member("onlineOrder")
    assert registry.describe()[0].distribution == "this process"


def test_named_merchants_adapter_is_preferred_to_its_profile() -> None:
    registry = AdapterRegistry([HarbourBikes, BikeShare, CarRental])
    assert registry.by_member("bikeRide").key == "bike_share"
    keys = {"bike_share": "bike_share", "harbour_bikes": "harbour_bikes", "bike_share harbour_bikes": "harbour_bikes"}
    for enabled, expected in keys.items():
        assert registry.select_adapter("bikeRide", enabled.split()) is registry[expected]
    assert registry.select_adapter("bikeRide", ["car_rental"]) is None
    with pytest.raises(KeyError):
        registry.select_adapter("onlineOrder", ["bike_share"])


def test_adapters_conflict_unless_one_derives_from_the_other() -> None:
    class OtherBikes(BikeShare):
        key = "other_bikes"

    registry = AdapterRegistry([HarbourBikes, BikeShare, OtherBikes, CarRental])
    conflicting = registry.conflicting_adapter("other_bikes", ["car_rental", "harbour_bikes", "bike_share"])
    assert conflicting is registry["harbour_bikes"]
    assert registry.conflicting_adapter("other_bikes", ["car_rental", "bike_share", "other_bikes"]) is None
    assert registry.conflicting_adapter("bike_share", ["harbour_bikes"]) is None
    assert registry.conflicting_adapter("car_rental", ["harbour_bikes"]) is None


class SameKey(OnlineShop):
    key = "car_rental"


class SameMember(OnlineShop):
    key = "other_shop"
    member = "carRental"


class SameAskType(OnlineShop):
    key = "other_shop"
    member = "otherOrder"
    ask_type_name = "CarRentalAsk"


@pytest.mark.parametrize("other", [SameKey, SameMember, SameAskType])
def test_duplicate_names_are_rejected(other: type[OnlineShop]) -> None:
    with pytest.raises(Misconfigured, match=r"first-dist.*second-dist|second-dist.*first-dist"):
        AdapterRegistry([LoadedAdapter(CarRental, "first-dist", "1"), LoadedAdapter(other, "second-dist", "2")])


class IncompleteSummary(OnlineShop):
    summary = "no full stop"


class OddKey(OnlineShop):
    key = "Odd Key"


class OtherColumns(OnlineShop):
    columns = CarRental.columns


class UnknownReason(OnlineShop):
    own_reasons = frozenset({"BAD_HAIR"})


class UnknownPurpose(OnlineShop):
    default_purpose = "MOON_TRAVEL"


class NoValidity(OnlineShop):
    approval_validity = timedelta(0)


@pytest.mark.parametrize(
    "wrong",
    [
        *(object, "text", None, CarRental.policy),
        *(IncompleteSummary, OddKey, OtherColumns, UnknownReason, UnknownPurpose, NoValidity),
    ],
)
def test_invalid_adapter_is_rejected_with_its_distribution(wrong: Any) -> None:
    with pytest.raises(Misconfigured, match="odd-dist"):
        AdapterRegistry([LoadedAdapter(wrong, "odd-dist", "1")])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("broken", "no_such_module_here:Adapter", "'broken' cannot be loaded"),
        ("car_rental", "merchants.car_rental:Nothing", "'car_rental' cannot be loaded"),
        ("other_name", "merchants.car_rental:CarRental", "key differ"),
    ],
)
def test_invalid_entry_point_is_rejected(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    point = EntryPoint(name=name, value=value, group=merchants.registry.GROUP)
    monkeypatch.setattr(merchants.registry, "entry_points", lambda group: [point])
    with pytest.raises(Misconfigured, match=message):
        discover()


@ask_type
class EveryTypeAsk:
    """One field of each kind."""

    price: Money = ask_field("Money.")
    stay: Period = ask_field("A period.")
    wait: timedelta = ask_field("A duration.")
    rate: Decimal = ask_field("A decimal.")
    note: str | None = ask_field("A text, if any.")
    loud: bool = ask_field("A flag.", default=False)
    seats: int = ask_field("A number.", default=1)


DOCUMENT: dict[str, Any] = {
    "price": {"amount": "1.50", "currency": "CNY"},
    "stay": {"start": "2026-11-02T09:00:00Z", "end": "2026-11-03T09:00:00Z"},
    "wait": "PT90M",
    "rate": "0.10",
    "note": None,
    "loud": True,
    "seats": 2,
}


def test_document_of_every_field_type_can_be_read_back() -> None:
    ask = ask_from_document(EveryTypeAsk, DOCUMENT)
    assert ask_document(ask) == DOCUMENT
    assert (ask.rate, ask.wait) == (Decimal("0.10"), timedelta(minutes=90))


def test_absent_fields_get_their_defaults() -> None:
    short = {name: value for name, value in DOCUMENT.items() if name not in ("note", "loud", "seats")}
    ask = ask_from_document(EveryTypeAsk, short)
    assert (ask.note, ask.loud, ask.seats) == (None, False, 1)


@pytest.mark.parametrize(
    ("changed", "field_path"),
    [
        ({"price": None}, ("price",)),
        ({"price": "1.50"}, ("price",)),
        ({"price": {"amount": "1.50"}}, ("price",)),
        ({"price": {"amount": "1.505", "currency": "CNY"}}, ("price", "amount")),
        ({"price": {"amount": "1", "currency": "XYZ"}}, ("price", "currency")),
        ({"stay": {"start": "2026-11-02T09:00:00Z", "end": "later"}}, ("stay", "end")),
        ({"stay": {"start": "2026-11-02T09:00:00Z", "end": "2026-11-02T09:00:00Z"}}, ("stay", "end")),
        ({"wait": "P1M"}, ("wait",)),
        ({"rate": "NaN"}, ("rate",)),
        ({"rate": 0.1}, ("rate",)),
        ({"rate": "1E+999999"}, ("rate",)),
        ({"rate": "ten"}, ("rate",)),
        ({"note": 5}, ("note",)),
        ({"loud": 1}, ("loud",)),
        ({"loud": None}, ("loud",)),
        ({"seats": True}, ("seats",)),
        ({"surprise": 1}, ("surprise",)),
    ],
)
def test_invalid_document_is_rejected_with_its_field(changed: dict[str, Any], field_path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask_from_document(EveryTypeAsk, {**DOCUMENT, **changed})
    assert refused.value.field == field_path


def test_ask_fields_of_an_ask_type() -> None:
    deposit, vehicle_value, rental, accept_reduction = ask_fields(CarRentalAsk)
    assert (deposit.name, deposit.type, deposit.required) == ("deposit", Money, True)
    assert vehicle_value.member == "vehicleValue"
    assert rental.description.endswith(".")
    assert (accept_reduction.default, accept_reduction.required) == (True, False)


@dataclass(frozen=True)
class FloatAsk:
    price: float = ask_field("A float loses money.")


@dataclass(frozen=True)
class UndescribedAsk:
    price: Money = field()


@dataclass(frozen=True)
class MixedAsk:
    price: Money | str = ask_field("Two types at once.")  # noqa: RUF009


@dataclass
class MutableAsk:
    price: Money = ask_field("Not frozen.")  # noqa: RUF009


@pytest.mark.parametrize("cls", [FloatAsk, UndescribedAsk, MixedAsk, MutableAsk, int])
def test_invalid_ask_type_is_rejected(cls: type[Any]) -> None:
    with pytest.raises(Misconfigured, match=cls.__name__):
        ask_fields(cls)
