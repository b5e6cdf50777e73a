"""What a merchant asks a person for, complete, and what is left of it once the person has narrowed it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from gateway.domain.consents.authorization_detail import LEVELS, AuthorizationDetail, parse_details
from gateway.domain.duration import format_duration
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.scope import SCOPES

SHORTER_DURATIONS = tuple(timedelta(days=days) for days in (90, 30, 7, 1))
"""The lengths of time that are offered beside the one that was asked for, longest first."""


@dataclass(frozen=True, slots=True)
class Request:
    """Scopes in registry order, and details with nothing left open."""

    scopes: tuple[str, ...]
    details: tuple[AuthorizationDetail, ...]

    @property
    def duration(self) -> timedelta:
        """The longest time for which any part is asked."""
        return max(detail.duration for detail in self.details if detail.duration is not None)

    @property
    def durations(self) -> tuple[timedelta, ...]:
        """What the person can choose from: the time that was asked for, then shorter ones, longest first."""
        return (self.duration, *(length for length in SHORTER_DURATIONS if length < self.duration))

    def document(self) -> dict[str, Any]:
        """The request as JSON."""
        return {"scopes": list(self.scopes), "details": [detail.document() for detail in self.details]}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Request":
        """Reads what `document` wrote."""
        return cls(tuple(document["scopes"]), parse_details(document["details"]))

    def limit_duration(self, life: timedelta) -> "Request":
        """The same, no part longer than `life`."""
        return replace(self, details=tuple(_cut(detail, life) for detail in self.details))


@dataclass(frozen=True, slots=True)
class Choice:
    """What the person has filled in, by the index of the detail: the optional parts to be included, ceilings as
    decimal texts in the currency asked for, and an ISO 8601 duration. What is absent stays as asked, and an optional
    part out."""

    included: frozenset[int] = frozenset()
    amounts: Mapping[int, str] | None = None
    duration: str | None = None


AS_ASKED = Choice()


def narrow(asked: Request, choice: Choice) -> Request:
    """What the person grants of `asked`: never more than that, in any dimension, and with no optional part left.

    Raises InvalidInput at ("include",) when nothing is left, ("amount", INDEX) for a ceiling that is no amount above
    zero and up to the one asked for, ("duration",) for a time that was not offered, ("form",) for what was not asked.
    """
    amounts = choice.amounts or {}
    _require_fit(asked, choice.included, amounts)
    left = [
        replace(_lowered(detail, index, amounts.get(index)), optional=False)
        for index, detail in enumerate(asked.details)
        if not detail.optional or index in choice.included
    ]
    if not left:
        raise InvalidInput("INVALID", "Nothing is left of the request.", ("include",))
    offered = {format_duration(length): length for length in asked.durations}
    if choice.duration is not None and choice.duration not in offered:
        raise InvalidInput("INVALID", f"Choose one of {', '.join(offered)}.", ("duration",))
    life = asked.duration if choice.duration is None else offered[choice.duration]
    details = tuple(dict.fromkeys(_cut(detail, life) for detail in left))
    return Request(supported_scopes(asked.scopes, details), details)


def can_lower_ceiling(detail: AuthorizationDetail) -> bool:
    """Whether the person can lower the ceiling: not at a till, where it is the price of what lies there."""
    return detail.maximum_amount is not None and detail.point_of_sale is None


def _require_fit(asked: Request, included: Iterable[int], amounts: Mapping[int, str]) -> None:
    optional = {index for index, detail in enumerate(asked.details) if detail.optional}
    open_to_less = {index for index, detail in enumerate(asked.details) if can_lower_ceiling(detail)}
    if not optional.issuperset(included) or not open_to_less.issuperset(amounts):
        raise InvalidInput("INVALID", "The form does not belong to this request.", ("form",))


def _lowered(detail: AuthorizationDetail, index: int, amount: str | None) -> AuthorizationDetail:
    ceiling = detail.maximum_amount
    if amount is None or ceiling is None:
        return detail
    try:
        chosen = Money.parse(amount, ceiling.currency)
    except InvalidInput as error:
        raise InvalidInput(error.code, error.message, ("amount", str(index))) from None
    if not chosen.minor or not chosen <= ceiling:
        raise InvalidInput("INVALID_AMOUNT", f"Above zero and up to {ceiling}.", ("amount", str(index)))
    return replace(detail, maximum_amount=chosen)


def _cut(detail: AuthorizationDetail, life: timedelta) -> AuthorizationDetail:
    return replace(detail, duration=min(detail.duration, life) if detail.duration else life)


def supported_scopes(scopes: Iterable[str], details: Iterable[AuthorizationDetail]) -> tuple[str, ...]:
    """Those of the scopes that some detail stands for, in registry order."""
    highest = max((LEVELS.index(detail.level) for detail in details if detail.level), default=-1)
    held = {f"score:{level}" for level in LEVELS[: highest + 1]}
    if any(detail.type == "decision" for detail in details):
        held |= {"decisions:request", "decisions:preview"}
    return tuple(name for name in SCOPES if name in held and name in set(scopes))
