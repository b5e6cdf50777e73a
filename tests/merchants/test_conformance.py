"""The requirements on adapters: the built-in adapters satisfy all of them, and each kind of violation is found."""

import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.errors import Misconfigured
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from merchants.adapter import AdapterResult, MerchantAdapter, Person
from merchants.bike_share import BikeRideAsk, BikeShare
from merchants.conformance import fairness
from merchants.conformance.check import POLICY_REQUIREMENTS, REQUIREMENTS, check_adapter, check_policy
from merchants.conformance.disclosure import outcome_documents
from merchants.conformance.requirement import SHOWN_FINDINGS, Finding, Requirement
from merchants.lender import Lender
from merchants.registry import discover
from tests.merchants.faulty_adapters import FAULTY
from tests.support.checkout import ROOT
from tests.support.policy import with_rules


@pytest.mark.parametrize("key", sorted(discover()))
@pytest.mark.slow
def test_built_in_adapters_satisfy_every_requirement(key: str) -> None:
    adapter = discover({key})[key]
    assert check_adapter(adapter) == {each.name: [] for each in REQUIREMENTS}
    assert list(check_policy(adapter, adapter.policy)) == []


@pytest.mark.parametrize(
    ("requirement", "adapter", "problem"), [pytest.param(*each, id=each[1].__name__) for each in FAULTY]
)
def test_violation_is_found(requirement: Requirement, adapter: type[MerchantAdapter[Any]], problem: str) -> None:
    findings = list(requirement(adapter()))
    assert {finding.requirement for finding in findings} == {requirement.name}
    assert [finding for finding in findings if problem in finding.problem], findings[:3]


def test_each_requirement_has_a_violating_adapter() -> None:
    planted = {requirement.name for requirement, _, _ in FAULTY} | {outcome_documents.name}
    assert planted == {each.name for each in REQUIREMENTS}


def ignore_limit(
    adapter: Any, ask: Any, person: Person, now: datetime, result: AdapterResult, limit: Money
) -> AdapterResult:
    return result


def grant_cent_below_best_tier(
    adapter: Any, ask: Any, person: Person, now: datetime, result: AdapterResult, limit: Money
) -> AdapterResult:
    """Grants one cent to every tier but the best, which it declines."""
    if person.tier is Tier.EXCELLENT or not isinstance(result.outcome, Approval):
        return replace(result, outcome=Decline(("EXPOSURE_LIMIT_REACHED",), now))
    cent = adapter.outcome(ask, replace(result.policy_result, maximum=Money(1, "CNY")), now)
    return replace(result, outcome=cent)


def grant_best_tier_terms(
    adapter: Any, ask: Any, person: Person, now: datetime, result: AdapterResult, limit: Money
) -> AdapterResult:
    """Grants the terms of the best tier and ignores the limit."""
    return adapter.decide(ask, Person(Tier.EXCELLENT, 0), now)  # type: ignore[no-any-return]


def decline_all(
    adapter: Any, ask: Any, person: Person, now: datetime, result: AdapterResult, limit: Money
) -> AdapterResult:
    return replace(result, outcome=Decline(("EXPOSURE_LIMIT_REACHED",), now))


@pytest.mark.parametrize(
    ("fit", "problem"),
    [
        (ignore_limit, "was granted more than the available limit"),
        (grant_best_tier_terms, "FAIR got a better outcome with a smaller available limit"),
        (grant_cent_below_best_tier, "but EXCELLENT got"),
        (decline_all, "although the merchant accepts a part"),
    ],
)
def test_unfair_reduction_to_the_available_limit_is_found(
    monkeypatch: pytest.MonkeyPatch, fit: Any, problem: str
) -> None:
    monkeypatch.setattr(fairness, "fit_to_available_limit", fit)
    problems = [finding.problem for finding in fairness.available_limit_monotonicity(BikeShare())]
    assert [each for each in problems if problem in each]


def test_partial_approval_is_found_if_the_merchant_accepts_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    class AllOrNothing(BikeShare):
        def all_or_nothing_reason(self, ask: BikeRideAsk) -> str | None:
            return "REDUCTION_NOT_ACCEPTED"

    def grant_part(
        adapter: Any, ask: Any, person: Person, now: datetime, result: AdapterResult, limit: Money
    ) -> AdapterResult:
        return BikeShare().decide(replace(ask, deposit=Money(100, "CNY")), person, now)

    assert list(fairness.available_limit_monotonicity(AllOrNothing())) == []
    monkeypatch.setattr(fairness, "fit_to_available_limit", grant_part)
    problems = [finding.problem for finding in fairness.available_limit_monotonicity(AllOrNothing())]
    assert "although the merchant accepts no part" in problems[-1]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"tier": "EXCELLENT"}, "the document names the tier"),
        ({"tier": "EXCELLENT"}, "does not have exactly its fields: tier"),
        ({"reasons": []}, "differs when it is read back"),
    ],
)
def test_document_that_differs_from_its_outcome_is_found(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], problem: str
) -> None:
    for kind in (Approval, Decline):
        document = kind.document
        monkeypatch.setattr(kind, "document", lambda self, document=document: {**document(self), **change})
    if problem.startswith("differs"):
        monkeypatch.setattr("merchants.conformance.disclosure.outcome_from_document", lambda document: None)
    problems = [finding.problem for finding in outcome_documents(BikeShare())]
    assert [each for each in problems if problem in each]


def test_numbers_far_above_the_sample_asks_are_tried() -> None:
    """No bike has such a deposit, but an override may have this maximum. Then the higher tier would get less."""
    table = BikeShare.policy
    most = {"excellent": Money.parse("500000.00", "CNY"), "very-good": Money.parse("600000.00", "CNY")}
    rules = [replace(rule, maximum=most.get(rule.id, rule.maximum)) for rule in table.rules]
    unfair = with_rules(table, rules, "unfair")
    assert {each.requirement for each in check_policy(BikeShare(), unfair)} == {"better tier never gets worse outcome"}


def test_policy_of_another_adapter_is_rejected() -> None:
    with pytest.raises(Misconfigured, match="other columns or benefits"):
        list(check_policy(BikeShare(), Lender.policy))


def test_exception_of_an_adapter_is_a_finding() -> None:
    class Broken(BikeShare):
        def check(self, ask: BikeRideAsk, now: datetime) -> None:
            raise ZeroDivisionError("no bikes")

    findings = check_adapter(Broken())
    assert findings["every approval ends"] == [Finding("every approval ends", "ZeroDivisionError: no bikes")]
    assert sum(map(bool, findings.values())) > 5
    assert {each.requirement for each in check_policy(Broken(), Broken.policy)} == {
        each.name for each in POLICY_REQUIREMENTS
    }


def test_check_adapter_returns_a_few_findings_of_each_requirement() -> None:
    class Unpaid(BikeShare):
        golden = tuple(replace(case, reasons=("NOT_SCORED",), name=case.name.upper()) for case in BikeShare.golden)

    assert len(check_adapter(Unpaid())["golden cases have expected outcomes"]) == SHOWN_FINDINGS


OPTIMIZED = """
from merchants.bike_share import BikeShare
from merchants.conformance.check import check_adapter, check_policy
from merchants.testing import AdapterContract
from tests.merchants.faulty_adapters import FAULTY, ApprovesOverdue

assert False, "assertions are enabled"
for requirement, adapter, _ in FAULTY:
    if not any(requirement(adapter())):
        raise SystemExit(f"no finding for {adapter.__name__}: {requirement.name}")
if not check_adapter(ApprovesOverdue())["overdue is never approved"]:
    raise SystemExit("check_adapter found nothing")
if not any(check_policy(BikeShare(), ApprovesOverdue.policy)):
    raise SystemExit("check_policy found nothing")
suite = AdapterContract()
suite.adapter = ApprovesOverdue
try:
    suite.test_overdue_is_never_approved()
except AssertionError:
    print("found")
"""


def test_violations_are_found_without_assertions() -> None:
    command = [sys.executable, "-O", "-c", OPTIMIZED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "found\n"), done.stdout + done.stderr
