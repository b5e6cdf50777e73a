"""A merchant as its own tokens see it."""

from dataclasses import dataclass

from gateway.domain.product import Product


@dataclass(frozen=True, slots=True)
class Merchant:
    """`products` are those of the enabled adapters, in the order of the product list."""

    id: str
    name: str
    products: tuple[Product, ...]
