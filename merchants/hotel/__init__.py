"""Hotel: no deposit, straight to the room, pay at check-out."""

from merchants.hotel.adapter import Hotel, HotelStayAsk

__all__ = ["Hotel", "HotelStayAsk"]
