"""Query.requestLog: what a partner reads of its requests, by filter and page, on both databases."""

import shlex
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.decisions.outcome import Decline
from gateway.domain.decisions.transitions import Status
from gateway.domain.identity.principal import Principal
from gateway.kit import json
from gateway.kit.clock import WallTime
from gateway.services.sandbox.request_log import CUT
from gateway.store.sandbox.request_log import RequestLogRow
from tests.support import factories
from tests.support.clock import NOON
from tests.support.graphql_world import ISSUER, GraphQLWorld
from tests.support.logged_requests import add_request
from tests.support.units import writing

LOG = """query Log($first: Int, $after: String, $last: Int, $before: String, $filter: RequestLogFilter) {
  requestLog(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    edges { cursor node { id } }
    nodes { id requestId at operationName document variables httpStatus errorCodes cost durationMs response
      droppedBefore curl graphiqlUrl
      explanations { decisionId merchantReference status ruleId policyVersion reasons { code message } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
NODE = "query Node($id: ID!) { node(id: $id) { __typename id ... on RequestLogEntry { requestId } } }"


@pytest.fixture
def world(each_world: GraphQLWorld) -> GraphQLWorld:
    return each_world


def add(world: GraphQLWorld, number: int, **columns: Any) -> RequestLogRow:
    """Writes an entry that was received `number` seconds after noon."""
    values = {
        "partner_id": world.partner_id,
        "received_at": WallTime(NOON + timedelta(seconds=number)),
        "request_id": f"req_test_{number}",
        **columns,
    }
    return add_request(world.container, merchant_id=world.merchant_id, client_id=world.client_id, **values)


def read(world: GraphQLWorld, *, by: Principal | None = None, **variables: Any) -> Any:
    return world.data(LOG, variables, by=by or world.merchant("sandbox"))["requestLog"]


def numbers(world: GraphQLWorld, **filtered: Any) -> list[int]:
    """The numbers of the entries that match a filter."""
    return [int(each["requestId"].rpartition("_")[2]) for each in read(world, filter=filtered)["nodes"]]


def test_entry_has_the_request_and_what_it_led_to(world: GraphQLWorld) -> None:
    row = add(world, 1, error_codes=" A B ", dropped_before=3)
    (entry,) = read(world)["nodes"]
    assert entry == {
        "id": row.id,
        "requestId": "req_test_1",
        "at": "2026-11-23T12:00:01Z",
        "operationName": "Who",
        "document": row.document,
        "variables": "{}",
        "httpStatus": 200,
        "errorCodes": ["A", "B"],
        "cost": 1,
        "durationMs": 7,
        "response": '{"data":{}}',
        "droppedBefore": 3,
        "curl": entry["curl"],
        "graphiqlUrl": f"{ISSUER}/partners/graphiql?entry={row.id}",
        "explanations": [],
    }


def test_no_partner_reads_the_log_of_another(world: GraphQLWorld) -> None:
    own = add(world, 1)
    foreign = add(world, 2, partner_id="par_test_other")
    assert numbers(world) == [1]
    by = world.merchant("sandbox")
    assert world.data(NODE, {"id": own.id}, by=by)["node"] == {
        "__typename": "RequestLogEntry",
        "id": own.id,
        "requestId": "req_test_1",
    }
    assert world.data(NODE, {"id": foreign.id}, by=by)["node"] is None
    cursor = read(world, first=1)["pageInfo"]["startCursor"]
    assert numbers(world) == [1]
    assert read(world, before=cursor)["nodes"] == []


def test_log_needs_the_scope_sandbox(world: GraphQLWorld) -> None:
    row = add(world, 1)
    body = world.run(LOG, {}, by=world.merchant("decisions:read")).body
    assert (body["data"]["requestLog"], body["errors"][0]["extensions"]["code"]) == (None, "FORBIDDEN")
    assert world.run(NODE, {"id": row.id}, by=world.merchant("decisions:read")).body["data"]["node"] is None


def test_pages_go_forward_and_backward_also_among_equal_times(world: GraphQLWorld) -> None:
    for number in (1, 2, 3, 4, 5):
        add(world, number, received_at=WallTime(NOON + timedelta(seconds=number // 2)))
    first = read(world, first=2)
    second = read(world, first=2, after=first["pageInfo"]["endCursor"])
    third = read(world, first=2, after=second["pageInfo"]["endCursor"])
    pages = [[each["requestId"][-1] for each in page["nodes"]] for page in (first, second, third)]
    assert pages == [["5", "4"], ["3", "2"], ["1"]]
    assert [page["pageInfo"]["hasNextPage"] for page in (first, second, third)] == [True, True, False]
    back = read(world, last=2, before=third["pageInfo"]["startCursor"])
    assert [each["requestId"][-1] for each in back["nodes"]] == ["3", "2"]
    assert back["pageInfo"]["hasPreviousPage"] is True


def test_filters_find_entries(world: GraphQLWorld) -> None:
    add(world, 1)
    add(world, 2, operation_name="Other", http_status=401, error_codes=" UNAUTHENTICATED ")
    add(world, 3, error_codes=" TOO_EARLY INVALID ")
    add(world, 4, operation_name=None, http_status=503)
    assert numbers(world, requestId="req_test_2") == [2]
    assert numbers(world, operationName="Who") == [3, 1]
    assert numbers(world, errorCode="INVALID") == [3]
    assert numbers(world, errorCode="TOO_EARLY") == [3]
    assert numbers(world, onlyFailed=True) == [4, 3, 2]
    assert numbers(world, since="2026-11-23T12:00:03Z") == [4, 3]
    assert numbers(world, since="2026-11-23T12:00:02Z", onlyFailed=True, operationName="Who") == [3]
    assert numbers(world, requestId=None, onlyFailed=None) == [4, 3, 2, 1]


@pytest.mark.parametrize("code", ["%", "TOO%", "TOOXEARLY", "_", "", "\0", "TOO_EARLY/"])
def test_filter_has_no_wildcards(world: GraphQLWorld, code: str) -> None:
    add(world, 1, error_codes=" TOO_EARLY ")
    assert numbers(world, errorCode=code) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"first": 0}, "first must be 1 to 100."), ({"first": 1, "last": 1}, "Use first or last, not both.")],
)
def test_wrong_page_is_an_error(world: GraphQLWorld, arguments: dict[str, Any], message: str) -> None:
    body = world.run(LOG, arguments, by=world.merchant("sandbox")).body
    assert body["errors"][0]["message"] == message


@pytest.mark.parametrize("by_reference", [False, True])
def test_entry_explains_the_decisions_of_its_request(world: GraphQLWorld, by_reference: bool) -> None:
    outcome = Decline(("TIER_BELOW_REQUIRED",))
    with writing(world.database) as unit:
        declined = factories.make_decision(
            unit,
            world.consent,
            status=Status.DECLINED,
            outcome=outcome,
            merchant_reference="order-7",
            rule_id="car:too-low",
        )
    ids = [] if by_reference else [declined, world.foreign_decision, "dec_test_unknown"]
    add(world, 1, decision_ids=ids, references=["order-7", "order-8"] if by_reference else [])
    add(world, 2)
    other, entry = read(world)["nodes"]
    assert other["explanations"] == []
    (explanation,) = entry["explanations"]
    assert explanation.pop("reasons")[0]["code"] == "TIER_BELOW_REQUIRED"
    assert explanation.pop("policyVersion")
    assert explanation == {
        "decisionId": declined,
        "merchantReference": "order-7",
        "status": "DECLINED",
        "ruleId": "car:too-low",
    }


def test_curl_sends_the_request_again_with_placeholders(world: GraphQLWorld) -> None:
    variables = {"name": "it's $HOME `x`", "n": 1}
    add(world, 1, variables=json.encode_text(variables), scheme="dpop")
    add(world, 2, document="", document_id="sha256:abc", operation_name=None)
    add(world, 3, document=f"{{ a{CUT}")
    cut, trusted, entry = (each["curl"] for each in read(world)["nodes"])
    words = shlex.split(entry)
    assert words[:7] == [
        "curl",
        "-s",
        f"{ISSUER}/graphql",
        "-H",
        "Authorization: DPoP $ACCESS_TOKEN",
        "-H",
        "DPoP: $DPOP_PROOF",
    ]
    assert json.decode(words[-1]) == {
        "query": "query Who { viewer { appName } }",
        "operationName": "Who",
        "variables": variables,
    }
    assert json.decode(shlex.split(trusted)[-1]) == {"documentId": "sha256:abc"}
    assert "Authorization: Bearer $ACCESS_TOKEN" in trusted
    assert shlex.split(cut)[-2:] == ["-d", "@request.json"]
