"""Reads a scorecard.toml. docs/score.md describes the format. Every error is a Misconfigured that names the file."""

import os
import tomllib
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from gateway.domain.currency import EXPONENTS
from gateway.domain.duration import parse_duration
from gateway.domain.errors import InvalidInput, Misconfigured
from gateway.domain.money import Money
from gateway.domain.number import parse_decimal
from gateway.domain.scoring.card import Scorecard, card_error
from gateway.domain.scoring.card_rules import CardRules, Characteristic, Fade, Measure, UnitBand
from gateway.domain.scoring.card_versions import CardVersions
from gateway.domain.scoring.record import Dimension
from gateway.domain.scoring.tier import Tier
from gateway.domain.text import Texts, require_text

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

SHIPPED = Path(__file__).with_name("scorecard.toml")
"""The card that a deployment uses unless its settings name others."""

_HEADER = (
    *("scorecard", "version", "effective", "base", "minimum", "caps", "fade", "window", "assessment_life", "hold"),
    *("disputes", "reasons", "units", "tiers", "bands", "characteristic", "typical"),
)
_TEXTS = ("name", "reason", "absent", "advice")
_LARGEST, _LONGEST_WORD = 1_000_000, 100
"""The largest whole number, which every database can compare with, and the most characters of a name or version."""


def load_cards(paths: tuple[Path, ...] = ()) -> CardVersions:
    """The versions of the card in these files, or the shipped card without any. Raises Misconfigured."""
    return CardVersions([load_card(path) for path in paths] or [_shipped_card()])


@cache
def _shipped_card() -> Scorecard:
    """The shipped card, read once per process."""
    return load_card(SHIPPED)


def load_card(path: Path) -> Scorecard:
    """The checked card in a file. Raises Misconfigured."""
    source = "/".join(Path(os.path.realpath(path)).parts[-2:])
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise card_error(source, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise card_error(source, "cannot be read: it is not text in UTF-8") from None
    return read_card(text, source)


def read_card(text: str, source: str) -> Scorecard:
    """The checked card in a TOML text. `source` is the name of the text in messages. Raises Misconfigured."""
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise card_error(source, f"not valid TOML: {error}") from None
    return _CardReader(content, source).card()


class _CardReader:
    def __init__(self, content: dict[str, Any], source: str) -> None:
        self._content, self._source = content, source

    def card(self) -> Scorecard:
        self._keys(self._content, _HEADER, "the card")
        tiers = self._mapping("tiers")
        typical = self._mapping("typical")
        characteristics = self._content["characteristic"]
        if not isinstance(characteristics, list):
            raise self._error("characteristics must be written as [[characteristic]]")
        return Scorecard(
            name=self._word("scorecard"),
            version=self._word("version"),
            effective=self._content["effective"],
            rules=self._rules(),
            cut_offs=sorted(
                ((self._whole(score, name), self._member(Tier, name, "tiers")) for name, score in tiers.items()),
                reverse=True,
            ),
            characteristics=[self._characteristic(each) for each in characteristics],
            typical={
                self._member(Tier, name, "typical"): {
                    key: self._whole(value, f"typical.{name}.{key}") for key, value in self._table(points, name).items()
                }
                for name, points in typical.items()
            },
            document=self._content,
            source=self._source,
        )

    def _rules(self) -> CardRules:
        minimum = self._mapping("minimum", ("records", "age"))
        caps = self._mapping("caps", ("a_month", "a_year"))
        fade = self._mapping("fade", ("kept", "negative"))
        hold = self._mapping("hold", ("drop_at", "longest"))
        disputes = self._mapping("disputes", ("upheld_percent", "at_least"))
        reasons = self._mapping("reasons", ("most", "least_points"))
        units = self._mapping("units", ("smallest", "with_deposit"))
        return CardRules(
            base=self._whole(self._content["base"], "base"),
            minimum_records=self._whole(minimum["records"], "minimum.records"),
            minimum_age=self._length(minimum["age"], "minimum.age"),
            bands={currency: self._bands(currency, each) for currency, each in self._mapping("bands").items()},
            smallest_unit=self._fraction(units["smallest"], "units.smallest"),
            deposit_share=self._fraction(units["with_deposit"], "units.with_deposit"),
            most_a_month=self._whole(caps["a_month"], "caps.a_month"),
            most_a_year=self._whole(caps["a_year"], "caps.a_year"),
            window=self._whole(self._content["window"], "window"),
            assessment_life=self._whole(self._content["assessment_life"], "assessment_life"),
            kept_fade=self._fade(fade["kept"], "fade.kept"),
            negative_fade=self._fade(fade["negative"], "fade.negative"),
            drop_at=self._whole(hold["drop_at"], "hold.drop_at"),
            longest_hold=self._length(hold["longest"], "hold.longest"),
            upheld_percent=self._whole(disputes["upheld_percent"], "disputes.upheld_percent"),
            least_disputes=self._whole(disputes["at_least"], "disputes.at_least"),
            most_reasons=self._whole(reasons["most"], "reasons.most"),
            least_points=self._whole(reasons["least_points"], "reasons.least_points"),
        )

    def _characteristic(self, raw: Any) -> Characteristic:
        each = self._table(raw, "characteristic")
        self._keys(each, ("id", "measure", "dimensions", "knots", "points", *_TEXTS), str(each.get("id", "one")))
        name = each["id"]
        if not isinstance(name, str) or not name.isidentifier():
            raise self._error("the id of a characteristic must be a word")
        for key in ("knots", "points", "dimensions"):
            if not isinstance(each[key], list):
                raise self._error(f"{key} must be a list", name)
        return Characteristic(
            id=name,
            measure=self._member(Measure, each["measure"], name),
            dimensions=tuple(self._member(Dimension, dimension, name) for dimension in each["dimensions"]),
            knots=tuple(self._whole(knot, f"{name}.knots") for knot in each["knots"]),
            points=tuple(self._whole(value, f"{name}.points") for value in each["points"]),
            **{key: self._texts(each[key], f"{name}.{key}") for key in _TEXTS},
        )

    def _bands(self, currency: str, raw: Any) -> tuple[UnitBand, ...]:
        if currency not in EXPONENTS:
            raise self._error(f"unknown currency {currency}")
        bands = [
            UnitBand(
                self._read(lambda text: Money.parse(text, currency), amount, f"bands.{currency}").minor,
                self._fraction(units, f"bands.{currency}"),
            )
            for amount, units in self._table(raw, currency).items()
        ]
        return tuple(sorted(bands, key=lambda band: band.minor, reverse=True))

    def _fade(self, raw: Any, name: str) -> Fade:
        table = self._table(raw, name)
        self._keys(table, ("full", "none"), name)
        return Fade(self._whole(table["full"], f"{name}.full"), self._whole(table["none"], f"{name}.none"))

    def _texts(self, raw: Any, name: str) -> Texts:
        table = self._table(raw, name)
        self._keys(table, ("en", "zh"), name)
        if not all(isinstance(text, str) and text.strip() for text in table.values()):
            raise self._error(f"{name} needs a text in each language")
        return Texts(**table)

    def _mapping(self, key: str, keys: tuple[str, ...] | None = None) -> dict[str, Any]:
        table = self._table(self._content[key], key)
        if keys is not None:
            self._keys(table, keys, key)
        return table

    def _table(self, raw: Any, name: str) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise self._error(f"{name} must be a table")
        return raw

    def _keys(self, table: Mapping[str, Any], keys: tuple[str, ...], name: str) -> None:
        missing = [key for key in keys if key not in table]
        unknown = sorted(table.keys() - set(keys))
        if missing or unknown:
            what = f"has no {missing[0]}" if missing else f"has the unknown key {unknown[0]}"
            raise self._error(f"{name} {what}; its keys are {', '.join(keys)}")

    def _word(self, key: str) -> str:
        value = self._content[key]
        if not isinstance(value, str):
            raise self._error(f"{key} must be a word")
        return self._read(lambda text: require_text(text, _LONGEST_WORD), value, key) if value else value

    def _whole(self, value: Any, name: str) -> int:
        if type(value) is not int:  # True is an int too
            raise self._error(f"{name} must be a whole number")
        if abs(value) > _LARGEST:
            raise self._error(f"{name} must be {'at most ' if value > 0 else 'at least -'}{_LARGEST}")
        return value

    def _length(self, value: Any, name: str) -> timedelta:
        return self._read(parse_duration, value, name)

    def _fraction(self, value: Any, name: str) -> Fraction:
        return Fraction(self._read(parse_decimal, value, name))

    def _read(self, read: Callable[[Any], T], value: Any, name: str) -> T:
        try:
            return read(value)
        except InvalidInput as error:
            raise self._error(f"{name}: {error}") from None

    def _member(self, members: type[E], value: Any, name: str) -> E:
        try:
            return members(value)
        except ValueError:
            raise self._error(f"{name}: {value!r} is none of {', '.join(members)}") from None

    def _error(self, why: str, characteristic: str | None = None) -> Misconfigured:
        return card_error(self._source, why, characteristic)
