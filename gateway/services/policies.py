"""Policies and what they decided: how a past decision came about, and what another policy would have said."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain.errors import GatewayError, NotFound
from gateway.domain.exposure import LIMIT_REACHED
from gateway.domain.outcome import outcome_from_document
from gateway.domain.past_ruling import benefits_from_document, ruling_from_document
from gateway.domain.period import parse_moment
from gateway.domain.policy import DecisionTable
from gateway.domain.policy_change import Answered, Compared, Skipped
from gateway.domain.tier import Tier
from gateway.kit.json import decode
from gateway.store import decision_log
from gateway.store.database import Session
from gateway.store.sealed_log import SealedLog
from merchants.contract import MerchantAdapter, Person
from merchants.registry import AdapterRegistry

BATCH = 500
"""How many decisions are read at a time."""
UNREADABLE = (GatewayError, LookupError, TypeError, ValueError)
"""What adapter and policy raise at an entry that was written by another version of them."""


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
            yield Skipped.SEALED if personal is None else _replayed(adapter, table, decode(entry.public), personal)


def _replayed(
    adapter: MerchantAdapter[Any], table: DecisionTable, public: Mapping[str, Any], personal: Mapping[str, Any]
) -> Compared | Skipped:
    try:
        now, tier = parse_moment(public["business_at"]), Tier(personal["tier"])
        ask = adapter.ask_from_document(personal["ask"][adapter.member])
        ruling = table.decide(adapter.facts(ask, Person(tier, personal["open_overdue"]), now))
        outcome = adapter.outcome(ask, ruling, now)
        return Compared(
            decision_id=public["decision"],
            tier=tier,
            before=_before(adapter, ask, personal, now, table.currency),
            after=Answered.of(outcome, ruling.rule_id, ruling.benefits, table.currency),
        )
    except UNREADABLE:
        return Skipped.UNREADABLE


def _before(
    adapter: MerchantAdapter[Any], ask: object, personal: Mapping[str, Any], now: datetime, currency: str
) -> Answered:
    recorded = personal["ruling"]
    outcome = outcome_from_document(personal["outcome"])
    if outcome.reasons == (LIMIT_REACHED,):
        outcome = adapter.outcome(ask, ruling_from_document(recorded, adapter.benefits), now)
    benefits = benefits_from_document(recorded["benefits"], adapter.benefits)
    return Answered.of(outcome, recorded["rule_id"], benefits, currency)
