"""The result of a rule that decides an ask instead of the policy."""

from datetime import datetime
from typing import Any

from gateway.domain.errors import InvalidInput
from gateway.domain.policies.forced import force
from gateway.domain.policies.rule import Rule, Verdict
from merchants.adapter import AdapterResult, MerchantAdapter


def force_result(
    adapter: MerchantAdapter[Any], ask: object, result: AdapterResult, rule: Rule, now: datetime
) -> AdapterResult:
    """The result of a forced rule for this ask, in place of `result`. An approval has the terms of the policy's rule
    that grants the most. Raises InvalidInput if the rule approves, but no rule of the policy does."""
    policy_result = result.policy_result
    if rule.verdict is Verdict.APPROVE:
        best = next(iter(adapter.review_rules(now)), None)
        if best is None:
            raise InvalidInput("INVALID", "No rule of the policy approves, so no approval can be forced.", ("ask",))
        policy_result = adapter.manual_approval(ask, best, now).policy_result
    policy_result = force(policy_result, rule)
    return AdapterResult(adapter.outcome(ask, policy_result, now), policy_result)
