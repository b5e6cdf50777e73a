"""Requirements on golden cases, and on which rules of a policy the golden cases and sample asks reach."""

from collections.abc import Iterator

from merchants.conformance.requirement import Adapter, policy_versions, requirement
from merchants.conformance.samples import decide_samples


@requirement("golden cases have expected outcomes")
def golden_cases(adapter: Adapter) -> Iterator[str]:
    """There is at least one golden case, and each has the expected outcome."""
    if not adapter.golden:
        yield "the adapter has no golden cases"
    for case in adapter.golden:
        difference = case.difference(adapter.decide(case.ask, case.person, case.now))
        if difference is not None:
            yield difference


@requirement("every rule is reached")
def rules_reached(adapter: Adapter) -> Iterator[str]:
    """Each rule of each version decides at least one golden case or boundary ask."""
    for version in policy_versions(adapter):
        reached = {version.decide(case.ask, case.person, case.now).policy_result.rule_id for case in version.golden}
        reached |= {sample.rule_id for sample in decide_samples(version)}
        unused = {rule.id for table in version.policies for rule in table.rules} - reached
        if unused:
            yield f"no golden case and no sample ask reaches the rules {sorted(unused)}"
