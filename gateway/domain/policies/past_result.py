"""Reads a policy result from its document in the log, even if its policy is no longer installed."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from gateway.domain.duration import parse_duration
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.policies.benefit import Benefit, BenefitKind, require_benefit
from gateway.domain.policies.rule import Verdict
from gateway.domain.policies.table import PolicyResult, Tried


def policy_result_from_document(document: Mapping[str, Any], benefits: Mapping[str, BenefitKind]) -> PolicyResult:
    """Reads a policy result from its document. `benefits` are the kinds that the adapter declares. Raises LookupError,
    ValueError or InvalidInput for a document of another form, such as one with benefits that the adapter no longer
    has."""
    maximum, retry_after = document["maximum"], document["retry_after"]
    return PolicyResult(
        verdict=Verdict(document["verdict"]),
        share=document["share"],
        maximum=None if maximum is None else Money.from_document(maximum),
        benefits=benefits_from_document(document["benefits"], benefits),
        reasons=tuple(document["reasons"]),
        retry_after=None if retry_after is None else parse_duration(retry_after),
        alternatives=tuple(map(Product, document["alternatives"])),
        policy=document["policy"],
        policy_version=document["policy_version"],
        policy_hash=document["policy_hash"],
        rule_id=document["rule_id"],
        trace=tuple(Tried(tried["rule_id"], tried["failed"]) for tried in document["trace"]),
    )


def benefits_from_document(document: Mapping[str, Any], kinds: Mapping[str, BenefitKind]) -> dict[str, Benefit]:
    """Reads the member `benefits` of such a document. Raises the same errors as `policy_result_from_document`."""
    return {name: _benefit(value, kinds[name]) for name, value in document.items()}


def _benefit(value: Any, kind: BenefitKind) -> Benefit:
    benefit: Any = value
    if kind is BenefitKind.NUMBER and isinstance(value, str):
        benefit = Decimal(value)
    if kind is BenefitKind.DURATION:
        benefit = parse_duration(value)
    require_benefit(benefit, kind)
    return benefit  # type: ignore[no-any-return]  # require_benefit has checked the type
