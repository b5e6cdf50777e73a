"""The view of results: of the what-if, and of ordinary requests to merchants."""

from dataclasses import dataclass
from itertools import groupby

from gateway.domain.decisions.check_in import CheckInTerms
from gateway.domain.decisions.credit_offer import CreditOfferTerms
from gateway.domain.decisions.outcome import Approval, Decline, Outcome
from gateway.domain.decisions.reason import REASONS
from gateway.domain.money import Money
from gateway.domain.scoring.history import ScoreState
from gateway.domain.scoring.what_if import Choice, Projection
from gateway.kit.clock import BusinessTime
from gateway.services.scoring.ordinary_requests import OrdinaryRequest
from gateway.services.scoring.person_scores import PersonScore
from gateway.web.site.consent_parts import PRODUCTS, TIERS
from gateway.web.texts import Texts, msgid
from merchants.person import STARTER_TIERS

_SCORE = msgid("%(score)s, “%(tier)s”")
_NO_SCORE = msgid("no score yet")
_RESULT = msgid("On %(date)s: %(state)s")
_REACHED = msgid("Reached on %(date)s, if nothing else changes.")
_HELD = msgid("The tier is then kept until %(date)s at the latest.")
_UNCHANGED = msgid("Without these steps it would be: %(state)s.")
_SETTLED = msgid("Merchants then no longer decline your requests because of it.")
_STARTS = msgid("Merchants can then approve a first small agreement, if nothing else is open.")
_LATE = msgid(
    "From %(date)s what you settle now counts as late: %(state)s. If you do not settle it, the merchant can report it"
    " as broken, which costs more points."
)
_LATE_INCLUDED = msgid("What you settle now counts as late from %(date)s on. The result includes this.")
_ASKED = msgid("An ordinary request: %(amount)s, %(product)s")
_AT_TIER = msgid("“%(tier)s”: %(outcome)s")
_APPROVED = msgid("approved, %(amount)s")
_PARTLY_APPROVED = msgid("approved, %(amount)s of %(asked)s")
_RATE = msgid("at %(percent)s percent a year")
_NO_FRONT_DESK = msgid("without the front desk")
_DECLINED = msgid("declined. %(reason)s")
_REVIEWED = msgid("checked by a person first")


@dataclass(frozen=True, slots=True)
class ResultView:
    """The result of a choice: a headline, and further sentences."""

    headline: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RequestView:
    """An ordinary request, with a sentence for each tier."""

    asked: str
    outcomes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MerchantView:
    """The ordinary requests to one merchant. `is_consented`: the person has given it a consent."""

    name: str
    is_consented: bool
    requests: tuple[RequestView, ...]


def describe_result(texts: Texts, person: PersonScore, projection: Projection, choice: Choice) -> ResultView:
    """The result in the person's language."""
    state = projection.state
    sentences = []
    if state.score is not None:
        sentences.append(texts.gettext(_REACHED, date=texts.date(projection.reached_at)))
    if state.held_until is not None:
        sentences.append(texts.gettext(_HELD, date=texts.date(state.held_until)))
    if choice != Choice(wait=choice.wait):
        sentences.append(texts.gettext(_UNCHANGED, state=_describe_state(texts, projection.unchanged)))
    if choice.settle and person.is_blocked:
        sentences.append(texts.gettext(_SETTLED))
    if choice.verify and _starts(person, choice, state):
        sentences.append(texts.gettext(_STARTS))
    if projection.late_from is not None:
        sentences.append(_describe_late(texts, projection.late_from, projection.late))
    headline = texts.gettext(_RESULT, date=texts.date(projection.until), state=_describe_state(texts, state))
    return ResultView(headline, tuple(sentences))


def describe_requests(texts: Texts, person: PersonScore) -> tuple[MerchantView, ...]:
    """The ordinary requests by merchant, each with its outcome at the person's tier and at the next one."""
    tiers = [person.measurement.tier, *([person.next_tier] if person.next_tier else [])]
    names = [texts.gettext(TIERS[tier]) for tier in tiers]

    def describe(request: OrdinaryRequest) -> RequestView:
        asked = texts.gettext(
            _ASKED, amount=texts.money(request.requested), product=texts.gettext(PRODUCTS[request.product])
        )
        outcomes = (
            texts.gettext(_AT_TIER, tier=name, outcome=_describe_outcome(texts, outcome, request.requested))
            for name, outcome in zip(names, request.outcomes, strict=True)
        )
        return RequestView(asked, tuple(outcomes))

    return tuple(
        MerchantView(name, is_consented, tuple(map(describe, requests)))
        for (name, is_consented), requests in groupby(
            person.requests.requests, key=lambda request: (request.merchant_name, request.is_consented)
        )
    )


def _starts(person: PersonScore, choice: Choice, state: ScoreState) -> bool:
    """Whether the verified document makes a starter of the person, whom the choice leaves with too few records."""
    is_possible = bool(person.starter_limits) and state.tier in STARTER_TIERS and not person.measurement.has_document
    return is_possible and (choice.settle or not person.is_blocked)


def _describe_late(texts: Texts, late_from: BusinessTime, late: ScoreState | None) -> str:
    date = texts.date(late_from)
    if late is None:
        return texts.gettext(_LATE_INCLUDED, date=date)
    return texts.gettext(_LATE, date=date, state=_describe_state(texts, late))


def _describe_state(texts: Texts, state: ScoreState) -> str:
    if state.score is None:
        return texts.gettext(_NO_SCORE)
    return texts.gettext(_SCORE, score=state.score, tier=texts.gettext(TIERS[state.tier]))


def _describe_outcome(texts: Texts, outcome: Outcome, requested: Money) -> str:
    if isinstance(outcome, Decline):
        known = next((REASONS[code] for code in outcome.reasons if code in REASONS), None)
        return texts.gettext(_DECLINED, reason=known.user.text(texts.language) if known else "")
    if not isinstance(outcome, Approval):
        return texts.gettext(_REVIEWED)
    terms = outcome.terms
    sentence = _PARTLY_APPROVED if terms.exposed < requested else _APPROVED
    parts = [texts.gettext(sentence, amount=texts.money(terms.exposed), asked=texts.money(requested))]
    if isinstance(terms, CreditOfferTerms):
        parts.append(texts.gettext(_RATE, percent=format(terms.apr_percent.normalize(), "f")))
    if isinstance(terms, CheckInTerms) and terms.skip_front_desk:
        parts.append(texts.gettext(_NO_FRONT_DESK))
    return texts.comma.join(parts)
