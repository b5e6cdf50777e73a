"""A behaviour record in a file that an operator imports: its values, and the rules between them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gateway.domain.currency import EXPONENTS, exponent_of
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.period import parse_moment
from gateway.domain.scoring.record import KINDS_OF, OBLIGATION_KINDS, Dimension, RecordKind, month_of
from gateway.domain.text import require_text
from gateway.kit.clock import BusinessTime

LONGEST_NAME, LONGEST_ID = 100, 128
"""The most characters of the name of a source or partner, and of an id."""

MOST_MONTHS = 60
"""The age in months above which a record is not accepted: it would have no weight."""

_RESERVED_SOURCE, _PARTNER_ID = "gateway", "par_"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_OFF = Dimension.SOCIAL_RELATIONS
_DIMENSIONS = {each.value: each for each in Dimension}
_KINDS = {each.value: each for each in RecordKind}


@dataclass(frozen=True, slots=True)
class ImportedRecord:
    """A record of a source. `person` is the external id of the person, `source` the name of the source and `id` its id
    of the record. `contested` is None if the file does not say whether the record is contested."""

    person: str
    source: str
    id: str
    dimension: Dimension
    kind: RecordKind
    partner: str
    at: BusinessTime
    amount: Money | None = None
    months: int | None = None
    ended_at: BusinessTime | None = None
    contested: bool | None = None


def make_record(values: Mapping[str, Any], now: BusinessTime) -> ImportedRecord:
    """Returns the record with these values by column. `now` is the time of the import. Raises InvalidInput with the
    column of the fault."""
    amount = _amount(values["amount"], values["currency"])
    record = ImportedRecord(
        person=values["person"],
        source=values["source"],
        id=values["id"],
        dimension=values["dimension"],
        kind=values["kind"],
        partner=values["partner"],
        at=values["at"],
        amount=amount,
        months=values["months"],
        ended_at=values["ended_at"],
        contested=values["contested"],
    )
    for field, message in _faults(record, now):
        raise InvalidInput("INVALID", message, (field,))
    return record


def _faults(record: ImportedRecord, now: BusinessTime) -> Iterator[tuple[str, str]]:
    kind, dimension = record.kind, record.dimension
    if kind not in KINDS_OF[dimension]:
        kinds = ", ".join(each for each in RecordKind if each in KINDS_OF[dimension])
        yield "kind", f"A record of {dimension} must be one of {kinds}."
    if record.amount is not None and kind not in OBLIGATION_KINDS:
        yield "amount", f"A record of the kind {kind} has no amount."
    elif record.amount is not None and not record.amount.minor:
        yield "amount", "Must be above zero. Without an amount, leave amount and currency empty."
    if (record.months is not None) != (kind is RecordKind.MONTHS):
        yield "months", "A record of the kind MONTHS needs months, and no other kind may have them."
    if record.at > now:
        yield "at", "Must not be in the future."
    if month_of(now) - month_of(record.at) > MOST_MONTHS:
        yield "at", f"Must not be older than {MOST_MONTHS} months."
    if record.ended_at is not None:
        if kind is not RecordKind.BROKEN:
            yield "ended_at", "Only a record of the kind BROKEN can have it."
        elif not record.at <= record.ended_at <= now:
            yield "ended_at", "Must not be before at or in the future."


def _amount(amount: str | None, currency: str | None) -> Money | None:
    if amount is None and currency is None:
        return None
    if amount is None or currency is None:
        missing, other = ("amount", "currency") if amount is None else ("currency", "amount")
        raise InvalidInput("INVALID", f"A record with {other} needs {missing}.", (missing,))
    try:
        return Money.parse(amount, currency)
    except InvalidInput as refused:
        raise InvalidInput(refused.code, f"{refused.message[0].upper()}{refused.message[1:]}.", ("amount",)) from None


def parse_id(text: str) -> str:
    """Returns the id of a person or a record. Raises InvalidInput."""
    return require_text(text, LONGEST_ID)


@lru_cache(maxsize=1_000)
def parse_source(text: str) -> str:
    """Returns the name of a source. Raises InvalidInput."""
    if text.casefold() == _RESERVED_SOURCE:
        raise InvalidInput("INVALID", f"The name {_RESERVED_SOURCE} is reserved for records of this deployment.")
    return require_text(text, LONGEST_NAME)


@lru_cache(maxsize=10_000)
def parse_partner(text: str) -> str:
    """Returns the name of the partner of a record. Raises InvalidInput."""
    if text.casefold().startswith(_PARTNER_ID):
        raise InvalidInput("INVALID", f"Must not begin with {_PARTNER_ID}, like the ids of this deployment's partners.")
    return require_text(text, LONGEST_NAME)


def parse_dimension(text: str) -> Dimension:
    """Returns the dimension. Raises InvalidInput for an unknown one, and for SOCIAL_RELATIONS."""
    dimension = _DIMENSIONS.get(text)
    if dimension is None:
        raise InvalidInput("INVALID", f"Must be one of {', '.join(each for each in Dimension if each != _OFF)}.")
    if dimension is _OFF:
        raise InvalidInput("INVALID", f"The dimension {text} is off. Records of it are not accepted.")
    return dimension


def parse_kind(text: str) -> RecordKind:
    """Returns the kind of a record. Raises InvalidInput."""
    if text not in _KINDS:
        raise InvalidInput("INVALID", f"Must be one of {', '.join(RecordKind)}.")
    return _KINDS[text]


def parse_currency(text: str) -> str:
    """Returns the code of a currency. Raises InvalidInput."""
    if text not in EXPONENTS:
        try:
            exponent_of(text)
        except InvalidInput as refused:
            raise InvalidInput(refused.code, "Must be an active ISO 4217 code in capitals, such as CNY.") from None
    return text


def parse_months(text: str) -> int:
    """Returns the number of months. Raises InvalidInput."""
    if not re.fullmatch("[0-9]|1[0-2]", text, re.ASCII):
        raise InvalidInput("INVALID", "Must be a whole number from 0 to 12.")
    return int(text)


def parse_flag(text: str) -> bool:
    """Returns whether the text is true. Raises InvalidInput."""
    if text not in {"true", "false"}:
        raise InvalidInput("INVALID", "Must be true or false.")
    return text == "true"


def parse_at(text: str) -> BusinessTime:
    """Returns a moment in RFC 3339, or the beginning of a date in UTC. Raises InvalidInput."""
    try:
        return BusinessTime(parse_moment(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text))
    except InvalidInput:
        message = "Must be a date such as 2026-11-23, or a moment in RFC 3339 such as 2026-11-23T12:00:00Z."
        raise InvalidInput("INVALID", message) from None
