"""Scores: the present one of each person, its history, who has read it, and what each person has chosen to share."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Index, bindparam, case, func, null, or_, select
from sqlmodel import Field

from gateway.domain.scoring.history import Cause, ScoreState
from gateway.domain.scoring.reasons import ScoreReason
from gateway.domain.scoring.record import Dimension
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime, WallTime
from gateway.store.base import Record, Row, json_column, moment_column, table_of
from gateway.store.repository import Repository, insert_into
from gateway.store.scoring.accesses import NEWEST_ACCESSES


class PersonScoreRow(Record):
    """The present score of a person. It must be computed again once `due_at` has come. `pending` is the cause of the
    next computation if that is not a moment of its own. `correct_from` is since when a record counted that was then
    removed or contested: the tier must be computed as if it had not counted. `wrong_since` is since when a record
    counted that was then found to be wrong: merchants that have read the tier since then are told. `as_of` is None
    before the first computation."""

    user_id: str = Field(foreign_key="users.id", primary_key=True)
    due_at: BusinessTime = moment_column(index=True)
    pending: str | None = None
    correct_from: BusinessTime | None = moment_column(default=None)
    wrong_since: BusinessTime | None = moment_column(default=None)
    as_of: BusinessTime | None = moment_column(default=None)
    score: int | None = None
    tier: str = Tier.UNSCORED.value
    held_until: BusinessTime | None = moment_column(default=None)
    card: str = ""
    card_hash: str = ""
    dimension_points: dict[str, int] = json_column()
    reasons: list[Any] = json_column()
    open_overdue: int = 0
    has_document: bool = False
    cause: str = Cause.FIRST.value


class PersonScoreTable(PersonScoreRow, table=True):
    __tablename__ = "person_scores"


class ScoreSnapshotRow(Record):
    """One computation of a person's score. `reasons` holds [code, points] pairs, `dimension_points` points by
    dimension. `computed_at` is wall time."""

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id")
    as_of: BusinessTime = moment_column()
    score: int | None = None
    tier: str
    held_until: BusinessTime | None = moment_column(default=None)
    card: str
    card_hash: str
    dimension_points: dict[str, int] = json_column()
    reasons: list[Any] = json_column()
    open_overdue: int
    has_document: bool
    cause: str
    computed_at: WallTime = moment_column()


class ScoreSnapshotTable(ScoreSnapshotRow, table=True):
    __tablename__ = "score_snapshots"
    __table_args__ = (Index("ix_score_snapshots_user_id_as_of_id", "user_id", "as_of", "id"),)


class ScoreChoiceRow(Record):
    """A person's choice to share an optional dimension, or to stop sharing it."""

    user_id: str = Field(foreign_key="users.id", primary_key=True)
    dimension: str = Field(primary_key=True)
    is_shared: bool
    chosen_at: WallTime = moment_column()


class ScoreChoiceTable(ScoreChoiceRow, table=True):
    __tablename__ = "score_choices"


PERSON_SCORES = table_of(PersonScoreTable)
SNAPSHOTS = table_of(ScoreSnapshotTable)
CHOICES = table_of(ScoreChoiceTable)
_S, _H = PERSON_SCORES.c, SNAPSHOTS.c
_PRESENT = select(PERSON_SCORES).where(_S.user_id == bindparam("user_id"))
_LOCKED = _PRESENT.with_for_update()
_MEASURED = _PRESENT.with_only_columns(
    *(_S.due_at, _S.as_of, _S.score, _S.tier, _S.held_until, _S.card, _S.card_hash, _S.reasons, _S.open_overdue),
    _S.has_document,
)
_NEW = insert_into(PERSON_SCORES).on_conflict_do_nothing(index_elements=["user_id"])
_STATE = (
    *("as_of", "score", "tier", "held_until", "card", "card_hash", "dimension_points", "reasons", "open_overdue"),
    *("has_document", "cause"),
)
_SAVE = (
    PERSON_SCORES.update()
    .where(_S.user_id == bindparam("of_user"))
    .values(
        {
            **{name: bindparam(f"new_{name}") for name in _STATE},
            "due_at": bindparam("new_due_at"),
            "pending": null(),
            "correct_from": null(),
            "wrong_since": null(),
        }
    )
)


def earlier(present: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[Any]:
    """Returns the earlier of two moments, each of which may be null."""
    return case((or_(present.is_(None), present > other), func.coalesce(other, present)), else_=present)


_MARK = insert_into(PERSON_SCORES)
_mark = _MARK.excluded
_MARK = _MARK.on_conflict_do_update(
    index_elements=["user_id"],
    set_={
        "due_at": case((_S.due_at < _mark.due_at, _S.due_at), else_=_mark.due_at),
        "pending": func.coalesce(_mark.pending, _S.pending),
        "correct_from": earlier(_S.correct_from, _mark.correct_from),
        "wrong_since": earlier(_S.wrong_since, _mark.wrong_since),
    },
)
_BEFORE = (
    select(SNAPSHOTS)
    .where(_H.user_id == bindparam("user_id"), _H.as_of < bindparam("moment"))
    .order_by(_H.as_of.desc(), _H.id.desc())
    .limit(1)
)
_SINCE = (
    select(SNAPSHOTS)
    .where(_H.user_id == bindparam("user_id"), _H.as_of >= bindparam("moment"))
    .order_by(_H.as_of, _H.id)
)
_TIERS = select(_H.computed_at, _H.tier).where(_H.user_id == bindparam("user_id")).order_by(_H.computed_at, _H.id)
_SHARED = select(CHOICES.c.dimension).where(CHOICES.c.user_id == bindparam("user_id"), CHOICES.c.is_shared)
_CHOOSE = insert_into(CHOICES)
_CHOOSE = _CHOOSE.on_conflict_do_update(
    index_elements=["user_id", "dimension"],
    set_={"is_shared": _CHOOSE.excluded.is_shared, "chosen_at": _CHOOSE.excluded.chosen_at},
)


class ScoreRepository(Repository):
    """Reads and writes scores and choices, and reads who has read a score."""

    def load(self, user_id: str) -> PersonScoreRow | None:
        """Returns a person's present score, None if it was never computed or marked as due."""
        return self._first(PersonScoreRow, _PRESENT, user_id=user_id)

    def load_measured(self, user_id: str) -> Row | None:
        """Returns the columns of the present score that a measurement needs, or None as `load` does."""
        return self._row(_MEASURED, user_id=user_id)

    def lock(self, user_id: str, now: BusinessTime) -> PersonScoreRow:
        """Returns a person's present score, and locks it until the unit of work ends. If there is none, writes one that
        is due at `now`."""
        self._execute(_NEW, **vars(PersonScoreRow(user_id=user_id, due_at=now, dimension_points={}, reasons=[])))
        row = self._first(PersonScoreRow, _LOCKED, user_id=user_id)
        assert row is not None  # just written, and never deleted
        return row

    def save(self, user_id: str, state: ScoreState, due_at: BusinessTime) -> None:
        """Writes the present score, which is due again at `due_at`."""
        columns = {f"new_{name}": value for name, value in write_state(state).items()}
        self._execute(_SAVE, of_user=user_id, new_due_at=due_at, **columns)

    def postpone(self, row: PersonScoreRow, due_at: BusinessTime) -> None:
        """Keeps the present score, which is due again at `due_at`."""
        columns = {f"new_{name}": getattr(row, name) for name in _STATE}
        self._execute(_SAVE, of_user=row.user_id, new_due_at=due_at, **columns)

    def mark_due(
        self,
        user_id: str,
        moment: BusinessTime,
        cause: Cause | None = None,
        *,
        correct_from: BusinessTime | None = None,
        wrong_since: BusinessTime | None = None,
    ) -> None:
        """Notes that a person's score must be computed again at `moment`. `cause` is the cause if that is not the
        moment of a record. `correct_from` is since when a removed record had counted, `wrong_since` since when one had
        that was found to be wrong. Writes a row also for a person whose score was never computed: then a first
        computation at the same time waits, and counts the change."""
        row = PersonScoreRow(
            user_id=user_id,
            due_at=moment,
            pending=cause and cause.value,
            correct_from=correct_from,
            wrong_since=wrong_since,
            dimension_points={},
            reasons=[],
        )
        self._execute(_MARK, **vars(row))

    def insert_snapshot(self, snapshot_id: str, user_id: str, state: ScoreState, wall: WallTime) -> None:
        """Writes one computation to the history."""
        values = {"id": snapshot_id, "user_id": user_id, "computed_at": wall, **write_state(state)}
        self._insert(SNAPSHOTS, ScoreSnapshotRow.of_values(values))

    def load_before(self, user_id: str, moment: BusinessTime) -> ScoreState | None:
        """Returns the last computation of a person's score before `moment`, or None."""
        row = self._first(ScoreSnapshotRow, _BEFORE, user_id=user_id, moment=moment)
        return None if row is None else read_state(row)

    def list_since(self, user_id: str, moment: BusinessTime) -> list[ScoreState]:
        """Returns the computations of a person's score from `moment` on, oldest first."""
        return [read_state(row) for row in self._all(ScoreSnapshotRow, _SINCE, user_id=user_id, moment=moment)]

    def list_tiers(self, user_id: str) -> list[tuple[WallTime, Tier]]:
        """Returns when each computation of a person's score was made, with its tier, in the order in which they were
        made."""
        return [(row.computed_at, Tier(row.tier)) for row in self._rows(_TIERS, user_id=user_id)]

    def list_accesses(self, user_id: str, older: str) -> Sequence[Row]:
        """Returns for each consent of a person that is not revoked (`consent_id`) the ids of the newest entries of the
        access log after the id `older`: of a read of the score (`read`), and of a request (`request`), each None
        without one. Consents without any such entry are left out."""
        return self._rows(NEWEST_ACCESSES, user_id=user_id, older=older)

    def load_shared(self, user_id: str) -> frozenset[Dimension]:
        """Returns the optional dimensions that a person has chosen to share."""
        return frozenset(map(Dimension, self._values(_SHARED, user_id=user_id)))

    def choose(self, user_id: str, dimension: Dimension, now: WallTime, *, share: bool) -> None:
        """Writes a person's choice about an optional dimension."""
        row = ScoreChoiceRow(user_id=user_id, dimension=dimension.value, is_shared=share, chosen_at=now)
        self._execute(_CHOOSE, **vars(row))


def write_state(state: ScoreState) -> Mapping[str, Any]:
    """Returns the columns of a score state."""
    return {
        "as_of": state.as_of,
        "score": state.score,
        "tier": state.tier.value,
        "held_until": state.held_until,
        "card": state.card,
        "card_hash": state.card_hash,
        "dimension_points": {dimension.value: points for dimension, points in state.dimension_points.items()},
        "reasons": [[reason.code, reason.points] for reason in state.reasons],
        "open_overdue": state.open_overdue,
        "has_document": state.has_document,
        "cause": state.cause.value,
    }


def read_state(row: ScoreSnapshotRow | PersonScoreRow) -> ScoreState:
    """Returns the score state in a row, which must have been computed."""
    assert row.as_of is not None
    return ScoreState(
        as_of=row.as_of,
        score=row.score,
        tier=Tier(row.tier),
        held_until=row.held_until,
        card=row.card,
        card_hash=row.card_hash,
        dimension_points={Dimension(name): points for name, points in row.dimension_points.items()},
        reasons=read_reasons(row.reasons),
        open_overdue=row.open_overdue,
        has_document=row.has_document,
        cause=Cause(row.cause),
    )


def read_reasons(stored: Iterable[Any]) -> tuple[ScoreReason, ...]:
    """Returns the reasons in the column of a row."""
    return tuple(ScoreReason(code, points) for code, points in stored)
