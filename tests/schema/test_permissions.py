"""Scopes are enforced on every field and type that has them, however an object is found."""

from typing import Any, ClassVar

import pytest
from graphql import GraphQLObjectType

from gateway.domain.scope import SCOPES, TokenKind
from schema.deadlines import DeadlineCheck
from schema.permissions import field_scopes, type_scopes
from schema.query import ANY_VALID_TOKEN
from tests.support import factories
from tests.support.graphql_world import GraphQLWorld, built
from tests.support.transitions import TRANSITIONS, transition_input
from tests.support.units import writing

SCHEMA = built().schema
OBJECTS = [type_ for type_ in SCHEMA.type_map.values() if isinstance(type_, GraphQLObjectType)]


def refusals(world: GraphQLWorld, document: str, **by: Any) -> list[tuple[list[Any], list[Any]]]:
    """Returns path and requiredScopes of each error. All errors must be FORBIDDEN."""
    executed = world.run(document, **by)
    assert executed.ran
    assert {error["extensions"]["code"] for error in executed.body["errors"]} == {"FORBIDDEN"}
    return [(error["path"], error["extensions"]["requiredScopes"]) for error in executed.body["errors"]]


def test_every_root_field_has_scopes_or_is_open_to_any_valid_token() -> None:
    assert SCHEMA.query_type is not None
    assert SCHEMA.mutation_type is not None
    without = {name for name, field in SCHEMA.query_type.fields.items() if field_scopes(field) is None}
    assert without == ANY_VALID_TOKEN
    assert all(field_scopes(field) for field in SCHEMA.mutation_type.fields.values())


def test_every_scope_is_registered_and_every_scoped_field_is_nullable() -> None:
    found = [
        (type_.name, name, field) for type_ in OBJECTS for name, field in type_.fields.items() if field_scopes(field)
    ]
    assert len(found) >= 8
    for type_name, name, field in found:
        assert not str(field.type).endswith("!"), f"{type_name}.{name}"
        assert {scope for group in field_scopes(field) or () for scope in group} <= SCOPES.keys()


def test_descriptions_contain_the_scopes() -> None:
    for type_ in OBJECTS:
        for field in type_.fields.values():
            for group in field_scopes(field) or ():
                assert "Scope: " in str(field.description)
                assert all(scope in str(field.description) for scope in group)
        if type_scopes(type_):
            assert "Scope: " in str(type_.description)


SCOPED_FIELDS = [
    ('{ decision(by: {merchantReference: "r"}) { id } }', ["decision"]),
    ("{ merchant { decisions { totalCount } } }", ["merchant", "decisions"]),
    ("{ sandboxPersonas { id } }", ["sandboxPersonas"]),
    ("{ consentedUser { score } }", ["consentedUser", "score"]),
    ("{ consentedUser { scoreTier { tier } } }", ["consentedUser", "scoreTier"]),
    ("{ consentedUser { meetsTier(minimum: GOOD) } }", ["consentedUser", "meetsTier"]),
    (
        'mutation { decisionCancel(input: {decisionId: "dec_x", idempotencyKey: "k"}) { decision { id } } }',
        ["decisionCancel"],
    ),
]


@pytest.mark.parametrize(("document", "path"), SCOPED_FIELDS)
def test_missing_scope_fails_only_the_field(world: GraphQLWorld, document: str, path: list[str]) -> None:
    ((refused, required),) = refusals(world, document, by=world.user("decisions:preview"))
    assert refused == path
    assert required


@pytest.mark.parametrize(
    ("document", "of_user", "ending"),
    [
        ("{ merchant { decisions { totalCount } } }", True, "for a person's consent. Use a merchant token."),
        ("{ sandboxPersonas { id } }", True, "for a person's consent. Use a merchant token."),
        ("{ consentedUser { score } }", True, "lacks the scope score:exact."),
        (
            'mutation { decisionRequest(input: {idempotencyKey: "k", merchantReference: "r", ask: {onlineOrder: {'
            'amount: {amount: "1.00", currency: "CNY"}, payWithin: "P7D"}}}) { replayed } }',
            False,
            "decisions:request. It is a merchant token. Use a token for a person's consent.",
        ),
    ],
)
def test_error_says_which_kind_of_token_has_the_scope(
    world: GraphQLWorld, document: str, of_user: bool, ending: str
) -> None:
    by = world.user("decisions:preview") if of_user else world.merchant()
    (error,) = world.run(document, by=by).body["errors"]
    assert error["message"].endswith(ending)


def test_fields_with_sufficient_scopes_are_returned(world: GraphQLWorld) -> None:
    executed = world.run("{ viewer { appName } consentedUser { id score } }", by=world.user("score:tier"))
    assert executed.body["data"] == {
        "viewer": {"appName": "Green Cars website"},
        "consentedUser": {"id": world.consent.subject, "score": None},
    }
    (error,) = executed.body["errors"]
    assert error["extensions"] == {"code": "FORBIDDEN", "requiredScopes": [["score:exact"]]}


def test_higher_scope_implies_the_lower(world: GraphQLWorld) -> None:
    document = "{ consentedUser { meetsTier(minimum: GOOD) scoreTier { tier } } }"
    assert world.data(document, by=world.user("score:exact"))["consentedUser"]["meetsTier"] == "YES"


class TestScopedType:
    """`Decision` requires a scope. A token without it cannot read a decision, however it is found."""

    @pytest.fixture
    def decision(self, world: GraphQLWorld) -> str:
        return str(world.request()["decision"]["id"])

    REQUIRED: ClassVar = [["decisions:read"], ["decisions:write"], ["decisions:request"]]

    def test_by_node(self, world: GraphQLWorld, decision: str) -> None:
        document = f'{{ node(id: "{decision}") {{ id }} }}'
        assert world.data(document, by=world.merchant("decisions:write"))["node"] == {"id": decision}
        assert refusals(world, document, by=world.merchant("consents:read")) == [(["node"], self.REQUIRED)]

    def test_by_nodes_only_the_item_fails(self, world: GraphQLWorld, decision: str) -> None:
        document = f'{{ nodes(ids: ["{world.merchant_id}", "{decision}", "{world.consent.id}"]) {{ id }} }}'
        executed = world.run(document, by=world.merchant("consents:read"))
        assert executed.body["data"] == {"nodes": [{"id": world.merchant_id}, None, {"id": world.consent.id}]}
        assert [error["path"] for error in executed.body["errors"]] == [["nodes", 1]]

    def test_by_field_of_an_event(self, world: GraphQLWorld, decision: str) -> None:
        document = f'{{ node(id: "{decision}") {{ ... on Decision {{ timeline {{ nodes {{ id }} }} }} }} }}'
        event = world.data(document)["node"]["timeline"]["nodes"][0]["id"]
        by_event = f'{{ node(id: "{event}") {{ id ... on DecisionEvent {{ to decision {{ id }} }} }} }}'
        assert world.data(by_event)["node"]["decision"] == {"id": decision}
        executed = world.run(by_event, by=world.merchant("consents:read"))
        assert executed.body["data"]["node"] == {"id": event, "to": "APPROVED", "decision": None}
        assert executed.body["errors"][0]["path"] == ["node", "decision"]

    def test_by_connection(self, world: GraphQLWorld, decision: str) -> None:
        document = "{ merchant { id decisions { nodes { id } edges { node { id } } } } }"
        assert world.data(document, by=world.merchant())["merchant"]["decisions"]["nodes"] == [{"id": decision}]
        refused = refusals(world, document, by=world.merchant("decisions:write"))
        assert refused == [(["merchant", "decisions"], [["decisions:read"]])]

    def test_inside_lists_of_non_null_items(self, world: GraphQLWorld, decision: str) -> None:
        assert type_scopes(SCHEMA.type_map["Decision"])
        for field_name in ("DecisionConnection.nodes", "DecisionEdge.node", "DecisionEvent.decision", "Query.decision"):
            type_name, _, name = field_name.partition(".")
            field = SCHEMA.type_map[type_name].fields[name]  # type: ignore[attr-defined]
            assert isinstance(field.resolve, DeadlineCheck), field_name
            assert field.resolve.resolve.__module__ == "schema.permissions", field_name


class TestNote:
    """The words of a note are for those who may read decisions, however its event is found."""

    NOTE, REQUIRED = "The customer was ill.", [["decisions:read"], ["decisions:request"]]
    TIMELINE = """query T($id: ID!) { node(id: $id) {
      ... on Decision { timeline(last: 1) { nodes { id ... on DecisionEvent { note } } } } } }"""
    EVENT = "query E($id: ID!) { node(id: $id) { id ... on DecisionEvent { note } } }"

    @pytest.fixture
    def decision(self, world: GraphQLWorld) -> str:
        """The id of a decision that was cancelled with a note."""
        decision = str(world.request()["decision"]["id"])
        cancel = transition_input("cancel", decision, reason=self.NOTE)
        world.data(TRANSITIONS["cancel"].document, {"input": cancel}, by=world.merchant())
        return decision

    @pytest.fixture
    def event(self, world: GraphQLWorld, decision: str) -> str:
        """The id of the event with the note."""
        (event,) = world.data(self.TIMELINE, {"id": decision})["node"]["timeline"]["nodes"]
        return str(event["id"])

    def test_readers_of_decisions_and_the_own_consent_see_it(
        self, world: GraphQLWorld, decision: str, event: str
    ) -> None:
        for token in (world.merchant("decisions:read"), world.user("decisions:request")):
            found = world.data(self.TIMELINE, {"id": decision}, by=token)["node"]["timeline"]["nodes"]
            assert found == [{"id": event, "note": self.NOTE}]
            assert world.data(self.EVENT, {"id": event}, by=token)["node"] == {"id": event, "note": self.NOTE}

    @pytest.mark.parametrize(
        "scope", ["decisions:write", "disputes:write", "consents:read", "webhooks:manage", "score:exact"]
    )
    def test_node_shows_it_to_no_other_token(self, world: GraphQLWorld, event: str, scope: str) -> None:
        token = world.user(scope) if SCOPES[scope].kind is TokenKind.USER else world.merchant(scope)
        executed = world.run(self.EVENT, {"id": event}, by=token)
        assert executed.body["data"]["node"] == {"id": event, "note": None}
        (error,) = executed.body["errors"]
        assert (error["path"], error["extensions"]) == (
            ["node", "note"],
            {"code": "FORBIDDEN", "requiredScopes": self.REQUIRED},
        )

    def test_timeline_shows_it_to_no_other_token(self, world: GraphQLWorld, decision: str, event: str) -> None:
        executed = world.run(self.TIMELINE, {"id": decision}, by=world.merchant("decisions:write"))
        assert executed.body["data"]["node"]["timeline"]["nodes"] == [{"id": event, "note": None}]
        (error,) = executed.body["errors"]
        assert error["extensions"] == {"code": "FORBIDDEN", "requiredScopes": self.REQUIRED}


class TestVisibility:
    """A token can read its own objects. Other objects do not exist for it."""

    def test_foreign_ids_return_null(self, world: GraphQLWorld) -> None:
        foreign = [
            world.foreign_decision,
            world.foreign_consent.id,
            world.foreign_consent.merchant_id,
            world.foreign_consent.subject,
            world.foreign_persona,
        ]
        for token in (world.user(), world.merchant()):
            found = world.data("query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": foreign}, by=token)
            assert found == {"nodes": [None] * len(foreign)}

    def test_user_token_cannot_read_decisions_of_another_consent(self, world: GraphQLWorld) -> None:
        decision = world.request()["decision"]["id"]
        with writing(world.database) as unit:
            user = factories.make_user(unit, world.partner_id)
            other = factories.make_consent(unit, world.client_id, user)
        document = f'{{ node(id: "{decision}") {{ id }} decision(by: {{merchantReference: "order-1"}}) {{ id }} }}'
        assert world.data(document, by=world.user(consent=other)) == {"node": None, "decision": None}

    @pytest.mark.parametrize(
        "identifier",
        ["", "dec_", "nonsense", "dec_\x00", "dec_'; DROP TABLE decisions", "x" * 5000, "RGVjaXNpb246MQ==", "évt_1"],
    )
    def test_malformed_ids_return_null(self, world: GraphQLWorld, identifier: str) -> None:
        document = "query N($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } decision(by: {id: $id}) { id } }"
        assert world.data(document, {"id": identifier}) == {"node": None, "nodes": [None], "decision": None}

    @pytest.mark.parametrize("reference", ["", "a\x00b", "x" * 5000, "nobody's"])
    def test_invalid_references_return_null(self, world: GraphQLWorld, reference: str) -> None:
        document = "query D($r: String!) { decision(by: {merchantReference: $r}) { id } }"
        assert world.data(document, {"r": reference}) == {"decision": None}

    def test_own_objects_are_returned(self, world: GraphQLWorld) -> None:
        decision = world.request()["decision"]["id"]
        ids = [decision, world.consent.id, world.merchant_id, world.consent.subject]
        document = "query N($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
        kinds = ["Decision", "Consent", "Merchant", "ConsentedUser"]
        found = world.data(document, {"ids": ids})["nodes"]
        assert found == [{"__typename": kind, "id": each} for kind, each in zip(kinds, ids, strict=True)]

    def test_personas_need_the_sandbox_scope(self, world: GraphQLWorld) -> None:
        document = f'{{ node(id: "{world.persona_id}") {{ __typename }} }}'
        assert world.data(document, by=world.merchant("sandbox")) == {"node": {"__typename": "SandboxPersona"}}
        assert world.data(document, by=world.merchant("decisions:read")) == {"node": None}

    def test_more_than_100_nodes_are_bad_user_input(self, world: GraphQLWorld) -> None:
        executed = world.run("query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["dec_1"] * 101})
        assert executed.body["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}
