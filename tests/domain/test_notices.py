"""Which events of a decision a person is informed of."""

import pytest

from gateway.domain.decisions.decision import DecisionEvent
from gateway.domain.decisions.dispute import DisputeStatus
from gateway.domain.decisions.transitions import Status
from gateway.domain.events import Actor, Topic
from gateway.domain.notices.notice import NoticeKind, kind_of_event
from tests.support.clock import BUSINESS_NOON
from tests.support.decision_states import active


def kind_of(topic: Topic, actor: Actor = Actor.MERCHANT, dispute: DisputeStatus | None = None) -> NoticeKind | None:
    event = DecisionEvent(topic, Status.ACTIVE, Status.ACTIVE, BUSINESS_NOON)
    return kind_of_event(event, actor, dispute, active(), active())


def test_person_is_informed_of_these_topics_only() -> None:
    kinds = {topic: kind_of(topic, Actor.GATEWAY, DisputeStatus.UNDER_REVIEW) for topic in Topic}
    assert {topic: kind for topic, kind in kinds.items() if kind is not None} == {
        Topic.DECISION_APPROVED: NoticeKind.DECISION_MADE,
        Topic.DECISION_DECLINED: NoticeKind.DECISION_MADE,
        Topic.DECISION_OVERDUE: NoticeKind.OVERDUE,
        Topic.DECISION_BREACHED: NoticeKind.BREACH_REPORTED,
        Topic.DISPUTE_ANSWERED: NoticeKind.DISPUTE_ANSWERED,
        Topic.DISPUTE_RESOLVED: NoticeKind.DISPUTE_RESOLVED,
        Topic.DECISION_CLAIM_ACCEPTED: NoticeKind.CLAIM_ACCEPTED,
    }


def test_there_is_no_notice_of_what_the_person_did() -> None:
    assert kind_of(Topic.DISPUTE_RESOLVED, Actor.USER, DisputeStatus.WITHDRAWN) is None


@pytest.mark.parametrize("status", [DisputeStatus.AWAITING_MERCHANT, None])
def test_an_answer_that_accepts_has_no_notice_of_its_own(status: DisputeStatus | None) -> None:
    assert kind_of(Topic.DISPUTE_ANSWERED, Actor.MERCHANT, status) is None
