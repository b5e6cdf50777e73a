"""Scores that are due: which, and those that an import makes due. The score of a disabled person is computed only if it
is read."""

from collections.abc import Mapping

from sqlalchemy import bindparam, exists, func, or_, select

from gateway.domain.scoring.history import Cause
from gateway.domain.scoring.record_change import RecordChange
from gateway.kit.clock import BusinessTime
from gateway.store.identity.users import PERSONAS, USERS
from gateway.store.merchants.partners import PARTNERS
from gateway.store.repository import Repository, insert_into
from gateway.store.scoring.scores import PERSON_SCORES, PersonScoreRow, earlier
from gateway.store.statements import run_many

_S = PERSON_SCORES.c
_enabled = USERS.c.disabled_at.is_(None)
_OFFSETS = select(PARTNERS.c.id, PARTNERS.c.clock_offset_seconds).where(
    exists().where(PERSONAS.c.partner_id == PARTNERS.c.id), PARTNERS.c.retired_at.is_(None)
)
_DUE_OF_PARTNER = (
    select(_S.user_id)
    .join(USERS, USERS.c.id == _S.user_id)
    .where(USERS.c.partner_id == bindparam("partner_id"), _enabled, _S.due_at <= bindparam("now"))
    .order_by(_S.due_at)
    .limit(bindparam("most"))
)
_DUE_WITHOUT_PARTNER = (
    select(_S.user_id)
    .join(USERS, USERS.c.id == _S.user_id)
    .where(USERS.c.partner_id.is_(None), _enabled, _S.due_at <= bindparam("now"))
    .order_by(_S.due_at)
    .limit(bindparam("most"))
)
_DUE_AFTER = (
    select(_S.user_id)
    .join(USERS, USERS.c.id == _S.user_id)
    .where(
        USERS.c.partner_id.is_not_distinct_from(bindparam("partner_id", type_=USERS.c.partner_id.type)),
        _enabled,
        _S.user_id > bindparam("after"),
        or_(_S.due_at <= bindparam("now"), _S.card_hash != bindparam("card_hash")),
    )
    .order_by(_S.user_id)
    .limit(bindparam("most"))
)
_COUNT_DUE = (
    select(func.count(_S.user_id))
    .join(USERS, USERS.c.id == _S.user_id)
    .where(_enabled, or_(_S.due_at <= bindparam("now"), _S.card_hash != bindparam("card_hash")))
)
_MARK_IMPORTED = insert_into(PERSON_SCORES)
_imported = _MARK_IMPORTED.excluded
_MARK_IMPORTED = _MARK_IMPORTED.on_conflict_do_update(
    index_elements=["user_id"],
    set_={
        "due_at": _imported.due_at,
        "pending": _imported.pending,
        "correct_from": earlier(_S.correct_from, _imported.correct_from),
        "wrong_since": earlier(_S.wrong_since, _imported.wrong_since),
    },
)


class DueScoreRepository(Repository):
    """Reads which scores are due, and marks scores as due."""

    def list_offsets(self) -> dict[str | None, int]:
        """Returns the clock offset of each partner that has persons of its own, its personas, and 0 as that of persons
        without a partner."""
        return {None: 0, **{row.id: row.clock_offset_seconds for row in self._rows(_OFFSETS)}}

    def mark_imported(self, persons: Mapping[str, RecordChange], moment: BusinessTime) -> None:
        """Notes that the scores of these persons must be computed again at `moment`, because records of them were
        imported. The moments of a change are those of `ScoreRepository.mark_due`."""
        rows = [
            vars(
                PersonScoreRow(
                    user_id=user_id,
                    due_at=moment,
                    pending=Cause.IMPORT.value,
                    correct_from=change.correct_from,
                    wrong_since=change.wrong_since,
                    dimension_points={},
                    reasons=[],
                )
            )
            for user_id, change in persons.items()
        ]
        if rows:
            run_many(self._connection, _MARK_IMPORTED, rows)

    def list_due(self, partner_id: str | None, now: BusinessTime, limit: int) -> list[str]:
        """Returns the ids of the persons of a partner, or of those without one, whose score is due at `now`, longest
        due first."""
        if partner_id is None:
            return self._values(_DUE_WITHOUT_PARTNER, now=now, most=limit)
        return self._values(_DUE_OF_PARTNER, partner_id=partner_id, now=now, most=limit)

    def list_due_after(
        self, after: str, partner_id: str | None, now: BusinessTime, card_hash: str, limit: int
    ) -> list[str]:
        """Returns the ids of persons of a partner, or of those without one, from the one after the id `after`, whose
        score is due at `now` or was computed by another card, in the order of ids."""
        return self._values(_DUE_AFTER, after=after, partner_id=partner_id, now=now, card_hash=card_hash, most=limit)

    def count_due(self, now: BusinessTime, card_hash: str) -> int:
        """Returns how many scores are due at `now` or were computed by another card."""
        return int(self._value(_COUNT_DUE, now=now, card_hash=card_hash))
