"""Terms of an approval, one type per product."""

from datetime import datetime, timedelta
from typing import Annotated

import strawberry

from gateway.domain.decisions import check_in, credit_offer
from gateway.domain.decisions import terms as domain
from gateway.domain.number import format_decimal
from schema.scalars import DecimalText
from schema.types.money import Money, Period


@strawberry.type(description="Terms of a deposit waiver. The deposit is waived in full (depositDue is 0) or reduced.")
class DepositTerms:
    original_deposit: Money = strawberry.field(description="Deposit that the merchant would take without this gateway.")
    waived_amount: Money = strawberry.field(description="Part of the deposit that is waived.")
    deposit_due: Money = strawberry.field(description="Part of the deposit that the user still pays.")
    return_by: datetime | None = strawberry.field(description="When the item must be returned. Set for every approval.")
    return_grace: timedelta = strawberry.field(description="Time after returnBy before the decision is overdue.")


@strawberry.type(description="Terms of a payment after delivery.")
class PayLaterTerms:
    amount: Money = strawberry.field(description="Amount to be paid.")
    due_at: datetime = strawberry.field(description="When the amount is due.")
    grace_period: timedelta = strawberry.field(description="Time after dueAt before the decision is overdue.")


@strawberry.type(description="Terms of a hotel stay with express check-in and check-out.")
class CheckInTerms:
    stay: Period = strawberry.field(description="From check-in to check-out.")
    deposit_due: Money = strawberry.field(
        description="Part of the deposit that the guest still pays. 0 if it is waived in full."
    )
    incidentals_limit: Money = strawberry.field(
        description="Amount that may be charged to the room without a deposit: the waived part of the deposit."
    )
    skip_front_desk: bool = strawberry.field(
        description="True if the guest can go to the room directly, because nothing is due on arrival."
    )
    pay_at_check_out: bool = strawberry.field(
        description="True if the price of the stay is due at check-out, false if it is due on arrival."
    )


@strawberry.type(description="Terms of a credit offer: a limit, and a discount on the lender's base rate.")
class CreditOfferTerms:
    limit: Money = strawberry.field(description="Credit limit.")
    base_apr_percent: DecimalText = strawberry.field(description="Your own yearly rate in percent, as in the request.")
    apr_percent: DecimalText = strawberry.field(
        description="Yearly rate to offer, in percent: baseAprPercent less discountPercent."
    )
    discount_percent: DecimalText = strawberry.field(description="Discount in percentage points.")
    term: timedelta = strawberry.field(description="Term of the credit, at most the requested one.")


DecisionTerms = Annotated[
    DepositTerms | PayLaterTerms | CheckInTerms | CreditOfferTerms,
    strawberry.union("DecisionTerms", description="Terms of an approval. Their type follows the product."),
]


def terms_of(terms: domain.Terms) -> DepositTerms | PayLaterTerms | CheckInTerms | CreditOfferTerms:
    """Returns the GraphQL form of the terms of an approval."""
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
                base_apr_percent=DecimalText(format_decimal(terms.base_apr_percent)),
                apr_percent=DecimalText(format_decimal(terms.apr_percent)),
                discount_percent=DecimalText(format_decimal(terms.discount_percent)),
                term=terms.term,
            )
