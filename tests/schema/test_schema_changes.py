"""The reference page with the changes of the schema."""

import pytest
from graphql import build_schema

from tools.schema_changes import VERSIONS, changes_page, describe_changes

OLD = "type Query { a: Int b(c: Int = 2): E } enum E { X Y } input I { a: Int }"


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (OLD, "No changes."),
        (OLD.replace("a: Int b", "a: Int d: Int b"), "* Added the field `Query.d`."),
        (OLD.replace("= 2", "= 2 d: Int"), "* Added the argument `d` of `Query.b`."),
        (OLD.replace("Y }", "Y Z }"), "* Added the value `E.Z`."),
        (OLD + " type T { a: Int }", "* Added the type `T`."),
        (OLD.replace("a: Int b", "b"), "* *Breaking.* Field Query.a was removed."),
        (OLD.replace("Y }", "}"), "* *Breaking.* Enum value E.Y was removed."),
        (OLD.replace("= 2", "= 1"), "* Query.b(c:) "),
    ],
)
def test_change_is_described(new: str, expected: str) -> None:
    assert describe_changes(build_schema(OLD), build_schema(new)).startswith(expected)


def test_breaking_changes_come_first() -> None:
    new = OLD.replace("a: Int b", "z: Int b")
    assert [line[:11] for line in describe_changes(build_schema(OLD), build_schema(new)).splitlines()] == [
        "* *Breaking",
        "* Added the",
    ]


def test_newest_version_comes_first() -> None:
    _, body = changes_page(max(VERSIONS.glob("*.graphql")).read_text(encoding="utf-8"))
    assert "## Since then\n\nNo changes." in body
    names = [file.stem for file in sorted(VERSIONS.glob("*.graphql"), reverse=True)]
    assert [body.index(f"## {name}") for name in names] == sorted(body.index(f"## {name}") for name in names)
