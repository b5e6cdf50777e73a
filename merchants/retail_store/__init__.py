"""Retail store: take it from the till, pay later."""

from merchants.retail_store.adapter import RetailStore, StorePurchaseAsk

__all__ = ["RetailStore", "StorePurchaseAsk"]
