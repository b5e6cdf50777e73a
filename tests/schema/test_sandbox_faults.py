"""Faults that a partner injects into its calls: their inputs, and how they are counted."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.bootstrap import build
from gateway.domain.environment import LIVE
from gateway.domain.fault import ERROR_CODES, Fault, FaultKind
from gateway.oauth.token_check import check_token
from gateway.services.container import Container
from gateway.services.sandbox.faults import SandboxFaultService
from tests.support import factories
from tests.support.at_once import at_once
from tests.support.graphql_webhooks import GraphQLHooks
from tests.support.graphql_world import GraphQLWorld
from tests.support.sandbox_partner import GRANT, INJECT
from tests.support.units import reading, writing
from tests.support.webhook_world import Received, Receiver

TRIGGER = "mutation { sandboxWebhookTrigger(topic: DECISION_APPROVED) { event { id } } }"
THROTTLE = {"throttle": True}


class NoProof:
    """A call with a bearer token."""

    nonce: str | None = None

    def renew_nonce(self, demanded: str | None) -> str:
        return demanded or "new"


@pytest.fixture
def faults(world: GraphQLWorld) -> SandboxFaultService:
    return world.container.sandbox.faults


def inject(world: GraphQLWorld, fault: dict[str, Any], count: int = 1) -> Any:
    by = world.merchant("sandbox")
    return world.data(INJECT, {"fault": fault, "count": count}, by=by)["sandboxFaultInject"]


def refused(world: GraphQLWorld, fault: dict[str, Any], count: int = 1) -> tuple[str, list[str]]:
    """The error of an input that is not valid, which must have changed nothing."""
    before = world.contents()
    payload = inject(world, fault, count)
    assert payload["remaining"] == 0
    assert world.contents() == before
    (each,) = payload["userErrors"]
    return each["code"], each["field"]


def take(world: GraphQLWorld, faults: SandboxFaultService) -> Fault | None:
    return faults.take(world.merchant("sandbox"), NoProof())


def has_faults(world: GraphQLWorld, token: str) -> bool:
    with reading(world.database) as unit:
        return check_token(unit, token, None, world.container.environment).has_faults


@pytest.mark.parametrize(
    ("fault", "code", "member"),
    [
        ({"latency": "PT0S"}, "INVALID_PERIOD", "latency"),
        ({"latency": "PT31S"}, "INVALID_PERIOD", "latency"),
        ({"httpStatus": 200}, "INVALID", "httpStatus"),
        ({"httpStatus": 404}, "INVALID", "httpStatus"),
        ({"graphqlErrorCode": "NO_SUCH"}, "INVALID", "graphqlErrorCode"),
        ({"graphqlErrorCode": "UNAUTHENTICATED"}, "INVALID", "graphqlErrorCode"),
        ({"scoreServiceDown": False}, "INVALID", "scoreServiceDown"),
        ({"throttle": False}, "INVALID", "throttle"),
        ({"dropResponse": False}, "INVALID", "dropResponse"),
        ({"idempotencyInProgress": False}, "INVALID", "idempotencyInProgress"),
        ({"webhookFailures": 200}, "INVALID", "webhookFailures"),
        ({"webhookFailures": 600}, "INVALID", "webhookFailures"),
        ({"dpopNonce": True}, "INVALID", "dpopNonce"),
    ],
)
def test_impossible_fault_is_refused(world: GraphQLWorld, fault: dict[str, Any], code: str, member: str) -> None:
    assert refused(world, fault) == (code, ["fault", member])


@pytest.mark.parametrize("count", [-1, 101])
def test_impossible_count_is_refused(world: GraphQLWorld, count: int) -> None:
    assert refused(world, THROTTLE, count) == ("INVALID", ["count"])


def test_every_error_code_that_can_be_forced_has_a_meaning(world: GraphQLWorld) -> None:
    for code in ERROR_CODES:
        assert inject(world, {"graphqlErrorCode": code})["userErrors"] == []


def test_fault_is_that_of_so_many_calls(world: GraphQLWorld, faults: SandboxFaultService) -> None:
    assert inject(world, {"httpStatus": 503}, 2) == {"remaining": 2, "userErrors": []}
    taken = [take(world, faults) for _ in range(3)]
    assert taken == [Fault(FaultKind.HTTP_STATUS, "503")] * 2 + [None]


def test_new_fault_replaces_the_earlier_one(world: GraphQLWorld, faults: SandboxFaultService) -> None:
    inject(world, {"httpStatus": 503}, 5)
    inject(world, {"latency": "PT1.5S"})
    assert [take(world, faults) for _ in range(2)] == [Fault(FaultKind.LATENCY, "1500"), None]


def test_count_of_zero_ends_the_fault(world: GraphQLWorld, faults: SandboxFaultService) -> None:
    inject(world, THROTTLE, 5)
    assert inject(world, THROTTLE, 0) == {"remaining": 0, "userErrors": []}
    assert take(world, faults) is None


def test_other_client_has_no_fault(world: GraphQLWorld, faults: SandboxFaultService) -> None:
    with writing(world.database) as unit:
        other = factories.make_client(unit, world.merchant_id)
    inject(world, THROTTLE)
    assert faults.take(replace(world.merchant("sandbox"), client_id=other), NoProof()) is None
    assert take(world, faults) is not None


def test_token_check_knows_whether_the_partner_has_faults(world: GraphQLWorld, faults: SandboxFaultService) -> None:
    grant = {"persona": "good", "scopes": ["score:tier"]}
    by = world.merchant("sandbox", "consents:read")
    token = world.data(GRANT, grant, by=by)["sandboxConsentGrant"]["accessToken"]
    seen = [has_faults(world, token)]
    inject(world, THROTTLE)
    seen.append(has_faults(world, token))
    with reading(world.database) as unit:
        assert [each.has_faults for each in unit.partners.list_partners()] == [True, False]
    take(world, faults)
    assert [*seen, has_faults(world, token)] == [False, True, False]


@pytest.fixture
def other_process(each_world: GraphQLWorld) -> Iterator[Container]:
    """The services of another process over the same database."""
    with closing(build(each_world.container.settings, clock=each_world.clock)) as container:
        yield container


@pytest.mark.postgresql
def test_calls_at_several_processes_are_counted_together(each_world: GraphQLWorld, other_process: Container) -> None:
    inject(each_world, THROTTLE, 5)
    processes = [each_world.container.sandbox.faults, other_process.sandbox.faults]
    taken = at_once([lambda service=each: take(each_world, service) for each in processes * 6])  # type: ignore[misc]
    assert sum(each is not None for each in taken) == 5


@pytest.mark.postgresql
def test_attempts_to_deliver_fail_without_being_made(each_world: GraphQLWorld, receiver: Receiver) -> None:
    world, hooks = each_world, GraphQLHooks(each_world)
    hooks.limits["has_faults"] = True
    hooks.worker = hooks.make_worker()
    endpoint = hooks.endpoint(receiver.url())
    inject(world, {"webhookFailures": 502}, 1)
    world.data(TRIGGER, by=world.merchant("sandbox"))
    hooks.settle()
    assert receiver.received == list[Received]()
    (edge,) = hooks.page(endpoint)["edges"]
    (attempt,) = edge["node"]["attempts"]
    assert (edge["node"]["status"], attempt["responseStatus"]) == ("PENDING", 502)
    assert "sandboxFaultInject" in attempt["responseBody"]
    world.clock.advance(timedelta(seconds=10))
    hooks.settle()
    assert len(receiver.received) == 1, "the second attempt is made"


def test_fault_of_webhooks_leaves_calls_alone(world: GraphQLWorld, faults: SandboxFaultService) -> None:
    inject(world, {"webhookFailures": 500})
    assert take(world, faults) is None


def test_live_deployment_has_no_faults() -> None:
    assert not LIVE.faults
