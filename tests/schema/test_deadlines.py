"""A document whose deadline is over: one typed error, and nothing recorded."""

from collections.abc import Iterator
from contextlib import closing
from itertools import count

import pytest

from gateway.kit.deadline import Deadlines
from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.graphql_world import GraphQLWorld, request_variables

TIMELINE = (
    "{ consentedUser { id scoreTier { tier } } merchant { decisions { nodes { id timeline { nodes { id } } } } } }"
)
TWO = """mutation ($one: DecisionRequestInput!, $two: DecisionRequestInput!) {
  one: decisionRequest(input: $one) { decision { id } }
  two: decisionRequest(input: $two) { decision { id } }
}"""


@pytest.fixture
def world(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    with closing(GraphQLWorld(settings.model_copy(update={"database_url": sqlite_url}), clock)) as made:
        yield made


def after(checks: int) -> Deadlines:
    """Deadlines that are over after this number of looks at the time."""
    time = count()
    return Deadlines(checks, lambda: next(time))


def test_a1_query_ends_at_a_resolver_with_one_error(world: GraphQLWorld) -> None:
    for number in range(4):
        world.request(f"key-{number}", f"order-{number}")
    complete = after(1_000_000)
    with complete.running():
        assert world.data(TIMELINE, by=world.merchant())["merchant"]["decisions"]["nodes"]
    codes = set()
    for checks in range(1, 12):
        with after(checks).running():
            executed = world.run(TIMELINE, by=world.merchant())
        if executed.unavailable:
            (error,) = executed.body["errors"]
            codes.add(error["extensions"]["code"])
            assert "data" not in executed.body
            assert error["message"].startswith("The request took too long and was ended. Nothing was recorded.")
    assert codes == {"DEADLINE_EXCEEDED"}


def test_a1_query_that_takes_too_long_logs_no_access(world: GraphQLWorld) -> None:
    def count_accesses() -> int:
        with world.database.engine.connect() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM access_log").scalar_one())

    before = count_accesses()
    with after(4).running():
        assert world.run("{ consentedUser { scoreTier { tier } } }").unavailable
    assert count_accesses() == before


def test_a1_mutation_that_takes_too_long_is_recorded_whole_or_not_at_all(world: GraphQLWorld) -> None:
    states = set()
    for checks in range(1, 40):
        variables = {
            "one": request_variables(f"a-{checks}", f"first-{checks}")["input"],
            "two": request_variables(f"b-{checks}", f"second-{checks}")["input"],
        }
        with after(checks).running():
            executed = world.run(TWO, variables)
        again = world.data(TWO, variables)
        data = executed.body.get("data") or {}
        state = tuple(data.get(name) is not None for name in ("one", "two"))
        codes = {error["extensions"]["code"] for error in executed.body.get("errors", ())}
        assert codes <= {"DEADLINE_EXCEEDED"}
        for name in ("one", "two"):
            recorded = data.get(name)
            if recorded is not None and recorded["decision"] is not None:
                assert recorded["decision"]["id"] == again[name]["decision"]["id"]
        assert executed.unavailable == (state == (False, False))
        states.add(state)
    assert states == {(False, False), (True, False), (True, True)}
