"""A consent: which scores a merchant may read and which decisions it may request about a person, for which purpose and
until when. OAuth responses have its id as `grant_id` (Grant Management for OAuth 2.0). It is not a grant type.
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain import scope
from gateway.domain.consents.authorization_detail import LEVELS, THRESHOLD, AuthorizationDetail
from gateway.domain.errors import ConsentRefused
from gateway.domain.merchants import PointOfSale, Product
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime


class ConsentStatus(StrEnum):
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class Consent:
    """One person's consent towards one merchant. `subject` is the pairwise user id; `user_id` never leaves the
    gateway. A `single_use` consent allows one decision; declined decisions do not count. `first_used_at` is when the
    merchant read or requested something under the consent for the first time. Times are the partner's business time in
    UTC."""

    id: str
    merchant_id: str
    client_id: str
    user_id: str
    subject: str
    scopes: tuple[str, ...]
    details: tuple[AuthorizationDetail, ...]
    granted_at: BusinessTime
    expires_at: BusinessTime
    revoked_at: BusinessTime | None
    single_use: bool = False
    first_used_at: BusinessTime | None = None

    def status(self, now: BusinessTime) -> ConsentStatus:
        if self.revoked_at is not None:
            return ConsentStatus.REVOKED
        return ConsentStatus.EXPIRED if now >= self.expires_at else ConsentStatus.ACTIVE

    @property
    def purpose(self) -> str:
        """The purpose codes of the details, joined by spaces."""
        return " ".join(dict.fromkeys(detail.purpose or "" for detail in self.details))

    def require_active(self, now: BusinessTime) -> None:
        """Raises ConsentRefused (CONSENT_REVOKED or CONSENT_EXPIRED) unless the consent is in force."""
        status = self.status(now)
        if status is not ConsentStatus.ACTIVE:
            raise ConsentRefused(f"CONSENT_{status}", f"The consent is {status.lower()}. Ask the person again.")

    def details_in_force(self, now: BusinessTime) -> tuple[AuthorizationDetail, ...]:
        """Returns the details that have not expired at `now`, as they were granted."""
        return tuple(detail for detail in self.details if self._is_in_force(detail, now))

    def scopes_in_force(self, now: BusinessTime) -> tuple[str, ...]:
        """Returns the scopes that a detail in force at `now` supports. A scope with a higher level than the details in
        force is replaced by the highest supported scope that it implies."""
        return scope.restrict(self.scopes, scope.expand(detail.scope for detail in self.details_in_force(now)))

    def score_purpose(self, level: str, now: BusinessTime) -> str | None:
        """Returns the purpose for which the score may be read at `level` ("threshold", "tier", "exact"), or None if no
        detail in force at `now` allows it."""
        wanted = LEVELS.index(level)
        for detail in self.details:
            if detail.level and LEVELS.index(detail.level) >= wanted and self._is_in_force(detail, now):
                return detail.purpose
        return None

    def threshold_tier(self, now: BusinessTime) -> Tier | None:
        """Returns the one tier that threshold inquiries may ask about, or None if the first inquiry decides it. Details
        of other levels are not bound, because they allow reading the tier itself."""
        in_force = self.details_in_force(now)
        return next((detail.minimum for detail in in_force if detail.level == THRESHOLD and detail.minimum), None)

    def require_unused(self, is_used: bool) -> None:
        """Raises ConsentRefused (CONSENT_EXPIRED) for a single-use consent that has been used. `is_used`: the consent
        has a decision that is not DECLINED."""
        if self.single_use and is_used:
            raise ConsentRefused(
                "CONSENT_EXPIRED", "The consent allowed one decision and has been used. Ask the person again."
            )

    def require_covers(
        self,
        product: Product,
        purpose: str,
        amount: Money,
        committed: Money,
        now: BusinessTime,
        point_of_sale: PointOfSale | None = None,
    ) -> None:
        """Raises ConsentRefused unless a decision detail in force covers product, purpose, point of sale, and `amount`
        plus `committed`, the amount of open decisions under this consent. Currencies must agree.

        A detail that names a point of sale covers asks from there only, and for exactly its amount, because the person
        agreed to one price. Other details cover asks from anywhere, up to their amount.
        """
        self.require_active(now)
        in_force = self.details_in_force(now)
        decisions = [detail for detail in in_force if detail.type == "decision"]
        by_product = [detail for detail in decisions if product in detail.products]
        if not by_product:
            raise ConsentRefused(
                "CONSENT_PRODUCT_NOT_COVERED",
                f"The consent does not cover {product}.",
                ("ask",),
                in_force,
            )
        by_purpose = [detail for detail in by_product if detail.purpose == purpose]
        if not by_purpose:
            raise ConsentRefused(
                "CONSENT_PURPOSE_MISMATCH",
                f"The consent was not given for the purpose {purpose}.",
                ("purpose",),
                in_force,
            )
        by_point_of_sale = [
            detail for detail in by_purpose if detail.point_of_sale is None or detail.point_of_sale == point_of_sale
        ]
        if not by_point_of_sale:
            raise ConsentRefused(
                "CONSENT_PRODUCT_NOT_COVERED",
                "The consent was given at another point of sale.",
                ("ask",),
                in_force,
            )
        if not any(_allows(detail, amount, amount + committed) for detail in by_point_of_sale):
            are_bound = all(detail.point_of_sale is not None for detail in by_point_of_sale)
            message = _OTHER_AMOUNT if are_bound else _AMOUNT_TOO_LARGE
            raise ConsentRefused("CONSENT_AMOUNT_EXCEEDED", message, ("ask",), in_force)

    def _is_in_force(self, detail: AuthorizationDetail, now: BusinessTime) -> bool:
        return detail.duration is None or now < self.granted_at + detail.duration


_AMOUNT_TOO_LARGE = "The amount plus the open decisions under this consent is more than the person agreed to."
_OTHER_AMOUNT = "The amount differs from the amount that the person agreed to at the point of sale."


def _allows(detail: AuthorizationDetail, amount: Money, total: Money) -> bool:
    maximum = detail.maximum_amount
    if maximum is None or maximum.currency != total.currency:
        return False
    return total <= maximum and (detail.point_of_sale is None or amount == maximum)
