"""Whether a record counts: a record in the state COUNTS changes the evaluation, any other does not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.scoring.evaluation import Evaluation, evaluate
from gateway.domain.scoring.record import BehaviourRecord, Dimension, RecordKind
from gateway.domain.scoring.record_state import RecordState, find_state
from gateway.kit.clock import BusinessTime
from tests.support.clock import BUSINESS_NOON
from tests.support.records import CARDS, months_before, record

NOW = BUSINESS_NOON
CARD = CARDS.at(NOW)
LATER = BusinessTime(NOW + timedelta(days=1))
KINDS = (RecordKind.KEPT, RecordKind.LATE, RecordKind.BROKEN, RecordKind.MONTHS, RecordKind.OVERDUE)


def facts(evaluation: Evaluation) -> object:
    return [each.value for each in evaluation.measured], evaluation.finished, evaluation.open_overdue


def old(kind: RecordKind, months: int) -> BehaviourRecord:
    at = months_before(NOW, months)
    dimension = Dimension.SHOPPING if kind is RecordKind.MONTHS else Dimension.FULFILMENT
    ended = at if kind is RecordKind.BROKEN else None
    return record(kind, at=at, dimension=dimension, months=7 if kind is RecordKind.MONTHS else None, ended_at=ended)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("months", [0, 1, 12, 23, 24, 25, 35, 36, 37, 59, 60, 61])
def test_state_agrees_with_the_evaluation(kind: RecordKind, months: int) -> None:
    each = old(kind, months)
    changes = facts(evaluate(CARD, [each], NOW)) != facts(evaluate(CARD, [], NOW))
    assert (find_state(CARD, each, NOW) is RecordState.COUNTS) == changes
    assert find_state(CARD, each, NOW) in {RecordState.COUNTS, RecordState.FADED}


def test_open_breach_does_not_fade() -> None:
    assert find_state(CARD, replace(old(RecordKind.BROKEN, 90), ended_at=None), NOW) is RecordState.COUNTS


def test_contested_record_and_one_within_its_window_do_not_count() -> None:
    each = old(RecordKind.LATE, 1)
    assert find_state(CARD, replace(each, contested_at=NOW), NOW) is RecordState.CONTESTED
    assert find_state(CARD, replace(each, counts_from=LATER), NOW) is RecordState.NOT_YET
    assert find_state(CARD, replace(each, counts_from=LATER), LATER) is RecordState.COUNTS


def test_record_of_an_optional_dimension_counts_only_if_it_is_shared() -> None:
    bills = replace(old(RecordKind.MONTHS, 1), dimension=Dimension.FINANCIAL_CAPACITY)
    assert find_state(CARD, bills, NOW) is RecordState.NOT_SHARED
    assert find_state(CARD, bills, NOW, [Dimension.FINANCIAL_CAPACITY]) is RecordState.COUNTS


def test_only_negative_records_of_an_ignored_partner_are_ignored() -> None:
    ignored = ["city-rentals"]
    assert find_state(CARD, old(RecordKind.LATE, 1), NOW, (), ignored) is RecordState.IGNORED
    assert find_state(CARD, old(RecordKind.KEPT, 1), NOW, (), ignored) is RecordState.COUNTS
