"""Requirements on golden cases, and on how much of a policy the golden cases and sample asks reach."""

from collections.abc import Iterator

from merchants.conformance.requirement import Adapter, policy_versions, requirement
from merchants.conformance.samples import decide_samples


@requirement("golden cases come out as written")
def golden_cases(adapter: Adapter) -> Iterator[str]:
    """There are golden cases, and each has the expected result."""
    if not adapter.golden:
        yield "an adapter brings golden cases"
    for case in adapter.golden:
        difference = case.difference(adapter.decide(case.ask, case.person, case.now))
        if difference is not None:
            yield difference


@requirement("every rule is reached")
def rules_reached(adapter: Adapter) -> Iterator[str]:
    """Each rule of each version decides some golden case or some boundary ask."""
    for version in policy_versions(adapter):
        reached = {version.decide(case.ask, case.person, case.now).policy_result.rule_id for case in version.golden}
        reached |= {sample.rule_id for sample in decide_samples(version)}
        unused = {rule.id for table in version.policies for rule in table.rules} - reached
        if unused:
            yield f"no golden case and no sample ask reaches the rules {sorted(unused)}"
