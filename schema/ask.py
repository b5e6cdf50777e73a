"""DecisionAsk, assembled from the registered adapters: one member each, its input type made from the adapter's ask.

Nothing here knows any adapter. A new one adds its member by being registered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import strawberry
from strawberry.types.arguments import InputContext
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from gateway.domain.duration import format_duration
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.period import Period, format_moment
from merchants.contract import AskField, MerchantAdapter
from merchants.registry import AdapterRegistry
from schema.scalars import DecimalText
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
    description="What you ask for: exactly one member. Each member is contributed by one merchant adapter, which"
    " declares its fields once; the schema is assembled from the registered adapters.",
)
class DecisionAsk:
    """The member that was given and its document, under GraphQL names and as JSON."""

    member: strawberry.Private[str]
    document: strawberry.Private[dict[str, Any]]

    def read(self, registry: AdapterRegistry) -> object:
        """The adapter's ask. Raises InvalidInput with its path below ("ask", member)."""
        try:
            _refuse_unstorable(self.document)
            return registry.by_member(self.member).ask_from_document(self.document)
        except InvalidInput as error:
            raise error.under("ask", self.member) from None


def _from_input(_: type, given: Mapping[str, Any], __: InputContext) -> DecisionAsk:
    ((member, document),) = given.items()
    return DecisionAsk(member=member, document=_document(document))


definition: StrawberryObjectDefinition = getattr(DecisionAsk, "__strawberry_definition__")  # noqa: B009
definition.from_input = _from_input


def members(registry: AdapterRegistry) -> list[StrawberryField]:
    """The fields of DecisionAsk, one per form of asking, in the registry's order."""
    columns = [
        (
            adapter.key,
            _ask_input(adapter) | None,
            strawberry.field(name=adapter.member, description=adapter.summary, default=strawberry.UNSET),
        )
        for adapter in registry.values()
        if registry.by_member(adapter.member) is adapter
    ]
    assembled: StrawberryObjectDefinition = _input("DecisionAsk", "", columns).__strawberry_definition__
    return assembled.fields


def _ask_input(adapter: MerchantAdapter[Any]) -> Any:
    columns = [(field.name, _annotation(field), _field(field)) for field in adapter.ask_fields]
    return _input(adapter.ask_type_name, (adapter.Ask.__doc__ or adapter.summary).strip(), columns)


def _input(name: str, description: str, columns: Sequence[tuple[str, Any, Any]]) -> Any:
    annotations = {attribute: annotation for attribute, annotation, _ in columns}
    form = type(name, (), {"__annotations__": annotations, **{attribute: field for attribute, _, field in columns}})
    return strawberry.input(form, name=name, description=description)


def _annotation(field: AskField) -> Any:
    kind = _INPUT_TYPES[field.type]
    return kind | None if field.optional else kind


def _field(field: AskField) -> Any:
    # A default of None is left out of the schema: absent and null mean the same to an ask.
    default = field.default
    if default is MISSING or default is None:
        default = strawberry.UNSET if field.optional else MISSING
    elif not isinstance(default, timedelta):  # its scalar writes the text itself
        default = _document(default)
    return strawberry.field(name=field.member, description=field.description, default=default)


def _document(value: Any) -> Any:
    """The JSON form of a coerced input value."""
    match value:
        case dict():
            return {name: _document(each) for name, each in value.items()}
        case Money() | Period():
            return value.document()
        case datetime():
            return format_moment(value)
        case timedelta():
            return format_duration(value)
        case Decimal():
            return format(value, "f")
    return value


def _refuse_unstorable(document: Mapping[str, Any]) -> None:
    """Raises InvalidInput for a text that no database takes. Each adapter has rules of its own for the rest."""
    for name, value in document.items():
        if isinstance(value, str) and ("\x00" in value or any("\ud800" <= each <= "\udfff" for each in value)):
            raise InvalidInput("INVALID", "must not hold the null character or half of a surrogate pair", (name,))
