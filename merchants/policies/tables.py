"""Reads a policy.toml into a decision table. merchants/README.md describes the format.

Every error is a Misconfigured that names file, rule and column. Unknown keys are errors too.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import Product
from gateway.domain.policies.benefit import BenefitKind
from gateway.domain.policies.column import Cell, ColumnKind
from gateway.domain.policies.rule import Rule, Verdict
from gateway.domain.policies.table import DecisionTable, policy_error
from gateway.domain.policies.versions import PolicySet
from gateway.domain.scoring.tier import Tier
from merchants.policies.reader import BENEFIT_READERS, PolicyReader, read_duration, read_text

_HEADER = ("policy", "version", "effective", "currency", "rule")
_VERDICTS = {"approve": Verdict.APPROVE, "decline": Verdict.DECLINE, "refer": Verdict.REFER}
_OUTCOME_KEYS = ("share", "maximum", "reasons", "retry_after", "alternatives")
_OPERATORS = ("at_least", "at_most", "one_of", "is")
_NONE: Mapping[str, BenefitKind] = MappingProxyType({})


def load_table(
    path: Path, columns: Mapping[str, ColumnKind], benefits: Mapping[str, BenefitKind] = _NONE
) -> DecisionTable:
    """The checked table in the file at `path`. `benefits` are what each approval grants besides the amount. Raises
    Misconfigured."""
    text, source = read_text(path)
    return read_table(text, columns, source, benefits)


def load_tables(
    folder: Path, columns: Mapping[str, ColumnKind], benefits: Mapping[str, BenefitKind] = _NONE
) -> PolicySet:
    """The versions of a policy in a folder: policy.toml, and all policy.NAME.toml such as policy.2027-01-01.toml.

    A version is effective from the date in the file, not from a date in its name. Raises Misconfigured, also for two
    versions with the same date.
    """
    files = [folder / "policy.toml", *sorted(folder.glob("policy.*.toml"))]
    return PolicySet([load_table(file, columns, benefits) for file in files])


def read_table(
    text: str, columns: Mapping[str, ColumnKind], source: str, benefits: Mapping[str, BenefitKind] = _NONE
) -> DecisionTable:
    """The checked table in a TOML text. `source` is the name of the text in messages. Raises Misconfigured."""
    return _TableReader(text, source, columns, benefits).table()


class _TableReader(PolicyReader):
    def __init__(
        self, text: str, source: str, columns: Mapping[str, ColumnKind], benefits: Mapping[str, BenefitKind]
    ) -> None:
        super().__init__(text, source, _HEADER)
        self.columns, self.benefits = columns, benefits

    def table(self) -> DecisionTable:
        taken = sorted(self.benefits.keys() & set(_OUTCOME_KEYS))
        if taken:
            raise policy_error(self.source, f"a benefit cannot be called {taken[0]}: this is a key of every outcome")
        rules = self.content.get("rule", [])
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise policy_error(self.source, "rules must be written as [[rule]]")
        return DecisionTable(
            policy=self.content.get("policy", ""),
            version=self.content.get("version", ""),
            effective=self.content.get("effective"),  # type: ignore[arg-type]  # the table checks that it is a date
            currency=self.currency,
            columns=self.columns,
            rules=[self._rule(rule, number) for number, rule in enumerate(rules, start=1)],
            source=self.source,
            benefits=self.benefits,
        )

    def _rule(self, raw: dict[str, Any], number: int) -> Rule:
        name = raw.get("id")
        if not isinstance(name, str) or not name:
            raise policy_error(self.source, f"rule number {number} has no id")
        self.require_known_keys(raw, ("id", "when", *_VERDICTS), name)
        verdicts = [word for word in _VERDICTS if word in raw]
        if len(verdicts) != 1:
            raise policy_error(self.source, "must have exactly one of approve, decline and refer", name)
        outcome = self.mapping(raw[verdicts[0]], verdicts[0], name)
        self.require_known_keys(outcome, (*_OUTCOME_KEYS, *self.benefits), name)
        when = self.mapping(raw.get("when", {}), "when", name)
        return Rule(
            id=name,
            when=tuple(self._cell(column, tests, name) for column, tests in when.items()),
            verdict=_VERDICTS[verdicts[0]],
            share=outcome.get("share"),
            maximum=self.optional(outcome, "maximum", self.money, name),
            benefits={
                benefit: self.optional(outcome, benefit, BENEFIT_READERS[kind], name)
                for benefit, kind in self.benefits.items()
                if benefit in outcome
            },
            reasons=self.words(outcome, "reasons", str, name),
            retry_after=self.optional(outcome, "retry_after", read_duration, name),
            alternatives=self.words(outcome, "alternatives", Product, name),
        )

    def _cell(self, column: str, raw: Any, rule: str) -> Cell:
        if column not in self.columns:
            raise policy_error(self.source, f"unknown column; known columns: {', '.join(self.columns)}", rule, column)
        tests = self.mapping(raw, "a test", rule, column)
        self.require_known_keys(tests, _OPERATORS, rule, column)
        read = self._value_reader(self.columns[column])
        values: dict[str, Any] = {}
        for operator, value in tests.items():
            if operator == "one_of" and not isinstance(value, list):
                raise policy_error(self.source, "one_of must be a list", rule, column)
            try:
                values[operator] = tuple(map(read, value)) if operator == "one_of" else read(value)
            except (ValueError, InvalidInput) as error:
                raise policy_error(self.source, f"{operator}: {error}", rule, column) from None
        return Cell(column, values.get("at_least"), values.get("at_most"), values.get("one_of"), values.get("is"))

    def _value_reader(self, kind: ColumnKind) -> Callable[[Any], Any]:
        match kind:
            case ColumnKind.TIER:
                return _tier
            case ColumnKind.AMOUNT:
                return self.money
            case ColumnKind.DURATION:
                return read_duration
        return lambda value: value  # counts, flags and words are values from TOML; the table checks their types


def _tier(name: Any) -> Tier:
    try:
        return Tier(name)
    except ValueError:
        raise ValueError(f"{name!r} is not a tier: use {', '.join(Tier)}") from None
