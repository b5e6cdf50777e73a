"""Car rental: rentals without a deposit, or with a smaller one."""

from merchants.car_rental.adapter import CarRental, CarRentalAsk

__all__ = ["CarRental", "CarRentalAsk"]
