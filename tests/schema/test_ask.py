"""DecisionAsk has one member per registered adapter, with the fields of the adapter's ask."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, coerce_input_value

from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.period import Period
from merchants.asks.documents import ask_from_document
from merchants.asks.fields import ask_field, ask_fields, ask_type
from merchants.car_rental import CarRental
from merchants.registry import AdapterRegistry, discover
from schema.ask import DecisionAsk
from schema.build import BuiltSchema, build_schema
from tests.support.graphql_world import built


@ask_type
class EveryAsk:
    """One field of each kind."""

    price: Money = ask_field("Money.")
    stay: Period | None = ask_field("A period, or none.", default=None)
    term: timedelta = ask_field("A duration.", default=timedelta(days=7))
    rate_percent: Decimal = ask_field("A decimal.", default=Decimal("3.5"))
    note: str | None = ask_field("Text, or none.", default=None)
    times: int = ask_field("A number.", default=2)
    sure: bool = ask_field("A flag.", default=False)


@dataclass
class EveryAdapter:
    """The part of an adapter that the schema reads."""

    key: str = "every_kind"
    member: str = "everyKind"
    summary: str = "Asks for everything."
    ask_type_name: str = "EveryKindAsk"
    Ask: Any = EveryAsk

    @property
    def ask_fields(self) -> Any:
        return ask_fields(EveryAsk)


class EveryRegistry(dict[str, Any]):
    def by_member(self, member: str) -> EveryAdapter:
        assert member == "everyKind"
        return self["every_kind"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def registry() -> Any:
    return EveryRegistry(every_kind=EveryAdapter())


@pytest.fixture(scope="module")
def schema(registry: Any) -> BuiltSchema:
    return build_schema(registry, sandbox=False)


def test_each_type_of_field_is_in_the_sdl(schema: BuiltSchema) -> None:
    for line in (
        "everyKind: EveryKindAsk",
        "price: MoneyInput!",
        "stay: PeriodInput\n",
        'term: Duration! = "P7D"',
        'ratePercent: Decimal! = "3.50"',
        "note: String\n",
        "times: Int! = 2",
        "sure: Boolean! = false",
    ):
        assert line in schema.sdl, line
    assert "One field of each kind." in schema.sdl


def read(schema: BuiltSchema, registry: Any, document: dict[str, Any]) -> object:
    """Returns the ask of a request's input, after GraphQL has coerced it."""
    type_ = schema.schema.type_map["DecisionAsk"]
    assert isinstance(type_, GraphQLInputObjectType)
    ((member, values),) = coerce_input_value(document, type_).items()
    return DecisionAsk(member=member, values=values).read(registry)


def test_input_becomes_the_adapters_ask(schema: BuiltSchema, registry: Any) -> None:
    document = {"everyKind": {"price": {"amount": "12.50", "currency": "EUR"}, "term": "PT90M", "note": None}}
    assert read(schema, registry, document) == EveryAsk(price=Money(1250, "EUR"), term=timedelta(minutes=90))


PRICE = {"amount": "12.50", "currency": "EUR"}


@pytest.mark.parametrize(
    "document",
    [
        {"price": PRICE},
        {"price": PRICE, "stay": {"start": "2026-11-24T09:00:00.5+08:00", "end": "2026-11-27T09:00:00Z"}},
        {"price": PRICE, "stay": None, "note": "Ring twice.", "times": 3, "sure": True, "ratePercent": "-0.10"},
        {"price": PRICE, "term": "P1DT0.000001S"},
        {"price": {"amount": "12.505", "currency": "EUR"}},
        {"price": {"amount": "-12.50", "currency": "EUR"}},
        {"price": {"amount": "12.50", "currency": "XXX"}},
        {"price": PRICE, "ratePercent": "9" * 40},
        {"price": PRICE, "stay": {"start": "2026-11-27T09:00:00Z", "end": "2026-11-24T09:00:00Z"}},
        {"price": {"amount": "1.001", "currency": "EUR"}, "ratePercent": "9" * 40},
    ],
)
def test_input_and_document_give_the_same_result(schema: BuiltSchema, registry: Any, document: dict[str, Any]) -> None:
    expected = result_of(lambda: ask_from_document(EveryAsk, document), below=("ask", "everyKind"))
    assert result_of(lambda: read(schema, registry, {"everyKind": document})) == expected


def result_of(work: Callable[[], object], *, below: tuple[str, ...] = ()) -> object:
    """Returns the result of the work, or code, message and path of its InvalidInput."""
    try:
        return work()
    except InvalidInput as error:
        return error.code, error.message, (*below, *(error.field or ()))


def test_asks_of_all_adapters_survive_a_round_trip() -> None:
    registry = discover()
    for adapter in registry.values():
        for ask in (*adapter.sample_asks(), *(case.ask for case in adapter.golden)):
            assert read(built(), registry, {adapter.member: adapter.ask_document(ask)}) == ask


def test_schema_with_one_adapter_has_one_member() -> None:
    sdl = build_schema(AdapterRegistry([CarRental]), sandbox=False).sdl
    assert "carRental: CarRentalAsk" in sdl
    assert "onlineOrder" not in sdl


def test_equal_registries_give_equal_sdl() -> None:
    first, second = (build_schema(AdapterRegistry([CarRental]), sandbox=True).sdl for _ in range(2))
    assert first == second
