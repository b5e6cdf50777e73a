"""Imported records of every kind about a person, for tests of what the person sees of them."""

from datetime import timedelta

from gateway.domain.scoring.record import BehaviourRecord, Dimension, RecordKind
from gateway.kit.clock import BusinessTime, business_time
from gateway.services.container import Container
from gateway.store.scoring.records import new_record_row
from tests.support.records import record
from tests.support.units import writing


def write_records(container: Container, username: str, *more: BehaviourRecord) -> str:
    """Writes a record of each kind about a user, and `more`. Returns the id of the broken one."""
    now = business_time(container.clock(), 0)
    day = timedelta(days=1)
    broken = record(RecordKind.BROKEN, at=BusinessTime(now - 3 * day), partner="Harbour Bikes & <Boats>")
    records = [
        broken,
        record(RecordKind.KEPT, at=BusinessTime(now - 40 * day)),
        record(RecordKind.KEPT_WITH_DEPOSIT, at=BusinessTime(now - 50 * day), amount=None),
        record(RecordKind.LATE, at=BusinessTime(now - 60 * day), dimension=Dimension.CREDIT_HISTORY),
        record(RecordKind.LATE, at=BusinessTime(now - 1500 * day)),
        record(RecordKind.OVERDUE, at=BusinessTime(now - 2 * day)),
        record(RecordKind.MONTHS, at=BusinessTime(now - 70 * day), dimension=Dimension.SHOPPING, months=8, amount=None),
        record(
            RecordKind.MONTHS,
            at=BusinessTime(now - 71 * day),
            dimension=Dimension.FINANCIAL_CAPACITY,
            months=12,
            amount=None,
        ),
        *(
            record(kind, at=BusinessTime(now - 80 * day), dimension=Dimension.IDENTITY, amount=None)
            for kind in (RecordKind.PHONE, RecordKind.DOCUMENT, RecordKind.LIVENESS)
        ),
        *more,
    ]
    with writing(container.database) as unit:
        user = unit.users.load_by_username(username)
        assert user is not None
        unit.behaviour_records.insert_all(
            [new_record_row(each, user.id, source="harbour", reference=each.id) for each in records]
        )
    return broken.id
