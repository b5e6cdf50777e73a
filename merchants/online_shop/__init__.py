"""Online shop: orders delivered first and paid later."""

from merchants.online_shop.adapter import OnlineOrderAsk, OnlineShop

__all__ = ["OnlineOrderAsk", "OnlineShop"]
