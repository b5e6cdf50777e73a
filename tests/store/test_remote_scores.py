"""The last accepted answers of the remote score provider."""

from datetime import timedelta

import pytest

from gateway.kit.clock import BusinessTime
from gateway.store.database import Database
from gateway.store.scoring.remote_scores import RemoteScoreRow
from tests.support.clock import BUSINESS_NOON
from tests.support.factories import make_user
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql


def row_of(user: str, score: int | None) -> RemoteScoreRow:
    return RemoteScoreRow(
        user_id=user,
        subject="person-1",
        score=score,
        model="2026-11",
        reasons=["A", "B"],
        open_overdue=1,
        document_identity=True,
        as_of=BUSINESS_NOON,
        valid_until=BusinessTime(BUSINESS_NOON + timedelta(hours=1)),
        fetched_at=BUSINESS_NOON,
    )


def test_last_answer_of_each_person_is_kept(database: Database) -> None:
    with writing(database) as unit:
        first, second = make_user(unit), make_user(unit)
        for row in (row_of(first, 700), row_of(second, 600), row_of(first, None)):
            unit.remote_scores.save(row)
    with reading(database) as unit:
        assert unit.remote_scores.load(first) == row_of(first, None)
        assert unit.remote_scores.load(second) == row_of(second, 600)
        assert unit.remote_scores.load("usr_none") is None
