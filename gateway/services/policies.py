"""Policies and what they decided: how a past decision came about, and what another policy would have said."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain.errors import Misconfigured, NotFound
from gateway.domain.past_ruling import ruling_from_document
from gateway.domain.period import parse_moment
from gateway.domain.policy import DecisionTable
from gateway.domain.policy_change import Compared, Skipped
from gateway.domain.policy_override import PolicyOverride
from gateway.kit.json import decode
from gateway.services.overrides import OverrideService, combined
from gateway.services.past_requests import UNREADABLE, PastRequest
from gateway.store import decision_log
from gateway.store.database import Session
from gateway.store.decision_log import DecisionLogRow
from gateway.store.sealed_log import SealedLog
from merchants.contract import MerchantAdapter
from merchants.registry import AdapterRegistry

Carried = Callable[[DecisionLogRow, datetime], DecisionTable]
"""The table to try on the decision of an entry, and the business time at which that was made."""

BATCH = 500
"""How many decisions are read at a time."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The first entry of a decision. `personal` is None once the person's key has been destroyed. `table` is the policy
    that decided, None where it is no longer installed; `in_force` decides now, None where the adapter is not there.
    Both are as the merchant carries them, with its override."""

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

    def __init__(self, registry: AdapterRegistry, log: SealedLog, overrides: OverrideService) -> None:
        self._registry, self._log, self._overrides = registry, log, overrides

    def trace(self, session: Session, decision_id: str, now: datetime) -> Trace:
        """How the decision came about, and what is in force at `now`. Raises NotFound."""
        entries = decision_log.of_decision(session, decision_id)
        if not entries:
            raise NotFound(f"There is no decision {decision_id}.")
        public, personal = decode(entries[0].public), self._log.personal(session, entries[0])
        adapter = self._registry.get(public["policy"]["adapter"])
        if adapter is None:
            return Trace(public, personal, None, None)
        merchant_id, recorded = entries[0].merchant_id, public["policy"]["hash"]
        table = adapter.policies.of_hash(recorded)
        table = table or self._overrides.recorded(session, merchant_id, adapter, recorded)
        return Trace(public, personal, table, self._in_force(session, merchant_id, adapter, now))

    def backtest(
        self, session: Session, adapter: MerchantAdapter[Any], table: DecisionTable, since: datetime | None = None
    ) -> Iterator[Compared | Skipped]:
        """Every request that the adapter decided at `since` (business time) or later, held against `table`, with the
        merchant's override of that moment.

        Ask and person are those of the log entry, the moment is that of the decision. Lines of trust are not replayed:
        a request that was declined for want of room counts as what its policy had said.
        """

        def carried(entry: DecisionLogRow, then: datetime) -> DecisionTable:
            logged = parse_moment(decode(entry.public)["at"])
            override = self._overrides.override_at(session, entry.merchant_id, adapter, then, logged)
            return table if override is None else combined(override, table)

        return self._replayed(session, adapter, decision_log.firsts(session, adapter.key, since, BATCH), carried)

    def backtest_override(
        self,
        session: Session,
        adapter: MerchantAdapter[Any],
        merchant_id: str,
        override: PolicyOverride,
        since: datetime | None = None,
    ) -> Iterator[Compared | Skipped]:
        """The same for the requests of one merchant, held against that override of the policy that was in force."""

        def carried(_: DecisionLogRow, then: datetime) -> DecisionTable:
            return combined(override, adapter.policies.at(then))

        entries = decision_log.firsts(session, adapter.key, since, BATCH, merchant_id)
        return self._replayed(session, adapter, entries, carried)

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

    def _in_force(
        self, session: Session, merchant_id: str, adapter: MerchantAdapter[Any], now: datetime
    ) -> DecisionTable:
        try:
            return self._overrides.carried(session, merchant_id, adapter, now).policies.at(now)
        except Misconfigured:  # an override that does not fit any more explains nothing about the past
            return adapter.policies.at(now)

    def _replayed(
        self,
        session: Session,
        adapter: MerchantAdapter[Any],
        entries: Iterable[DecisionLogRow],
        carried: Carried,
    ) -> Iterator[Compared | Skipped]:
        for entry in entries:
            personal = self._log.personal(session, entry)
            yield Skipped.SEALED if personal is None else _compared(adapter, entry, personal, carried)


def _compared(
    adapter: MerchantAdapter[Any],
    entry: DecisionLogRow,
    personal: Mapping[str, Any],
    carried: Carried,
) -> Compared | Skipped:
    try:
        past = PastRequest.read(adapter, decode(entry.public), personal)
    except UNREADABLE:
        return Skipped.UNREADABLE
    try:
        table = carried(entry, past.now)
    except Misconfigured:
        return Skipped.OVERRIDDEN
    try:
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
