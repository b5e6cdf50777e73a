"""Decisions: one row each, saved together with totals, log entry and outbox message."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Index, bindparam, select, text
from sqlmodel import UniqueConstraint

from gateway.domain.decisions.decision import Decision, DecisionEvent, StoredDecision, state_by
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import RULES, Status, SystemTransition
from gateway.domain.events import Actor
from gateway.domain.money import Money
from gateway.kit.clock import BusinessTime, WallTime
from gateway.store.base import amount_column, moment_column, table_of
from gateway.store.consents.consents import CONSENTS
from gateway.store.decisions.disputes import DisputeRow
from gateway.store.decisions.entries import public_part, snapshot_event
from gateway.store.decisions.exposures import BY_MERCHANT, COMMITMENTS, ExposureRepository
from gateway.store.decisions.idempotency import IdempotencyRow
from gateway.store.decisions.mapping import StateMapping
from gateway.store.logged_persons import LoggedPersonRepository
from gateway.store.logs.decision_log import DecisionLog
from gateway.store.logs.sealed_log import NewEntry
from gateway.store.merchants.merchants import MERCHANTS
from gateway.store.notices.notices import NoticeRepository
from gateway.store.outbox import OutboxRepository, message_of_event
from gateway.store.repository import Repository, insert_into
from gateway.store.scoring.outcomes import OutcomeRepository

DERIVED = {
    "committed_minor": (amount_column(), lambda state: state.committed.minor),
    "exposure_minor": (amount_column(), lambda state: state.exposure.minor),
    "next_transition_at": (moment_column(default=None, nullable=True, index=True), lambda s: s.next_transition_at),
    "flagged_at": (moment_column(default=None, nullable=True), lambda state: state.flagged_at),
}
"""Columns computed from the state, so that the database can search and sum them."""
_KIND = ("merchant_id", "product", "status")
_ACTIVE = text("status = 'ACTIVE'")
MAPPING = StateMapping(DecisionState, DERIVED)
DecisionRow = MAPPING.declare(
    __name__,
    "DecisionRow",
    "decisions",
    {
        "id": {"primary_key": True},
        "merchant_id": {"foreign_key": "merchants.id"},
        "client_id": {"foreign_key": "oauth_clients.id"},
        "consent_id": {"foreign_key": "consents.id"},
    },
    (
        UniqueConstraint("merchant_id", "merchant_reference"),
        Index("ix_decisions_merchant_id_created_at_id", "merchant_id", "created_at", "id"),
        Index("ix_decisions_merchant_id_updated_at_id", "merchant_id", "updated_at", "id"),
        Index("ix_decisions_merchant_id_kind_created_at", *_KIND, "created_at", "id", "valid_until"),
        Index("ix_decisions_merchant_id_kind_updated_at", *_KIND, "updated_at", "id", "valid_until"),
        Index("ix_decisions_consent_id_next_transition_at", "consent_id", "next_transition_at"),
        Index("ix_decisions_consent_id_flagged_at", "consent_id", "flagged_at"),
        Index("ix_decisions_due_at", "due_at", postgresql_where=_ACTIVE, sqlite_where=_ACTIVE),
    ),
)
DECISIONS = table_of(DecisionRow)
_D = DECISIONS.c
_BY_ID = select(DECISIONS).where(_D.id == bindparam("decision_id"))
_BY_IDS = select(DECISIONS).where(_D.id.in_(bindparam("decision_ids", expanding=True)))
_LOCKED = _BY_ID.with_for_update()
_BY_REFERENCE = select(DECISIONS).where(
    _D.merchant_id == bindparam("merchant_id"), _D.merchant_reference == bindparam("reference")
)
_INSERT = (
    insert_into(DECISIONS).on_conflict_do_nothing(index_elements=["merchant_id", "merchant_reference"]).returning(_D.id)
)
_UPDATE = DECISIONS.update().where(_D.id == bindparam("decision_id"))
_USED = (
    select(_D.id)
    .where(
        _D.consent_id == bindparam("consent_id"),
        _D.status != Status.DECLINED.value,
        _D.id != bindparam("except_for"),
    )
    .limit(1)
)
_DUE_OF_CONSENT = select(DECISIONS).where(
    _D.consent_id == bindparam("consent_id"), _D.next_transition_at <= bindparam("now")
)
_COMMITTED = select(
    select(COMMITMENTS.c.committed_minor)
    .where(COMMITMENTS.c.consent_id == bindparam("consent_id"), COMMITMENTS.c.currency == bindparam("currency"))
    .scalar_subquery()
    .label("committed_minor"),
    _DUE_OF_CONSENT.exists().label("has_due"),
)
OF_USER = (
    select(DECISIONS).join(CONSENTS, CONSENTS.c.id == _D.consent_id).where(CONSENTS.c.user_id == bindparam("user_id"))
)
_DUE_OF_USER = OF_USER.where(_D.next_transition_at <= bindparam("now"))
_DUE_IDS_OF_USER = _DUE_OF_USER.with_only_columns(_D.id).order_by(_D.next_transition_at, _D.id)
_EXPOSURES = BY_MERCHANT.add_columns(_DUE_OF_USER.exists().label("has_due"))
_DUE_IDS_OF_PARTNER = (
    select(_D.id)
    .join(MERCHANTS, MERCHANTS.c.id == _D.merchant_id)
    .where(MERCHANTS.c.partner_id == bindparam("partner_id"), _D.next_transition_at <= bindparam("now"))
    .order_by(_D.next_transition_at, _D.id)
    .limit(bindparam("most"))
)
_FLAGGED_OF_USER = OF_USER.where(_D.flagged_at <= bindparam("now"))
_RESERVING_OF_USER = OF_USER.where(
    _D.status.in_([Status.APPROVED.value, Status.ACTIVE.value, Status.BREACHED.value])
).order_by(_D.id.desc())
_IDS_OF_ADAPTER = (
    select(_D.id)
    .where(_D.adapter == bindparam("adapter"), _D.id > bindparam("after"), _D.created_at >= bindparam("since"))
    .order_by(_D.id)
    .limit(bindparam("most"))
)
_IDS_OF_ADAPTER_AND_MERCHANT = _IDS_OF_ADAPTER.where(_D.merchant_id == bindparam("merchant_id"))
EXPIRING = RULES[SystemTransition.EXPIRE].sources
"""The statuses in which a decision can expire."""


class DecisionRepository(Repository):
    """Loads decisions, and saves them: row, totals, log entry, outbox message and notice together."""

    def __init__(
        self,
        connection: Connection,
        wall: WallTime,
        log: DecisionLog,
        persons: LoggedPersonRepository,
        exposures: ExposureRepository,
        notices: NoticeRepository,
    ) -> None:
        super().__init__(connection)
        self._notices = notices
        self._wall, self._log, self._persons, self._exposures = wall, log, persons, exposures
        self._outbox, self._outcomes = OutboxRepository(connection), OutcomeRepository(connection)

    def load(self, decision_id: str) -> DecisionState | None:
        """Returns the stored decision, or None for an unknown id."""
        return next(iter(self._states(_BY_ID, decision_id=decision_id)), None)

    def load_all(self, decision_ids: Iterable[str]) -> list[DecisionState]:
        """Returns the stored decisions with these ids in any order, without unknown ones."""
        return self._states(_BY_IDS, decision_ids=sorted(set(decision_ids)))

    def load_stored(self, decision_id: str) -> StoredDecision | None:
        """Returns the stored decision with the digest of its row, or None for an unknown id."""
        row = self._row(_BY_ID, decision_id=decision_id)
        return None if row is None else StoredDecision(MAPPING.read(row), MAPPING.digest(row))

    def lock(self, decision_id: str) -> Decision | None:
        """Returns the decision, or None for an unknown id. Its row stays locked until the unit of work ends."""
        row = self._row(_LOCKED, decision_id=decision_id)
        if row is None:
            return None
        state = MAPPING.read(row)
        return Decision(state, StoredDecision(state, MAPPING.digest(row)))

    def load_by_reference(self, merchant_id: str, reference: str) -> DecisionState | None:
        """Returns the merchant's decision with this reference, or None."""
        return next(iter(self._states(_BY_REFERENCE, merchant_id=merchant_id, reference=reference)), None)

    def list_reserving(self, user_id: str) -> list[DecisionState]:
        """Returns a person's stored approvals, active decisions and breaches at all merchants, newest first."""
        return self._states(_RESERVING_OF_USER, user_id=user_id)

    def list_due_of_user(self, user_id: str, now: BusinessTime) -> list[str]:
        """Returns the ids of the person's decisions with a system transition due at `now`, longest due first."""
        return self._values(_DUE_IDS_OF_USER, user_id=user_id, now=now)

    def list_due_of_partner(self, partner_id: str, now: BusinessTime, limit: int) -> list[str]:
        """Returns the ids of the due decisions of a partner's merchants, as `list_due_of_user` does."""
        return self._values(_DUE_IDS_OF_PARTNER, partner_id=partner_id, now=now, most=limit)

    def list_ids_of_adapter(
        self, adapter: str, since: datetime, after: str, limit: int, merchant_id: str | None = None
    ) -> list[str]:
        """Returns the ids above `after` of the adapter's decisions made at `since` (business time) or later, in order.
        With `merchant_id`, only those of one merchant."""
        parameters = {"adapter": adapter, "since": since, "after": after, "most": limit}
        if merchant_id is None:
            return self._values(_IDS_OF_ADAPTER, **parameters)
        return self._values(_IDS_OF_ADAPTER_AND_MERCHANT, **parameters, merchant_id=merchant_id)

    def is_consent_used(self, consent_id: str, *, except_for: str = "") -> bool:
        """Returns whether the consent has a decision, other than `except_for`, that is not DECLINED."""
        return self._value(_USED, consent_id=consent_id, except_for=except_for) is not None

    def load_committed(
        self, consent_id: str, currency: str, now: BusinessTime, *, except_for: Decision | None = None
    ) -> Money:
        """Returns the committed amount of a consent at `now`: what its open decisions count against the consent's
        maximum amount. Unlike exposure it includes requests in manual review, lapsed obligations and written-off
        breaches. The amount of `except_for` is left out."""
        excluded = except_for.stored.state if except_for and except_for.stored else None
        total, has_due = self._rows(_COMMITTED, consent_id=consent_id, currency=currency, now=now)[0]
        due = self._states(_DUE_OF_CONSENT, consent_id=consent_id, now=now) if has_due else []
        not_counted = {state.id: state for state in due if state.status in EXPIRING}
        if excluded is not None and excluded.consent_id == consent_id:
            not_counted[excluded.id] = excluded
        left_out = sum(state.committed.minor for state in not_counted.values() if state.currency == currency)
        return Money(int(total or 0) - left_out, currency)

    def load_exposures(self, user_id: str, currency: str, now: BusinessTime) -> dict[str, Money]:
        """Returns the person's exposure by merchant id, after all transitions due at `now`. Merchants without exposure
        may be absent."""
        rows = self._rows(_EXPOSURES, user_id=user_id, currency=currency, now=now)
        exposures = {row.merchant_id: Money(int(row.exposure_minor), currency) for row in rows}
        due = self._states(_DUE_OF_USER, user_id=user_id, now=now) if any(row.has_due for row in rows) else []
        for state in due:
            if state.currency == currency and state.merchant_id in exposures:
                exposures[state.merchant_id] -= state.exposure - state_by(state, now).exposure
        return exposures

    def count_against(self, user_id: str, now: BusinessTime) -> tuple[int, int]:
        """Returns how many obligations are overdue at all merchants, and how many are breaches that count. No
        obligation is in both numbers. Disputed, lapsed and settled ones are in neither."""
        flagged = [state_by(state, now) for state in self._states(_FLAGGED_OF_USER, user_id=user_id, now=now)]
        overdue = sum(state.counts_as_overdue(now) for state in flagged)
        return overdue, sum(state.counts_as_breach(now) for state in flagged)

    def insert(
        self, decision: Decision, event: DecisionEvent, personal: Mapping[str, Any], idempotency: IdempotencyRow
    ) -> str | None:
        """Saves a new decision and returns the id of its log entry. Returns None and writes nothing if the merchant has
        used the reference before. `personal` is stored encrypted in the entry, `idempotency` is the call's record."""
        columns = MAPPING.write(decision.state)
        if not self._changes(_INSERT, **columns):
            return None
        return self._record(decision, MAPPING.digest(columns), event, Actor.GATEWAY, personal, idempotency=idempotency)

    def save(
        self,
        decision: Decision,
        event: DecisionEvent,
        actor: Actor,
        personal: Mapping[str, Any],
        *,
        dispute: DisputeRow | None = None,
        idempotency: IdempotencyRow | None = None,
    ) -> str:
        """Saves a decision that `lock` returned, after one event, and returns the id of the event's log entry.
        `dispute` is the dispute of the event, `idempotency` the record of the call that caused it. The entry holds the
        digests of decision, dispute and idempotency record. So none of them may be changed later in the same unit of
        work, except the columns of a dispute that refer to log entries."""
        if decision.stored is not None and decision.stored.state == decision.state:
            # Keep the stored digest: the row is not rewritten, and an older version may have written it differently.
            digest = decision.stored.digest
        else:
            columns = MAPPING.write(decision.state)
            digest = MAPPING.digest(columns)
            self._execute(_UPDATE, decision_id=columns.pop("id"), **columns)
        return self._record(decision, digest, event, actor, personal, dispute=dispute, idempotency=idempotency)

    def _record(
        self,
        decision: Decision,
        digest: str,
        event: DecisionEvent,
        actor: Actor,
        personal: Mapping[str, Any],
        *,
        dispute: DisputeRow | None = None,
        idempotency: IdempotencyRow | None = None,
    ) -> str:
        state, stored = decision.state, decision.stored
        person = self._persons.load(state.consent_id)
        previous = stored.state if stored else None
        self._exposures.follow(person.user_id, state, previous)
        self._outcomes.follow(person.user_id, state, event, previous)
        self._notices.follow(person.user_id, state, previous, event, actor, dispute.status if dispute else None)
        snapshot = snapshot_event(state, event, actor, dispute)
        public = public_part(state, event, actor, snapshot, digest, stored, dispute, idempotency)
        entry = NewEntry(state.merchant_id, person, public, personal, {"decision_id": state.id})
        event_id = self._log.append(entry)
        if snapshot is not None:
            self._outbox.add(message_of_event(event_id, state.merchant_id, public, snapshot, self._wall))
        decision.stored = StoredDecision(state, digest)
        return event_id

    def _states(self, statement: Any, **parameters: Any) -> list[DecisionState]:
        return [MAPPING.read(row) for row in self._rows(statement, **parameters)]
