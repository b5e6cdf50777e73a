"""The embedded score source. What is read is the present score in the database; it is computed again when it is due."""

from collections.abc import Sequence
from datetime import timedelta

from gateway.domain.scoring.card_versions import CardVersions
from gateway.domain.scoring.history import Behaviour, Cause, ScoreState, compute_states, correct_states, next_due
from gateway.domain.scoring.record import NEGATIVE_KINDS
from gateway.domain.scoring.score import Measurement
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime
from gateway.kit.ids import Ids
from gateway.sources.scorecard.corrections import write_corrections
from gateway.store.base import Row
from gateway.store.database import Database
from gateway.store.scoring.scores import PersonScoreRow, read_state
from gateway.store.unit import UnitOfWork

FRESH_FOR = timedelta(days=1)
"""How long a measurement is valid at most."""

VALID_FOR_A_REQUEST = timedelta(minutes=1)
"""How long a measurement is valid at least: a request that has read the score is not refused because the score becomes
due before it ends."""


class ScorecardSource:
    """Computes scores from behaviour records by the scorecard in force. `is_read` is whether merchants read them: only
    then are they told of corrections."""

    def __init__(self, database: Database, cards: CardVersions, ids: Ids, *, is_read: bool = True) -> None:
        self._database, self.cards, self._ids, self._is_read = database, cards, ids, is_read

    def measure(self, user_id: str, now: BusinessTime) -> Measurement:
        """The person's present score. If it is due at `now`, or never was computed, it is computed first."""
        row: Row | PersonScoreRow | None = self._database.read(lambda unit: unit.scores.load_measured(user_id))
        if row is None or self._is_due(row, now):
            row = self._database.write(lambda unit: self.compute(unit, user_id, now))
        return _measurement(row, now)

    def compute(self, unit: UnitOfWork, user_id: str, now: BusinessTime) -> PersonScoreRow:
        """The person's present score, in the caller's unit of work. If it is due at `now`, computes it and adds each
        computation to the history. If a wrong record has been corrected, tells the merchants that were told a wrong
        tier."""
        row = unit.scores.lock(user_id, now)
        if not self._is_due(row, now):
            return row
        behaviour = self.load_behaviour(unit, user_id, now)
        previous = read_state(row) if row.as_of is not None else None
        states = self._compute_states(unit, row, behaviour, previous, now)
        for state in states:  # those before the previous state are computed for the tier only
            if previous is None or state.as_of > previous.as_of or state is states[-1]:
                unit.scores.insert_snapshot(self._ids.new("scr"), user_id, state, unit.wall)
        present = states[-1] if states else read_state(row)
        due_at = next_due(self.cards, behaviour, now, present)
        if states:
            unit.scores.save(user_id, present, due_at)
        else:
            unit.scores.postpone(row, due_at)
        if row.wrong_since is not None and self._is_read:
            write_corrections(unit, self._ids, self.cards, user_id, behaviour, present, row.wrong_since)
        computed = unit.scores.load(user_id)
        assert computed is not None
        return computed

    def load_behaviour(self, unit: UnitOfWork, user_id: str, now: BusinessTime) -> Behaviour:
        """All that counts for the person's score."""
        rules = self.cards.at(now).rules
        versions = [card.rules for card in self.cards]  # earlier months can be computed too
        records = unit.behaviour_records.list_relevant(
            user_id,
            largest=max(each.most_a_month for each in versions),
            earliest=max(each.minimum_records for each in versions),
        )
        partners = {record.partner for record in records if record.kind in NEGATIVE_KINDS}
        ignored = {partner for partner in partners if rules.ignores_partner(*unit.disputes.count_decided(partner))}
        return Behaviour(records=records, shared=unit.scores.load_shared(user_id), ignored_partners=ignored)

    def _is_due(self, row: Row | PersonScoreRow, now: BusinessTime) -> bool:
        return row.due_at <= now or row.card_hash != self.cards.at(now).hash

    def _compute_states(
        self,
        unit: UnitOfWork,
        row: PersonScoreRow,
        behaviour: Behaviour,
        previous: ScoreState | None,
        now: BusinessTime,
    ) -> Sequence[ScoreState]:
        """The states after the previous one. After a correction they begin at the last state before the corrected
        record had counted."""
        if previous is not None and row.correct_from is not None:
            before = unit.scores.load_before(row.user_id, row.correct_from)
            return correct_states(self.cards, behaviour, before, previous, now)
        cause = None if row.pending is None else Cause(row.pending)
        if previous is not None and cause is None and previous.card_hash != self.cards.at(previous.as_of).hash:
            cause = Cause.CARD  # the file of a version was changed
        changed_at = None if row.pending is None else row.due_at
        return list(compute_states(self.cards, behaviour, previous, now, cause, changed_at))


def _measurement(row: Row | PersonScoreRow, now: BusinessTime) -> Measurement:
    return Measurement(
        score=row.score,
        tier=Tier(row.tier),
        as_of=row.as_of or now,
        valid_until=BusinessTime(now + max(min(row.due_at - now, FRESH_FOR), VALID_FOR_A_REQUEST)),
        open_overdue=row.open_overdue,
        held_until=row.held_until,
        card=row.card,
        reasons=tuple([code for code, _ in row.reasons]),
        has_document=row.has_document,
    )
