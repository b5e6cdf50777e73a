"""Hotel: stays without a deposit, without the front desk, and paid at check-out."""

from merchants.hotel.adapter import Hotel, HotelStayAsk

__all__ = ["Hotel", "HotelStayAsk"]
