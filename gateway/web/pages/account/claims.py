"""The view of a claim: what the person said about an agreement or can say, and what happens then."""

from dataclasses import dataclass

from gateway.domain.decisions.claim import ClaimStatus, claim_status
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import ClaimKind
from gateway.services.decisions.obligations import Agreement
from gateway.web.pages.account.decisions import DECISIONS
from gateway.web.pages.account.obligations import CLAIMS
from gateway.web.texts import Texts, msgid

KIND = "kind"
"""The field of the form that says what the person did."""

WITHDRAW_CLAIM = msgid("Withdraw this")
_QUESTIONS = {ClaimKind.RETURNED: msgid("Have you returned it?"), ClaimKind.PAID: msgid("Have you paid?")}
_NEXT = msgid(
    "The merchant is told. If it does not contradict you by %(date)s, this counts as kept for your score. You can say"
    " it once."
)
_STAYS_OPEN = msgid(
    "The agreement stays open until the merchant confirms this: its amount still uses your credit limit, and after its"
    " last date it becomes overdue."
)
_SAID = {
    ClaimKind.RETURNED: msgid("On %(date)s you said that you have returned it."),
    ClaimKind.PAID: msgid("On %(date)s you said that you have paid."),
}
_WAITS = msgid("If the merchant does not contradict you by %(date)s, this counts as kept for your score.")
_PAUSED = msgid("This waits until your dispute has ended.")
_ENDED = {
    ClaimStatus.ACCEPTED: msgid("The merchant did not contradict you, so it counts as kept for your score."),
    ClaimStatus.CONTRADICTED: msgid("This was contradicted, so it does not count as kept for your score."),
    ClaimStatus.WITHDRAWN: msgid("You withdrew this."),
}
_WITHDRAWAL = msgid("If you withdraw this, it does not count as kept for your score, and you cannot say it again.")


@dataclass(frozen=True, slots=True)
class ClaimView:
    """What the person said, and can say. `sentences` are about what was said, `hints` about what happens next.
    `question`, `button` and `kind` are those of the form with the action `address`, `withdraw_address` is the action of
    the other form, and `withdrawal` says what happens then. Each is empty if it does not apply."""

    sentences: tuple[str, ...]
    hints: tuple[str, ...]
    question: str
    button: str
    kind: str
    address: str
    withdraw_address: str
    withdrawal: str


def describe_claim(texts: Texts, agreement: Agreement) -> ClaimView:
    """The view of the agreement's claim in the person's language."""
    state, possible = agreement.decision, agreement.claimable
    address = f"{DECISIONS}/{state.id}/claim"
    is_open = state.claim_is_open
    return ClaimView(
        sentences=_describe_state(texts, state),
        hints=_describe_next(texts, possible) if possible else _describe_open(texts, state),
        question=_QUESTIONS[possible.claim] if possible and possible.claim else "",
        button=CLAIMS[possible.claim] if possible and possible.claim else "",
        kind=possible.claim if possible and possible.claim else "",
        address=address if possible else "",
        withdraw_address=f"{address}/withdraw" if is_open else "",
        withdrawal=texts.gettext(_WITHDRAWAL) if is_open else "",
    )


def _describe_state(texts: Texts, state: DecisionState) -> tuple[str, ...]:
    status = claim_status(state)
    if state.claim is None or state.claimed_at is None or status is None:
        return ()
    said = texts.gettext(_SAID[state.claim], date=texts.date(state.claimed_at))
    if status in _ENDED:
        return said, texts.gettext(_ENDED[status])
    if state.contested or state.claim_ends_at is None:
        return said, texts.gettext(_PAUSED)
    return said, texts.gettext(_WAITS, date=texts.date(state.claim_ends_at))


def _describe_next(texts: Texts, possible: DecisionState) -> tuple[str, ...]:
    assert possible.claim_ends_at is not None  # the claim would be open
    return texts.gettext(_NEXT, date=texts.date(possible.claim_ends_at)), texts.gettext(_STAYS_OPEN)


def _describe_open(texts: Texts, state: DecisionState) -> tuple[str, ...]:
    is_current = claim_status(state) in {ClaimStatus.OPEN, ClaimStatus.ACCEPTED}
    return (texts.gettext(_STAYS_OPEN),) if is_current else ()
