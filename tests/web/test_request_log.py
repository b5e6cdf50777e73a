"""The request log of a sandbox over HTTP: which requests have an entry, and what is in it."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from gateway.app import create_app
from gateway.domain.identity.trusted_document import TrustedDocument, compute_id
from gateway.settings import Settings
from gateway.web.request_log import LogRequests
from tests.support import factories
from tests.support.clock import MovableClock
from tests.support.graphql_world import REQUEST, request_variables
from tests.support.live_world import LiveWorld
from tests.support.logged_world import VIEWER, LoggedWorld
from tests.support.units import writing

PAGE = "decisions(first: 100) { nodes { id consent { id } } }"
EXPENSIVE = f"{{ merchant {{ {' '.join(f'd{number}: {PAGE}' for number in range(9))} }} }}"


@pytest.fixture
def world(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[LoggedWorld]:
    with closing(LoggedWorld(settings.model_copy(update={"database_url": sqlite_url}), clock)) as opened:
        yield opened


@pytest.fixture
def each_world(deployment: Settings, clock: MovableClock) -> Iterator[LoggedWorld]:
    with closing(LoggedWorld(deployment, clock)) as opened:
        yield opened


def test_request_has_an_entry_for_the_partner_of_its_client(each_world: LoggedWorld) -> None:
    response = each_world.send(json.dumps({"query": VIEWER}).encode(), **{"X-Request-ID": "order-17-step-2"})
    entry = each_world.entry()
    assert (entry.partner_id, entry.merchant_id, entry.client_id) == (
        each_world.partner_id,
        each_world.merchant_id,
        each_world.client_id,
    )
    assert (entry.request_id, entry.operation_name, entry.document) == ("order-17-step-2", "Who", VIEWER)
    assert (entry.variables, entry.http_status, entry.error_codes) == ("{}", 200, "")
    assert entry.cost == response.json()["extensions"]["cost"]["actualQueryCost"] > 0
    assert (entry.response, entry.received_at, entry.scheme) == (response.text, each_world.clock(), "bearer")
    assert 0 <= entry.duration_ms < 60_000


@pytest.mark.parametrize(
    ("body", "status", "code", "document"),
    [
        ({"query": "{ viewer { appName"}, 400, "GRAPHQL_PARSE_FAILED", "{ viewer { appName"),
        ({"query": "{ viewer { nope } }"}, 400, "GRAPHQL_VALIDATION_FAILED", "{ viewer { nope } }"),
        ({"query": VIEWER, "operationName": "Other"}, 400, "BAD_REQUEST", VIEWER),
        (
            {"query": "query ($n: Int!) { merchant { decisions(first: $n) { nodes { id } } } }"},
            400,
            "BAD_USER_INPUT",
            None,
        ),
        ({"documentId": "sha256:unknown"}, 400, "DOCUMENT_NOT_FOUND", ""),
        ({"query": ""}, 400, "BAD_REQUEST", ""),
        (["no object"], 400, "BAD_REQUEST", ""),
        ({"query": EXPENSIVE}, 400, "MAX_COST_EXCEEDED", None),
    ],
)
def test_failed_request_has_an_entry(
    each_world: LoggedWorld, body: Any, status: int, code: str, document: str | None
) -> None:
    response = each_world.send(json.dumps(body).encode())
    entry = each_world.entry()
    assert (response.status_code, entry.http_status, entry.error_codes) == (status, status, f" {code} ")
    assert document is None or entry.document == document
    assert (entry.cost > 0) == (code == "MAX_COST_EXCEEDED")
    assert json.loads(entry.response)["errors"]


def test_body_that_is_not_json_is_not_kept(world: LoggedWorld) -> None:
    world.send(b"password=open sesame")
    entry = world.entry()
    assert (entry.document, entry.variables, entry.error_codes) == ("", "{}", " BAD_REQUEST ")
    assert "sesame" not in world.log_text()


def test_throttled_request_has_an_entry(settings: Settings, sqlite_url: str, clock: MovableClock) -> None:
    slow = {"database_url": sqlite_url, "query_bucket_size": 1_000, "query_restore_rate": 1}
    with closing(LoggedWorld(settings.model_copy(update=slow), clock)) as world:
        world.container.buckets.take(world.client_id, 990)
        assert world.post(f"{{ merchant {{ {PAGE} }} }}").status_code == 429
        entry = world.entry()
    assert (entry.http_status, entry.error_codes, entry.cost > 100) == (429, " THROTTLED ", True)


@pytest.mark.parametrize("was_used", [True, False])
def test_expired_token_of_a_known_client_has_an_entry(world: LoggedWorld, was_used: bool) -> None:
    if was_used:
        world.post(VIEWER)
    world.clock.advance(timedelta(hours=2))
    assert world.post(VIEWER).status_code == 401
    *_, entry = world.flush()
    assert (entry.client_id, entry.http_status, entry.error_codes) == (world.client_id, 401, " UNAUTHENTICATED ")
    assert entry.document == VIEWER


def test_unknown_token_and_missing_token_have_no_entry(world: LoggedWorld) -> None:
    assert world.post(VIEWER, token="sgw_test_at_unknown").status_code == 401
    assert world.http.post("/graphql", json={"query": VIEWER}).status_code == 401
    assert world.flush() == []


def test_decision_is_noted_by_id_or_by_reference(each_world: LoggedWorld) -> None:
    each_world.post(REQUEST, request_variables("key-1", "order-1"), token=each_world.user_token)
    short = "mutation ($input: DecisionRequestInput!) { decisionRequest(input: $input) { userErrors { code } } }"
    each_world.post(short, request_variables("key-2", "order-2"), token=each_world.user_token)
    first, second = each_world.flush()
    assert first.decision_ids == [json.loads(first.response)["data"]["decisionRequest"]["decision"]["id"]]
    assert (second.decision_ids, second.references) == ([], ["order-2"])


def test_codes_of_user_errors_are_among_the_error_codes(world: LoggedWorld) -> None:
    document = """mutation ($input: DecisionRequestInput!) {
      made: decisionRequest(input: $input) { wrong: userErrors { why: code } } }"""
    variables = request_variables("key-1", "order-1", deposit={"amount": "0.00", "currency": "CNY"})
    response = world.post(document, variables, token=world.user_token)
    (code,) = {each["why"] for each in response.json()["data"]["made"]["wrong"]}
    assert world.entry().error_codes == f" {code} "


def test_response_to_a_token_for_another_person_than_a_test_user_is_not_kept(world: LoggedWorld) -> None:
    with writing(world.database) as unit:
        person = factories.make_user(unit, None)
        consent = factories.make_consent(unit, world.client_id, person, scopes=("score:tier",))
    token = world.make_token("score:tier", consent=consent)
    world.post("query ($n: Boolean!) { consentedUser { id @include(if: $n) } }", {"n": True}, token=token)
    entry = world.entry()
    assert (entry.variables, "consentedUser" in entry.response, "not kept" in entry.response) == ("{}", False, True)


def test_trusted_document_is_kept_with_its_text(world: LoggedWorld) -> None:
    document = TrustedDocument(compute_id(VIEWER), VIEWER)
    world.container.documents.register(world.client_id, [document])
    world.send(json.dumps({"documentId": document.id}).encode())
    entry = world.entry()
    assert (entry.document, entry.document_id, entry.operation_name) == (VIEWER, document.id, "Who")


def test_nul_in_a_document_or_a_name_is_replaced(each_world: LoggedWorld) -> None:
    each_world.send(json.dumps({"query": "{ viewer \0 }", "operationName": "\0", "variables": {"\0": "\0"}}).encode())
    entry = each_world.entry()
    assert (entry.document, entry.operation_name) == ("{ viewer \ufffd }", "\ufffd")


def test_only_a_sandbox_has_the_log_around_its_api(world: LoggedWorld, postgresql_url: str) -> None:
    with closing(LiveWorld(postgresql_url, world.clock)) as live:
        apps = [create_app(each) for each in (world.container, live.container)]
    kinds = [{type(getattr(route, "app", None)) for route in each.routes} for each in apps]
    assert [LogRequests in each for each in kinds] == [True, False]
