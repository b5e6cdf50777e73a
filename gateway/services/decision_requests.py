"""decisionRequest: read and reasoned first, then written together or not at all.

Decision, log entry, access, idempotency record, outbox message and exposure share one unit of work. Consent and
freshness are looked at again inside it, so that what was withdrawn between reading and writing is refused.
"""

from dataclasses import dataclass
from datetime import datetime

from gateway.domain import decision as rules
from gateway.domain import life
from gateway.domain.consent import Consent
from gateway.domain.decision import Decision, Status
from gateway.domain.errors import ConsentRefused, InvalidInput, Unavailable
from gateway.domain.event import Actor, Topic
from gateway.domain.money import Money
from gateway.domain.outcome import Approval, Outcome, Referral
from gateway.domain.principal import Principal
from gateway.kit.clock import WallClock
from gateway.kit.ids import Ids
from gateway.services.access import AccessService
from gateway.services.assessment import Assessment, Assessor, left, require_covered
from gateway.services.decision_calls import Call, require_text
from gateway.services.decision_clock import DecisionClock
from gateway.services.decision_record import DecisionRecorder
from gateway.services.questions import Questions
from gateway.services.reading import business_now
from gateway.services.shadows import Shadows
from gateway.store import consents, decisions, exposures
from gateway.store.database import Database, Session
from gateway.store.decisions import DecisionRow

NO_SHADOWS = Shadows()


@dataclass(frozen=True, slots=True)
class RequestInput:
    """The input of decisionRequest. `member` names the adapter's member of DecisionAsk, `ask` is its Ask."""

    idempotency_key: str
    merchant_reference: str
    member: str
    ask: object
    purpose: str | None


@dataclass(frozen=True, slots=True)
class Requested:
    """`replayed` is True when an earlier call with the same key did the work."""

    decision: Decision
    replayed: bool


class DecisionRequester:
    """Opens its own units of work: a mutation field is one."""

    def __init__(
        self,
        database: Database,
        assessor: Assessor,
        recorder: DecisionRecorder,
        accesses: AccessService,
        life: DecisionClock,
        questions: Questions,
        ids: Ids,
        clock: WallClock,
        shadows: Shadows = NO_SHADOWS,
    ) -> None:
        self._database, self._assessor, self._recorder = database, assessor, recorder
        self._accesses, self._life, self._questions = accesses, life, questions
        self._ids, self._clock, self._shadows = ids, clock, shadows

    def request(self, principal: Principal, given: RequestInput) -> Requested:
        """See DecisionService.request."""
        require_text(given.merchant_reference, "merchantReference")
        if principal.consent is not None:  # time has come first, whether a clock has come by or not
            self._life.wake_all_of(principal.consent.user_id, business_now(principal, self._clock()))
        with self._database.read() as session:
            adapter = self._assessor.adapter(session, principal.merchant_id, given.member)
            document = {
                "merchantReference": given.merchant_reference,
                "ask": {given.member: adapter.ask_document(given.ask)},
                "purpose": given.purpose,
            }
            call = Call(principal, "decisionRequest", given.idempotency_key, document, self._clock)
            first = call.replayed(session)
            if first is not None:
                return Requested(first, True)
            assessed = self._assessor.assess(session, principal, given.member, given.ask, given.purpose)
            assessed = self._shadows.beside(assessed, given.ask, principal.now)
        self._questions.ask(principal)  # not of a replay, which tells nothing new
        with self._database.write() as session:
            return self._decide(session, call, given, assessed)

    def _decide(self, session: Session, call: Call, given: RequestInput, assessed: Assessment) -> Requested:
        principal, wall = call.principal, self._clock()
        now = business_now(principal, wall)
        consent = _locked(session, principal)
        first = call.replayed(session)
        if first is not None:
            return Requested(first, True)
        product, requested, place = assessed.adapter.product, assessed.requested, assessed.place
        require_covered(session, consent, product, assessed.purpose, requested, place, now)
        if assessed.measured.valid_until <= now:
            raise Unavailable("SCORE_UNAVAILABLE", "The score went stale while deciding. Send the request again.")
        decision_id = self._ids.new("dec")
        claim = call.claim(session, decision_id, wall)
        assessed = _reserved(session, consent, assessed, now)
        row = _row(decision_id, call, consent, given, assessed, now)
        if not decisions.insert(session, row):
            raise InvalidInput(
                "DUPLICATE_REFERENCE", "Another decision has this merchant reference.", ("merchantReference",)
            )
        self._recorder.record(
            session,
            row,
            consent.user_id,
            TOPICS[Status(row.status)],
            Actor.GATEWAY,
            before=None,
            personal={
                "ask": row.ask,
                **assessed.summary(),
                "ruling": assessed.answer.ruling.document(),
                **assessed.shadow,
            },
            claim=claim,
            wall=wall,
            now=now,
        )
        self._accesses.record(session, principal, "REQUEST", assessed.purpose, {"decision": decision_id}, wall)
        return Requested(decisions.value(row, now), False)


TOPICS = {
    Status.PENDING: Topic.DECISION_PENDING,
    Status.APPROVED: Topic.DECISION_APPROVED,
    Status.DECLINED: Topic.DECISION_DECLINED,
}


def _locked(session: Session, principal: Principal) -> Consent:
    # Locked, so that requests under one consent add up its open decisions one after the other.
    held = principal.consent and consents.load(session, principal.consent.id, lock=True)
    if not held:
        raise ConsentRefused("CONSENT_REVOKED", "The consent is gone. Ask the person again.")
    return held


def _reserved(session: Session, consent: Consent, assessed: Assessment, now: datetime) -> Assessment:
    """The assessment, its approval fitted into what is left now that nobody else can take of it, and that taken."""
    user_id, line = consent.user_id, assessed.line
    if not isinstance(assessed.full.outcome, Approval):
        return assessed
    exposures.lock(session, user_id, line.currency)
    assessed = assessed.fitted(left(session, user_id, consent.merchant_id, line, now))
    outcome = assessed.answer.outcome
    if not isinstance(outcome, Approval) or exposures.reserve(session, user_id, outcome.terms.exposed, line):
        return assessed
    return assessed.fitted(Money.zero(line.currency))  # something that has run out since still stands on the line


def _row(
    decision_id: str, call: Call, consent: Consent, given: RequestInput, assessed: Assessment, now: datetime
) -> DecisionRow:
    principal, outcome, ruling = call.principal, assessed.answer.outcome, assessed.answer.ruling
    row = DecisionRow(
        id=decision_id,
        merchant_id=principal.merchant_id,
        client_id=principal.client_id,
        consent_id=consent.id,
        subject=consent.subject,
        merchant_reference=given.merchant_reference,
        adapter=assessed.adapter.key,
        product=assessed.adapter.product,
        purpose=assessed.purpose,
        status=rules.first_status(outcome),
        ask=call.document["ask"],
        outcome=outcome.document(),
        policy_version=ruling.policy_version,
        policy_hash=ruling.policy_hash,
        rule_id=ruling.rule_id,
        score_as_of=assessed.measured.as_of,
        amount_minor=0,
        currency=assessed.requested.currency,
        created_at=now,
        updated_at=now,
    )
    approval = outcome if isinstance(outcome, Approval) else None
    first = life.new(
        assessed.requested, Status(row.status), approval, _last_date(assessed, outcome, now), assessed.adapter.windows
    )
    decisions.put(row, first)
    return row


def _last_date(assessed: Assessment, outcome: Outcome, now: datetime) -> datetime | None:
    return now + assessed.adapter.approval_life if isinstance(outcome, Referral) else None
