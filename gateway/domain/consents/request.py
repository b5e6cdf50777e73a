"""An authorization request with all members filled in, and how the person narrows it."""

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
"""The durations that are offered besides the requested one, longest first."""


@dataclass(frozen=True, slots=True)
class Request:
    """Scopes in registry order, and complete details."""

    scopes: tuple[str, ...]
    details: tuple[AuthorizationDetail, ...]

    @property
    def duration(self) -> timedelta:
        """The longest duration of any detail."""
        return max(detail.duration for detail in self.details if detail.duration is not None)

    @property
    def durations(self) -> tuple[timedelta, ...]:
        """The durations that the person can choose from: the requested one, then shorter ones, longest first."""
        return (self.duration, *(length for length in SHORTER_DURATIONS if length < self.duration))

    def document(self) -> dict[str, Any]:
        """Returns the request as a JSON-safe document; `from_document` reads it."""
        return {"scopes": list(self.scopes), "details": [detail.document() for detail in self.details]}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Request":
        """Reads what `document` wrote."""
        return cls(tuple(document["scopes"]), parse_details(document["details"]))

    def limit_duration(self, longest: timedelta) -> "Request":
        """Returns the request with the duration of each detail cut to `longest`."""
        return replace(self, details=tuple(_cut(detail, longest) for detail in self.details))


@dataclass(frozen=True, slots=True)
class Choice:
    """What the person chose. `included` holds the indexes of optional details to grant, `amounts` lower maximum amounts
    by the index of the detail (decimal strings in the requested currency), `duration` is ISO 8601. An absent amount or
    duration stays as requested; an optional detail that is not included is left out."""

    included: frozenset[int] = frozenset()
    amounts: Mapping[int, str] | None = None
    duration: str | None = None


AS_ASKED = Choice()


def narrow(asked: Request, choice: Choice) -> Request:
    """Returns the request that the person grants. It never exceeds `asked`, and has no optional details.

    Raises InvalidInput at ("include",) if no detail remains, ("amount", INDEX) for a maximum amount that is not above
    zero or exceeds the requested one, ("duration",) for a duration that was not offered, ("form",) for an index that
    was not offered.
    """
    amounts = choice.amounts or {}
    _require_fit(asked, choice.included, amounts)
    granted = [
        replace(_lowered(detail, index, amounts.get(index)), optional=False)
        for index, detail in enumerate(asked.details)
        if not detail.optional or index in choice.included
    ]
    if not granted:
        raise InvalidInput("INVALID", "Choose at least one part of the request.", ("include",))
    offered = {format_duration(length): length for length in asked.durations}
    if choice.duration is not None and choice.duration not in offered:
        raise InvalidInput("INVALID", f"Choose one of {', '.join(offered)}.", ("duration",))
    longest = asked.duration if choice.duration is None else offered[choice.duration]
    details = tuple(dict.fromkeys(_cut(detail, longest) for detail in granted))
    return Request(supported_scopes(asked.scopes, details), details)


def can_lower_maximum_amount(detail: AuthorizationDetail) -> bool:
    """Whether the person can lower the maximum amount of this detail. At a point of sale it is the price, so it cannot
    be lowered."""
    return detail.maximum_amount is not None and detail.point_of_sale is None


def _require_fit(asked: Request, included: Iterable[int], amounts: Mapping[int, str]) -> None:
    optional = {index for index, detail in enumerate(asked.details) if detail.optional}
    reducible = {index for index, detail in enumerate(asked.details) if can_lower_maximum_amount(detail)}
    if not optional.issuperset(included) or not reducible.issuperset(amounts):
        raise InvalidInput("INVALID", "The form does not belong to this request.", ("form",))


def _lowered(detail: AuthorizationDetail, index: int, amount: str | None) -> AuthorizationDetail:
    maximum = detail.maximum_amount
    if amount is None or maximum is None:
        return detail
    try:
        chosen = Money.parse(amount, maximum.currency)
    except InvalidInput as error:
        raise InvalidInput(error.code, error.message, ("amount", str(index))) from None
    if not chosen.minor or not chosen <= maximum:
        raise InvalidInput("INVALID_AMOUNT", f"Enter an amount above zero and up to {maximum}.", ("amount", str(index)))
    return replace(detail, maximum_amount=chosen)


def _cut(detail: AuthorizationDetail, longest: timedelta) -> AuthorizationDetail:
    return replace(detail, duration=min(detail.duration, longest) if detail.duration else longest)


def supported_scopes(scopes: Iterable[str], details: Iterable[AuthorizationDetail]) -> tuple[str, ...]:
    """Returns the scopes that at least one detail supports, in registry order."""
    highest = max((LEVELS.index(detail.level) for detail in details if detail.level), default=-1)
    held = {f"score:{level}" for level in LEVELS[: highest + 1]}
    if any(detail.type == "decision" for detail in details):
        held |= {"decisions:request", "decisions:preview"}
    return tuple(name for name in SCOPES if name in held and name in set(scopes))
