"""Property: the score does not depend on the order of rows, on how they are divided into files, or on repetitions."""

import random
from collections.abc import Iterator
from contextlib import closing
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.scoring.record import KINDS_OF, Dimension, RecordKind
from tests.support.clock import MovableClock
from tests.support.live_world import LiveWorld
from tests.support.score_imports import compute, import_records, make_people, records_of, row

_numbers = count()


@pytest.fixture
def live(sqlite_url: str, clock: MovableClock) -> Iterator[LiveWorld]:
    with closing(LiveWorld(sqlite_url, clock)) as opened:
        yield opened


def _row(dimension: Dimension, draw: Any, number: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(KINDS_OF[dimension])))
    values: dict[str, Any] = {"dimension": dimension, "kind": kind, "partner": f"partner {draw(st.integers(0, 5))}"}
    values["at"] = f"20{draw(st.integers(22, 25))}-{draw(st.integers(1, 12)):02}-{draw(st.integers(1, 28)):02}"
    if RecordKind.KEPT in KINDS_OF[dimension]:
        values["amount"] = draw(st.sampled_from(("1.00", "30.00", "500.00")))
    else:
        values |= {"amount": None, "currency": None}
    if kind is RecordKind.MONTHS:
        values["months"] = draw(st.integers(0, 12))
    if kind is RecordKind.BROKEN and draw(st.booleans()):
        values["ended_at"] = "2026-01-01"
    if draw(st.integers(0, 9)) == 0:
        values["contested"] = True
    return row(number, **values)


@st.composite
def rows(draw: Any) -> list[dict[str, Any]]:
    used = [each for each in Dimension if each is not Dimension.SOCIAL_RELATIONS]
    return [_row(draw(st.sampled_from(used)), draw, number) for number in range(draw(st.integers(1, 30)))]


def result(live: LiveWorld, person: str) -> tuple[Any, ...]:
    score = compute(live.container, person)
    return score.score, score.dimension_points, score.reasons, score.open_overdue, score.has_document


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=rows(), shuffle=st.randoms(use_true_random=False), cuts=st.lists(st.integers(0, 30), max_size=3))
def test_score_depends_on_the_set_of_records_only(
    live: LiveWorld, content: list[dict[str, Any]], shuffle: random.Random, cuts: list[int]
) -> None:
    one, other = f"one{next(_numbers)}", f"other{next(_numbers)}"
    make_people(live.container, one, other)
    import_records(live.container, *({**each, "person": one, "source": one} for each in content))
    mixed = [{**each, "person": other, "source": other} for each in content]
    shuffle.shuffle(mixed)
    edges = [0, *sorted(cuts), len(mixed)]
    for start, end in pairwise(edges):
        if mixed[start:end]:
            import_records(live.container, *mixed[max(0, start - 2) : end])  # some rows twice
            compute(live.container, other)
    assert result(live, other) == result(live, one)
    assert len(records_of(live.container, other)) == len(content)
