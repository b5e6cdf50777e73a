"""What was promised, one type for each kind of product."""

from datetime import datetime, timedelta
from typing import Annotated

import strawberry

from gateway.domain.decisions import check_in, credit_offer
from gateway.domain.decisions import terms as domain
from schema.scalars import DecimalText
from schema.types.money import Money, Period


@strawberry.type(description="Deposit waived in full (depositDue 0) or reduced.")
class DepositTerms:
    original_deposit: Money = strawberry.field(description="The deposit without this gateway.")
    waived_amount: Money = strawberry.field(description="The part that is not taken.")
    deposit_due: Money = strawberry.field(description="The part that is still taken.")
    return_by: datetime | None = strawberry.field(description="When the thing is to be back; null if that is open.")
    return_grace: timedelta = strawberry.field(description="How long past returnBy it does not count as overdue.")


@strawberry.type(description="Receive the goods first, pay later.")
class PayLaterTerms:
    amount: Money = strawberry.field(description="What is to be paid.")
    due_at: datetime = strawberry.field(description="By when.")
    grace_period: timedelta = strawberry.field(description="How long past dueAt it does not count as overdue.")


@strawberry.type(description="Deposit-free stay with express check-in and check-out.")
class CheckInTerms:
    stay: Period = strawberry.field(description="From check-in to check-out.")
    deposit_due: Money = strawberry.field(description="The part of the deposit that is still taken; 0 if none is.")
    incidentals_limit: Money = strawberry.field(
        description="What may be put on the room without a deposit behind it: the waived part of the deposit."
    )
    skip_front_desk: bool = strawberry.field(description="Straight to the room: nothing is to be paid on arrival.")
    pay_at_check_out: bool = strawberry.field(description="Whether the price of the stay waits until check-out.")


@strawberry.type(description="A higher limit and an interest discount over the lender's base rate.")
class CreditOfferTerms:
    limit: Money = strawberry.field(description="Up to how much.")
    base_apr_percent: DecimalText = strawberry.field(description="Your own yearly rate, as you asked with it.")
    apr_percent: DecimalText = strawberry.field(description="The yearly rate to offer: base less discount.")
    discount_percent: DecimalText = strawberry.field(description="The discount, in percentage points.")
    term: timedelta = strawberry.field(description="For how long; not longer than was asked.")


DecisionTerms = Annotated[
    DepositTerms | PayLaterTerms | CheckInTerms | CreditOfferTerms,
    strawberry.union("DecisionTerms", description="What was promised; the type follows the product."),
]


def terms_of(terms: domain.Terms) -> DepositTerms | PayLaterTerms | CheckInTerms | CreditOfferTerms:
    """The GraphQL form of frozen terms."""
    match terms:
        case domain.DepositTerms():
            return DepositTerms(
                original_deposit=Money.of(terms.original_deposit),
                waived_amount=Money.of(terms.waived_amount),
                deposit_due=Money.of(terms.deposit_due),
                return_by=terms.return_by,
                return_grace=terms.return_grace,
            )
        case domain.PayLaterTerms():
            return PayLaterTerms(amount=Money.of(terms.amount), due_at=terms.due_at, grace_period=terms.grace_period)
        case check_in.CheckInTerms():
            return CheckInTerms(
                stay=Period.of(terms.stay),
                deposit_due=Money.of(terms.deposit_due),
                incidentals_limit=Money.of(terms.incidentals_limit),
                skip_front_desk=terms.skip_front_desk,
                pay_at_check_out=terms.pay_at_check_out,
            )
        case credit_offer.CreditOfferTerms():
            return CreditOfferTerms(
                limit=Money.of(terms.limit),
                base_apr_percent=DecimalText(format(terms.base_apr_percent, "f")),
                apr_percent=DecimalText(format(terms.apr_percent, "f")),
                discount_percent=DecimalText(format(terms.discount_percent, "f")),
                term=terms.term,
            )
