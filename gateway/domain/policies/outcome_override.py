"""Outcomes that a partner fixes for a persona of a sandbox, whatever the policies say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.domain.decisions.reason import REASONS
from gateway.domain.decisions.transitions import Status
from gateway.domain.duration import format_duration, parse_duration
from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import Product
from gateway.domain.policies.rule import Rule, Verdict

MOST_REASONS = 4
"""The largest number of reason codes of one outcome."""

_REVIEW_REASONS = ("TIER_BELOW_REQUIRED",)
_FIRST = (Status.APPROVED, Status.DECLINED, Status.PENDING)
APPROVED = Rule(id="sandbox:persona-approved", verdict=Verdict.APPROVE, share=100)
"""Approves all that is asked for, on the terms of the policy's best rule."""


@dataclass(frozen=True, slots=True)
class OutcomeOverride:
    """The outcome of all requests for one product. `status` is APPROVED, DECLINED or PENDING. A decline has `reasons`;
    those of a manual review are the default ones of its decline. With `delay` the request is in manual review first,
    and gets its status after this much business time."""

    product: Product
    status: Status
    reasons: tuple[str, ...] = ()
    delay: timedelta | None = None

    @property
    def first_rule(self) -> Rule:
        """The rule that decides the request. Its id begins with sandbox, so that the log shows that no policy
        decided."""
        if self.status is Status.PENDING or self.delay is not None:
            reasons = self.reasons or _REVIEW_REASONS
            return Rule(id="sandbox:persona-pending", verdict=Verdict.REFER, reasons=reasons)
        if self.status is Status.APPROVED:
            return APPROVED
        return Rule(id="sandbox:persona-declined", verdict=Verdict.DECLINE, reasons=self.reasons)

    def document(self) -> dict[str, Any]:
        """Returns a JSON-safe document; `override_from_document` reads it."""
        return {
            "product": self.product.value,
            "status": self.status.value,
            "reasons": list(self.reasons),
            "delay": None if self.delay is None else format_duration(self.delay),
        }


def override_from_document(document: Mapping[str, Any]) -> OutcomeOverride:
    """Returns the override in a document that `OutcomeOverride.document` returned."""
    delay = document["delay"]
    return OutcomeOverride(
        Product(document["product"]),
        Status(document["status"]),
        tuple(document["reasons"]),
        None if delay is None else parse_duration(delay),
    )


def find_override(documents: Sequence[Mapping[str, Any]], product: Product) -> OutcomeOverride | None:
    """Returns the override for a product, None if there is none."""
    return next((override_from_document(each) for each in documents if each["product"] == product.value), None)


def require_overrides(
    overrides: Sequence[OutcomeOverride], longest_review: Callable[[Product], timedelta | None]
) -> None:
    """Raises InvalidInput with a field path that begins with overrides, unless all of these can hold for one person.
    `longest_review` returns how long a manual review of a product lasts at most, None for a product that no adapter
    has."""
    for number, override in enumerate(overrides):
        try:
            _require_valid(override, longest_review(override.product))
            if any(each.product is override.product for each in overrides[:number]):
                raise InvalidInput("INVALID", "This product has an override already.", ("product",))
        except InvalidInput as error:
            raise error.with_prefix("overrides", str(number)) from None


def _require_valid(override: OutcomeOverride, longest_review: timedelta | None) -> None:
    status, delay = override.status, override.delay
    if longest_review is None:
        raise InvalidInput("PRODUCT_NOT_ENABLED", "No adapter of this sandbox has this product.", ("product",))
    if status not in _FIRST:
        names = ", ".join(_FIRST)
        raise InvalidInput("INVALID", f"A new decision has one of the statuses {names}.", ("status",))
    _require_reasons(override)
    if delay is None:
        return
    if status is Status.PENDING:
        raise InvalidInput("INVALID", "A decision that stays PENDING has no delay.", ("delay",))
    if not timedelta(0) < delay < longest_review:
        most = format_duration(longest_review)
        raise InvalidInput("INVALID_PERIOD", f"The delay must be longer than zero and shorter than {most}.", ("delay",))


def _require_reasons(override: OutcomeOverride) -> None:
    status, reasons = override.status, override.reasons
    if status is Status.APPROVED and reasons:
        raise InvalidInput("INVALID", "An approval of all that is asked for has no reasons.", ("reasonCodes",))
    if status is Status.DECLINED and not reasons:
        raise InvalidInput("INVALID", "A decline must have reason codes.", ("reasonCodes",))
    if len(reasons) > MOST_REASONS:
        raise InvalidInput("INVALID", f"has more than {MOST_REASONS} codes", ("reasonCodes",))
    for number, code in enumerate(reasons):
        if code not in REASONS:
            raise InvalidInput("INVALID", f"Known codes: {' '.join(REASONS)}.", ("reasonCodes", str(number)))
        if not REASONS[code].merchant_may_see:
            raise InvalidInput("INVALID", "Merchants never see this code.", ("reasonCodes", str(number)))
        if code in reasons[:number]:
            raise InvalidInput("INVALID", "is in the list twice", ("reasonCodes", str(number)))
