"""Field selection merging: the same documents are refused as by graphql-core, in time linear in their size."""

import pytest
from graphql import OverlappingFieldsCanBeMergedRule, build_schema, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st

from schema.documents import RULES
from schema.validation import overlapping_fields
from schema.validation.overlapping_fields import FieldsCanMergeRule
from tests.support.graphql_world import built

SCHEMA = build_schema("""
type Query { a(x: Int, o: In): A b: B n: N u: U s: String t: Int }
input In { p: Int q: Int }
interface N { s: String n: N }
type A implements N { s: String n: N a(x: Int, o: In): A b: B t: Int l: [String] r: String! }
type B implements N { s: String n: N a(x: Int, o: In): A b: B t: String l: String r: String }
type C { t: Float s: String }
union U = A | B | C
""")
_LEAVES = ["s", "t", "l", "r", "s: t", "t: s", "x: s", "x: t", "x: l", "x: r", "x: __typename", "s: __typename"]
_COMPOSITES = [
    "a",
    "b",
    "n",
    "u",
    "a(x: 1)",
    "a(x: 2)",
    "a(o: {p: 1, q: 2})",
    "a(o: {q: 2, p: 1})",
    "b: a",
    "n: b",
    "c: a",
]
_SPREADS = ["... on A", "... on B", "... on C", "... on N", "..."]
_FRAGMENTS = {"F": "A", "G": "B", "H": "N"}

selections = st.recursive(
    st.sampled_from([*_LEAVES, *(f"...{name}" for name in _FRAGMENTS)]),
    lambda below: st.tuples(st.sampled_from(_COMPOSITES + _SPREADS), st.lists(below, min_size=1, max_size=4)).map(
        lambda each: f"{each[0]} {{ {' '.join(each[1])} }}"
    ),
    max_leaves=14,
)
selection_sets = st.lists(selections, min_size=1, max_size=4).map(" ".join)


def conflicts(text: str, rule: type) -> bool:
    return bool(validate(SCHEMA, parse(text), [rule]))


@settings(max_examples=100, deadline=None)
@given(selection_sets, st.tuples(*(selection_sets for _ in _FRAGMENTS)))
def test_a7_same_documents_conflict_as_in_graphql_core(root: str, bodies: tuple[str, ...]) -> None:
    # A fragment spreads only later ones, and the root spreads all: cycles and unused fragments are for other rules.
    later = [[f"...{name}" for name in list(_FRAGMENTS)[number + 1 :]] for number in range(len(_FRAGMENTS))]
    fragments = []
    for (name, type_), body, allowed in zip(_FRAGMENTS.items(), bodies, later, strict=True):
        kept = body
        for other in _FRAGMENTS:
            if f"...{other}" not in allowed:
                kept = kept.replace(f"...{other}", "s")
        fragments.append(f"fragment {name} on {type_} {{ {kept} }}")
    text = f"{{ {root} a {{ ...F }} b {{ ...G }} n {{ ...H }} }} {' '.join(fragments)}"
    assert conflicts(text, FieldsCanMergeRule) == conflicts(text, OverlappingFieldsCanBeMergedRule), text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("{ x: s x: t }", "'s' and 't' are different fields", id="A7-different-fields"),
        pytest.param("{ a(x: 1) { s } a(x: 2) { s } }", "they have differing arguments", id="A7-differing-arguments"),
        pytest.param("{ u { ... on A { t } ... on B { t } } }", "conflicting types 'Int' and 'String'", id="A7-types"),
        pytest.param("{ n { ... on A { r } ... on B { r } } }", "types 'String!' and 'String'", id="A7-nullability"),
        pytest.param("{ n { ... on A { l } ... on B { l } } }", "'[String]' and 'String'", id="A7-lists"),
        pytest.param(
            "{ u { ... on C { t: __typename } ... on A { t } ... on B { t } } }",
            "conflicting types 'Int' and 'String'",
            id="A7-types-after-typename",
        ),
        pytest.param("{ a { x: s } a { x: t } }", "Fields 'x' conflict", id="A7-below-merged-fields"),
    ],
)
def test_conflict_names_its_reason(text: str, reason: str) -> None:
    (error,) = validate(SCHEMA, parse(text), [FieldsCanMergeRule])
    assert reason in error.message
    assert len(error.locations or ()) == 2


def test_a7_rule_replaces_the_one_of_graphql_core() -> None:
    assert FieldsCanMergeRule in RULES
    assert OverlappingFieldsCanBeMergedRule not in RULES


def compared(text: str) -> int:
    """The number of fields that the rule compares in a valid document."""
    numbers = []

    class Counting(FieldsCanMergeRule):
        def leave_document(self, *_: object) -> None:
            numbers.append(self._number)

    assert validate(built().schema, parse(text), [Counting]) == []
    return numbers[0]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{ viewer { " + "appName " * 1000 + "} }", id="A7-equal-fields"),
        pytest.param(
            "{ viewer { " + ("... on Viewer { " + "appName " * 30 + "} ") * 30 + "} }", id="A7-inline-fragments"
        ),
        pytest.param("{ viewer { " + ("... on Viewer { merchant { id name } } ") * 200 + "} }", id="A7-equal-objects"),
        pytest.param(
            "{ viewer { "
            + " ".join(f"...F{number}" for number in range(50))
            + "} } "
            + " ".join(f"fragment F{number} on Viewer {{ {'appName ' * 20}}}" for number in range(50)),
            id="A7-fragments",
        ),
        pytest.param(
            "{ merchant { ...F0 } } "
            + " ".join(f"fragment F{n} on Merchant {{ id ...F{n + 1} ...F{n + 1} }}" for n in range(49))
            + " fragment F49 on Merchant { name }",
            id="A7-doubled-fragments",
        ),
    ],
)
def test_comparisons_are_linear_in_the_size_of_the_document(text: str) -> None:
    assert compared(text) < 4 * len(text.split())


def test_a7_document_that_combines_too_many_fields_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "{ a { ...F s } b: a { ...F t } } fragment F on A { l r }"
    assert validate(SCHEMA, parse(text), [FieldsCanMergeRule]) == []
    monkeypatch.setattr(overlapping_fields, "MAX_FIELDS", 10)
    (error,) = validate(SCHEMA, parse(text), [FieldsCanMergeRule])
    assert "too many ways" in error.message
