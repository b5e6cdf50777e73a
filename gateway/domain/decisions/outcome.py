"""The outcome of a decision request: approved with terms, declined with reasons, or in manual review."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain.decisions.terms import Terms, terms_from_document
from gateway.domain.merchants import Product
from gateway.domain.period import format_moment, parse_moment


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval. Its `terms` are valid until `valid_until` (UTC); `reasons` say why it is less than requested, if it
    is."""

    terms: Terms
    valid_until: datetime
    reasons: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Returns a JSON-safe document; `outcome_from_document` reads it."""
        return {
            "kind": "APPROVAL",
            "terms": self.terms.document(),
            "valid_until": format_moment(self.valid_until),
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True)
class Decline:
    """A decline. Raises ValueError without reasons. A request before `retry_after` (UTC) would be declined again."""

    reasons: tuple[str, ...]
    retry_after: datetime | None = None
    alternatives: tuple[Product, ...] = ()

    def __post_init__(self) -> None:
        if not self.reasons:
            raise ValueError("a decline must name its reasons")

    def document(self) -> dict[str, Any]:
        """Returns a JSON-safe document; `outcome_from_document` reads it."""
        return {
            "kind": "DECLINE",
            "reasons": list(self.reasons),
            "retry_after": format_moment(self.retry_after) if self.retry_after else None,
            "alternatives": [product.value for product in self.alternatives],
        }


@dataclass(frozen=True, slots=True)
class ManualReview:
    """Not decided yet: an operator will decide."""

    reasons: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Returns a JSON-safe document; `outcome_from_document` reads it."""
        return {"kind": "REFERRAL", "reasons": list(self.reasons)}


Outcome = Approval | Decline | ManualReview


def outcome_from_document(document: Mapping[str, Any]) -> Outcome:
    """Reads an outcome from its document. Raises ValueError for an unknown kind."""
    reasons = tuple(document["reasons"])
    match document["kind"]:
        case "APPROVAL":
            return Approval(terms_from_document(document["terms"]), parse_moment(document["valid_until"]), reasons)
        case "DECLINE":
            retry_after = document["retry_after"]
            return Decline(
                reasons,
                parse_moment(retry_after) if retry_after else None,
                tuple(map(Product, document["alternatives"])),
            )
        case "REFERRAL":
            return ManualReview(reasons)
        case kind:
            raise ValueError(f"unknown kind of outcome {kind!r}")
