"""A changed grant that allows less sends consent.narrowed to the merchant, any other consent.granted."""

from typing import Any

import pytest

from gateway.audit.reconciliation import find_mismatches
from gateway.domain.environment import EnvironmentLabel
from gateway.domain.events import Actor, Topic
from gateway.domain.webhooks.notice import ConsentData, Notice
from gateway.store.events import MessageWindow
from gateway.store.outbox import notice_of
from tests.support.clock import MovableClock
from tests.support.grants import EXACT, TIER, WAIVER, change_grant, new_grant
from tests.support.oauth_world import OAuthWorld
from tests.support.units import reading

GRANTED, NARROWED = Topic.CONSENT_GRANTED, Topic.CONSENT_NARROWED
REQUIRED_EXACT = EXACT | {"optional": False}


def events(world: OAuthWorld, grant_id: str) -> list[Notice]:
    with reading(world.database) as unit:
        assert list(find_mismatches(unit)) == []
        messages = unit.events.list_of_subject(grant_id, MessageWindow(100))
    return [notice_of(message, EnvironmentLabel.SANDBOX) for message in messages]


@pytest.mark.parametrize(
    ("action", "details", "topic"),
    [
        pytest.param("merge", [WAIVER], GRANTED, id="merge"),
        pytest.param("merge", [REQUIRED_EXACT], GRANTED, id="merge-a-higher-level"),
        pytest.param("replace", [TIER], GRANTED, id="replace-by-the-same"),
        pytest.param("replace", [TIER, WAIVER], GRANTED, id="replace-by-more"),
        pytest.param("replace", [TIER | {"duration": "P31D"}], GRANTED, id="replace-by-a-longer-one"),
        pytest.param("replace", [TIER | {"duration": "P29D"}], NARROWED, id="replace-by-a-shorter-one"),
        pytest.param("replace", [WAIVER], NARROWED, id="replace-by-another-part"),
        pytest.param("replace", [TIER | {"level": "threshold"}], NARROWED, id="replace-by-a-lower-level"),
    ],
)
def test_topic_of_a_change(each_world: OAuthWorld, action: str, details: list[Any], topic: Topic) -> None:
    before = new_grant(each_world, each_world.cars, TIER)
    after = change_grant(each_world, each_world.cars, action, before["grant_id"], *details)
    first, last = events(each_world, before["grant_id"])
    assert (first.topic, last.topic, last.sequence, last.actor) == (GRANTED, topic, 2, Actor.USER)
    assert isinstance(last.data, ConsentData)
    assert (last.data.status, " ".join(last.data.scopes)) == ("ACTIVE", after["scope"])


def test_amount_lowered_by_the_person_narrows(each_world: OAuthWorld) -> None:
    grant_id = new_grant(each_world, each_world.cars, WAIVER)["grant_id"]
    change_grant(each_world, each_world.cars, "replace", grant_id, WAIVER, amount_0="2999.99")
    change_grant(each_world, each_world.cars, "replace", grant_id, WAIVER)
    assert [event.topic for event in events(each_world, grant_id)] == [GRANTED, NARROWED, GRANTED]


def test_parts_that_have_expired_are_not_missed(each_world: OAuthWorld, clock: MovableClock) -> None:
    grant_id = new_grant(each_world, each_world.cars, TIER, WAIVER)["grant_id"]
    clock.advance(days=30)
    change_grant(each_world, each_world.cars, "replace", grant_id, WAIVER)
    assert [event.topic for event in events(each_world, grant_id)] == [GRANTED, GRANTED]
