"""Checks of the amounts that a merchant sends with a transition."""

from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money


def require_part(amount: Money, outstanding: Money, field: str) -> None:
    """Raises InvalidInput unless the amount is above zero and at most `outstanding`."""
    _require_currency(amount, outstanding, field)
    if not amount.minor or not amount <= outstanding:
        raise InvalidInput(
            "INVALID_AMOUNT",
            f"The amount must be above zero and at most the outstanding {outstanding}.",
            (field, "amount"),
        )


def require_reduction(amount: Money, due: Money, settled: Money, field: str) -> None:
    """Raises InvalidInput unless the amount is below `due` and at least `settled`."""
    _require_currency(amount, due, field)
    if not settled <= amount < due:
        raise InvalidInput(
            "INVALID_AMOUNT",
            f"The new amount must be below the present amount due, {due}, and at least the settled {settled}.",
            (field, "amount"),
        )


def _require_currency(amount: Money, of_terms: Money, field: str) -> None:
    """Raises InvalidInput unless the amount is in the currency of the terms."""
    if amount.currency != of_terms.currency:
        raise InvalidInput("UNSUPPORTED_CURRENCY", f"The terms are in {of_terms.currency}.", (field, "currency"))
