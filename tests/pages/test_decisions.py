"""The commands and the request of docs/decisions.md are executed."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.settings import Settings
from tests.services.asks import car, request_command
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld, ReferringCars
from tests.support.graphql_world import REQUEST, GraphQLWorld
from tests.support.operators import Gateway
from tests.support.page_blocks import PageCommands, block
from tests.support.transitions import TRANSITIONS, transition_input

ORDER = {"onlineOrder": {"amount": {"amount": "500.00", "currency": "CNY"}, "payWithin": "P7D"}}


@pytest.fixture
def graphql(sqlite_url: str, settings: Settings, clock: MovableClock) -> Iterator[GraphQLWorld]:
    with closing(GraphQLWorld(settings.model_copy(update={"database_url": sqlite_url}), clock)) as world:
        yield world


def test_manual_reviews_end(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    referring = world.variant(adapters=[ReferringCars])
    approved, declined = (
        referring.request(world.grant("fair"), request_command(car(world.clock()), key, key)).decision.id
        for key in ("one", "other")
    )
    page = PageCommands(gateway, tmp_path, {"dec_": approved})
    *commands, decline = block("docs/decisions.md", "gateway decisions list --status PENDING").splitlines()
    listed, shown, reviewed = map(page.run_line, commands)
    assert approved in listed
    assert declined in listed
    assert " good " in shown
    assert f"{approved} (one) is APPROVED" in reviewed
    page.ids["dec_"] = declined
    assert f"{declined} (other) is DECLINED" in page.run_line(decline)


def test_order_is_reduced(graphql: GraphQLWorld) -> None:
    request = {"idempotencyKey": "k", "merchantReference": "order-1001", "ask": ORDER, "purpose": "CAR_RENTAL"}
    decision = graphql.data(REQUEST, {"input": request})["decisionRequest"]["decision"]["id"]
    graphql.data(
        TRANSITIONS["activate"].document, {"input": transition_input("activate", decision)}, by=graphql.merchant()
    )
    variables = json.loads(block("docs/decisions.md", '{"input"').replace("dec_...", decision))
    reduced = graphql.data(block("docs/decisions.md", "mutation Reduce"), variables, by=graphql.merchant())
    assert reduced["decisionReduce"] == {
        "decision": {
            "status": "ACTIVE",
            "settlement": {
                "due": {"amount": "300.00"},
                "settled": {"amount": "0.00"},
                "outstanding": {"amount": "300.00"},
            },
        },
        "userErrors": [],
    }
