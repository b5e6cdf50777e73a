"""What the request log never keeps: secrets by the marks of the schema, and by their patterns."""

import json
import re
from typing import Any

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
)

from gateway.kit.clock import WallTime
from gateway.services.sandbox.request_log import CUT
from gateway.services.sandbox.request_log_writer import Description, Exchange
from gateway.store.sandbox.request_log import RequestOwner
from schema.guard import DEFAULT_LIMITS
from schema.redaction.exchanges import LONGEST_DOCUMENT, LONGEST_RESPONSE, LONGEST_VARIABLES, Describer
from schema.redaction.marks import MARKED
from tests.support.clock import NOON
from tests.support.graphql_world import built

TOKEN = "sgw_test_at_AbC-123_x"
OTHERS = (
    "sgw_rt_AbC-123",
    "sgw_test_ac_x",
    "sgw_test_cs_y",
    "whsec_C2FtcGxlIHNlY3JldA+/=",
    "eyJhbGciOiJFUzI1NiJ9.eyJodG0iOiJQT1NUIn0.c2ln-_",
    "urn:ietf:params:oauth:request_uri:sgw_ru_a",
)
RESPOND = """mutation Respond($input: DisputeRespondInput!) {
  disputeRespond(input: $input) { dispute { id said: statement } userErrors { code message } } }"""
CALLED_SECRET = re.compile(r"secret|token|password|proof|credential|assertion|note|statement|evidence", re.IGNORECASE)
NO_SECRETS = {
    "Decision.inclusionProof": "hashes of the log",
    "Viewer.tokenExpiresAt": "a moment",
    "WebhookSecretRotatePayload.oldSecretValidUntil": "a moment",
    "Mutation.sandboxTokenExpire": "a mutation",
    "Mutation.webhookSecretRotate": "a mutation",
}


def describe(
    query: str, variables: Any = None, data: Any = None, errors: Any = None, *, name: str | None = None, **changed: Any
) -> Description:
    request = {"query": query, "variables": variables, **({"operationName": name} if name else {})}
    response = {**({"data": data} if data is not None else {}), **({"errors": errors} if errors else {})}
    exchange = Exchange(
        received_at=WallTime(NOON),
        seconds=0.1,
        request_id="req_test_1",
        client_id="cli_test_1",
        token_digest="digest",
        scheme="bearer",
        status=200,
        body=json.dumps(request).encode(),
        response=json.dumps(response).encode(),
    )
    owner = RequestOwner("cli_test_1", "mer_test_1", "par_test_1")
    return Describer(built().schema, DEFAULT_LIMITS).describe(exchange, owner, lambda _: None)


def coordinates() -> dict[str, bool]:
    """All fields, members and arguments of the schema, and whether each is a text."""
    found: dict[str, bool] = {}
    for kind in built().schema.type_map.values():
        if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                found[f"{kind.name}.{name}"] = isinstance(get_named_type(field.type), GraphQLScalarType)
                for argument, definition in getattr(field, "args", {}).items():
                    is_text = isinstance(get_named_type(definition.type), GraphQLScalarType)
                    found[f"{kind.name}.{name}({argument})"] = is_text
    return found


def test_each_mark_is_of_the_schema() -> None:
    assert coordinates().keys() >= MARKED


def test_each_text_that_is_called_a_secret_is_marked() -> None:
    called = {
        name
        for name in coordinates()
        if not name.startswith("__") and CALLED_SECRET.search(name.partition(".")[2].rpartition("(")[2] or name)
    }
    assert called - MARKED == NO_SECRETS.keys()


def test_no_marked_field_can_be_read_through_an_interface() -> None:
    of_interfaces = {
        f"{kind.name}.{name}"
        for kind in built().schema.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for interface in kind.interfaces
        for name in interface.fields
    }
    assert not of_interfaces & MARKED


def test_marked_member_of_a_variable_is_replaced() -> None:
    variables = {
        "input": {
            "disputeId": "dsp_test_1",
            "accept": False,
            "statement": "Mei lives in Hangzhou",
            "evidence": ["https://x.example/mei"],
        }
    }
    described = describe(RESPOND, variables)
    assert json.loads(described.variables) == {
        "input": {"disputeId": "dsp_test_1", "accept": False, "statement": "[redacted]", "evidence": ["[redacted]"]}
    }
    assert described.document == RESPOND


def test_variable_for_a_marked_member_is_replaced_with_its_default() -> None:
    document = """mutation M($text: String! = "Mei lives here", $list: [URL!]) {
      disputeRespond(input: {disputeId: "d", idempotencyKey: "k", accept: true, statement: $text, evidence: $list}) {
        dispute { id } } }"""
    described = describe(document, {"text": "Mei is ill", "list": ["https://x.example/mei"]})
    assert json.loads(described.variables) == {"text": "[redacted]", "list": ["[redacted]"]}
    assert "Mei" not in described.document
    assert '$text: String! = "[redacted]"' in described.document


def test_marked_literal_is_replaced_and_the_rest_stays() -> None:
    document = '''mutation { disputeRespond(input: {disputeId: "dsp_test_1", idempotencyKey: "k", accept: true,
      statement: """Mei
      is ill""", evidence: ["https://x.example/mei", "https://y.example"]}) { dispute { id } } }'''
    described = describe(document)
    assert described.document == re.sub(r'"""(.|\n)*?"""|"https[^"]*"', '"[redacted]"', document)


def test_marked_field_of_a_response_is_replaced_under_its_alias_and_in_fragments() -> None:
    document = """query { node(id: "dsp_test_1") { ...D ... on Dispute { mine: response } } other: viewer { appName } }
      fragment D on Dispute { decision { disputes { nodes { statement resolution } } } }"""
    inner = {"decision": {"disputes": {"nodes": [{"statement": "Mei", "resolution": None}]}}}
    data = {"node": {"mine": "we say", **inner}, "other": {"appName": "statement"}}
    shown = json.loads(describe(document, data=data).response)["data"]
    assert shown == {
        "node": {
            "mine": "[redacted]",
            "decision": {"disputes": {"nodes": [{"statement": "[redacted]", "resolution": None}]}},
        },
        "other": {"appName": "statement"},
    }


def test_response_without_secrets_is_kept_as_it_was_sent() -> None:
    described = describe("{ viewer { appName } }", data={"viewer": {"appName": "x"}})
    assert described.response == '{"data": {"viewer": {"appName": "x"}}}'


@pytest.mark.parametrize("secret", [TOKEN, *OTHERS])
def test_what_looks_like_a_secret_is_replaced_everywhere(secret: str) -> None:
    document = f'query Q($id: ID!) {{ node(id: "{secret}") {{ id }} # {secret}\n other: node(id: $id) {{ id }} }}'
    described = describe(document, {"id": secret}, {"node": {"id": secret}}, [{"message": secret}], name=secret)
    assert secret not in repr(described)
    assert described.document.count("[redacted]") == 2
    assert json.loads(described.variables) == {"id": "[redacted]"}


def test_escaped_secret_in_a_literal_is_replaced() -> None:
    described = describe('{ node(id: "\\u0073gw_test_at_x") { id } }')
    assert described.document == '{ node(id: "[redacted]") { id } }'


def test_strings_for_unknown_arguments_members_and_variables_are_replaced() -> None:
    document = """mutation M($known: ID!, $odd: Nothing) {
      nothing(text: "Mei 1") disputeRespond(input: {other: "Mei 2"}, more: {a: ["Mei 3"]}) @odd(x: "Mei 4") { x } }"""
    variables = {"known": "dsp_test_1", "odd": "Mei 5", "more": {"deep": ["Mei 6", 7, True]}}
    described = describe(document, variables)
    assert "Mei" not in repr(described)
    assert json.loads(described.variables) == {
        "known": "dsp_test_1",
        "odd": "[redacted]",
        "more": {"deep": ["[redacted]", 7, True]},
    }


def test_value_of_a_wrong_shape_is_replaced() -> None:
    variables = {"input": "Mei is ill"}
    assert json.loads(describe(RESPOND, variables).variables) == {"input": "[redacted]"}


@pytest.mark.parametrize(
    "document",
    [
        'mutation { disputeRespond(input: {statement: "Mei is ill"}) { dispute { id }',
        'mutation { disputeRespond(input: {statement: """Mei is ill\n',
        'mutation { disputeRespond(input: {statement: "Mei is ill\n }) } }',
        "{ a }" + "\n" * 6000 + '# "Mei"',
    ],
)
def test_all_strings_of_an_unreadable_document_are_replaced(document: str) -> None:
    errors = [{"message": 'Unexpected "Mei is ill".', "extensions": {"code": "GRAPHQL_PARSE_FAILED"}}]
    described = describe(document, {"input": {"statement": "Mei"}}, errors=errors)
    assert "Mei" not in repr(described)


def test_message_of_an_error_does_not_repeat_a_secret_value() -> None:
    variables = {"input": {"statement": "Mei is ill", "evidence": "ftp://mei", "accept": True}}
    message = (
        "Variable '$input' got invalid value {'statement': 'Mei is ill', 'evidence': 'ftp://mei'} at 'input.evidence';"
        ' a URL is "ftp://mei"'
    )
    shown = describe(RESPOND, variables, errors=[{"message": message}]).response
    assert "mei" not in shown.lower()
    assert "'$input'" in shown
    assert "'input.evidence'" in shown


def test_long_texts_are_cut() -> None:
    document = "{ viewer { appName } } #" + "x" * 9_000
    described = describe(document, {"a": list(range(9_000))}, {"viewer": "y" * 17_000})
    lengths = [len(each) - len(CUT) for each in (described.document, described.variables, described.response)]
    assert lengths == [LONGEST_DOCUMENT, LONGEST_VARIABLES, LONGEST_RESPONSE]


def test_nested_fragments_take_no_longer_than_their_text() -> None:
    fragments = "".join(f"fragment F{n} on Dispute {{ ...F{n + 1} ...F{n + 1} }} " for n in range(60))
    document = f'{{ node(id: "x") {{ ...F0 }} }} {fragments} fragment F60 on Dispute {{ statement }}'
    shown = describe(document, data={"node": {"statement": "Mei"}}).response
    assert "Mei" not in shown
