"""Faults that partners inject: at most one for each client."""

from sqlalchemy import bindparam, exists, select
from sqlmodel import Field

from gateway.domain.fault import FaultKind
from gateway.store.base import Record, table_of
from gateway.store.identity.clients import CLIENTS
from gateway.store.merchants.merchants import MERCHANTS
from gateway.store.merchants.partners import PARTNERS
from gateway.store.repository import Repository, insert_into


class SandboxFaultRow(Record):
    """The fault of the next `remaining` calls of a client, or of the next attempts to deliver to its merchant. `kind`
    and `value` are those of Fault."""

    client_id: str = Field(foreign_key="oauth_clients.id", primary_key=True)
    kind: str
    value: str | None = None
    remaining: int


class SandboxFaultTable(SandboxFaultRow, table=True):
    __tablename__ = "sandbox_faults"


FAULTS = table_of(SandboxFaultTable)
_OF_PARTNER = (
    select(CLIENTS.c.id)
    .join(MERCHANTS, MERCHANTS.c.id == CLIENTS.c.merchant_id)
    .where(MERCHANTS.c.partner_id == bindparam("partner_id"))
)
_PUT = insert_into(FAULTS)
_PUT = _PUT.on_conflict_do_update(
    index_elements=["client_id"], set_={name: _PUT.excluded[name] for name in ("kind", "value", "remaining")}
)
_LOCKED = select(FAULTS).where(FAULTS.c.client_id == bindparam("client_id")).with_for_update()
_DELETE = FAULTS.delete().where(FAULTS.c.client_id == bindparam("of_id"))
_DELETE_ALL = FAULTS.delete().where(FAULTS.c.client_id.in_(_OF_PARTNER))
_NOTE = (
    PARTNERS.update()
    .where(PARTNERS.c.id == bindparam("partner_id"))
    .values(
        has_faults=exists().where(
            FAULTS.c.client_id.in_(_OF_PARTNER), FAULTS.c.kind != FaultKind.WEBHOOK_FAILURES.value
        )
    )
)
_FIRST_OF_WEBHOOKS = (
    select(FAULTS.c.client_id)
    .join(CLIENTS, CLIENTS.c.id == FAULTS.c.client_id)
    .where(
        CLIENTS.c.merchant_id == bindparam("merchant_id"),
        FAULTS.c.kind == FaultKind.WEBHOOK_FAILURES.value,
        FAULTS.c.remaining > 0,
    )
    .order_by(FAULTS.c.client_id)
    .limit(1)
    .with_for_update(of=FAULTS)
)
_FAIL_ATTEMPT = (
    FAULTS.update()
    .where(FAULTS.c.client_id == _FIRST_OF_WEBHOOKS.scalar_subquery(), FAULTS.c.remaining > 0)
    .values(remaining=FAULTS.c.remaining - 1)
    .returning(FAULTS.c.value)
)


class SandboxFaultRepository(Repository):
    """Reads and writes faults. The caller has locked the partner, except for `fail_attempts`."""

    def put(self, fault: SandboxFaultRow) -> None:
        """Writes the fault of a client in place of the earlier one."""
        self._run(_PUT, vars(fault))

    def lock(self, client_id: str) -> SandboxFaultRow | None:
        """Returns the fault of a client, None if it has none, and locks it until the unit of work ends."""
        return self._first(SandboxFaultRow, _LOCKED, client_id=client_id)

    def delete(self, client_id: str) -> None:
        """Deletes the fault of a client, if it has one."""
        self._execute(_DELETE, of_id=client_id)

    def delete_all(self, partner_id: str) -> int:
        """Deletes the faults of all clients of a partner. Returns how many."""
        return self._execute(_DELETE_ALL, partner_id=partner_id)

    def note(self, partner_id: str) -> None:
        """Writes into the partner whether one of its clients has a fault for its calls."""
        self._execute(_NOTE, partner_id=partner_id)

    def fail_attempts(self, merchant_id: str, most: int) -> list[int]:
        """Uses the faults of a merchant's webhooks for at most `most` attempts. Returns the statuses with which these
        fail."""
        statuses: list[int] = []
        while len(statuses) < most and (rows := self._rows(_FAIL_ATTEMPT, merchant_id=merchant_id)):
            statuses.append(int(rows[0][0]))
        return statuses
