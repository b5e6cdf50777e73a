"""Policies and what they decided: how a past decision came about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain.errors import NotFound
from gateway.domain.policy import DecisionTable
from gateway.kit.json import decode
from gateway.store import decision_log
from gateway.store.database import Session
from gateway.store.sealed_log import SealedLog
from merchants.registry import AdapterRegistry


@dataclass(frozen=True, slots=True)
class Trace:
    """The first entry of a decision. `personal` is None once the person's key has been destroyed. `table` is the policy
    that decided, None where it is no longer installed; `in_force` decides now, None where the adapter is not there."""

    public: Mapping[str, Any]
    personal: Mapping[str, Any] | None
    table: DecisionTable | None
    in_force: DecisionTable | None


class PolicyService:
    """For the operator, who may see what the deployment can open. Reads only."""

    def __init__(self, registry: AdapterRegistry, log: SealedLog) -> None:
        self._registry, self._log = registry, log

    def trace(self, session: Session, decision_id: str, now: datetime) -> Trace:
        """How the decision came about. Raises NotFound."""
        entries = decision_log.of_decision(session, decision_id)
        if not entries:
            raise NotFound(f"There is no decision {decision_id}.")
        public = decode(entries[0].public)
        recorded = public["policy"]
        adapter = self._registry.get(recorded["adapter"])
        in_force = adapter.policy if adapter else None
        table = in_force if in_force and in_force.hash == recorded["hash"] else None
        return Trace(public, self._log.personal(session, entries[0]), table, in_force)
