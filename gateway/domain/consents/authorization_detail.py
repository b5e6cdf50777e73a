"""Authorization details (RFC 9396): what a merchant asks a person for, and what the person granted.

There are two types. A `score` detail names a level; at the level "threshold" it is about one tier, which `minimum`
names, or else the first threshold inquiry. A `decision` detail names products and the maximum amount of all open
decisions together, and at a point of sale also the store and the terminal. Both types may name a purpose and a
duration. Absent members are filled from adapter and contract before the person sees the request, so a granted detail is
always complete.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from gateway.domain.consents.purpose import require_purpose
from gateway.domain.duration import format_duration, parse_duration
from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import PointOfSale, Product
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier

TYPES = ("score", "decision")
LEVELS = ("threshold", "tier", "exact")
THRESHOLD = LEVELS[0]
MOST_DETAILS = 8
LONGEST_STORE_ID = 64


@dataclass(frozen=True, slots=True)
class AuthorizationDetail:
    """One authorization detail. `level` is set for type "score", `products` and `maximum_amount` for type "decision".

    In a request `purpose`, `duration` and `maximum_amount` may be None, in a consent they are set. If `optional`, the
    person may leave this detail out; a consent has no optional details. `store_id` and `terminal_id` are both set or
    both None, and set for type "decision" only. `minimum` is set at the level "threshold" only: the tier that threshold
    inquiries may ask about, None if the first inquiry decides it.
    """

    type: str
    level: str | None = None
    products: tuple[Product, ...] = ()
    maximum_amount: Money | None = None
    purpose: str | None = None
    duration: timedelta | None = None
    optional: bool = False
    store_id: str | None = None
    terminal_id: str | None = None
    minimum: Tier | None = None

    @property
    def point_of_sale(self) -> PointOfSale | None:
        """The point of sale that this detail is bound to, or None if it is not bound to one."""
        return PointOfSale(self.store_id, self.terminal_id) if self.store_id and self.terminal_id else None

    @property
    def scope(self) -> str:
        """The scope that this detail corresponds to."""
        return f"score:{self.level}" if self.type == "score" else "decisions:request"

    def covers(self, other: "AuthorizationDetail") -> bool:
        """Whether this detail allows everything that `other` allows, for at least as long. Both must be complete, and
        their durations start at the same moment."""
        if self.type != other.type or self.purpose != other.purpose:
            return False
        if self.point_of_sale not in {None, other.point_of_sale}:
            return False
        if (self.duration or timedelta(0)) < (other.duration or timedelta(0)):
            return False
        if self.level == other.level == THRESHOLD:
            return self.minimum in {None, other.minimum}
        if self.level is not None and other.level is not None:
            return LEVELS.index(self.level) >= LEVELS.index(other.level)
        most, wanted = self.maximum_amount, other.maximum_amount
        is_enough = most is not None and wanted is not None and most.currency == wanted.currency and wanted <= most
        return is_enough and set(self.products) >= set(other.products)

    def completed(self, *, purpose: str, duration: timedelta, ceiling: Money) -> "AuthorizationDetail":
        """Returns the detail with its absent members filled in. A longer duration is cut to `duration`, the
        contract's."""
        return replace(
            self,
            purpose=self.purpose or purpose,
            duration=min(self.duration, duration) if self.duration else duration,
            maximum_amount=(self.maximum_amount or ceiling) if self.type == "decision" else None,
        )

    def document(self) -> dict[str, Any]:
        """Returns the detail as RFC 9396 JSON, without the members that are not set."""
        document: dict[str, Any] = {"type": self.type}
        if self.level is not None:
            document["level"] = self.level
        if self.minimum is not None:
            document["minimum"] = str(self.minimum)
        if self.products:
            document["products"] = [str(product) for product in self.products]
        if self.maximum_amount is not None:
            document["maximum_amount"] = self.maximum_amount.document()
        if self.purpose is not None:
            document["purpose"] = self.purpose
        if self.duration is not None:
            document["duration"] = format_duration(self.duration)
        if self.point_of_sale is not None:
            document |= {"store_id": self.point_of_sale.store_id, "terminal_id": self.point_of_sale.terminal_id}
        if self.optional:
            document["optional"] = True
        return document


def parse_details(value: Any) -> tuple[AuthorizationDetail, ...]:
    """Returns the details of a request from decoded JSON. Raises InvalidInput with index and member for unknown types,
    unknown members and wrong JSON types (RFC 9396 section 5)."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise InvalidInput("INVALID", "authorization_details must be a non-empty array of objects.")
    if len(value) > MOST_DETAILS:
        raise InvalidInput("INVALID", f"At most {MOST_DETAILS} authorization details.")
    details = []
    for index, item in enumerate(value):
        try:
            details.append(_parse(item))
        except InvalidInput as error:
            raise error.with_prefix(str(index)) from None
    return tuple(details)


_MEMBERS = {
    "score": {"type", "level", "minimum", "purpose", "duration", "optional"},
    "decision": {
        *("type", "products", "maximum_amount", "purpose", "duration", "optional"),
        *("store_id", "terminal_id"),
    },
}


def _parse(item: Any) -> AuthorizationDetail:
    if not isinstance(item, Mapping):
        raise InvalidInput("INVALID", "An authorization detail must be an object.")
    kind = item.get("type")
    if not isinstance(kind, str) or kind not in _MEMBERS:
        raise InvalidInput("INVALID", 'The type must be "score" or "decision".', ("type",))
    unknown = sorted(set(item) - _MEMBERS[kind])
    if unknown:
        raise InvalidInput("INVALID", f"A {kind} detail has no such member.", (unknown[0],))
    purpose, duration, optional = _purpose(item), _duration(item), item.get("optional", False)
    if not isinstance(optional, bool):
        raise InvalidInput("INVALID", "optional must be true or false.", ("optional",))
    if kind == "score":
        if item.get("level") not in LEVELS:
            raise InvalidInput("INVALID", f"level must be one of {', '.join(LEVELS)}.", ("level",))
        return AuthorizationDetail(
            "score",
            level=item["level"],
            minimum=_minimum(item),
            purpose=purpose,
            duration=duration,
            optional=optional,
        )
    store_id, terminal_id = _identifier(item, "store_id"), _identifier(item, "terminal_id")
    if (store_id is None) != (terminal_id is None):
        missing = "terminal_id" if terminal_id is None else "store_id"
        raise InvalidInput("INVALID", "store_id and terminal_id must be sent together.", (missing,))
    return AuthorizationDetail(
        "decision",
        products=_products(item.get("products")),
        maximum_amount=_amount(item),
        purpose=purpose,
        duration=duration,
        optional=optional,
        store_id=store_id,
        terminal_id=terminal_id,
    )


def _minimum(item: Mapping[str, Any]) -> Tier | None:
    if "minimum" not in item:
        return None
    if item["level"] != THRESHOLD:
        raise InvalidInput("INVALID", f"minimum belongs to the level {THRESHOLD}.", ("minimum",))
    if not isinstance(item["minimum"], str) or item["minimum"] not in Tier.__members__:
        raise InvalidInput("INVALID", f"minimum must be one of {', '.join(Tier)}.", ("minimum",))
    return Tier(item["minimum"])


def _purpose(item: Mapping[str, Any]) -> str | None:
    if "purpose" not in item:
        return None
    if not isinstance(item["purpose"], str):
        raise InvalidInput("INVALID", "purpose must be a string.", ("purpose",))
    return require_purpose(item["purpose"]).code


def _duration(item: Mapping[str, Any]) -> timedelta | None:
    if "duration" not in item:
        return None
    if not isinstance(item["duration"], str):
        raise InvalidInput("INVALID", "duration must be an ISO 8601 string.", ("duration",))
    try:
        duration = parse_duration(item["duration"])
    except InvalidInput as error:
        raise error.with_prefix("duration") from None
    if not duration:
        raise InvalidInput("INVALID", "duration must be longer than zero.", ("duration",))
    return duration


def _identifier(item: Mapping[str, Any], member: str) -> str | None:
    if member not in item:
        return None
    name = item[member]
    if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_STORE_ID or any(not " " <= c <= "~" for c in name):
        message = f"{member} must be 1 to {LONGEST_STORE_ID} printable ASCII characters."
        raise InvalidInput("INVALID", message, (member,))
    return name


def _products(value: Any) -> tuple[Product, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise InvalidInput("INVALID", "products must be a non-empty array of product names.", ("products",))
    unknown = [name for name in value if name not in Product.__members__]
    if unknown:
        raise InvalidInput("INVALID", f"Unknown product. Known: {', '.join(Product)}.", ("products",))
    return tuple(dict.fromkeys(Product(name) for name in value))


def _amount(item: Mapping[str, Any]) -> Money | None:
    if "maximum_amount" not in item:
        return None
    value = item["maximum_amount"]
    if not isinstance(value, Mapping) or set(value) != {"amount", "currency"}:
        raise InvalidInput("INVALID", "maximum_amount needs amount and currency.", ("maximum_amount",))
    if not all(isinstance(part, str) for part in value.values()):
        raise InvalidInput("INVALID", "amount and currency must be strings.", ("maximum_amount",))
    try:
        amount = Money.parse(value["amount"], value["currency"])
    except InvalidInput as error:
        raise error.with_prefix("maximum_amount") from None
    if not amount.minor:
        raise InvalidInput("INVALID_AMOUNT", "maximum_amount must be above zero.", ("maximum_amount", "amount"))
    return amount
