"""Harbour Bikes, a named merchant: the bike share adapter with its own policy, words and wire format."""

from merchants.harbour_bikes.adapter import HarbourBikes

__all__ = ["HarbourBikes"]
