"""Behaviour records: what a person kept, settled late or broke, what was assessed and which identity was verified."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from gateway.domain.money import Money
from gateway.kit.clock import BusinessTime


class Dimension(StrEnum):
    """A dimension of the score. Records of FINANCIAL_CAPACITY and SOCIAL_RELATIONS count only if the person has chosen
    to share them."""

    CREDIT_HISTORY = "CREDIT_HISTORY"
    FULFILMENT = "FULFILMENT"
    SHOPPING = "SHOPPING"
    FINANCIAL_CAPACITY = "FINANCIAL_CAPACITY"
    IDENTITY = "IDENTITY"
    SOCIAL_RELATIONS = "SOCIAL_RELATIONS"


OPTIONAL_DIMENSIONS = (Dimension.FINANCIAL_CAPACITY, Dimension.SOCIAL_RELATIONS)
"""The dimensions that count only if the person has chosen to share them. They can only add points."""


class RecordKind(StrEnum):
    """KEPT: an obligation was met in time. KEPT_WITH_DEPOSIT: the same, and the person had paid a deposit; it counts
    half. LATE: it was met late. BROKEN: it was not met. OVERDUE: it is overdue and open; it has no points, but
    policies see it. MONTHS: in how many of twelve months there was a paid order, or all bills were covered. PHONE,
    DOCUMENT, LIVENESS: how the identity was verified."""

    KEPT = "KEPT"
    KEPT_WITH_DEPOSIT = "KEPT_WITH_DEPOSIT"
    LATE = "LATE"
    BROKEN = "BROKEN"
    OVERDUE = "OVERDUE"
    MONTHS = "MONTHS"
    PHONE = "PHONE"
    DOCUMENT = "DOCUMENT"
    LIVENESS = "LIVENESS"


KEPT_KINDS = frozenset({RecordKind.KEPT, RecordKind.KEPT_WITH_DEPOSIT})
NEGATIVE_KINDS = frozenset({RecordKind.LATE, RecordKind.BROKEN})
FINISHED_KINDS = KEPT_KINDS | NEGATIVE_KINDS
"""The kinds of records about an obligation that has ended."""
IDENTITY_KINDS = (RecordKind.PHONE, RecordKind.DOCUMENT, RecordKind.LIVENESS)
"""The levels of identity, lowest first."""
OBLIGATION_KINDS = FINISHED_KINDS | {RecordKind.OVERDUE}
"""The kinds of records about an obligation."""
KINDS_OF = {
    Dimension.CREDIT_HISTORY: OBLIGATION_KINDS,
    Dimension.FULFILMENT: OBLIGATION_KINDS,
    Dimension.SHOPPING: frozenset({RecordKind.MONTHS}),
    Dimension.FINANCIAL_CAPACITY: frozenset({RecordKind.MONTHS}),
    Dimension.IDENTITY: frozenset(IDENTITY_KINDS),
    Dimension.SOCIAL_RELATIONS: frozenset({RecordKind.MONTHS}),
}
"""The kinds of records that each dimension can have."""


@dataclass(frozen=True, slots=True)
class BehaviourRecord:
    """One record about a person. Times are business time in UTC.

    `partner` is who reported it: the id of the merchant's partner, or a name in an imported file. `amount` is what the
    obligation was about, None for one without money. `months` is 0 to 12 for the kind MONTHS, else None. `at` is when
    it was received, `counts_from` when a negative record begins to count (None: at once), and `ended_at` when a broken
    obligation was written off (None: not yet). `contested_at` is since when a dispute about it is open; a contested
    record does not count. `claimed_at` is when the person said that the obligation was kept, None unless the record
    rests on that and on the merchant's silence. `is_own` is whether it is about a decision of this deployment.
    """

    id: str
    dimension: Dimension
    kind: RecordKind
    partner: str
    at: BusinessTime
    amount: Money | None = None
    months: int | None = None
    counts_from: BusinessTime | None = None
    ended_at: BusinessTime | None = None
    contested_at: BusinessTime | None = None
    claimed_at: BusinessTime | None = None
    is_own: bool = field(default=False, compare=False)
    month: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "month", month_of(self.at))

    def counts_at(self, now: datetime) -> bool:
        """Returns whether the record counts at `now`: it was received, its window is over, and it is not contested."""
        return self.contested_at is None and self.at <= now and (self.counts_from is None or self.counts_from <= now)


def month_of(moment: datetime) -> int:
    """Returns the number of the month (UTC) of a moment. Consecutive months have consecutive numbers."""
    return moment.year * 12 + moment.month - 1


def month_start(month: int) -> BusinessTime:
    """Returns the beginning of the month with this number (UTC)."""
    return BusinessTime(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC))
