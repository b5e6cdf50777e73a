"""Online shop: receive first, pay later."""

from merchants.online_shop.adapter import OnlineOrderAsk, OnlineShop

__all__ = ["OnlineOrderAsk", "OnlineShop"]
