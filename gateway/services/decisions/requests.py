"""decisionRequest: a first phase reads and assesses, a second phase writes.

The second phase writes the decision, its log entry, the access log entry, the idempotency record, the outbox message
and the exposure in one unit of work. It checks the consent and the age of the score again, so the request
fails if the consent was revoked after the first phase.
"""

from dataclasses import dataclass, field

from gateway.domain.consents.consent import Consent
from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.outcome import Approval, ManualReview
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status, first_status
from gateway.domain.errors import ConsentRefused, InvalidInput, Unavailable
from gateway.domain.identity.principal import Principal
from gateway.domain.money import Money
from gateway.domain.policies.forced import NO_FORCED_RULES, ForcedRules, find_forced_rule
from gateway.domain.scoring.score import SCORE
from gateway.kit.clock import BusinessTime
from gateway.kit.ids import Ids
from gateway.services.access_log import AccessLogService
from gateway.services.decisions.assessment import Assessment, Assessor, find_available_limit, require_covered
from gateway.services.decisions.idempotency import Call
from gateway.services.decisions.inputs import require_text
from gateway.services.decisions.scheduler import DecisionScheduler
from gateway.services.decisions.shadows import ShadowPolicies
from gateway.services.scoring.fetching import FetchedScore, ScoreFetcher
from gateway.services.scoring.inquiries import InquiryBudget
from gateway.store.database import Database
from gateway.store.sandbox.reviews import PersonaReviewRow
from gateway.store.unit import UnitOfWork

NO_SHADOW_POLICIES = ShadowPolicies()


@dataclass(frozen=True, slots=True)
class RequestCommand:
    """The input of decisionRequest. `member` is the adapter's member of DecisionAsk, `ask` an instance of its Ask."""

    idempotency_key: str
    merchant_reference: str
    member: str
    ask: object
    purpose: str | None


@dataclass(frozen=True, slots=True)
class RequestResult:
    """The decision of a request. `replayed` is True if an earlier call with the same key made it."""

    decision: DecisionState
    replayed: bool


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The result of the first phase. Exactly one is set. `due_decision_ids`: decisions of the person with due
    transitions, which must be applied first. `replayed`: the decision of an earlier call with the same key. `assessed`:
    this call with its assessment."""

    due_decision_ids: list[str] = field(default_factory=list)
    replayed: DecisionState | None = None
    assessed: tuple[Call, Assessment] | None = None


class DecisionRequester:
    """Decides requests. Runs its own units of work."""

    def __init__(
        self,
        database: Database,
        assessor: Assessor,
        access_log: AccessLogService,
        scheduler: DecisionScheduler,
        scores: ScoreFetcher,
        inquiries: InquiryBudget,
        ids: Ids,
        shadows: ShadowPolicies = NO_SHADOW_POLICIES,
        forced_rules: ForcedRules = NO_FORCED_RULES,
    ) -> None:
        self._database, self._assessor, self._access_log = database, assessor, access_log
        self._scheduler, self._scores, self._inquiries = scheduler, scores, inquiries
        self._ids, self._shadows, self._forced_rules = ids, shadows, forced_rules

    def request(self, principal: Principal, command: RequestCommand) -> RequestResult:
        """Makes and writes the decision, or returns the decision of an earlier call with the same key. Raises
        InvalidInput, ConsentRefused, IdempotencyConflict, Unavailable, RateLimitReached; then nothing was written."""
        require_text(command.merchant_reference, "merchantReference")
        score = self._scores.fetch(principal)
        prepared = self._database.read(lambda unit: self._prepare(unit, principal, command, score))
        if prepared.due_decision_ids:
            self._scheduler.apply_to(prepared.due_decision_ids)
            prepared = self._database.read(lambda unit: self._assess(unit, principal, command, score))
        if prepared.assessed is None:
            assert prepared.replayed is not None  # without due decisions, one of the two is set
            return RequestResult(prepared.replayed, True)
        call, assessment = prepared.assessed
        assessment = self._shadows.evaluate(assessment)
        self._inquiries.count(principal)  # a replay is not counted: it reveals nothing new
        return self._database.write(lambda unit: self._decide(unit, call, command, assessment))

    def _prepare(
        self, unit: UnitOfWork, principal: Principal, command: RequestCommand, score: FetchedScore
    ) -> _Prepared:
        if principal.consent is not None:
            due_decision_ids = unit.decisions.list_due_of_user(principal.consent.user_id, principal.now)
            if due_decision_ids:
                return _Prepared(due_decision_ids=due_decision_ids)
        return self._assess(unit, principal, command, score)

    def _assess(
        self, unit: UnitOfWork, principal: Principal, command: RequestCommand, score: FetchedScore
    ) -> _Prepared:
        adapter = self._assessor.find_adapter(unit, principal.merchant_id, command.member)
        document = {
            "merchantReference": command.merchant_reference,
            "ask": {command.member: adapter.ask_document(command.ask)},
            "purpose": adapter.default_purpose if command.purpose is None else command.purpose,
        }
        call = Call(principal, "decisionRequest", command.idempotency_key, document)
        replayed = call.find_decision(unit)
        if replayed is not None:
            return _Prepared(replayed=replayed)
        assessment = self._assessor.assess(unit, principal, adapter, command.ask, command.purpose, score)
        forced = find_forced_rule(self._forced_rules, command.merchant_reference)
        return _Prepared(assessed=(call, assessment.by_rule(forced) if forced else assessment))

    def _decide(self, unit: UnitOfWork, call: Call, command: RequestCommand, assessment: Assessment) -> RequestResult:
        principal = call.principal
        now = unit.business_time(principal.merchant_id)
        consent = _lock_consent(unit, principal)
        decision_id = self._ids.new("dec")
        record = call.claim_key(unit, decision_id)
        if record is None:
            return RequestResult(call.first_decision(unit), True)
        product, requested = assessment.adapter.product, assessment.requested
        require_covered(unit, consent, product, assessment.purpose, requested, assessment.point_of_sale, now)
        if assessment.measurement.valid_until <= now:
            raise Unavailable("SCORE_UNAVAILABLE", "The score expired during the request. Send the request again.")
        fitted = _fit_under_lock(unit, consent, assessment)
        # A shadow policy decides about the same person.
        assessment = fitted if fitted.person == assessment.person else self._shadows.evaluate(fitted)
        state, outcome = _new_state(decision_id, call, consent, command, assessment, now), assessment.result.outcome
        decision, event = Decision.request(
            state,
            outcome if isinstance(outcome, Approval) else None,
            BusinessTime(now + assessment.adapter.approval_validity) if isinstance(outcome, ManualReview) else None,
        )
        personal = {
            "ask": decision.state.ask,
            **assessment.summary(),
            SCORE: assessment.measurement.document(),
            "ruling": assessment.result.policy_result.document(),  # the policy result; the log keeps this old name
            **assessment.shadow,
        }
        if unit.decisions.insert(decision, event, personal, record) is None:
            raise InvalidInput(
                "DUPLICATE_REFERENCE", "Another decision has this merchant reference.", ("merchantReference",)
            )
        later = assessment.forced_later
        if later is not None and later.delay is not None:
            approves, due_at = later.status is Status.APPROVED, BusinessTime(now + later.delay)
            unit.persona_reviews.insert(
                PersonaReviewRow(
                    decision_id=decision_id, merchant_id=principal.merchant_id, due_at=due_at, approves=approves
                )
            )
        self._access_log.record(unit, principal, "REQUEST", assessment.purpose, {"decision": decision_id})
        return RequestResult(decision.state.as_of(now), False)


def _lock_consent(unit: UnitOfWork, principal: Principal) -> Consent:
    # Locked, so that concurrent requests under one consent count each other's decisions.
    consent = principal.consent and unit.consents.lock(principal.consent.id)
    if not consent:
        raise ConsentRefused("CONSENT_REVOKED", "The consent no longer exists. Ask the person again.")
    return consent


def _fit_under_lock(unit: UnitOfWork, consent: Consent, assessment: Assessment) -> Assessment:
    """Locks the person's exposure and reduces the approval to the available limit, so that the following reservation
    cannot exceed the limit. A starter who has got exposure since the assessment is assessed again as no starter, so
    that of concurrent requests of a starter one is approved."""
    if not isinstance(assessment.unlimited_result.outcome, Approval):
        return assessment
    limit = assessment.credit_limit
    unit.exposures.lock(consent.user_id, limit.currency)
    # The stored exposures, also of decisions that became due after `_prepare`: the reservation is checked against them.
    # No comparison uses their exact total, which the merchant must not learn.
    stored = unit.exposures.load_by_merchant(consent.user_id, limit.currency)
    if stored and assessment.person.starter:
        assessment = assessment.without_starter()
    return assessment.fit(find_available_limit(stored, consent.merchant_id, limit))


def _new_state(
    decision_id: str, call: Call, consent: Consent, command: RequestCommand, assessment: Assessment, now: BusinessTime
) -> DecisionState:
    principal, outcome, policy_result = call.principal, assessment.result.outcome, assessment.result.policy_result
    zero = Money.zero(assessment.requested.currency)
    return DecisionState(
        id=decision_id,
        merchant_id=principal.merchant_id,
        client_id=principal.client_id,
        consent_id=consent.id,
        subject=consent.subject,
        merchant_reference=command.merchant_reference,
        adapter=assessment.adapter.key,
        product=assessment.adapter.product,
        purpose=assessment.purpose,
        status=first_status(outcome),
        ask=call.document["ask"],
        outcome=outcome,
        policy_version=policy_result.policy_version,
        policy_hash=policy_result.policy_hash,
        rule_id=policy_result.rule_id,
        score_as_of=assessment.measurement.as_of,
        currency=zero.currency,
        created_at=now,
        updated_at=now,
        requested=assessment.requested,
        due=zero,
        settled=zero,
        windows=assessment.adapter.windows,
    )
