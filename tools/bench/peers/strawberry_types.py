"""The types of peer.graphql for strawberry, and how they are made from rows."""

from __future__ import annotations

import enum
from typing import Annotated, Any, NewType

import answers
import store
import strawberry

CurrencyCode = NewType("CurrencyCode", str)
DateTime = NewType("DateTime", str)
Decimal = NewType("Decimal", str)
URL = NewType("URL", str)
SCALARS: dict[object, Any] = {
    CurrencyCode: strawberry.scalar(name="CurrencyCode", serialize=str, parse_value=str),
    DateTime: strawberry.scalar(name="DateTime", serialize=str, parse_value=str),
    Decimal: strawberry.scalar(name="Decimal", serialize=str, parse_value=str),
    URL: strawberry.scalar(name="URL", serialize=str, parse_value=str),
}
Tier = strawberry.enum(
    enum.Enum("Tier", {name: name for name in ("UNSCORED", "BUILDING", "FAIR", "GOOD", "VERY_GOOD", "EXCELLENT")})
)
DecisionProduct = strawberry.enum(
    enum.Enum("DecisionProduct", {n: n for n in ("DEPOSIT_WAIVER", "PAY_LATER", "EXPRESS_CHECK_IN", "CREDIT_OFFER")})
)
_STATUSES = ("PENDING", "APPROVED", "DECLINED", "ACTIVE", "FULFILLED", "BREACHED", "CANCELLED", "EXPIRED")
DecisionStatus = strawberry.enum(enum.Enum("DecisionStatus", {name: name for name in _STATUSES}))
UserErrorCode = strawberry.enum(enum.Enum("UserErrorCode", {n: n for n in ("INVALID", "IDEMPOTENCY_KEY_REUSED")}))


@strawberry.interface
class Node:
    id: strawberry.ID


@strawberry.type
class Money:
    amount: Decimal
    currency: CurrencyCode


@strawberry.type
class ScoreTier:
    tier: Tier  # type: ignore[valid-type]
    rank: int


@strawberry.type
class Reason:
    code: str


@strawberry.type
class DepositTerms:
    original_deposit: Money
    waived_amount: Money
    deposit_due: Money
    return_by: DateTime | None


@strawberry.type
class PayLaterTerms:
    amount: Money
    due_at: DateTime


@strawberry.type
class Approval:
    terms: Annotated[DepositTerms | PayLaterTerms, strawberry.union("DecisionTerms")]
    valid_until: DateTime
    reasons: list[Reason]


@strawberry.type
class Decline:
    reasons: list[Reason]


@strawberry.type
class Settlement:
    due: Money


@strawberry.type
class Decision(Node):
    merchant_reference: str
    product: DecisionProduct  # type: ignore[valid-type]
    status: DecisionStatus  # type: ignore[valid-type]
    outcome: Annotated[Approval | Decline, strawberry.union("DecisionOutcome")] | None
    settlement: Settlement | None
    created_at: DateTime


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class DecisionConnection:
    nodes: list[Decision]
    page_info: PageInfo


@strawberry.interface
class UserError:
    code: UserErrorCode  # type: ignore[valid-type]
    message: str
    field: list[str] | None
    documentation: URL


@strawberry.type
class InvalidInputError(UserError):
    pass


@strawberry.type
class IdempotencyError(UserError):
    pass


@strawberry.type
class DecisionRequestPayload:
    decision: Decision | None
    user_errors: list[UserError]
    replayed: bool


@strawberry.input
class MoneyInput:
    amount: Decimal
    currency: CurrencyCode


@strawberry.input
class PeriodInput:
    start: DateTime
    end: DateTime


@strawberry.input
class CarRentalAsk:
    deposit: MoneyInput
    vehicle_value: MoneyInput
    rental: PeriodInput
    accept_reduction: bool = True

    def document(self) -> dict[str, Any]:
        """Returns the input by its names in GraphQL."""
        return {
            "deposit": vars(self.deposit),
            "vehicleValue": vars(self.vehicle_value),
            "rental": vars(self.rental),
            "acceptReduction": self.accept_reduction,
        }


@strawberry.input(one_of=True)
class DecisionAsk:
    car_rental: CarRentalAsk | None = strawberry.UNSET


@strawberry.input
class DecisionRequestInput:
    idempotency_key: str
    merchant_reference: str
    ask: DecisionAsk


def money(minor: int) -> Money:
    return Money(amount=Decimal(answers.amount(minor)), currency=CurrencyCode("CNY"))


def decision(row: store.Decision) -> Decision:
    """Returns the type of a row."""
    return Decision(
        id=strawberry.ID(answers.decision_id(row.id)),
        merchant_reference=row.reference,
        product=DecisionProduct[row.product],
        status=DecisionStatus[row.status],
        outcome=outcome(row.outcome),
        settlement=None if row.due is None else Settlement(due=money(row.due)),
        created_at=DateTime(answers.moment(row.created_at)),
    )


def outcome(stored: dict[str, Any]) -> Approval | Decline:
    reasons = [Reason(code=code) for code in stored["reasons"]]
    terms = stored.get("terms")
    if terms is None:
        return Decline(reasons=reasons)
    deposit = DepositTerms(
        original_deposit=money(terms["originalDeposit"]),
        waived_amount=money(terms["waivedAmount"]),
        deposit_due=money(terms["depositDue"]),
        return_by=DateTime(str(terms["returnBy"])),
    )
    return Approval(terms=deposit, valid_until=DateTime(answers.moment(stored["validUntil"])), reasons=reasons)


def user_error(error: store.UserError) -> UserError:
    made = IdempotencyError if error.code == "IDEMPOTENCY_KEY_REUSED" else InvalidInputError
    return made(
        code=UserErrorCode[error.code],
        message=error.message,
        field=error.field,
        documentation=URL(answers.DOCUMENTATION),
    )
