"""The base of the readers of tables, overrides and bounds in TOML. Each error names file, rule and column."""

import os
import tomllib
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from gateway.domain.currency import EXPONENTS
from gateway.domain.duration import parse_duration
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.number import parse_decimal
from gateway.domain.policies.benefit import BenefitKind
from gateway.domain.policies.table import policy_error


def read_text(path: Path) -> tuple[str, str]:
    """The text of a file without a byte order mark, and the name of the file with its folder for messages. Raises
    Misconfigured."""
    source = "/".join(Path(os.path.realpath(path)).parts[-2:])  # realpath also resolves links to missing files
    try:
        return path.read_text(encoding="utf-8-sig"), source
    except OSError as error:
        raise policy_error(source, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise policy_error(source, "cannot be read: it is not text in UTF-8") from None


class PolicyReader:
    """Reads one TOML document. `header` are the only keys at its top level. Every method raises Misconfigured."""

    def __init__(self, text: str, source: str, header: tuple[str, ...]) -> None:
        self.source = source
        try:
            self.content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise policy_error(source, f"not valid TOML: {error}") from None
        except RecursionError:
            raise policy_error(source, "too deeply nested") from None
        self.require_known_keys(self.content, header)
        self.currency = str(self.content.get("currency", ""))
        if self.currency not in EXPONENTS:
            raise policy_error(source, "currency is missing or unknown")

    def money(self, text: Any) -> Money:
        return Money.parse(text, self.currency)

    def optional(self, raw: dict[str, Any], key: str, read: Callable[[Any], Any], rule: str) -> Any:
        if key not in raw:
            return None
        try:
            return read(raw[key])
        except InvalidInput as error:
            raise policy_error(self.source, f"{key}: {error}", rule) from None

    def words(self, raw: dict[str, Any], key: str, read: Callable[[Any], Any], rule: str) -> tuple[Any, ...]:
        words = raw.get(key, [])
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise policy_error(self.source, f"{key} must be a list of words", rule)
        try:
            return tuple(map(read, words))
        except ValueError as error:
            raise policy_error(self.source, f"{key}: {error}", rule) from None

    def mapping(self, raw: Any, name: str, rule: str, column: str | None = None) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise policy_error(self.source, f"{name} must be written as {{ ... }}", rule, column)
        return raw

    def require_known_keys(
        self, raw: dict[str, Any], known: tuple[str, ...], rule: str | None = None, column: str | None = None
    ) -> None:
        unknown = sorted(raw.keys() - set(known))
        if unknown:
            raise policy_error(self.source, f"unknown key {unknown[0]!r}; known keys: {', '.join(known)}", rule, column)


def read_duration(text: Any) -> timedelta:
    return parse_duration(text)


def _number(text: Any) -> Decimal:
    try:
        parse_decimal(text)
    except InvalidInput:
        return Decimal("NaN")  # tables and overrides reject it
    return Decimal(text)  # as it is written, because the hash of a policy contains it


BENEFIT_READERS: Mapping[BenefitKind, Callable[[Any], Any]] = {
    BenefitKind.NUMBER: _number,
    BenefitKind.DURATION: read_duration,
    BenefitKind.FLAG: lambda value: value,  # the value from TOML; the table checks its type
}
