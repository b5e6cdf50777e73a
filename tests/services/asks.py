"""Asks, commands and authorization details for tests of services."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.period import Period
from gateway.services.decisions.requests import RequestCommand
from merchants.car_rental.adapter import CarRentalAsk
from merchants.online_shop.adapter import OnlineOrderAsk


def car(now: datetime, deposit: str = "3000.00", *, currency: str = "CNY", reduction: bool = True) -> CarRentalAsk:
    """An ask for a car from tomorrow on, for three days. `reduction` says whether a reduced approval is accepted."""
    return CarRentalAsk(
        deposit=Money.parse(deposit, currency),
        vehicle_value=Money.parse("180000.00", "CNY"),
        rental=Period(now + timedelta(days=1), now + timedelta(days=4)),
        accept_reduction=reduction,
    )


def order(amount: str = "300.00", days: int = 7) -> OnlineOrderAsk:
    return OnlineOrderAsk(amount=Money.parse(amount, "CNY"), pay_within=timedelta(days=days))


def request_command(
    ask: object, key: str = "key-1", reference: str = "order-1", purpose: str | None = None
) -> RequestCommand:
    adapter_field = "onlineOrder" if isinstance(ask, OnlineOrderAsk) else "carRental"
    return RequestCommand(key, reference, adapter_field, ask, purpose)


def waiver(
    maximum: str, *, purpose: str | None = None, products: Sequence[Product] = (Product.DEPOSIT_WAIVER,)
) -> AuthorizationDetail:
    """A decision detail for deposit waivers up to this maximum amount."""
    return AuthorizationDetail(
        "decision", products=tuple(products), maximum_amount=Money.parse(maximum, "CNY"), purpose=purpose
    )
