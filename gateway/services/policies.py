"""Policies and what they decided: how a past decision came about, and what another policy would have said."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain.errors import NotFound
from gateway.domain.past_ruling import ruling_from_document
from gateway.domain.policy import DecisionTable
from gateway.domain.policy_change import Compared, Skipped
from gateway.kit.json import decode
from gateway.services.past_requests import UNREADABLE, PastRequest
from gateway.store import decision_log
from gateway.store.database import Session
from gateway.store.decision_log import DecisionLogRow
from gateway.store.sealed_log import SealedLog
from merchants.contract import MerchantAdapter
from merchants.registry import AdapterRegistry

BATCH = 500
"""How many decisions are read at a time."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The first entry of a decision. `personal` is None once the person's key has been destroyed. `table` is the policy
    that decided, None where it is no longer installed; `in_force` decides now, None where the adapter is not there."""

    public: Mapping[str, Any]
    personal: Mapping[str, Any] | None
    table: DecisionTable | None
    in_force: DecisionTable | None


@dataclass(frozen=True, slots=True)
class Shadow:
    """Which shadow policy it was."""

    policy: str
    version: str
    hash: str


class PolicyService:
    """For the operator, who may see what the deployment can open. Reads only."""

    def __init__(self, registry: AdapterRegistry, log: SealedLog) -> None:
        self._registry, self._log = registry, log

    def trace(self, session: Session, decision_id: str, now: datetime) -> Trace:
        """How the decision came about, and what is in force at `now`. Raises NotFound."""
        entries = decision_log.of_decision(session, decision_id)
        if not entries:
            raise NotFound(f"There is no decision {decision_id}.")
        public = decode(entries[0].public)
        recorded = public["policy"]
        adapter = self._registry.get(recorded["adapter"])
        in_force = adapter.policies.at(now) if adapter else None
        table = adapter.policies.of_hash(recorded["hash"]) if adapter else None
        return Trace(public, self._log.personal(session, entries[0]), table, in_force)

    def backtest(
        self, session: Session, adapter: MerchantAdapter[Any], table: DecisionTable, since: datetime | None = None
    ) -> Iterator[Compared | Skipped]:
        """Every request that the adapter decided at `since` (business time) or later, held against `table`.

        Ask and person are those of the log entry, the moment is that of the decision. Lines of trust are not replayed:
        a request that was declined for want of room counts as what its policy had said.
        """
        for entry in decision_log.firsts(session, adapter.key, since, BATCH):
            personal = self._log.personal(session, entry)
            yield Skipped.SEALED if personal is None else _replayed(adapter, entry, personal, table)

    def shadowed(
        self, session: Session, adapter: MerchantAdapter[Any], since: datetime | None = None
    ) -> Iterator[tuple[Shadow | None, Compared | Skipped]]:
        """Every request beside which a shadow policy was evaluated, with that policy. Of what is sealed for ever nobody
        knows whether there was one: it comes with None. Lines of trust count for neither side, as in a backtest."""
        for entry in decision_log.firsts(session, adapter.key, since, BATCH):
            personal = self._log.personal(session, entry)
            if personal is None:
                yield None, Skipped.SEALED
            elif "shadow" in personal:
                said = personal["shadow"]
                shadow = Shadow(said["policy"], said["policy_version"], said["policy_hash"])
                yield shadow, _shadowed(adapter, entry, personal)


def _replayed(
    adapter: MerchantAdapter[Any], entry: DecisionLogRow, personal: Mapping[str, Any], table: DecisionTable
) -> Compared | Skipped:
    try:
        past = PastRequest.read(adapter, decode(entry.public), personal)
        return past.held_against(past.ruled_by(table))
    except UNREADABLE:
        return Skipped.UNREADABLE


def _shadowed(adapter: MerchantAdapter[Any], entry: DecisionLogRow, personal: Mapping[str, Any]) -> Compared | Skipped:
    if "error" in personal["shadow"]:
        return Skipped.FAILED
    try:
        past = PastRequest.read(adapter, decode(entry.public), personal)
        return past.held_against(ruling_from_document(personal["shadow"], adapter.benefits))
    except UNREADABLE:
        return Skipped.UNREADABLE
