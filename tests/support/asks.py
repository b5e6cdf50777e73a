"""Asks as merchants send them, one for each industry. `merchant_client` has those for a car and an order."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.merchant_client import yuan


def ride(deposit: str = "299.00") -> dict[str, Any]:
    """An ask for a shared bike."""
    return {"bikeRide": {"deposit": yuan(deposit), "bikeId": "bike-5150"}}


def home(deposit: str = "8000.00", rent: str = "4000.00", days: int = 365) -> dict[str, Any]:
    """An ask for a home from next week on, by default for a year."""
    return {"houseRental": {"deposit": yuan(deposit), "monthlyRent": yuan(rent), "lease": _period(7, days)}}


def stay(deposit: str = "800.00", rate: str = "500.00") -> dict[str, Any]:
    """An ask for a hotel room from tomorrow on, for two nights."""
    return {"hotelStay": {"deposit": yuan(deposit), "roomRate": yuan(rate), "stay": _period(1, 2)}}


def purchase(
    amount: str = "268.00", pay_within: str = "P30D", *, store: str = "Store 17", terminal: str = "T-3"
) -> dict[str, Any]:
    """An ask for goods at a point of sale, paid later."""
    return {
        "storePurchase": {
            "amount": yuan(amount),
            "payWithin": pay_within,
            "storeId": store,
            "terminalId": terminal,
        }
    }


def credit(limit: str = "10000.00", term: str = "P365D", base: str = "12.00") -> dict[str, Any]:
    """An ask for a credit. `base` is the lender's own rate in percent."""
    return {
        "creditOffer": {
            "desiredLimit": yuan(limit),
            "term": term,
            "baseAprPercent": base,
            "purpose": "a new kitchen",
        }
    }


def _period(first: int, days: int) -> dict[str, str]:
    start = datetime.now(UTC) + timedelta(days=first)
    return {"start": start.isoformat(), "end": (start + timedelta(days=days)).isoformat()}
