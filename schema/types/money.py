"""Money and periods: output types and input types."""

from datetime import datetime

import strawberry

from gateway.domain.money import Money as DomainMoney
from gateway.domain.period import Period as DomainPeriod
from schema.scalars import CurrencyCode, DecimalText


@strawberry.type(description="An exact amount in one currency.")
class Money:
    amount: DecimalText = strawberry.field(description="Amount with the decimals of the currency, for example 3000.00.")
    currency: CurrencyCode = strawberry.field(description="ISO 4217 code, for example CNY.")

    @classmethod
    def of(cls, money: DomainMoney) -> "Money":
        return cls(amount=DecimalText(money.amount), currency=CurrencyCode(money.currency))


@strawberry.input(description="An exact amount in one currency.")
class MoneyInput:
    amount: DecimalText = strawberry.field(
        description="Amount above zero, with at most the decimals of the currency, for example 3000.00."
    )
    currency: CurrencyCode = strawberry.field(description="ISO 4217 code, for example CNY.")


@strawberry.type(description="A period of time.")
class Period:
    start: datetime = strawberry.field(description="Start of the period.")
    end: datetime = strawberry.field(description="End of the period, later than start.")

    @classmethod
    def of(cls, period: DomainPeriod) -> "Period":
        return cls(start=period.start, end=period.end)


@strawberry.input(description="A period of time.")
class PeriodInput:
    start: datetime = strawberry.field(description="Start of the period.")
    end: datetime = strawberry.field(description="End of the period, later than start.")
