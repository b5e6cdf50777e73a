"""The exported contract: up to date, a subset of the target, with a description of each part."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    build_schema,
    specified_scalar_types,
    validate_schema,
)

from schema.build import BuiltSchema
from schema.export import LIVE_FILE, SANDBOX_FILE
from schema.subset import TARGET, compare
from tests.support.graphql_world import built

PUBLISHED = [(LIVE_FILE, built(sandbox=False)), (SANDBOX_FILE, built(sandbox=True))]
TARGET_SDL = TARGET.read_text(encoding="utf-8")


@pytest.mark.parametrize(("file", "schema"), PUBLISHED)
class TestPublished:
    def test_committed_file_is_up_to_date(self, file: Any, schema: BuiltSchema) -> None:
        assert file.read_text(encoding="utf-8") == schema.sdl, "stale: run make reference"

    def test_sdl_is_valid(self, file: Any, schema: BuiltSchema) -> None:
        assert validate_schema(build_schema(schema.sdl)) == []

    def test_sdl_is_a_subset_of_the_target(self, file: Any, schema: BuiltSchema) -> None:
        assert compare(TARGET_SDL, schema.sdl).foreign == []

    def test_each_part_has_a_description(self, file: Any, schema: BuiltSchema) -> None:
        assert list(_undescribed(schema)) == []


def test_e11_scalars_state_their_own_rules() -> None:
    types = built().schema.type_map
    own = {
        name: each
        for name, each in types.items()
        if isinstance(each, GraphQLScalarType) and name not in specified_scalar_types
    }
    assert {"DateTime", "Decimal", "Duration", "CurrencyCode", "URL"} <= set(own)
    assert {name for name, each in own.items() if each.specified_by_url is not None} == set()
    assert "leap second" in str(own["DateTime"].description)
    assert "3660 days" in str(own["Duration"].description)


def test_e11_extension_counts_from_the_agreed_date() -> None:
    extend = built().schema.type_map["DecisionExtendInput"]
    assert isinstance(extend, GraphQLInputObjectType)
    assert "at most 366 days after the one in the terms" in str(extend.fields["dueAt"].description)


def test_descriptions_of_pages_are_in_words() -> None:
    types = built().schema.type_map
    assert types["WebhookDeliveryConnection"].description == "A page of webhook deliveries."
    assert types["WebhookDeliveryEdge"].description == "One webhook delivery in a list."
    assert types["DecisionConnection"].description == "A page of decisions."


def test_target_is_valid() -> None:
    assert validate_schema(build_schema(TARGET_SDL)) == []


def test_live_schema_has_no_part_of_the_sandbox() -> None:
    assert "andbox" not in built(sandbox=False).sdl.replace("sandbox deployment", "").replace("SANDBOX", "").replace(
        "in a sandbox", ""
    )
    only = compare(built(sandbox=True).sdl, built(sandbox=False).sdl)
    assert only.foreign == []
    assert any(fact.startswith("Query.sandboxPersonas") for fact in only.missing)


def test_export_has_the_implemented_parts() -> None:
    missing = {fact.split("(")[0].split(" ")[0].rstrip(":") for fact in compare(TARGET_SDL, built().sdl).missing}
    implemented = {
        "Query.node",
        "Query.decisionPreview",
        "Mutation.decisionActivate",
        "Mutation.decisionFulfill",
        "Mutation.decisionExtend",
        "Mutation.decisionReduce",
        "Mutation.decisionReportBreach",
        "Mutation.decisionCancel",
        "Decision.settlement",
        "Decision.receipt",
        "Decision.disputes",
        "Mutation.disputeRespond",
        "DisputeEvent.dispute",
        "DecisionAsk.carRental",
        "DecisionAsk.creditOffer",
        "CheckInTerms.stay",
        "CreditOfferTerms.aprPercent",
        "Decision.timeline",
        "Viewer.rateLimit",
        "Query.requestLog",
    }
    assert implemented.isdisjoint(missing)
    assert not {fact for fact in missing if fact.startswith(("DecisionAsk", "DecisionTerms")) or "Terms." in fact}


@pytest.mark.parametrize(
    ("export", "foreign"),
    [
        ("type A { b: Int }", "A.b: Int"),
        ("type A { a: Int }", "A.a: Int"),
        ("type A { a(x: Int): Int! }", "A.a(x): Int"),
        ("enum E { C }", "enum value E.C"),
        ("type A { a: Int! @cost(weight: 2) }", "A.a @cost(weight: 2)"),
        ("input I { a: Int = 2 }", "I(a): Int = 2"),
        ("union U = A | B", "union member U = B"),
        ("interface A { a: Int! }", "interface A"),
    ],
)
def test_compare_returns_each_difference(export: str, foreign: str) -> None:
    target = """directive @cost(weight: Int!) on FIELD_DEFINITION
        type A { a: Int! @cost(weight: 1) } enum E { B } input I { a: Int = 1 } union U = A"""
    assert foreign in compare(target, export).foreign
    assert compare(target, target).missing == compare(target, target).foreign == []


def _undescribed(built_schema: BuiltSchema) -> Iterator[str]:
    schema = built_schema.schema
    for name, type_ in schema.type_map.items():
        if name.startswith("__"):
            continue
        if not type_.description:
            yield name
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in type_.fields.items():
                if not field.description:
                    yield f"{name}.{field_name}"
                yield from (f"{name}.{field_name}({a})" for a, arg in field.args.items() if not arg.description)
        if isinstance(type_, GraphQLInputObjectType):
            yield from (f"{name}.{field_name}" for field_name, each in type_.fields.items() if not each.description)
        if isinstance(type_, GraphQLEnumType):
            yield from (f"{name}.{value}" for value, each in type_.values.items() if not each.description)
    for directive in schema.directives:
        if not directive.description and directive.name != "oneOf":
            yield f"@{directive.name}"
        yield from (f"@{directive.name}({a})" for a, argument in directive.args.items() if not argument.description)
