"""Reconciles totals with their decisions: exposures of persons, in total and per merchant, and the committed amounts of
consents."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, func, select

from gateway.store.consents.consents import CONSENTS
from gateway.store.decisions.decisions import DECISIONS
from gateway.store.decisions.exposures import COMMITMENTS, EXPOSURES, MERCHANT_EXPOSURES
from gateway.store.unit import UnitOfWork

_Statements = tuple[str, Select[Any], Select[Any]]


def _statements(name: str, table: Table, amount: str, keys: Mapping[str, ColumnElement[Any]]) -> _Statements:
    """Returns the name of a total, a query for totals that are not the sum of their decisions, and one for sums without
    a total."""
    sums = (
        select(*(column.label(key) for key, column in keys.items()), func.sum(DECISIONS.c[amount]).label("sum"))
        .select_from(DECISIONS.join(CONSENTS, CONSENTS.c.id == DECISIONS.c.consent_id))
        .group_by(*keys.values())
        .subquery()
    )
    same = and_(*(table.c[key] == sums.c[key] for key in keys))
    expected, order = func.coalesce(sums.c.sum, 0), [table.c[key] for key in keys]
    wrong = select(*order, table.c[amount].label("total"), expected.label("sum")).select_from(
        table.outerjoin(sums, same)
    )
    missing = select(sums).select_from(sums.outerjoin(table, same)).where(order[0].is_(None), sums.c.sum != 0)
    return name, wrong.where(table.c[amount] != expected).order_by(*order), missing.order_by(*sums.c)


_TOTALS = (
    _statements(
        "User {0.user_id}: the exposure in {0.currency}",
        EXPOSURES,
        "exposure_minor",
        {"user_id": CONSENTS.c.user_id, "currency": DECISIONS.c.currency},
    ),
    _statements(
        "User {0.user_id}: the exposure in {0.currency} at the merchant {0.merchant_id}",
        MERCHANT_EXPOSURES,
        "exposure_minor",
        {
            "user_id": CONSENTS.c.user_id,
            "merchant_id": DECISIONS.c.merchant_id,
            "currency": DECISIONS.c.currency,
        },
    ),
    _statements(
        "Consent {0.consent_id}: the committed amount in {0.currency}",
        COMMITMENTS,
        "committed_minor",
        {"consent_id": DECISIONS.c.consent_id, "currency": DECISIONS.c.currency},
    ),
)


def find_mismatches(unit: UnitOfWork) -> Iterator[str]:
    """Yields a sentence for each total that is not the sum of its decisions, and for each sum without a total."""
    for name, wrong, missing in _TOTALS:
        for row in unit.connection.execute(wrong):
            yield f"{name.format(row)} is {row.total}, but its decisions add up to {row.sum}."
        for row in unit.connection.execute(missing):
            yield f"{name.format(row)} has no total, but its decisions add up to {row.sum}."
