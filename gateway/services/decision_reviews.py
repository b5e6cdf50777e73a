"""What a policy refers to a person: the operator looks at it, and approves or declines."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.domain import life
from gateway.domain.decision import Decision, Happening, Status, require
from gateway.domain.errors import ConsentRefused, InvalidInput, NotFound
from gateway.domain.event import Actor
from gateway.domain.outcome import Approval, Decline, Outcome, outcome_from_document
from gateway.domain.reason import REASONS
from gateway.domain.score import Measurement
from gateway.kit.clock import WallClock
from gateway.services.assessment import Assessor, require_covered
from gateway.services.decision_clock import DecisionClock
from gateway.services.decision_record import DecisionRecorder
from gateway.services.decision_times import partner_now
from gateway.store import commitments, consents, decisions, exposures
from gateway.store.database import Database, Session
from gateway.store.decisions import DecisionRow


class DecisionReviewer:
    """Consent and exposure are looked at again, inside the transaction that decides."""

    def __init__(
        self,
        database: Database,
        assessor: Assessor,
        recorder: DecisionRecorder,
        decision_clock: DecisionClock,
        clock: WallClock,
    ) -> None:
        self._database, self._assessor, self._recorder = database, assessor, recorder
        self._decision_clock, self._clock = decision_clock, clock

    def waiting(self) -> list[Decision]:
        """The referrals that nobody has decided and that have not run out, those that have waited longest first."""
        with self._database.read() as session:
            wall = self._clock()
            found = [decisions.value(row, partner_now(session, row, wall)) for row in decisions.pending(session)]
        return [decision for decision in found if decision.status is Status.PENDING]

    def rules(self, decision_id: str) -> tuple[str, ...]:
        """The rules of the adapter's policy by which a referral can be approved, the most generous first. Raises
        NotFound."""
        with self._database.read() as session:
            row = self._row(session, decision_id)
            now = partner_now(session, row, self._clock())
            return self._assessor.carried(session, row.merchant_id, row.adapter, now).policies.at(now).approving

    def approve(self, decision_id: str, rule_id: str | None = None) -> Decision:
        """Approves on the terms of that rule, by default of the least generous. Raises NotFound, StateConflict for
        what is no referral any more, ConsentRefused, Unavailable, and InvalidInput where the person's line has no room,
        the rule does not approve, the merchant takes no part of what it asked for, or its time is over."""
        with self._database.read() as session:
            row = self._row(session, decision_id)
            user_id, now = consents.user_of(session, row.consent_id), partner_now(session, row, self._clock())
        self._decision_clock.wake_all_of(user_id, now)  # what has run out makes room, as it does for a request
        with self._database.read() as session:  # the score may be asked of a provider: not within a transaction
            measured = self._assessor.measure(session, user_id, now)
        with self._database.write() as session:
            return self._approve(session, decision_id, rule_id, measured)

    def decline(self, decision_id: str, reasons: Sequence[str] = ()) -> Decision:
        """Declines, for the referral's own reasons if none are given. Raises NotFound, StateConflict, InvalidInput."""
        with self._database.write() as session:
            row, wall = self._row(session, decision_id, lock=True), self._clock()
            now, found = partner_now(session, row, wall), commitments.of_decision(row)
            moved = life.declined(decisions.standing_of(row), now)
            codes = tuple(reasons) or outcome_from_document(row.outcome).reasons
            unknown = [code for code in codes if code not in REASONS]
            if not codes or unknown:
                raise InvalidInput("INVALID", f"A decline names its reasons. Known: {' '.join(REASONS)}.", ("reasons",))
            row.outcome = Decline(codes).document()
            self._record(session, row, moved, {"outcome": row.outcome}, found, wall, now)
            return decisions.value(row, now)

    def _approve(self, session: Session, decision_id: str, rule_id: str | None, measured: Measurement) -> Decision:
        wall = self._clock()
        consent = consents.load(session, self._row(session, decision_id).consent_id, lock=True)
        row = self._row(session, decision_id, lock=True)
        now, found = partner_now(session, row, wall), commitments.of_decision(row)
        adapter = self._assessor.carried(session, row.merchant_id, row.adapter, now)
        standing = decisions.standing_of(row)
        (document,) = row.ask.values()
        ask = adapter.ask_from_document(document)
        require(Happening.APPROVE, standing.at(now))
        try:
            adapter.check(ask, now)  # what was asked for may be over by now
        except InvalidInput as error:
            raise error.under("ask", adapter.member) from None
        answer = adapter.reviewed(ask, rule_id, now)
        approval = _approval(answer.outcome)
        moved = life.approved(standing, approval, adapter.windows, now)
        if consent is None:
            raise ConsentRefused("CONSENT_REVOKED", "The consent is gone.")
        place = adapter.place(ask)
        require_covered(session, consent, adapter.product, row.purpose, standing.requested, place, now, beside=row.id)
        line = self._assessor.line(measured.tier, standing.requested.currency)
        if not exposures.reserve(session, consent.user_id, approval.terms.exposed, line):
            raise InvalidInput("INVALID", f"The person's line of trust, {line}, has no room for this. Decline it.")
        row.outcome, row.rule_id = approval.document(), answer.ruling.rule_id
        row.policy_version, row.policy_hash = answer.ruling.policy_version, answer.ruling.policy_hash
        row.score_as_of = measured.as_of
        personal = {"tier": measured.tier, "outcome": row.outcome, "ruling": answer.ruling.document()}
        self._record(session, row, moved, personal, found, wall, now)
        return decisions.value(row, now)

    def _record(
        self,
        session: Session,
        row: DecisionRow,
        moved: life.Moved,
        personal: Mapping[str, object],
        found: str,
        wall: datetime,
        now: datetime,
    ) -> None:
        self._recorder.move(session, row, moved, Actor.OPERATOR, personal, found=found, wall=wall, now=now)

    def _row(self, session: Session, decision_id: str, *, lock: bool = False) -> DecisionRow:
        row = decisions.load(session, decision_id, lock=lock)
        if row is None:
            raise NotFound(f"There is no decision {decision_id}.")
        return row


def _approval(outcome: Outcome) -> Approval:
    if not isinstance(outcome, Approval):
        raise InvalidInput("INVALID", f"On these terms it is not approved: {' '.join(outcome.reasons)}.")
    return outcome
