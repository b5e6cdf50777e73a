"""The first phase of a decision: everything that is read and reasoned, before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from gateway.domain.consent import Consent
from gateway.domain.errors import GatewayError, InvalidInput, NotFound
from gateway.domain.exposure import Lines, room
from gateway.domain.money import Money
from gateway.domain.place import Place
from gateway.domain.policy_override import PolicyOverride
from gateway.domain.principal import Principal
from gateway.domain.product import Product
from gateway.domain.purpose import require_purpose
from gateway.domain.score import Measurement
from gateway.domain.tier import Tier
from gateway.services.overrides import OverrideService, under
from gateway.sources.contract import ScoreSource
from gateway.store import decisions, merchants
from gateway.store.database import Session
from merchants.contract import Answer, MerchantAdapter, Person
from merchants.registry import AdapterRegistry
from merchants.room import fitted


@dataclass(frozen=True, slots=True)
class Assessment:
    """What would be decided, and on what grounds. `adapter` decides as its merchant carries it at `now`, `full` is its
    answer, `answer` what of it the person's `line` of trust has room for. `requested` is the amount held against the
    consent's ceiling, `place` the till from which it is asked. `override` is the merchant's own part of the policy,
    `shadow` what a shadow policy adds to the log, if there are any."""

    adapter: MerchantAdapter[Any]
    ask: object
    now: datetime
    purpose: str
    requested: Money
    place: Place | None
    measured: Measurement
    line: Money
    full: Answer
    answer: Answer
    override: PolicyOverride | None = None
    shadow: Mapping[str, Any] = field(default_factory=dict)

    def fitted(self, left: Money) -> "Assessment":
        """The assessment with the answer for which that much of the line is left."""
        person = Person(self.measured.tier, self.measured.open_overdue)
        return replace(self, answer=fitted(self.adapter, self.ask, person, self.now, self.full, left))

    def summary(self) -> dict[str, Any]:
        """The grounds and the outcome as a document, for the sealed part of a log entry."""
        return {
            "tier": self.measured.tier,
            "open_overdue": self.measured.open_overdue,
            "outcome": self.answer.outcome.document(),
        }


class Assessor:
    """Weighs an ask: adapter, consent, score, policy. Reads only."""

    def __init__(
        self, registry: AdapterRegistry, source: ScoreSource, lines: Lines, overrides: OverrideService
    ) -> None:
        self._registry, self._source, self._lines, self._overrides = registry, source, lines, overrides

    def carried(self, session: Session, merchant_id: str, key: str, now: datetime) -> MerchantAdapter[Any]:
        """The adapter with this key as the merchant carries it at `now`. Raises NotFound where it is not installed any
        more."""
        adapter = self._registry.get(key)
        if adapter is None:
            raise NotFound(f"The adapter {key} is not loaded.")
        return self._overrides.carried(session, merchant_id, adapter, now)

    def adapter(self, session: Session, merchant_id: str, member: str) -> MerchantAdapter[Any]:
        """The merchant's adapter behind a member of DecisionAsk. Raises InvalidInput (PRODUCT_NOT_ENABLED)."""
        adapter = self._registry.serving(member, merchants.enabled(session, merchant_id))
        if adapter is None:
            raise InvalidInput("PRODUCT_NOT_ENABLED", "This product is not enabled for the merchant.", ("ask", member))
        return adapter

    def assess(
        self, session: Session, principal: Principal, member: str, ask: object, purpose: str | None
    ) -> Assessment:
        """Weighs the ask as of the principal's business time. Raises InvalidInput, ConsentRefused, Unavailable,
        with field paths relative to the mutation's input."""
        consent, now = _consent(principal), principal.now
        adapter = self.adapter(session, principal.merchant_id, member)
        with_purpose = require_purpose(purpose).code if purpose is not None else adapter.default_purpose
        try:
            adapter.check(ask, now)
            requested, place = adapter.requested(ask), adapter.place(ask)
        except GatewayError as error:
            raise error.under("ask", member) from None
        require_covered(session, consent, adapter.product, with_purpose, requested, place, now)
        measured = self.measure(session, consent.user_id, now)
        override = self._overrides.override_at(session, principal.merchant_id, adapter, now)
        carried = adapter if override is None else under(adapter, override, now)
        full = carried.decide(ask, Person(measured.tier, measured.open_overdue), now)
        line = self._lines.line(measured.tier, requested.currency)
        found = Assessment(
            carried, ask, now, with_purpose, requested, place, measured, line, full=full, answer=full, override=override
        )
        return found.fitted(left(session, consent.user_id, principal.merchant_id, line, now))

    def measure(self, session: Session, user_id: str, now: datetime) -> Measurement:
        """What the source says of the person, with the obligations that are open past their date here. Raises
        Unavailable."""
        measured = self._source.measure(session, user_id, now)
        return replace(measured, open_overdue=measured.open_overdue + decisions.open_overdue(session, user_id, now))

    def line(self, tier: Tier, currency: str) -> Money:
        """The line of trust of a tier."""
        return self._lines.line(tier, currency)


def left(session: Session, user_id: str, merchant_id: str, line: Money, now: datetime) -> Money:
    """What of the person's line can be promised to this merchant at `now`."""
    here, elsewhere = decisions.held(session, user_id, line.currency, merchant_id, now)
    return room(line, here, elsewhere)


def require_covered(
    session: Session,
    consent: Consent,
    product: Product,
    purpose: str,
    requested: Money,
    place: Place | None,
    now: datetime,
    *,
    beside: str = "",
) -> None:
    """Raises ConsentRefused unless the consent, with what has been decided under it, covers one more decision: one that
    was made and is looked at again, where `beside` names it."""
    consent.require_active(now)
    consent.require_unused(consent.single_use and decisions.used(session, consent.id, beside=beside))
    held = decisions.committed(session, consent.id, requested.currency, now, beside=beside)
    consent.require_covers(product, purpose, requested, held, now, place)


def _consent(principal: Principal) -> Consent:
    if principal.consent is None:
        raise InvalidInput("INVALID", "A decision needs a user's token.")
    return principal.consent
