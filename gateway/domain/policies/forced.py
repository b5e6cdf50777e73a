"""Rules that decide a request whatever the policy says: by the beginning of its merchant reference, or because the
outcomes of a persona are fixed. Only a sandbox has some (gateway.domain.environment), for the tests of partners."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from gateway.domain.decisions.exposure import LIMIT_REACHED
from gateway.domain.policies.rule import Rule, Verdict
from gateway.domain.policies.table import PolicyResult, Tried

ForcedRules = Mapping[str, Rule]
"""Rules by the beginning of the merchant references that they decide."""

NO_FORCED_RULES: ForcedRules = MappingProxyType({})
FORCED_RULES: ForcedRules = MappingProxyType(
    {
        # The reasons of a manual review are the default ones of its decline.
        "force-pending-": Rule(id="sandbox:force-pending", verdict=Verdict.REFER, reasons=("TIER_BELOW_REQUIRED",)),
        "force-limit-": Rule(
            id="sandbox:force-limit",
            verdict=Verdict.DECLINE,
            reasons=(LIMIT_REACHED,),
            retry_after=timedelta(days=1),
        ),
    }
)
"""The rules of a sandbox. Their ids begin with sandbox, so that the log shows that no policy decided."""


def find_forced_rule(rules: ForcedRules, merchant_reference: str) -> Rule | None:
    """Returns the rule that decides a request with this reference, None if the policy decides it."""
    return next((rule for start, rule in rules.items() if merchant_reference.startswith(start)), None)


def force(result: PolicyResult, rule: Rule) -> PolicyResult:
    """Returns the result of a forced rule, in place of a policy's result. It names the policy, but the rule and the
    trace are those of the forced rule. An approval has the benefits of `result`."""
    return replace(
        result,
        verdict=rule.verdict,
        share=rule.share or 0,
        maximum=rule.maximum,
        benefits=result.benefits if rule.verdict is Verdict.APPROVE else {},
        reasons=rule.reasons,
        retry_after=rule.retry_after,
        alternatives=rule.alternatives,
        rule_id=rule.id,
        trace=(Tried(rule.id, None),),
    )
