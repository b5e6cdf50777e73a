"""Deletes reported behaviour records that have no weight any more, and old computations of scores, in batches. Records
of decisions stay, like the decisions."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Delete, Integer, and_, bindparam, exists, func, or_, select

from gateway.domain.scoring.record import KEPT_KINDS, RecordKind
from gateway.kit.clock import BusinessTime, WallTime
from gateway.store.repository import Repository
from gateway.store.scoring.records import RECORDS, REPORTED
from gateway.store.scoring.scores import SNAPSHOTS

_R, _H = RECORDS.c, SNAPSHOTS.c
_most = bindparam("most", type_=Integer)


def _delete(kinds: Collection[RecordKind], *conditions: ColumnElement[bool]) -> Delete:
    """Returns the statement that deletes reported records of these kinds of the month `last` or before."""
    chosen = (
        select(_R.id)
        .where(REPORTED, _R.kind.in_(sorted(kinds)), _R.month <= bindparam("last"), *conditions)
        .limit(_most)
        .with_for_update(skip_locked=True)
    )
    return RECORDS.delete().where(_R.id.in_(chosen))


_KEPT, _LATE, _MONTHS = _delete(KEPT_KINDS), _delete({RecordKind.LATE}), _delete({RecordKind.MONTHS})
_BROKEN = _delete({RecordKind.BROKEN}, _R.ended_at < bindparam("before", type_=_R.at.type))
_oldest = (
    select(_H.id, _H.user_id, _H.as_of, _H.computed_at)
    .where(_H.id > bindparam("after"))
    .order_by(_H.id)
    .limit(_most)
    .subquery()
)
"""Ids sort in the order of their creation, so the oldest computations are found without a scan."""
_is_old = _oldest.c.computed_at < bindparam("before", type_=_H.computed_at.type)
_LAST = select(func.max(_oldest.c.id)).where(_is_old)
_newer = SNAPSHOTS.alias("newer")
_SNAPSHOTS = SNAPSHOTS.delete().where(
    _H.id.in_(
        select(_oldest.c.id).where(
            _is_old,
            exists().where(
                _newer.c.user_id == _oldest.c.user_id,
                or_(
                    _newer.c.as_of > _oldest.c.as_of,
                    and_(_newer.c.as_of == _oldest.c.as_of, _newer.c.id > _oldest.c.id),
                ),
            ),
        )
    )
)


class ScorePurgeRepository(Repository):
    """Deletes old rows. Each function deletes at most `most` and returns how many it deleted."""

    def delete_kept(self, last_month: int, most: int) -> int:
        """Deletes records of kept obligations of this month or before."""
        return self._execute(_KEPT, last=last_month, most=most)

    def delete_late(self, last_month: int, most: int) -> int:
        """Deletes records of late obligations of this month or before."""
        return self._execute(_LATE, last=last_month, most=most)

    def delete_broken(self, last_month: int, before: BusinessTime, most: int) -> int:
        """Deletes records of broken obligations that ended in this month, so before `before`, or earlier."""
        return self._execute(_BROKEN, last=last_month, before=before, most=most)

    def delete_assessments(self, last_month: int, most: int) -> int:
        """Deletes assessed months of this month or before."""
        return self._execute(_MONTHS, last=last_month, most=most)

    def delete_snapshots(self, before: WallTime, after: str, most: int) -> tuple[int, str | None]:
        """Deletes computations of scores before this moment, except for the newest one of each person. Looks at `most`
        computations, from the one after the id `after`. Returns how many it deleted, and the last id before the moment,
        None if there is no such computation."""
        last: str | None = self._value(_LAST, before=before, after=after, most=most)
        if last is None:
            return 0, None
        return self._execute(_SNAPSHOTS, before=before, after=after, most=most), last
