"""Reads a policy.toml into a decision table. README.md beside this file describes the format.

Every fault is a Misconfigured that names file, rule and column; unknown keys are faults too.
"""

import tomllib
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gateway.domain.benefit import BenefitKind
from gateway.domain.column import Cell, ColumnKind
from gateway.domain.currency import EXPONENTS
from gateway.domain.duration import parse_duration
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.policy import DecisionTable, fault
from gateway.domain.policy_set import PolicySet
from gateway.domain.product import Product
from gateway.domain.rule import Rule, Verdict
from gateway.domain.tier import Tier

_HEADER = ("policy", "version", "effective", "currency", "rule")
_VERDICTS = {"approve": Verdict.APPROVE, "decline": Verdict.DECLINE, "refer": Verdict.REFER}
_OUTCOME_KEYS = ("share", "maximum", "reasons", "retry_after", "alternatives")
_OPERATORS = ("at_least", "at_most", "one_of", "is")
_NONE: Mapping[str, BenefitKind] = MappingProxyType({})


def load_table(
    path: Path, columns: Mapping[str, ColumnKind], benefits: Mapping[str, BenefitKind] = _NONE
) -> DecisionTable:
    """The checked table in the file at `path`; `benefits` are what each approval grants beside the amount. Raises
    Misconfigured."""
    source = "/".join(path.resolve().parts[-2:])
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise fault(source, f"cannot be read: {error}") from None
    return read_table(text, columns, source, benefits)


def load_tables(
    folder: Path, columns: Mapping[str, ColumnKind], benefits: Mapping[str, BenefitKind] = _NONE
) -> PolicySet:
    """The versions of a policy in a folder: policy.toml, and beside it any policy.WORD.toml, such as
    policy.2027-01-01.toml. What counts is the date inside. Raises Misconfigured, for two of one date too."""
    files = [folder / "policy.toml", *sorted(folder.glob("policy.*.toml"))]
    return PolicySet([load_table(file, columns, benefits) for file in files])


def read_table(
    text: str, columns: Mapping[str, ColumnKind], source: str, benefits: Mapping[str, BenefitKind] = _NONE
) -> DecisionTable:
    """The checked table in a TOML text; messages call it `source`. Raises Misconfigured."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise fault(source, f"is not TOML: {error}") from None
    return _Reader(source, columns, benefits, content).table()


class _Reader:
    def __init__(
        self,
        source: str,
        columns: Mapping[str, ColumnKind],
        benefits: Mapping[str, BenefitKind],
        content: dict[str, Any],
    ) -> None:
        self.source, self.columns, self.benefits, self.content = source, columns, benefits, content
        self.currency = str(content.get("currency", ""))

    def table(self) -> DecisionTable:
        self._only_keys(self.content, _HEADER)
        if self.currency not in EXPONENTS:
            raise fault(self.source, "currency is missing or unknown")
        taken = sorted(self.benefits.keys() & set(_OUTCOME_KEYS))
        if taken:
            raise fault(self.source, f"a benefit cannot be called {taken[0]}: every outcome has that")
        rules = self.content.get("rule", [])
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise fault(self.source, "rules are written as [[rule]]")
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
            raise fault(self.source, f"rule number {number} has no id")
        self._only_keys(raw, ("id", "when", *_VERDICTS), name)
        given = [word for word in _VERDICTS if word in raw]
        if len(given) != 1:
            raise fault(self.source, "exactly one of approve, decline and refer is needed", name)
        outcome = self._mapping(raw[given[0]], given[0], name)
        self._only_keys(outcome, (*_OUTCOME_KEYS, *self.benefits), name)
        when = self._mapping(raw.get("when", {}), "when", name)
        return Rule(
            id=name,
            when=tuple(self._cell(column, tests, name) for column, tests in when.items()),
            verdict=_VERDICTS[given[0]],
            share=outcome.get("share"),
            maximum=self._optional(outcome, "maximum", self._money, name),
            benefits={
                benefit: self._optional(outcome, benefit, _READERS[kind], name)
                for benefit, kind in self.benefits.items()
                if benefit in outcome
            },
            reasons=self._words(outcome, "reasons", str, name),
            retry_after=self._optional(outcome, "retry_after", _duration, name),
            alternatives=self._words(outcome, "alternatives", Product, name),
        )

    def _cell(self, column: str, raw: Any, rule: str) -> Cell:
        if column not in self.columns:
            raise fault(self.source, f"unknown column; there are {', '.join(self.columns)}", rule, column)
        tests = self._mapping(raw, "a test", rule, column)
        self._only_keys(tests, _OPERATORS, rule, column)
        read = self._value_reader(self.columns[column])
        values: dict[str, Any] = {}
        for operator, value in tests.items():
            if operator == "one_of" and not isinstance(value, list):
                raise fault(self.source, "one_of takes a list", rule, column)
            try:
                values[operator] = tuple(map(read, value)) if operator == "one_of" else read(value)
            except (ValueError, InvalidInput) as error:
                raise fault(self.source, f"{operator}: {error}", rule, column) from None
        return Cell(column, values.get("at_least"), values.get("at_most"), values.get("one_of"), values.get("is"))

    def _value_reader(self, kind: ColumnKind) -> Callable[[Any], Any]:
        match kind:
            case ColumnKind.TIER:
                return _tier
            case ColumnKind.AMOUNT:
                return self._money
            case ColumnKind.DURATION:
                return _duration
        return lambda value: value  # counts, flags and words are as TOML has them; the table checks their types

    def _money(self, text: Any) -> Money:
        return Money.parse(text, self.currency)

    def _optional(self, raw: dict[str, Any], key: str, read: Callable[[Any], Any], rule: str) -> Any:
        if key not in raw:
            return None
        try:
            return read(raw[key])
        except InvalidInput as error:
            raise fault(self.source, f"{key}: {error}", rule) from None

    def _words(self, raw: dict[str, Any], key: str, word: Callable[[Any], Any], rule: str) -> tuple[Any, ...]:
        words = raw.get(key, [])
        if not isinstance(words, list) or not all(isinstance(each, str) for each in words):
            raise fault(self.source, f"{key} is a list of words", rule)
        try:
            return tuple(map(word, words))
        except ValueError as error:
            raise fault(self.source, f"{key}: {error}", rule) from None

    def _mapping(self, raw: Any, what: str, rule: str, column: str | None = None) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise fault(self.source, f"{what} is written as {{ ... }}", rule, column)
        return raw

    def _only_keys(
        self, raw: dict[str, Any], known: tuple[str, ...], rule: str | None = None, column: str | None = None
    ) -> None:
        unknown = sorted(raw.keys() - set(known))
        if unknown:
            raise fault(self.source, f"unknown key {unknown[0]!r}; known are {', '.join(known)}", rule, column)


def _duration(text: Any) -> timedelta:
    return parse_duration(text)


def _number(text: Any) -> Decimal:
    try:
        return Decimal(text) if isinstance(text, str) else Decimal("NaN")  # which no table takes
    except InvalidOperation:
        return Decimal("NaN")


_READERS: Mapping[BenefitKind, Callable[[Any], Any]] = {
    BenefitKind.NUMBER: _number,
    BenefitKind.DURATION: _duration,
    BenefitKind.FLAG: lambda value: value,  # as TOML has it; the table checks the type
}


def _tier(name: Any) -> Tier:
    try:
        return Tier(name)
    except ValueError:
        raise ValueError(f"{name!r} is not a tier: use {', '.join(Tier)}") from None
