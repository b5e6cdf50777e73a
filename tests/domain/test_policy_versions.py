"""Versions of a policy: which one is in force when, and which cannot be in one set."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.domain.errors import Misconfigured
from gateway.domain.policies.column import ColumnKind
from gateway.domain.policies.table import DecisionTable
from gateway.domain.policies.versions import PolicySet
from tests.support.policy import COLUMNS, LAST, table

DATES = some.dates(date(2026, 11, 1), date(2026, 11, 20))


def version(name: str, effective: date, **more: Any) -> DecisionTable:
    return table(LAST, version=name, effective=effective, source=f"{name}.toml", **more)


AUTUMN = version("autumn", date(2026, 9, 1))
WINTER = version("winter", date(2026, 12, 1))
SPRING = version("spring", date(2027, 3, 1))
SEASONS = PolicySet([SPRING, AUTUMN, WINTER])


def test_versions_are_in_order_of_their_effective_dates() -> None:
    assert list(SEASONS) == [AUTUMN, WINTER, SPRING]
    assert len(SEASONS) == 3
    assert SEASONS.of_hash(WINTER.hash) is WINTER
    assert SEASONS.of_hash("0" * 64) is None


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 9, 1, tzinfo=UTC), AUTUMN),
        (datetime(2026, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC), AUTUMN),
        (datetime(2026, 12, 1, tzinfo=UTC), WINTER),
        (datetime(2027, 2, 28, tzinfo=UTC), WINTER),
        (datetime(2030, 1, 1, tzinfo=UTC), SPRING),
        # The date in UTC decides, in any time zone.
        (datetime(2026, 12, 1, 7, 59, tzinfo=timezone(timedelta(hours=8))), AUTUMN),
        (datetime(2026, 12, 1, 8, tzinfo=timezone(timedelta(hours=8))), WINTER),
    ],
)
def test_newest_effective_version_is_in_force(moment: datetime, expected: DecisionTable) -> None:
    SEASONS.require_effective(moment)
    assert SEASONS.at(moment) is expected


def test_no_version_is_in_force_before_the_first_date() -> None:
    early = datetime(2026, 8, 31, 23, tzinfo=UTC)
    with pytest.raises(
        Misconfigured, match=r"autumn.toml: is effective from 2026-09-01, and there is no earlier version"
    ):
        SEASONS.require_effective(early)
    assert SEASONS.at(early) is AUTUMN


def test_two_versions_with_one_date_are_refused() -> None:
    with pytest.raises(Misconfigured, match=r"twin.toml: has the same effective date 2026-12-01 as winter.toml"):
        PolicySet([AUTUMN, WINTER, version("twin", WINTER.effective)])


def test_two_files_with_one_version_are_refused() -> None:
    twin = version("twin", date(2027, 6, 1))
    twin.version = WINTER.version
    with pytest.raises(Misconfigured, match=r"twin.toml: has the same version .* as winter.toml"):
        PolicySet([AUTUMN, WINTER, twin])


def test_empty_set_is_refused() -> None:
    with pytest.raises(Misconfigured):
        PolicySet([])


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"policy": "another"}, "policy"),
        ({"currency": "EUR"}, "currency"),
        ({"columns": {**COLUMNS, "weather": ColumnKind.WORD}}, "columns"),
    ],
)
def test_versions_of_different_policies_are_refused(more: dict[str, Any], what: str) -> None:
    with pytest.raises(Misconfigured, match=f"odd.toml: {what} differs from autumn.toml"):
        PolicySet([AUTUMN, version("odd", date(2027, 1, 1), **more)])


@given(some.sets(DATES, min_size=1, max_size=5), DATES, some.none() | some.integers(1, 40))
def test_between_yields_the_versions_in_force_on_any_day(starts: set[date], first: date, length: int | None) -> None:
    policies = PolicySet([version(start.isoformat(), start) for start in starts])
    end = None if length is None else first + timedelta(days=length)
    days = (first + timedelta(days=offset) for offset in range(length or 60))
    assert {*policies.between(first, end)} == {policies.on(day) for day in days}
