"""Bike share: ride first, with no deposit or a smaller one."""

from merchants.bike_share.adapter import BikeRideAsk, BikeShare

__all__ = ["BikeRideAsk", "BikeShare"]
