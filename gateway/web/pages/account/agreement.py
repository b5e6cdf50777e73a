"""The page of one agreement: its outcome, its history, and all that its parties have written. Persons read "agreement"
for decision."""

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.decisions.dispute import Dispute
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.timeline import LoggedEvent
from gateway.domain.errors import NotFound
from gateway.domain.events import Actor, InternalTopic, Topic
from gateway.services.decisions.obligations import Agreement, Obligation, PastDecision
from gateway.services.scoring.person_scores import PersonScoreService
from gateway.web.errors import PageError
from gateway.web.own_forms import CSRF_FIELD
from gateway.web.pages.account.claims import describe_claim
from gateway.web.pages.account.decisions import DecisionView, describe_decision
from gateway.web.pages.account.obligations import STATEMENT, ObligationView, describe_dispute, describe_obligation
from gateway.web.site.redirects import ACCOUNT, request_login
from gateway.web.site.site import Site
from gateway.web.texts import Texts, msgid

_UNKNOWN = msgid("You have no such agreement or dispute.")
_SCORE = msgid("Your score was %(score)s as of %(date)s, by version %(card)s of the scorecard.")
_UNSCORED = msgid("You had no score as of %(date)s.")
_EVENTS = {
    Topic.DECISION_PENDING: msgid("It went to manual review."),
    Topic.DECISION_APPROVED: msgid("It was approved."),
    Topic.DECISION_DECLINED: msgid("It was declined."),
    Topic.DECISION_ACTIVATED: msgid("It began."),
    Topic.DECISION_EXTENDED: msgid("The merchant changed its last date."),
    Topic.DECISION_REDUCED: msgid("The merchant lowered its amount."),
    Topic.DECISION_PART_SETTLED: msgid("A part was settled."),
    Topic.DECISION_OVERDUE: msgid("It became overdue."),
    Topic.DECISION_LAPSED: msgid("It no longer counts as overdue."),
    Topic.DECISION_FULFILLED: msgid("It was settled."),
    Topic.DECISION_BREACHED: msgid("The merchant reported that you broke it."),
    Topic.DECISION_BREACH_VOIDED: msgid("The report no longer counts."),
    Topic.DECISION_WRITTEN_OFF: msgid("The report has been closed after its time."),
    Topic.DECISION_CANCELLED: msgid("The merchant cancelled it."),
    Topic.DECISION_EXPIRED: msgid("It was not used in time."),
    Topic.DECISION_CLAIMED: msgid("You said that you have kept it."),
    Topic.DECISION_CLAIM_DELIVERED: msgid("The merchant received what you said."),
    Topic.DECISION_CLAIM_ACCEPTED: msgid("The merchant did not contradict you, so it counts as kept for your score."),
    Topic.DECISION_CLAIM_WITHDRAWN: msgid("You withdrew what you said."),
    InternalTopic.NOTICE_SENT: msgid("A notice about the report was sent to you."),
    Topic.DISPUTE_OPENED: msgid("You disputed it."),
    Topic.DISPUTE_ANSWERED: msgid("The merchant answered your dispute."),
    Topic.DISPUTE_RESOLVED: msgid("Your dispute ended."),
}
_NOTED_BY_GATEWAY = frozenset({Topic.DECISION_LAPSED, Topic.DECISION_BREACH_VOIDED})
"""Topics of events whose note the gateway writes, also if the merchant has caused the event by accepting a dispute."""


@dataclass(frozen=True, slots=True)
class EventView:
    """One event of an agreement. `note` is what the merchant wrote about it, "" if nothing."""

    date: str
    sentence: str
    note: str


@dataclass(frozen=True, slots=True)
class DisputeView:
    """One dispute of an agreement: what each party wrote, "" if nothing. `evidence` are addresses that the merchant
    sent."""

    date: str
    sentence: str
    statement: str
    response: str
    evidence: tuple[str, ...]
    resolution: str


@dataclass(frozen=True, slots=True)
class ScoreView:
    """The score with which an agreement was decided. `reasons` are pairs of reason and advice, "" without one."""

    sentence: str
    reasons: tuple[tuple[str, str], ...]


class AgreementPage:
    """The page at /account/decisions/ID."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def route(self) -> Route:
        return Route(f"{ACCOUNT}/decisions/{{id}}", self.show)

    async def show(self, request: Request) -> Response:
        """The page; 303 to the login page if nobody is signed in; 404 if the person has no such decision."""
        session = await self._site.sessions.current(request)
        decision_id = str(request.path_params["id"])
        if session is None or session.user_id is None:
            return request_login(request, request.scope["path"])
        try:
            agreement = await run_in_threadpool(self._load, session.user_id, decision_id)
        except NotFound:
            raise PageError(404, _UNKNOWN) from None
        texts, kept = self._site.renderer.texts(request), self._site.kept_forms
        obligation = _describe_obligation(texts, agreement)
        address = obligation.contest_address
        return self._site.renderer.page(
            request,
            "pages/account/agreement.html",
            agreement=_describe_decision(texts, agreement),
            obligation=obligation,
            claim=describe_claim(texts, agreement),
            statements={address: kept.load(request, address, session.user_id).get(STATEMENT, "")} if address else {},
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
            score=_describe_score(texts, agreement, self._site.container.person_scores),
            events=[_describe_event(texts, event) for event in agreement.events],
            disputes=[_describe_dispute(texts, dispute, agreement.decision) for dispute in agreement.disputes],
        )

    def _load(self, user_id: str, decision_id: str) -> Agreement:
        if not decision_id.isprintable():  # PostgreSQL rejects NUL in a text parameter
            raise NotFound("There is no such decision.")
        container = self._site.container
        return container.database.read(lambda unit: container.obligations.load_agreement(unit, user_id, decision_id))


def _describe_decision(texts: Texts, agreement: Agreement) -> DecisionView:
    return describe_decision(texts, PastDecision(agreement.decision, agreement.merchant_name))


def _describe_obligation(texts: Texts, agreement: Agreement) -> ObligationView:
    """The view of the agreement's obligation, for what the person can do about it now."""
    return describe_obligation(
        texts,
        Obligation(
            state=agreement.decision,
            merchant_name=agreement.merchant_name,
            contestable=agreement.contestable,
            contest_window=agreement.contest_window,
            claimable=agreement.claimable.claim if agreement.claimable else None,
            dispute=agreement.disputes[-1] if agreement.disputes else None,
        ),
    )


def _describe_score(texts: Texts, agreement: Agreement, scores: PersonScoreService) -> ScoreView | None:
    decided = agreement.score
    if decided is None:
        return None
    date = texts.date(decided.as_of)
    return ScoreView(
        sentence=texts.gettext(_UNSCORED, date=date)
        if decided.score is None
        else texts.gettext(_SCORE, score=decided.score, date=date, card=decided.card),
        reasons=tuple(
            (each.text.text(texts.language), each.advice.text(texts.language) if each.advice else "")
            for each in scores.describe_reasons(decided)
        ),
    )


def _describe_event(texts: Texts, event: LoggedEvent) -> EventView:
    note = event.note if event.actor is Actor.MERCHANT and event.topic not in _NOTED_BY_GATEWAY else None
    return EventView(texts.date(event.occurred_at), texts.gettext(_EVENTS[event.topic]), note or "")


def _describe_dispute(texts: Texts, dispute: Dispute, state: DecisionState) -> DisputeView:
    return DisputeView(
        date=texts.date(dispute.opened_at),
        sentence=describe_dispute(texts, dispute, state),
        statement=dispute.statement,
        response=dispute.response or "",
        evidence=dispute.evidence,
        resolution=dispute.resolution or "",
    )
