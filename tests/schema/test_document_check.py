"""The check of documents before they are registered."""

from typing import Any

import pytest

from gateway.domain.identity.trusted_document import TrustedDocument, compute_id
from gateway.settings import Settings
from gateway.store.identity.clients import ClientRow
from schema.document_check import DocumentCheck, Fault
from tests.support.clock import NOON
from tests.support.graphql_world import MERCHANT_SCOPES, REQUEST, USER_SCOPES, built

PAGE = """query Page($size: Int{default}) {{
  viewer {{ merchant {{ decisions(first: $size) {{ nodes {{ id timeline {{ nodes {{ id }} }} }} }} }} }} }}"""
TIER = "query T {\n  consentedUser { scoreTier { tier } } }"


def client(*scopes: str, types: list[str] | None = None) -> ClientRow:
    """A client with these scopes, by default all that the tests' tokens have."""
    rights = {"scopes": list(scopes or (*USER_SCOPES, *MERCHANT_SCOPES)), "authorization_details_types": types}
    values: dict[str, Any] = {"id": "cli_1", "merchant_id": "mer_1", "name": "Test", "profile": "baseline", **rights}
    return ClientRow(**values, redirect_uris=[], grant_types=[], created_at=NOON)


def find(settings: Settings, *texts: str, by: ClientRow | None = None, **changed: Any) -> list[Fault]:
    check = DocumentCheck(built(), settings.model_copy(update=changed))
    return check.find_faults([TrustedDocument(compute_id(text), text) for text in texts], by or client())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("query Name { viewer { appName } }", id="query"),
        pytest.param(REQUEST, id="mutation"),
        pytest.param("query Ids($ids: [ID!]!) { nodes(ids: $ids) { id } }", id="list of ids"),
        pytest.param(PAGE.format(default=""), id="page size without a default"),
        pytest.param("{ __schema { queryType { name } } }", id="introspection"),
        pytest.param("query A { viewer { appName } } query B { viewer { appName } }", id="two operations"),
        pytest.param("query N($i: ID!) { node(id: $i) { id ... on Decision { status } __typename } }", id="interface"),
    ],
)
def test_document_of_a_client_has_no_fault(settings: Settings, text: str) -> None:
    assert find(settings, text) == []


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        pytest.param("query A {\n  viewer {\n", "GRAPHQL_PARSE_FAILED", (3, 1), id="syntax"),
        pytest.param("query A {\n  viewer { noField }\n}", "GRAPHQL_VALIDATION_FAILED", (2, 12), id="unknown field"),
        pytest.param("fragment F on Viewer { appName }", "GRAPHQL_VALIDATION_FAILED", (1, 1), id="unused fragment"),
        pytest.param("subscription { a }", "GRAPHQL_VALIDATION_FAILED", (None, None), id="of the whole document"),
        pytest.param("", "GRAPHQL_PARSE_FAILED", (1, 1), id="empty"),
    ],
)
def test_fault_has_code_and_position(
    settings: Settings, text: str, code: str, position: tuple[int | None, int | None]
) -> None:
    (fault,) = find(settings, text)
    assert (fault.document_id, fault.code) == (compute_id(text), code)
    assert (fault.line, fault.column) == position


def test_all_faults_of_all_documents_are_found(settings: Settings) -> None:
    texts = ["{ a b }", "query Name { viewer { appName } }", "{"]
    faults = find(settings, *texts)
    assert [each.document_id for each in faults] == [compute_id(texts[0])] * 2 + [compute_id(texts[2])]


def test_operation_that_costs_too_much_is_found(settings: Settings) -> None:
    text = "query Small { viewer { appName } }\n" + PAGE.format(default=" = 100")
    (fault,) = find(settings, text, query_maximum_cost=200)
    assert (fault.code, fault.line) == ("MAX_COST_EXCEEDED", 2)
    assert "The operation Page costs" in fault.message
    assert "viewer.merchant.decisions.nodes" in fault.message
    assert find(settings, PAGE.format(default=""), query_maximum_cost=200) == [], "a page of one costs less"


@pytest.mark.parametrize(
    ("text", "field", "scope", "position"),
    [
        pytest.param(TIER, "ConsentedUser.scoreTier", "score:tier", (2, 19), id="field"),
        pytest.param(
            "{ consentedUser { ...F } }\nfragment F on ConsentedUser { score }",
            "ConsentedUser.score",
            "score:exact",
            (2, 31),
            id="fragment",
        ),
        pytest.param(
            '{\n decision(by: {id: "1"}) { id } }', "Query.decision", "decisions:read", (2, 2), id="root field"
        ),
    ],
)
def test_field_without_a_scope_of_the_client_is_found(
    settings: Settings, text: str, field: str, scope: str, position: tuple[int, int]
) -> None:
    (fault,) = find(settings, text, by=client("consents:read"))
    assert (fault.code, fault.line, fault.column) == ("FORBIDDEN", *position)
    assert f"can read {field}. It needs the scope {scope}" in fault.message


def test_object_behind_an_interface_is_no_fault(settings: Settings) -> None:
    text = 'query D { node(id: "1") { ... on Decision { id } } }'
    assert find(settings, text, by=client("score:tier")) == [], "its type is known only when it is read"


def test_scopes_of_excluded_types_of_details_are_not_available(settings: Settings) -> None:
    assert find(settings, TIER, by=client("score:exact", types=["score"])) == []
    assert find(settings, TIER, by=client("score:exact", types=["decision"]))[0].code == "FORBIDDEN"


def test_identifier_of_another_text_is_found(settings: Settings) -> None:
    check, text = DocumentCheck(built(), settings), "query Name { viewer { appName } }"
    (fault,) = check.find_faults([TrustedDocument(compute_id("other"), text)], client())
    assert (fault.code, fault.line) == ("INVALID", None)
