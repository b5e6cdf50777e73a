"""Faults in the next calls of a partner's client, and in the next attempts to deliver its webhooks."""

from typing import Protocol

from gateway.domain.errors import InvalidInput, Unavailable
from gateway.domain.fault import MOST_CALLS, Fault, FaultKind
from gateway.domain.identity.principal import Principal
from gateway.services.scoring.fetching import FetchedScore, ScoreFetcher
from gateway.store.database import Database
from gateway.store.sandbox.faults import SandboxFaultRow
from gateway.store.unit import UnitOfWork


class Proofs(Protocol):
    """The nonce of a call's proof of possession, and the nonces that a call may have."""

    @property
    def nonce(self) -> str | None:
        """The nonce of the proof, None without a proof."""
        ...

    def renew_nonce(self, demanded: str | None) -> str:
        """Returns the demanded nonce if it is still valid, else a new one."""
        ...


class SandboxFaultService:
    """Injects faults for the calls of the caller's client. They are in the database, so all processes see them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def inject(self, principal: Principal, fault: Fault, count: int) -> int:
        """Makes the next `count` calls of the client fail, in place of an earlier fault. With 0 the earlier fault ends.
        Returns how many calls will fail. Raises InvalidInput with a field path that begins with count or fault."""
        if not 0 <= count <= MOST_CALLS:
            raise InvalidInput("INVALID", f"is from 0 to {MOST_CALLS}", ("count",))
        if fault.kind is FaultKind.DPOP_NONCE and principal.jkt is None:
            message = "The tokens of this client are not bound to a key, so its calls have no proofs."
            raise InvalidInput("INVALID", message, ("fault", fault.kind.value))

        def write(unit: UnitOfWork) -> None:
            unit.partners.lock(principal.partner_id)
            if count:
                row = SandboxFaultRow(
                    client_id=principal.client_id, kind=fault.kind.value, value=fault.value, remaining=count
                )
                unit.faults.put(row)
            else:
                unit.faults.delete(principal.client_id)
            unit.faults.note(principal.partner_id)

        self._database.write(write)
        return count

    def take(self, principal: Principal, proofs: Proofs) -> Fault | None:
        """Returns the fault of this call and counts it, None if the call has none. A demanded nonce is counted when a
        call has it."""
        return self._database.write(lambda unit: _take(unit, principal, proofs))


def _take(unit: UnitOfWork, principal: Principal, proofs: Proofs) -> Fault | None:
    unit.partners.lock(principal.partner_id)
    row = unit.faults.lock(principal.client_id)
    if row is None or row.kind == FaultKind.WEBHOOK_FAILURES:
        return None
    fault = Fault(FaultKind(row.kind), row.value)
    if fault.kind is FaultKind.DPOP_NONCE and (row.value is None or proofs.nonce != row.value):
        row.value = proofs.renew_nonce(row.value)
        unit.faults.put(row)
        return Fault(fault.kind, row.value)
    row.remaining -= 1
    if fault.kind is FaultKind.DPOP_NONCE:
        row.value = None  # the next one is demanded anew
    if row.remaining > 0:
        unit.faults.put(row)
    else:
        unit.faults.delete(row.client_id)
        unit.faults.note(principal.partner_id)
    return None if fault.kind is FaultKind.DPOP_NONCE else fault


class FaultyScoreFetcher(ScoreFetcher):
    """Fetches scores, except for calls whose fault is that the score service is down."""

    def fetch(self, principal: Principal) -> FetchedScore:
        if principal.fault is not None and principal.fault.kind is FaultKind.SCORE_SERVICE_DOWN:
            return Unavailable("SCORE_UNAVAILABLE", "The score source is not available. Send the request again later.")
        return super().fetch(principal)
