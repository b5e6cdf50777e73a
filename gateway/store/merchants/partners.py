"""Partners: the tenants. A partner owns merchants, clients and, in a sandbox, personas and its own business time."""

from sqlalchemy import bindparam, false, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, moment_column, table_of
from gateway.store.repository import Repository


class PartnerRow(Record):
    """A partner. `clock_offset_seconds` is how far its business time is ahead of wall time. `has_faults` is whether
    faults are injected into calls of its clients. `retired_at` is when a reset has replaced it: then it has no clients.
    `password_id` is the id from which the passwords of its personas are derived, None for its own."""

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    clock_offset_seconds: int = 0
    created_at: WallTime = moment_column()
    has_faults: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    retired_at: WallTime | None = moment_column(default=None)
    password_id: str | None = None


class PartnerTable(PartnerRow, table=True):
    __tablename__ = "partners"


PARTNERS = table_of(PartnerTable)
RETIRED = select(PARTNERS.c.id).where(PARTNERS.c.retired_at.is_not(None))
"""The ids of the retired partners."""
_ALL = select(PARTNERS).where(PARTNERS.c.retired_at.is_(None)).order_by(PARTNERS.c.id)
_PARTNER = select(PARTNERS).where(PARTNERS.c.id == bindparam("partner_id"))
_LOCKED = _PARTNER.with_for_update(key_share=True)  # rows that refer to the partner can be written meanwhile
_BY_NAME = select(PARTNERS).where(PARTNERS.c.name == bindparam("partner_name"), PARTNERS.c.retired_at.is_(None))
_MOVE_CLOCK = (
    PARTNERS.update()
    .where(PARTNERS.c.id == bindparam("partner_id"))
    .values(clock_offset_seconds=PARTNERS.c.clock_offset_seconds + bindparam("seconds"))
)


_RETIRE = (
    PARTNERS.update()
    .where(PARTNERS.c.id == bindparam("partner_id"))
    .values(name=bindparam("new_name"), retired_at=bindparam("now"), has_faults=false())
)


class PartnerRepository(Repository):
    """Reads and writes partners."""

    def load_by_name(self, name: str) -> PartnerRow | None:
        """Returns the partner with exactly this name, or None. No retired partner is found by its name."""
        return self._first(PartnerRow, _BY_NAME, partner_name=name)

    def load(self, partner_id: str) -> PartnerRow | None:
        """Returns the partner, or None if it is unknown."""
        return self._first(PartnerRow, _PARTNER, partner_id=partner_id)

    def lock(self, partner_id: str) -> None:
        """Locks the partner until the unit of work ends."""
        self._row(_LOCKED, partner_id=partner_id)

    def list_partners(self) -> list[PartnerRow]:
        """Returns all partners, oldest first, without retired ones."""
        return self._all(PartnerRow, _ALL)

    def insert(self, partner: PartnerRow) -> None:
        """Writes a new partner."""
        self._insert(PARTNERS, partner)

    def retire(self, partner_id: str, name: str, now: WallTime) -> None:
        """Retires a partner, under another name."""
        self._execute(_RETIRE, partner_id=partner_id, new_name=name, now=now)

    def move_clock(self, partner_id: str, seconds: int) -> None:
        """Moves the partner's business time forward by `seconds`."""
        self._execute(_MOVE_CLOCK, partner_id=partner_id, seconds=seconds)
