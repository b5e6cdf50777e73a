"""Manual reviews: the operator approves or declines the requests that a policy referred."""

from collections.abc import Sequence

from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.outcome import Approval, Decline, Outcome
from gateway.domain.decisions.provenance import DecisionProvenance
from gateway.domain.decisions.reason import REASONS
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import SystemTransition, require_rule
from gateway.domain.errors import ConsentRefused, InvalidInput, NotFound
from gateway.domain.events import Actor
from gateway.domain.policies.rule import Rule
from gateway.domain.scoring.score import SCORE, Measurement
from gateway.services.decisions.assessment import Assessor, add_obligations, require_covered
from gateway.services.decisions.scheduler import DecisionScheduler
from gateway.sources.contract import ScoreSource
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork
from merchants.adapter import Person
from merchants.forced_result import force_result
from merchants.person import requires_starter


class DecisionReviewer:
    """Decides requests in manual review. The unit of work that decides checks consent and exposure again."""

    def __init__(
        self, database: Database, assessor: Assessor, source: ScoreSource, scheduler: DecisionScheduler
    ) -> None:
        self._database, self._assessor, self._source, self._scheduler = database, assessor, source, scheduler

    def list_rules(self, decision_id: str) -> tuple[str, ...]:
        """The rules of the adapter's policy with which a decision can be approved, from the rule that grants the most
        to the rule that grants the least. Raises NotFound."""

        def read(unit: UnitOfWork) -> tuple[str, ...]:
            state = _load(unit, decision_id)
            now = unit.business_time(state.merchant_id)
            adapter = self._assessor.effective_adapter(unit, state.merchant_id, state.adapter, now)
            return adapter.review_rules(now)

        return self._database.read(read)

    def approve(
        self,
        decision_id: str,
        rule_id: str | None = None,
        *,
        forced: Rule | None = None,
        actor: Actor = Actor.OPERATOR,
    ) -> DecisionState:
        """Approves a decision on the terms of `rule_id`, by default of the rule that grants the least. A rule for
        starters must be named. In a sandbox a `forced` rule decides instead. `actor` is who approves.

        Raises NotFound, StateConflict for a decision that is not in manual review, ConsentRefused, Unavailable, and
        InvalidInput if the person's available limit is too small, the rule does not approve or is for starters and the
        person is none, the merchant accepts no part of its ask, or the ask is no longer valid.
        """

        def read(unit: UnitOfWork) -> tuple[str, DecisionState, list[str]]:
            state = _load(unit, decision_id)
            user_id = unit.consents.load_user_id(state.consent_id)
            return user_id, state, unit.decisions.list_due_of_user(user_id, unit.business_time(state.merchant_id))

        user_id, state, due = self._database.read(read)
        self._scheduler.apply_to(due)  # as for a request, because due transitions can release exposure
        now = self._database.read(lambda unit: unit.business_time(state.merchant_id))
        measurement = self._source.measure(user_id, now)
        return self._database.write(lambda unit: self._approve(unit, decision_id, rule_id, forced, actor, measurement))

    def decline(self, decision_id: str, reasons: Sequence[str] = (), *, actor: Actor = Actor.OPERATOR) -> DecisionState:
        """Declines a decision with these reason codes, by default those of the policy. `actor` is who declines. Raises
        NotFound, StateConflict, InvalidInput."""

        def decline(unit: UnitOfWork) -> DecisionState:
            decision = _lock(unit, decision_id)
            now = unit.business_time(decision.state.merchant_id)
            require_rule(SystemTransition.DECLINE, decision.state.status_at(now))
            codes = tuple(reasons) or decision.state.outcome.reasons
            unknown = [code for code in codes if code not in REASONS]
            if not codes or unknown:
                raise InvalidInput("INVALID", f"A decline needs reasons. Known: {' '.join(REASONS)}.", ("reasons",))
            event = decision.decline(Decline(codes), now)
            personal = {"outcome": decision.state.outcome.document()}
            unit.decisions.save(decision, event, actor, personal)
            return decision.state.as_of(now)

        return self._database.write(decline)

    def _approve(
        self,
        unit: UnitOfWork,
        decision_id: str,
        rule_id: str | None,
        forced: Rule | None,
        actor: Actor,
        measurement: Measurement,
    ) -> DecisionState:
        consent = unit.consents.lock(_load(unit, decision_id).consent_id)
        decision = _lock(unit, decision_id)
        state = decision.state
        now = unit.business_time(state.merchant_id)
        adapter = self._assessor.effective_adapter(unit, state.merchant_id, state.adapter, now)
        (document,) = state.ask.values()
        ask = adapter.ask_from_document(document)
        require_rule(SystemTransition.APPROVE, state.status_at(now))
        try:
            adapter.check(ask, now)  # the period of the ask may have passed
        except InvalidInput as error:
            raise error.with_prefix("ask", adapter.member) from None
        result = adapter.manual_approval(ask, rule_id, now)
        if forced is not None:
            result = force_result(adapter, ask, result, forced, now)
        approval = _require_approval(result.outcome)
        if consent is None:
            raise ConsentRefused("CONSENT_REVOKED", "The consent no longer exists.")
        require_covered(
            unit,
            consent,
            adapter.product,
            state.purpose,
            state.requested,
            adapter.point_of_sale(ask),
            now,
            except_for=decision,
        )
        measurement = add_obligations(unit, measurement, consent.user_id, now)
        limit = self._assessor.credit_limit(measurement.tier, state.currency)
        exposure = unit.exposures.lock(consent.user_id, limit.currency)
        if limit < exposure + approval.terms.exposed:
            raise InvalidInput("INVALID", f"The person's credit limit, {limit}, is too low for this. Decline it.")
        policy_result = result.policy_result
        if requires_starter(adapter.policies.at(now), policy_result.rule_id):
            _require_starter(Person.of(measurement, has_exposure=bool(exposure.minor)))
        provenance = DecisionProvenance(
            state.adapter,
            policy_result.policy_version,
            policy_result.policy_hash,
            policy_result.rule_id,
            measurement.as_of,
        )
        event = decision.approve(approval, provenance, adapter.windows, now)
        personal = {
            "tier": measurement.tier,
            SCORE: measurement.document(),
            "outcome": approval.document(),
            "ruling": policy_result.document(),
        }
        unit.decisions.save(decision, event, actor, personal)
        return decision.state.as_of(now)


def _load(unit: UnitOfWork, decision_id: str) -> DecisionState:
    state = unit.decisions.load(decision_id)
    if state is None:
        raise NotFound(f"There is no decision {decision_id}.")
    return state


def _lock(unit: UnitOfWork, decision_id: str) -> Decision:
    decision = unit.decisions.lock(decision_id)
    if decision is None:
        raise NotFound(f"There is no decision {decision_id}.")
    return decision


def _require_starter(person: Person) -> None:
    if not person.starter:
        raise InvalidInput("INVALID", "The rule is for starters, and the person is none. Use another rule.", ("rule",))


def _require_approval(outcome: Outcome) -> Approval:
    if not isinstance(outcome, Approval):
        raise InvalidInput("INVALID", f"The rule does not approve this ask: {' '.join(outcome.reasons)}.")
    return outcome
