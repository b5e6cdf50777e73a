"""DecisionAsk, assembled from the registered adapters: one member per adapter, with an input type made from its ask.

This module names no adapter. Registering an adapter adds its member.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING
from datetime import timedelta
from decimal import Decimal
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.number import format_decimal
from gateway.domain.period import Period
from merchants.adapter import MerchantAdapter
from merchants.asks.documents import ask_from_values
from merchants.asks.fields import AskField
from merchants.registry import AdapterRegistry
from schema.scalars import DecimalText
from schema.strawberry_adapter import build_input_with, input_fields
from schema.types.money import MoneyInput, PeriodInput

_INPUT_TYPES: Mapping[type[Any], Any] = {
    Money: MoneyInput,
    Period: PeriodInput,
    timedelta: timedelta,
    Decimal: DecimalText,
    str: str,
    bool: bool,
    int: int,
}


@strawberry.input(
    one_of=True,
    description="The requested product and its details: set exactly one member. Each member comes from one merchant"
    " adapter.",
)
class DecisionAsk:
    """The member of the request and its coerced values by GraphQL name."""

    member: strawberry.Private[str]
    values: strawberry.Private[Mapping[str, Any]]

    def read(self, registry: AdapterRegistry) -> object:
        """Returns the adapter's ask. Raises InvalidInput with a path that begins with ("ask", member)."""
        try:
            return ask_from_values(registry.by_member(self.member).Ask, self.values)
        except InvalidInput as error:
            raise error.with_prefix("ask", self.member) from None


def _from_values(values: Mapping[str, Any]) -> DecisionAsk:
    ((member, member_values),) = values.items()
    return DecisionAsk(member=member, values=member_values)


build_input_with(DecisionAsk, _from_values)


def members(registry: AdapterRegistry) -> list[StrawberryField]:
    """Returns the fields of DecisionAsk, one per member, in the registry's order."""
    columns = [
        (
            adapter.key,
            _ask_input(adapter) | None,
            strawberry.field(name=adapter.member, description=adapter.summary, default=strawberry.UNSET),
        )
        for adapter in registry.values()
        if registry.by_member(adapter.member) is adapter
    ]
    return input_fields(_input("DecisionAsk", "", columns))


def _ask_input(adapter: MerchantAdapter[Any]) -> Any:
    columns = [(field.name, _annotation(field), _field(field)) for field in adapter.ask_fields]
    return _input(adapter.ask_type_name, (adapter.Ask.__doc__ or adapter.summary).strip(), columns)


def _input(name: str, description: str, columns: Sequence[tuple[str, Any, Any]]) -> Any:
    annotations = {attribute: annotation for attribute, annotation, _ in columns}
    cls = type(name, (), {"__annotations__": annotations, **{attribute: field for attribute, _, field in columns}})
    return strawberry.input(cls, name=name, description=description)


def _annotation(field: AskField) -> Any:
    kind = _INPUT_TYPES[field.type]
    return kind | None if field.optional else kind


def _field(field: AskField) -> Any:
    # A default of None is not published: null and absent mean the same to an ask.
    default = field.default
    if default is MISSING or default is None:
        default = strawberry.UNSET if field.optional else MISSING
    elif isinstance(default, Decimal):
        default = format_decimal(default)
    return strawberry.field(name=field.member, description=field.description, default=default)
