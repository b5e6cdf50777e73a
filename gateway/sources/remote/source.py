"""The score source that asks the provider, and uses its last answer about a person for a time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import BoundedSemaphore

from gateway.domain.errors import Unavailable
from gateway.domain.scoring.score import Measurement
from gateway.domain.scoring.tier import tier_of
from gateway.kit.clock import CLOCK_ALLOWANCE, BusinessTime
from gateway.kit.outage import outage_log
from gateway.kit.single_flight import SingleFlight
from gateway.kit.switching import run_apart
from gateway.sources.remote.answers import ScoreAnswer
from gateway.sources.remote.failures import FETCHED, STALE, UNAVAILABLE, Cause, ProviderFailed
from gateway.sources.remote.provider import ScoreProvider
from gateway.store.database import Database
from gateway.store.scoring.remote_scores import RemoteScoreRow
from gateway.store.unit import UnitOfWork

ASK_AGAIN_AFTER = timedelta(minutes=1)
"""How long a measurement is valid that is an older answer."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long an answer is used at most: `fresh_for` without asking again, `stale_for` if the provider fails."""

    fresh_for: timedelta
    stale_for: timedelta

    def fresh_until(self, row: RemoteScoreRow) -> BusinessTime:
        """Until when the answer is used without asking again."""
        return BusinessTime(min(row.valid_until, row.fetched_at + self.fresh_for))

    def stale_until(self, row: RemoteScoreRow) -> BusinessTime:
        """Until when the answer is used if the provider fails."""
        return BusinessTime(row.fetched_at + self.stale_for)


class RemoteSource:
    """Measures scores by the last accepted answer in the database, or asks the provider. At most `most_waiting`
    requests wait for the provider at once, each on a thread of its own if it is a job of a switching thread; further
    ones are treated as if the provider had failed."""

    def __init__(self, database: Database, provider: ScoreProvider, freshness: Freshness, *, most_waiting: int) -> None:
        self.provider = provider
        self._database, self._freshness = database, freshness
        self._slots, self._flights = BoundedSemaphore(most_waiting), SingleFlight[Measurement]()
        self._observe: Callable[[str, str], None] = lambda outcome, cause: None

    def observe(self, observer: Callable[[str, str], None]) -> None:
        """Calls the observer with the outcome of each question to the provider and its cause, "" without one. It must
        not raise."""
        self._observe = observer

    def measure(self, user_id: str, now: BusinessTime) -> Measurement:
        """The person's measurement as of `now`. A person without an external id is unscored. Raises Unavailable
        (SCORE_UNAVAILABLE), and Outage for the database and the deadline of the request."""
        subject, row = self._load(user_id)
        if subject is None:
            return _unscored(now, self._freshness.fresh_for)
        fresh = self._fresh(row, now)
        if fresh is not None:
            return fresh
        self._database.end_snapshot()  # no transaction is open while this waits for the network
        return run_apart(lambda: self._ask_in_turn(user_id, row, now))

    def _ask_in_turn(self, user_id: str, row: RemoteScoreRow | None, now: BusinessTime) -> Measurement:
        if not self._slots.acquire(blocking=False):
            return self._stale(row, now, ProviderFailed(Cause.BUSY))
        try:
            return self._flights.run(user_id, lambda: self._ask(user_id, now))
        finally:
            self._slots.release()

    def _ask(self, user_id: str, now: BusinessTime) -> Measurement:
        subject, row = self._load(user_id)  # again: another thread may have asked meanwhile
        fresh = self._fresh(row, now)
        if subject is None or fresh is not None:
            return fresh or _unscored(now, self._freshness.fresh_for)
        try:
            answer = self.provider.ask(subject, now)
        except ProviderFailed as failure:
            return self._stale(row, now, failure)
        accepted = _row(user_id, subject, answer, now)
        self._database.write(lambda unit: unit.remote_scores.save(accepted))
        self._observe(FETCHED, "")
        return _measurement(accepted, self._freshness.fresh_until(accepted))

    def _load(self, user_id: str) -> tuple[str | None, RemoteScoreRow | None]:
        """The person's external id, which is their id at the provider, and the last accepted answer about that id."""

        def load(unit: UnitOfWork) -> tuple[str | None, RemoteScoreRow | None]:
            subject, row = unit.users.load_external_id(user_id), unit.remote_scores.load(user_id)
            return subject, row if row is not None and row.subject == subject else None

        return self._database.read(load)

    def _fresh(self, row: RemoteScoreRow | None, now: BusinessTime) -> Measurement | None:
        if row is None or not _is_past(row, now) or self._freshness.fresh_until(row) <= now:
            return None
        return _measurement(row, self._freshness.fresh_until(row))

    def _stale(self, row: RemoteScoreRow | None, now: BusinessTime, failure: ProviderFailed) -> Measurement:
        """The last accepted answer, if it is not too old. Raises Unavailable."""
        is_usable = row is not None and _is_past(row, now) and now < self._freshness.stale_until(row)
        self._observe(STALE if is_usable else UNAVAILABLE, failure.cause)
        outage_log.report(failure, "scores", stale=is_usable)
        if row is None or not is_usable:
            raise Unavailable("SCORE_UNAVAILABLE", "The score provider gave no usable answer. Try again later.")
        return _measurement(row, BusinessTime(min(self._freshness.stale_until(row), now + ASK_AGAIN_AFTER)))


def _is_past(row: RemoteScoreRow, now: BusinessTime) -> bool:
    """Whether the answer is not from the future. The clocks of two processes may differ a little."""
    return row.fetched_at <= now + CLOCK_ALLOWANCE


def _row(user_id: str, subject: str, answer: ScoreAnswer, now: BusinessTime) -> RemoteScoreRow:
    return RemoteScoreRow(
        user_id=user_id,
        subject=subject,
        score=answer.score,
        model=answer.model,
        reasons=list(answer.reasons),
        open_overdue=answer.open_overdue,
        document_identity=answer.document_identity,
        as_of=answer.as_of,
        valid_until=answer.valid_until,
        fetched_at=now,
    )


def _measurement(row: RemoteScoreRow, valid_until: BusinessTime) -> Measurement:
    return Measurement(
        row.score,
        tier_of(row.score),
        row.as_of,
        valid_until,
        row.open_overdue,
        card=row.model,
        reasons=tuple(row.reasons),
        has_document=row.document_identity,
    )


def _unscored(now: BusinessTime, valid_for: timedelta) -> Measurement:
    return Measurement(None, tier_of(None), now, BusinessTime(now + valid_for))
