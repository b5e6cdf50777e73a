"""Requirements on single outcomes: their amounts, dates and reasons."""

from collections.abc import Iterator

from gateway.domain.decisions.check_in import CheckInTerms
from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.terms import DepositTerms
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW, Person
from merchants.conformance.requirement import Adapter, policy_versions, requirement
from merchants.conformance.samples import boundary_asks, decide_sample, decide_samples, sample_persons


@requirement("amounts add up")
def money_conservation(adapter: Adapter) -> Iterator[str]:
    """The amount at risk of an approval is at most the requested amount, and the waived and due parts of a deposit add
    up to the deposit."""
    for version in policy_versions(adapter):
        for sample in decide_samples(version):
            if not isinstance(sample.outcome, Approval):
                continue
            requested, terms = version.requested_amount(sample.ask), sample.outcome.terms
            if not Money.zero(requested.currency) <= terms.exposed <= requested:
                yield f"{sample.ask} puts {terms.exposed} at risk"
            if isinstance(terms, DepositTerms | CheckInTerms):
                deposit = version.divisible_amount(sample.ask)
                if terms.waived_amount + terms.deposit_due != deposit:
                    yield f"{sample.ask}: {terms.waived_amount} waived and {terms.deposit_due} due are not {deposit}"


@requirement("reduced approval has reasons")
def reasons_named(adapter: Adapter) -> Iterator[str]:
    """An approval of less than the requested amount has a reason, and the adapter declares every reason."""
    for version in policy_versions(adapter):
        for sample in decide_samples(version):
            outcome = sample.outcome
            reduced = isinstance(outcome, Approval) and outcome.terms.exposed < version.requested_amount(sample.ask)
            if reduced and not outcome.reasons:
                yield f"{sample.ask} got less than it asked for, without a reason"
            unknown = set(outcome.reasons) - version.reason_codes
            if unknown:
                yield f"reasons {sorted(unknown)} are neither in the policy nor in own_reasons"


@requirement("every decline has a retry time")
def retry_after_present(adapter: Adapter) -> Iterator[str]:
    """Every decline has `retry_after`, the earliest time at which asking again can help."""
    for version in policy_versions(adapter):
        persons = [Person(tier, *counts) for tier in Tier for counts in ((1, 0), (0, 1))] + sample_persons(version)
        for ask in boundary_asks(version):
            for person in persons:
                outcome = decide_sample(version, ask, person)
                if isinstance(outcome, Decline) and outcome.retry_after is None:
                    yield f"{outcome.reasons}: the rule has no retry_after"


@requirement("every approval ends")
def approval_end(adapter: Adapter) -> Iterator[str]:
    """An approval is valid until a time after the request, and at most until its terms are due."""
    for version in policy_versions(adapter):
        for sample in decide_samples(version):
            outcome = sample.outcome
            if isinstance(outcome, Approval) and not SAMPLE_NOW < outcome.valid_until <= outcome.terms.due_at:
                yield f"{sample.ask}: valid until {outcome.valid_until}, due at {outcome.terms.due_at}"
