"""What a person is informed about in advance: consents that end soon, and obligations that are due soon."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, Select, bindparam, literal_column, or_, select

from gateway.domain.merchants import Product
from gateway.domain.notices.notice import CONSENT_NOTICE, NOT_BEFORE, REMINDER, NoticeKind
from gateway.kit.clock import BusinessTime
from gateway.store.base import Row
from gateway.store.consents.consents import CONSENTS
from gateway.store.decisions.decisions import DECISIONS
from gateway.store.merchants.merchants import MERCHANTS
from gateway.store.merchants.partners import PARTNERS
from gateway.store.notices.notices import NOTICES
from gateway.store.repository import Repository

_C, _D = CONSENTS.c, DECISIONS.c
_MOST: Any = bindparam("most", type_=Integer)


def _without_notice(statement: Select[Any], kind: NoticeKind, subject: Any, date: Any) -> Select[Any]:
    """Returns the statement without subjects that have a notice about this date, of partners with one clock offset, the
    earliest date first."""
    # Literals, because a partial index is used only if the statement has the condition of the index.
    written = select(NOTICES.c.id).where(
        NOTICES.c.subject_id == subject,
        NOTICES.c.kind == literal_column(f"'{kind.value}'"),
        NOTICES.c.business_at == date,
    )
    return (
        statement.join(PARTNERS, PARTNERS.c.id == MERCHANTS.c.partner_id)
        .where(
            PARTNERS.c.clock_offset_seconds == bindparam("clock_offset", type_=Integer),
            PARTNERS.c.retired_at.is_(None),
            date > bindparam("now"),
            date <= bindparam("soon"),
            ~written.exists(),
        )
        .order_by(date, subject)
        .limit(_MOST)
    )


_EXPIRING = _without_notice(
    select(_C.user_id, _C.merchant_id, _C.id.label("subject_id"), _C.expires_at.label("date"))
    .join(MERCHANTS, MERCHANTS.c.id == _C.merchant_id)
    .where(_C.revoked_at.is_(None), _C.single_use.is_(False), _C.granted_at <= bindparam("begun_by")),
    NoticeKind.CONSENT_EXPIRING,
    _C.id,
    _C.expires_at,
)
_NO_OPEN_CLAIM = or_(  # no claim is accepted before the due date
    _D.claimed_at.is_(None), _D.claim_withdrawn_at.is_not(None), _D.claim_contradicted_at.is_not(None)
)
_DUE_SOON = _without_notice(
    select(_C.user_id, _D.merchant_id, _D.id.label("subject_id"), _D.due_at.label("date"), _D.product)
    .join(CONSENTS, _C.id == _D.consent_id)
    .join(MERCHANTS, MERCHANTS.c.id == _D.merchant_id)
    .where(_D.status == literal_column("'ACTIVE'"), _D.activated_at <= bindparam("begun_by"), _NO_OPEN_CLAIM),
    NoticeKind.DUE_SOON,
    _D.id,
    _D.due_at,
)


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A consent that ends at `date`, or a decision that is due then."""

    kind: NoticeKind
    user_id: str
    merchant_id: str
    subject_id: str
    product: Product | None
    date: BusinessTime


class UpcomingRepository(Repository):
    """Lists what has no notice yet. `offset` is the clock offset of the partners, `now` their business time."""

    def list_expiring_consents(self, offset: int, now: BusinessTime, limit: int) -> list[Upcoming]:
        """Returns at most `limit` consents that end soon, the earliest first."""
        rows = self._rows(_EXPIRING, **_window(now, offset, limit), soon=now + CONSENT_NOTICE)
        return [_read(row, NoticeKind.CONSENT_EXPIRING, None) for row in rows]

    def list_due_soon(self, offset: int, now: BusinessTime, limit: int) -> list[Upcoming]:
        """Returns at most `limit` active decisions that are due soon, the earliest first. Those with an open claim are
        left out: the person says that nothing is due."""
        rows = self._rows(_DUE_SOON, **_window(now, offset, limit), soon=now + REMINDER)
        return [_read(row, NoticeKind.DUE_SOON, Product(row.product)) for row in rows]


def _window(now: BusinessTime, offset: int, limit: int) -> dict[str, Any]:
    return {"now": now, "begun_by": now - NOT_BEFORE, "clock_offset": offset, "most": limit}


def _read(row: Row, kind: NoticeKind, product: Product | None) -> Upcoming:
    return Upcoming(kind, row.user_id, row.merchant_id, row.subject_id, product, row.date)
