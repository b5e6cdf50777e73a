"""Money and periods, as they go out and as they come in."""

from datetime import datetime

import strawberry

from gateway.domain.money import Money as DomainMoney
from gateway.domain.period import Period as DomainPeriod
from schema.scalars import CurrencyCode, DecimalText


@strawberry.type(description="An exact amount in one currency.")
class Money:
    amount: DecimalText = strawberry.field(description="Decimal string with the currency's decimals.")
    currency: CurrencyCode = strawberry.field(description="ISO 4217 code.")

    @classmethod
    def of(cls, money: DomainMoney) -> "Money":
        return cls(amount=DecimalText(money.amount), currency=CurrencyCode(money.currency))


@strawberry.input(description="An exact amount in one currency.")
class MoneyInput:
    amount: DecimalText = strawberry.field(description="Decimal string, with no more decimals than the currency has.")
    currency: CurrencyCode = strawberry.field(description="ISO 4217 code.")


@strawberry.type(description="A stretch of time.")
class Period:
    start: datetime = strawberry.field(description="Its first moment.")
    end: datetime = strawberry.field(description="Its end, later than start.")

    @classmethod
    def of(cls, period: DomainPeriod) -> "Period":
        return cls(start=period.start, end=period.end)


@strawberry.input(description="A stretch of time.")
class PeriodInput:
    start: datetime = strawberry.field(description="Its first moment.")
    end: datetime = strawberry.field(description="Its end, later than start.")
