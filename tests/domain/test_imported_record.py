"""Records in imported files: each wrong value has its column and its sentence."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.scoring.imported_record import ImportedRecord, make_record
from gateway.domain.scoring.record import KINDS_OF, Dimension, RecordKind
from gateway.services.scoring.record_files import LAYOUT
from tests.support.clock import BUSINESS_NOON as NOW
from tests.support.score_imports import row


def read(**values: Any) -> ImportedRecord:
    """The record of a row, read as the columns of a file are."""
    texts = {name: value for name, value in row(1, **values).items() if value is not None}
    parsed = {
        column.name: column.parse(str(texts[column.name])) if column.name in texts else None
        for column in LAYOUT.columns
    }
    return make_record(parsed, NOW)


def test_values_are_read() -> None:
    record = read(kind="BROKEN", at="2026-11-02T08:30:00.25+08:00", ended_at="2026-11-23", contested="true")
    assert record == ImportedRecord(
        person="mei",
        source="harbour",
        id="r1",
        dimension=Dimension.FULFILMENT,
        kind=RecordKind.BROKEN,
        partner="partner 1",
        amount=Money(10_000, "CNY"),
        months=None,
        at=record.at,
        ended_at=record.ended_at,
        contested=True,
    )
    assert record.at == datetime(2026, 11, 2, 0, 30, 0, 250_000, tzinfo=UTC)
    assert record.ended_at == datetime(2026, 11, 23, tzinfo=UTC)


NO_MONEY = {"amount": None, "currency": None}
ASSESSED = {**NO_MONEY, "dimension": "SHOPPING", "kind": "MONTHS"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"dimension": "FRIENDS"},
            "Must be one of CREDIT_HISTORY, FULFILMENT, SHOPPING, FINANCIAL_CAPACITY, IDE",
        ),
        ({"dimension": "SOCIAL_RELATIONS"}, "The dimension SOCIAL_RELATIONS is off. Records of it are not accepted."),
        ({"kind": "kept"}, "Must be one of KEPT, KEPT_WITH_DEPOSIT, LATE"),
        ({"kind": "PHONE"}, "A record of FULFILMENT must be one of KEPT, KEPT_WITH_DEPOSIT, LATE, BROKEN, OVERDUE."),
        ({**ASSESSED, "kind": "KEPT"}, "A record of SHOPPING must be one of MONTHS."),
        ({"partner": "par_test_01"}, "Must not begin with par_"),
        ({"partner": "PAR_x"}, "Must not begin with par_"),
        ({"source": "Gateway"}, "The name gateway is reserved"),
        ({"source": "x" * 101}, "Must have 1 to 100 characters"),
        ({"id": "x" * 129}, "Must have 1 to 128 characters"),
        ({"id": " 1"}, "Must not begin or end with white space."),
        ({"partner": "city\u202ecars"}, "Must have printable characters only, not U+202E."),
        ({"person": "mei\x00"}, "Must have printable characters only, not U+0000."),
        ({"currency": None}, "A record with amount needs currency."),
        ({"amount": None}, "A record with currency needs amount."),
        ({"currency": "XXX"}, "Must be an active ISO 4217 code"),
        ({"amount": "1e3"}, "Amount must be a plain decimal string"),
        ({"amount": "-1"}, "Amount must not be negative."),
        ({"amount": "0.00"}, "Must be above zero. Without an amount, leave amount and currency empty."),
        ({"amount": "-0"}, "Must be above zero."),
        ({"amount": "1.001"}, "Amount may have at most 2 decimals in this currency."),
        ({"amount": "10000000000.01"}, "Amount is too large."),
        ({"amount": "9" * 10_000}, "Amount must be a plain decimal string"),
        ({"dimension": "IDENTITY", "kind": "PHONE"}, "A record of the kind PHONE has no amount."),
        (ASSESSED, "A record of the kind MONTHS needs months"),
        ({"months": 3}, "A record of the kind MONTHS needs months, and no other kind may have them."),
        ({**ASSESSED, "months": 13}, "Must be a whole number from 0 to 12."),
        ({**ASSESSED, "months": "1.0"}, "Must be a whole number from 0 to 12."),
        ({**ASSESSED, "months": "٣"}, "Must be a whole number from 0 to 12."),
        ({"at": "2026-11-24"}, "Must not be in the future."),
        ({"at": "2026-11-23T12:00:00.000001Z"}, "Must not be in the future."),
        ({"at": "2021-10-31"}, "Must not be older than 60 months."),
        ({"at": "0001-01-01T00:00:00+23:00"}, "Must be a date such as"),
        ({"at": "2026-02-30"}, "Must be a date such as"),
        ({"at": "2026-11-02T08:30:00"}, "Must be a date such as"),
        ({"at": "2026-W10-1"}, "Must be a date such as"),
        ({"ended_at": "2026-11-02"}, "Only a record of the kind BROKEN can have it."),
        ({"kind": "BROKEN", "ended_at": "2026-01-01"}, "Must not be before at or in the future."),
        ({"kind": "BROKEN", "ended_at": "2026-11-24"}, "Must not be before at or in the future."),
        ({"contested": "yes"}, "Must be true or false."),
    ],
)
def test_wrong_value_has_its_sentence(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read(**values)
    assert raised.value.message.startswith(message)


def test_oldest_month_is_accepted() -> None:
    assert read(at="2021-11-01").at == datetime(2021, 11, 1, tzinfo=UTC)


def test_each_kind_of_each_dimension_is_accepted() -> None:
    for dimension in set(Dimension) - {Dimension.SOCIAL_RELATIONS}:
        for kind in KINDS_OF[dimension]:
            money = {} if RecordKind.KEPT in KINDS_OF[dimension] else NO_MONEY
            months = {"months": 0} if kind is RecordKind.MONTHS else {}
            assert read(dimension=dimension, kind=kind, **money, **months).kind is kind
