"""Reads a merchant's override of a policy, and the operator's bounds to it, from TOML. README.md beside this file
describes both. Every fault is a Misconfigured that names file and rule; unknown keys are faults too."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.domain.benefit import require_benefit
from gateway.domain.policy import fault
from gateway.domain.policy_override import Change, PolicyBounds, PolicyOverride, Range
from merchants.contract import MerchantAdapter
from merchants.policy_file import BENEFIT_READERS, PolicyFile

_ENDS = ("at_least", "at_most")


def read_override(text: str, source: str, adapter: MerchantAdapter[Any]) -> PolicyOverride:
    """The override of the adapter's policy in a TOML text; messages call it `source`. Whether it fits the policy, only
    `PolicyOverride.on` tells. Raises Misconfigured."""
    return _Reader(text, source, ("policy", "version", "effective", "currency", "rule"), adapter).override()


def read_bounds(text: str, source: str, adapter: MerchantAdapter[Any]) -> PolicyBounds:
    """The bounds in a TOML text, each of a rule that approves in some version of the adapter's policy. Raises
    Misconfigured."""
    return _Reader(text, source, ("policy", "currency", "rule"), adapter).bounds()


class _Reader(PolicyFile):
    def __init__(self, text: str, source: str, header: tuple[str, ...], adapter: MerchantAdapter[Any]) -> None:
        super().__init__(text, source, header)
        self.adapter = adapter
        if self.currency != adapter.policy.currency:
            raise fault(source, f"the currency of {adapter.key} is {adapter.policy.currency}, not {self.currency}")
        if self.content.get("policy") != adapter.policy.policy:
            raise fault(source, f"policy must be {adapter.policy.policy!r}, the one of {adapter.key}")
        self.readers: Mapping[str, Callable[[Any], Any]] = {
            "share": lambda value: value,  # as TOML has it; checked below
            "maximum": self.money,
            **{name: BENEFIT_READERS[kind] for name, kind in adapter.benefits.items()},
        }

    def override(self) -> PolicyOverride:
        version = self.content.get("version")
        if not isinstance(version, str):
            raise fault(self.source, "version is missing, or no text")
        return PolicyOverride(
            policy=self.adapter.policy.policy,
            version=version,
            effective=self.content.get("effective"),  # type: ignore[arg-type]  # which the override checks
            changes={rule_id: self._change(raw, rule_id) for rule_id, raw in self._rules().items()},
            source=self.source,
        )

    def bounds(self) -> PolicyBounds:
        ranges = {rule_id: self._ranges(raw, rule_id) for rule_id, raw in self._rules().items()}
        approving = {rule_id for table in self.adapter.policies for rule_id in table.approving}
        for rule_id in ranges:
            if rule_id not in approving:
                raise fault(self.source, f"no version of {self.adapter.key}'s policy approves by this rule", rule_id)
        return PolicyBounds(policy=self.adapter.policy.policy, ranges=ranges, source=self.source)

    def _rules(self) -> dict[str, Any]:
        rules = self.content.get("rule", {})
        if not isinstance(rules, dict):
            raise fault(self.source, "rules are written as [rule.NAME]")
        return {rule_id: self.mapping(raw, "a rule", rule_id) for rule_id, raw in rules.items()}

    def _change(self, raw: dict[str, Any], rule_id: str) -> Change:
        self.only_keys(raw, (*self.readers, "reasons"), rule_id)
        if not raw:
            raise fault(self.source, "changes nothing", rule_id)
        given = {name: self._value(raw, name, name, rule_id) for name in self.readers if name in raw}
        return Change(
            share=given.pop("share", None),
            maximum=given.pop("maximum", None),
            benefits=given,
            reasons=self.words(raw, "reasons", str, rule_id),
        )

    def _ranges(self, raw: dict[str, Any], rule_id: str) -> dict[str, Range]:
        self.only_keys(raw, tuple(self.readers), rule_id)
        return {name: self._range(self.mapping(ends, name, rule_id), name, rule_id) for name, ends in raw.items()}

    def _range(self, raw: dict[str, Any], name: str, rule_id: str) -> Range:
        self.only_keys(raw, _ENDS, rule_id)
        if not raw:
            raise fault(self.source, f"{name} needs at_least, at_most or both", rule_id)
        ends = {end: self._value(raw, end, name, rule_id) for end in raw}
        found = Range(**ends)
        if len(ends) == len(_ENDS) and not found.holds(found.at_least):
            raise fault(self.source, f"{name}: at_least lies above at_most", rule_id)
        return found

    def _value(self, raw: dict[str, Any], key: str, name: str, rule_id: str) -> Any:
        """What `key` holds, of the kind of `name`: values and bounds of another kind could not be compared."""
        value = self.optional(raw, key, self.readers[name], rule_id)
        if name == "share" and (type(value) is not int or not 1 <= value <= 100):
            raise fault(self.source, f"{key}: needs a whole number from 1 to 100", rule_id)
        if name in self.adapter.benefits:
            try:
                require_benefit(value, self.adapter.benefits[name])
            except ValueError as error:
                raise fault(self.source, f"{key}: {error}", rule_id) from None
        return value
