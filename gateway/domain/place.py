"""Where in a merchant's premises something is asked: a till."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One terminal of one store, in the merchant's own names."""

    store_id: str
    terminal_id: str
