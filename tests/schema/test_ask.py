"""DecisionAsk follows the registered adapters, whatever they ask."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, coerce_input_value

from gateway.domain.money import Money
from gateway.domain.period import Period
from merchants.car_rental import CarRental
from merchants.contract import ask_fields, ask_from_document, ask_type, asked
from merchants.registry import AdapterRegistry
from schema.ask import DecisionAsk
from schema.build import build_schema


@ask_type
class EveryAsk:
    """One field of each kind."""

    price: Money = asked("Money.")
    stay: Period | None = asked("A period, or none.", default=None)
    term: timedelta = asked("A duration.", default=timedelta(days=7))
    rate_percent: Decimal = asked("A decimal.", default=Decimal("3.5"))
    note: str | None = asked("Text, or none.", default=None)
    times: int = asked("A number.", default=2)
    sure: bool = asked("A flag.", default=False)


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

    def ask_from_document(self, document: dict[str, Any]) -> EveryAsk:
        return ask_from_document(EveryAsk, document)


class EveryRegistry(dict[str, Any]):
    def by_member(self, member: str) -> EveryAdapter:
        assert member == "everyKind"
        return self["every_kind"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def registry() -> Any:
    return EveryRegistry(every_kind=EveryAdapter())


def test_every_kind_of_field(registry: Any) -> None:
    sdl = build_schema(registry, sandbox=False).sdl
    for line in (
        "everyKind: EveryKindAsk",
        "price: MoneyInput!",
        "stay: PeriodInput\n",
        'term: Duration! = "P7D"',
        'ratePercent: Decimal! = "3.5"',
        "note: String\n",
        "times: Int! = 2",
        "sure: Boolean! = false",
    ):
        assert line in sdl, line
    assert "One field of each kind." in sdl


def test_what_is_sent_becomes_the_adapters_ask(registry: Any) -> None:
    type_ = build_schema(registry, sandbox=False).schema.type_map["DecisionAsk"]
    assert isinstance(type_, GraphQLInputObjectType)
    sent = {"everyKind": {"price": {"amount": "12.50", "currency": "EUR"}, "term": "PT90M", "note": None}}
    coerced = coerce_input_value(sent, type_)
    read = DecisionAsk.__strawberry_definition__.from_input(DecisionAsk, coerced, None).read(registry)  # type: ignore[attr-defined]
    assert read == EveryAsk(price=Money(1250, "EUR"), term=timedelta(minutes=90))


def test_one_adapter_alone() -> None:
    sdl = build_schema(AdapterRegistry([CarRental]), sandbox=False).sdl
    assert "carRental: CarRentalAsk" in sdl
    assert "onlineOrder" not in sdl


def test_equal_registries_give_equal_text() -> None:
    first, second = (build_schema(AdapterRegistry([CarRental]), sandbox=True).sdl for _ in range(2))
    assert first == second
