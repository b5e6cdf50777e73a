"""Threshold details: all of a consent are about one tier, so that threshold inquiries tell one answer, not the tier."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.domain.consents.authorization_detail import THRESHOLD, AuthorizationDetail
from gateway.domain.errors import InvalidInput
from gateway.domain.scoring.tier import Tier


def with_one_minimum(
    details: Sequence[AuthorizationDetail], held: Tier | None = None
) -> tuple[AuthorizationDetail, ...]:
    """Returns the details with one `minimum` in every threshold detail: that of `held`, which the consent is about
    already, or the one that the details name. Raises InvalidInput at (INDEX, "minimum") for a detail that names another
    tier."""
    minimum = held
    for index, detail in enumerate(details):
        if detail.minimum is None:
            continue
        if minimum not in {None, detail.minimum}:
            message = f"All threshold details of a grant are about one tier, here {minimum}."
            raise InvalidInput("INVALID", message, (str(index), "minimum"))
        minimum = detail.minimum
    return tuple(replace(detail, minimum=minimum) if detail.level == THRESHOLD else detail for detail in details)
