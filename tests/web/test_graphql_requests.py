"""Requests as other tools send them: several Accept lines, hashes of persisted documents, byte order marks, URLs."""

import json
from typing import Any

import httpx2
import pytest

from gateway.domain.api_version import PATH
from tests.support.graphql_world import GraphQLWorld
from tests.web.test_graphql import GRAPHQL, JSON, VIEWER, app, http, world

__all__ = ["app", "http", "world"]
BREACH = """mutation ($i: DecisionReportBreachInput!) { decisionReportBreach(input: $i) {
  decision { status } userErrors { code message field } } }"""


def media_type(http: httpx2.Client, *accept: str) -> str:
    response = http.post(PATH, json={"query": VIEWER}, headers=[("accept", each) for each in accept])
    assert response.status_code == 200, response.text
    return response.headers["content-type"].partition(";")[0]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param(["text/html", GRAPHQL], GRAPHQL, id="E14-second-line"),
        pytest.param([f"{JSON};q=0.5", GRAPHQL], GRAPHQL, id="E14-better-quality-in-the-second-line"),
        pytest.param([GRAPHQL, JSON], GRAPHQL, id="E14-first-of-equal-lines"),
        pytest.param([JSON, GRAPHQL], JSON, id="E14-order-of-the-lines"),
        pytest.param(["", GRAPHQL], GRAPHQL, id="E14-empty-line"),
    ],
)
def test_accept_lines_are_one_list(http: httpx2.Client, accept: list[str], expected: str) -> None:
    assert media_type(http, *accept) == expected


def test_e14_accept_lines_without_a_known_type_are_refused(http: httpx2.Client) -> None:
    response = http.post(PATH, json={"query": VIEWER}, headers=[("accept", "text/html"), ("accept", "image/png")])
    assert response.status_code == 406


PERSISTED = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}


@pytest.mark.parametrize("members", [{}, {"query": VIEWER}, {"query": None}], ids=["hash", "with-query", "null-query"])
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
def test_e14_persisted_document_is_answered_as_apollo_does(
    http: httpx2.Client, members: dict[str, Any], accept: str
) -> None:
    response = http.post(PATH, json={**members, "extensions": PERSISTED}, headers={"accept": accept})
    assert response.status_code == 200
    assert response.json()["errors"] == [
        {"message": "PersistedQueryNotSupported", "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"}}
    ]
    assert "data" not in response.json()


def test_e14_other_extensions_are_ignored(http: httpx2.Client) -> None:
    response = http.post(PATH, json={"query": VIEWER, "extensions": {"tracing": True}}, headers={"accept": GRAPHQL})
    assert "errors" not in response.json()


def test_e14_byte_order_mark_before_a_body_is_ignored(http: httpx2.Client) -> None:
    content = json.dumps({"query": VIEWER}).encode()
    headers = {"content-type": JSON, "accept": GRAPHQL}
    assert http.post(PATH, content=b"\xef\xbb\xbf" + content, headers=headers).status_code == 200
    for other in (b"\xef\xbb\xbf" * 2 + content, "\ufeff".encode("utf-16") + content, content + b"\xef\xbb\xbf"):
        assert http.post(PATH, content=other, headers=headers).status_code == 400


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("https://user@files.example/a", id="E14-user"),
        pytest.param("https://user:secret@files.example/a", id="E14-password"),
        pytest.param("https://@files.example/a", id="E14-empty-user"),
        pytest.param("https://files.example\\@evil.example/a", id="E14-backslash"),
        pytest.param("https://files.example@evil.example", id="E14-host-as-user"),
    ],
)
def test_url_with_user_information_is_refused(world: GraphQLWorld, address: str) -> None:
    variables = {"decisionId": "dec_test_1", "idempotencyKey": "k", "kind": "OTHER", "evidence": [address]}
    executed = world.run(BREACH, {"i": variables}, by=world.merchant())
    assert not executed.ran
    assert executed.body["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}
    assert "secret" not in str(executed.body["errors"][0]["message"]).replace(address, "")


def test_e14_url_with_an_at_sign_in_its_path_is_accepted(world: GraphQLWorld) -> None:
    evidence = ["https://files.example/@me", "https://files.example/?to=a@b.example", "https://files.example#@"]
    variables = {"decisionId": "dec_test_1", "idempotencyKey": "k", "kind": "OTHER", "evidence": evidence}
    payload = world.data(BREACH, {"i": variables}, by=world.merchant())["decisionReportBreach"]
    assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]
