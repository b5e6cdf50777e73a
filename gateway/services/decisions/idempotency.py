"""Idempotency of the mutations on decisions: calls with the same key apply once."""

from dataclasses import dataclass
from typing import Any

from gateway.domain.decisions.idempotency import KEPT_FOR, require_key
from gateway.domain.decisions.state import DecisionState
from gateway.domain.errors import IdempotencyConflict, NotFound, Unavailable
from gateway.domain.fault import FaultKind
from gateway.domain.identity.principal import Principal
from gateway.kit.clock import WallTime
from gateway.store.decisions.idempotency import IdempotencyRow
from gateway.store.unit import UnitOfWork


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a mutation by a principal. `document` is its input without the key. Raises InvalidInput for an
    invalid key, and Unavailable if that is the injected fault of the call."""

    principal: Principal
    mutation: str
    key: str
    document: dict[str, Any]

    def __post_init__(self) -> None:
        require_key(self.key)
        fault = self.principal.fault
        if fault is not None and fault.kind is FaultKind.IDEMPOTENCY_IN_PROGRESS:
            message = "Another call with this key is still running. Send the same call again in a moment."
            raise Unavailable("IDEMPOTENCY_IN_PROGRESS", message, ("idempotencyKey",))

    def find_decision(self, unit: UnitOfWork) -> DecisionState | None:
        """The decision of the first call with this key, in its current state. None if this is the first call. Raises
        IdempotencyConflict if the first call had another input or consent, NotFound if its decision is gone."""
        principal = self.principal
        record = unit.idempotency.find(principal.partner_id, principal.client_id, self.mutation, self.key, unit.wall)
        if record is None:
            return None
        if record.consent_id != self._consent_id:
            raise IdempotencyConflict("This key was first used under another consent.", ())
        paths = unit.idempotency.find_differing(record, self.document)
        if paths:
            raise IdempotencyConflict("This key was first used with another input.", paths)
        decision = unit.decisions.load(record.decision_id)
        if decision is None:
            raise NotFound("The decision of this key no longer exists.")
        return decision.as_of(unit.business_time(principal.merchant_id))

    def first_decision(self, unit: UnitOfWork) -> DecisionState:
        """The decision of the first call, when `claim_key` has returned None. Raises as `find_decision` does."""
        decision = self.find_decision(unit)
        if decision is None:
            raise IdempotencyConflict("Another call used this key first.", ())
        return decision

    def claim_key(self, unit: UnitOfWork, decision_id: str) -> IdempotencyRow | None:
        """Records the first use of the key for a decision that the caller has locked, or will make. Returns the record,
        or None if another call has used the key: then nothing else may be done."""
        record = IdempotencyRow(
            partner_id=self.principal.partner_id,
            client_id=self.principal.client_id,
            mutation=self.mutation,
            key=self.key,
            consent_id=self._consent_id,
            input=unit.idempotency.mac_input(self.principal.client_id, self.mutation, self.key, self.document),
            decision_id=decision_id,
            expires_at=WallTime(unit.wall + KEPT_FOR),
        )
        return record if unit.idempotency.claim(record, unit.wall) else None

    @property
    def _consent_id(self) -> str | None:
        return self.principal.consent.id if self.principal.consent else None
