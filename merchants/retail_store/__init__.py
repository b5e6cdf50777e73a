"""Retail store: purchases taken home first and paid later."""

from merchants.retail_store.adapter import RetailStore, StorePurchaseAsk

__all__ = ["RetailStore", "StorePurchaseAsk"]
