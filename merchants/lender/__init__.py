"""Lender: credit limits, and discounts on the lender's own rate."""

from merchants.lender.adapter import CreditOfferAsk, Lender

__all__ = ["CreditOfferAsk", "Lender"]
