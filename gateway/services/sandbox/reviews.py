"""Manual reviews about personas whose outcome comes later: the sandbox decides them when they are due."""

from collections.abc import Callable, Iterator

from gateway.domain.errors import GatewayError
from gateway.domain.events import Actor
from gateway.domain.policies.outcome_override import APPROVED
from gateway.kit.clock import business_time
from gateway.kit.logging import get_logger
from gateway.services.decisions.reviews import DecisionReviewer
from gateway.services.isolated_steps import run_or_log
from gateway.store.database import Database
from gateway.store.sandbox.reviews import PersonaReviewRow
from gateway.store.unit import UnitOfWork

BATCH = 100
_log = get_logger(__name__)


class PersonaReviewService:
    """Decides the reviews that are due, for all partners. Several processes can do this at once: each is decided
    once."""

    def __init__(self, database: Database, reviewer: DecisionReviewer) -> None:
        self._database, self._reviewer = database, reviewer

    def decide_due(self, may_continue: Callable[[], bool] = lambda: True) -> int:
        """Approves and declines what is due, at most BATCH decisions of each partner. Asks `may_continue` before each
        decision. Returns how many reviews ended. An error in one review is logged and does not stop the others. Raises
        Outage.

        A decision that has another status by now, and one whose approval is not possible any more, stays as it is."""
        ended = 0
        for review in self._database.read(lambda unit: list(_list_due(unit))):
            if not may_continue():
                break
            ended += run_or_log(lambda review=review: self._decide(review), _log_error) or 0  # type: ignore[misc]
        return ended

    def _decide(self, review: PersonaReviewRow) -> int:
        try:
            if review.approves:
                self._reviewer.approve(review.decision_id, forced=APPROVED, actor=Actor.CLOCK)
            else:
                self._reviewer.decline(review.decision_id, actor=Actor.CLOCK)
        except GatewayError as error:
            _log.info("persona_review_not_decided", decision=review.decision_id, code=error.code)
        self._database.write(lambda unit: unit.persona_reviews.delete(review.decision_id))
        return 1


def _list_due(unit: UnitOfWork) -> Iterator[PersonaReviewRow]:
    if not unit.persona_reviews.has_any():
        return
    for partner in unit.partners.list_partners():
        now = business_time(unit.wall, partner.clock_offset_seconds)
        yield from unit.persona_reviews.list_due(partner.id, now, BATCH)


def _log_error(error: str) -> None:
    _log.error("persona_review_failed", error=error)
