"""Reads a merchant's override of a policy, and the operator's bounds on it, from TOML. docs/policies.md describes both.

Every error is a Misconfigured that names file and rule. Unknown keys are errors too.
"""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.domain.policies.benefit import require_benefit
from gateway.domain.policies.override import Change, PolicyBounds, PolicyOverride, Range
from gateway.domain.policies.table import policy_error
from merchants.adapter import MerchantAdapter
from merchants.policies.reader import BENEFIT_READERS, PolicyReader

_ENDS = ("at_least", "at_most")


def read_override(text: str, source: str, adapter: MerchantAdapter[Any]) -> PolicyOverride:
    """The override of the adapter's policy in a TOML text. `source` is the name of the text in messages.

    Raises Misconfigured. `PolicyOverride.apply_to` checks that the override fits the policy; this function does not.
    """
    return _OverrideReader(text, source, ("policy", "version", "effective", "currency", "rule"), adapter).override()


def read_bounds(text: str, source: str, adapter: MerchantAdapter[Any]) -> PolicyBounds:
    """The bounds in a TOML text. Raises Misconfigured, also for a rule that approves in no version of the adapter's
    policy."""
    return _OverrideReader(text, source, ("policy", "currency", "rule"), adapter).bounds()


class _OverrideReader(PolicyReader):
    def __init__(self, text: str, source: str, header: tuple[str, ...], adapter: MerchantAdapter[Any]) -> None:
        super().__init__(text, source, header)
        self.adapter = adapter
        if self.currency != adapter.policy.currency:
            raise policy_error(
                source, f"the currency of {adapter.key} is {adapter.policy.currency}, not {self.currency}"
            )
        if self.content.get("policy") != adapter.policy.policy:
            raise policy_error(source, f"policy must be {adapter.policy.policy!r}, the policy of {adapter.key}")
        self.readers: Mapping[str, Callable[[Any], Any]] = {
            "share": lambda value: value,  # the value from TOML; checked in _value
            "maximum": self.money,
            **{name: BENEFIT_READERS[kind] for name, kind in adapter.benefits.items()},
        }

    def override(self) -> PolicyOverride:
        version = self.content.get("version")
        if not isinstance(version, str):
            raise policy_error(self.source, "version is missing or not a string")
        return PolicyOverride(
            policy=self.adapter.policy.policy,
            version=version,
            effective=self.content.get("effective"),  # type: ignore[arg-type]  # the override checks it
            changes={rule_id: self._change(raw, rule_id) for rule_id, raw in self._rules().items()},
            source=self.source,
        )

    def bounds(self) -> PolicyBounds:
        ranges = {rule_id: self._ranges(raw, rule_id) for rule_id, raw in self._rules().items()}
        approving = {rule_id for table in self.adapter.policies for rule_id in table.approving_rules}
        for rule_id in ranges:
            if rule_id not in approving:
                raise policy_error(
                    self.source, f"no version of {self.adapter.key}'s policy approves with this rule", rule_id
                )
        return PolicyBounds(policy=self.adapter.policy.policy, ranges=ranges, source=self.source)

    def _rules(self) -> dict[str, Any]:
        rules = self.content.get("rule", {})
        if not isinstance(rules, dict):
            raise policy_error(self.source, "rules must be written as [rule.NAME]")
        return {rule_id: self.mapping(raw, "a rule", rule_id) for rule_id, raw in rules.items()}

    def _change(self, raw: dict[str, Any], rule_id: str) -> Change:
        self.require_known_keys(raw, (*self.readers, "reasons"), rule_id)
        if not raw:
            raise policy_error(self.source, "changes nothing", rule_id)
        numbers = {name: self._value(raw, name, name, rule_id) for name in self.readers if name in raw}
        return Change(
            share=numbers.pop("share", None),
            maximum=numbers.pop("maximum", None),
            benefits=numbers,
            reasons=self.words(raw, "reasons", str, rule_id),
        )

    def _ranges(self, raw: dict[str, Any], rule_id: str) -> dict[str, Range]:
        self.require_known_keys(raw, tuple(self.readers), rule_id)
        return {name: self._range(self.mapping(ends, name, rule_id), name, rule_id) for name, ends in raw.items()}

    def _range(self, raw: dict[str, Any], name: str, rule_id: str) -> Range:
        self.require_known_keys(raw, _ENDS, rule_id)
        if not raw:
            raise policy_error(self.source, f"{name} needs at_least, at_most or both", rule_id)
        ends = {end: self._value(raw, end, name, rule_id) for end in raw}
        allowed = Range(**ends)
        if len(ends) == len(_ENDS) and not allowed.contains(allowed.at_least):
            raise policy_error(self.source, f"{name}: at_least is above at_most", rule_id)
        return allowed

    def _value(self, raw: dict[str, Any], key: str, name: str, rule_id: str) -> Any:
        """The value of `key`, read like a value of `name`, so that it can be compared with values of `name`."""
        value = self.optional(raw, key, self.readers[name], rule_id)
        if name == "share" and (type(value) is not int or not 1 <= value <= 100):
            raise policy_error(self.source, f"{key}: must be a whole number from 1 to 100", rule_id)
        if name in self.adapter.benefits:
            try:
                require_benefit(value, self.adapter.benefits[name])
            except ValueError as error:
                raise policy_error(self.source, f"{key}: {error}", rule_id) from None
        return value
