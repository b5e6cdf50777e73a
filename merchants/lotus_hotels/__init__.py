"""Lotus Hotels, a named merchant: the hotel adapter with its own policy, words and wire format."""

from merchants.lotus_hotels.adapter import LotusHotels

__all__ = ["LotusHotels"]
