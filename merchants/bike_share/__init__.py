"""Bike share: rides without a deposit, or with a smaller one."""

from merchants.bike_share.adapter import BikeRideAsk, BikeShare

__all__ = ["BikeRideAsk", "BikeShare"]
