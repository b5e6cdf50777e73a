"""Housing: homes rented without a deposit, or with a smaller one."""

from merchants.housing.adapter import HouseRentalAsk, Housing

__all__ = ["HouseRentalAsk", "Housing"]
