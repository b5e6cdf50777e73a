"""The behaviour records about a person, for the person: which of them count, and the disputes about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.domain.errors import NotFound
from gateway.domain.scoring.history import Behaviour
from gateway.domain.scoring.record import Dimension
from gateway.domain.scoring.record_dispute import RecordDispute, contestable_from
from gateway.domain.scoring.record_state import RecordState, find_state
from gateway.kit.clock import BusinessTime
from gateway.services.scoring.person_time import load_business_time
from gateway.sources.contract import ScoreSource
from gateway.sources.scorecard.source import ScorecardSource
from gateway.store.scoring.contested_records import ListedRecord
from gateway.store.unit import UnitOfWork

LISTED = 50
"""The number of records on one page."""


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """A record with its state. `merchant_name` is the merchant of the decision that it is about, None for an imported
    one. `can_contest`: the person can contest it now; else `contestable_from` is from when on they can, None if they
    cannot. `disputes` are those about it, oldest first; in a list without their texts."""

    listed: ListedRecord
    merchant_name: str | None
    state: RecordState
    can_contest: bool
    contestable_from: BusinessTime | None
    disputes: tuple[RecordDispute, ...]

    @property
    def open_dispute(self) -> RecordDispute | None:
        """The open dispute about the record, or None."""
        return self.disputes[-1] if self.disputes and self.disputes[-1].is_open else None


@dataclass(frozen=True, slots=True)
class RecordPage:
    """A page of the records about a person, newest first. `next` is the id after which the next page begins, None if
    this is the last page. `is_used`: the score is computed from these records."""

    records: tuple[PersonRecord, ...]
    next: str | None
    is_used: bool


class PersonRecordService:
    """Reads records in the caller's unit of work. The number of statements does not depend on the number of records."""

    def __init__(self, source: ScoreSource, scorecard: ScorecardSource) -> None:
        self._is_used, self._scorecard = isinstance(source, ScorecardSource), scorecard

    def list_page(
        self, unit: UnitOfWork, user_id: str, *, dimension: Dimension | None = None, after: str | None = None
    ) -> RecordPage:
        """LISTED records about the person, of a dimension or of all, from the one after `after`. An unknown `after` is
        ignored."""
        last = unit.contested_records.load(after) if after else None
        if last is not None and last.user_id != user_id:
            last = None
        listed = unit.contested_records.list_page(
            user_id, LISTED + 1, dimension=dimension, after=last.record if last else None
        )
        now = load_business_time(unit, user_id)
        behaviour = self._scorecard.load_behaviour(unit, user_id, now)
        disputes = dict[tuple[str, str], list[RecordDispute]]()
        for each in unit.record_disputes.list_of_user(user_id):
            disputes.setdefault((each.source, each.reference), []).append(each)
        names = _load_names(unit, listed)
        records = tuple(
            self._describe(each, names, disputes.get((each.source, each.reference), ()), behaviour, now)
            for each in listed[:LISTED]
        )
        return RecordPage(records, listed[LISTED - 1].record.id if len(listed) > LISTED else None, self._is_used)

    def load(self, unit: UnitOfWork, user_id: str, record_id: str) -> PersonRecord:
        """The record about this person, with its disputes and their texts. Raises NotFound."""
        listed = unit.contested_records.load(record_id)
        if listed is None or listed.user_id != user_id:
            raise NotFound("There is no such record.")
        now = load_business_time(unit, user_id)
        disputes = unit.record_disputes.list_of_record(listed.source, listed.reference)
        own = [each for each in disputes if each.user_id == user_id]
        behaviour = self._scorecard.load_behaviour(unit, user_id, now)
        return self._describe(listed, _load_names(unit, [listed]), own, behaviour, now)

    def _describe(
        self,
        listed: ListedRecord,
        names: Mapping[str, str],
        disputes: Sequence[RecordDispute],
        behaviour: Behaviour,
        now: BusinessTime,
    ) -> PersonRecord:
        card = self._scorecard.cards.at(now)
        state = (
            RecordState.REMOVED
            if listed.removed_at is not None
            else find_state(card, listed.record, now, behaviour.shared, behaviour.ignored_partners)
        )
        is_imported = not listed.is_own and listed.removed_at is None
        possible_from = contestable_from(listed.record, disputes) if is_imported else None
        can_contest = possible_from is not None and (not disputes or possible_from <= now)
        return PersonRecord(
            listed=listed,
            merchant_name=names.get(listed.reference) if listed.is_own else None,
            state=state,
            can_contest=can_contest,
            contestable_from=None if can_contest else possible_from,
            disputes=tuple(disputes),
        )


def _load_names(unit: UnitOfWork, listed: Sequence[ListedRecord]) -> Mapping[str, str]:
    """The names of the merchants of own records, by decision id."""
    return unit.merchant_names.load_of_decisions({each.reference for each in listed if each.is_own})
