"""The price of an operation: one value per field, with the prices of the fields below it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one field of a response. `weight` counts once, `item` for each object of a list, and `children` are
    the prices of the fields below by response key. `requested` is the price of all, `defined` without children. Fields
    without a price are left out. `name` is "Type.field"."""

    name: str
    weight: float
    item: float | None
    length: float
    children: Mapping[str, "Price"]
    requested: float

    @property
    def defined(self) -> float:
        return self.weight + self.length * (self.item or 0)


@dataclass(frozen=True, slots=True)
class OperationPrice:
    """The price of an operation: `fields` by response key, and their sum in points, at least 1. `names` are all fields
    ("Type.field") that the operation may execute."""

    fields: Mapping[str, Price]
    requested: int
    names: frozenset[str]

    def dearest_path(self) -> list[str]:
        """Returns the response keys that lead to the dearest field, from the root."""
        path, fields = [], self.fields
        while fields:
            key = max(fields, key=lambda each: fields[each].requested)
            path.append(key)
            fields = fields[key].children
        return path
