"""What compiled operations and graphql-core read from tables is what strawberry's functions return."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from graphql import GraphQLEnumType, GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType

from schema.compiled.values import class_of
from schema.resolvers import CheckOfClass, TypeOfClass
from schema.strawberry_adapter import enum_names
from tests.support.graphql_world import built

TYPES = built().schema.type_map
ABSTRACT = [type_ for type_ in TYPES.values() if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType)]
CHECKED = [type_ for type_ in TYPES.values() if isinstance(type_, GraphQLObjectType) and type_.is_type_of]
ENUMS = [type_ for type_ in TYPES.values() if isinstance(type_, GraphQLEnumType) and not type_.name.startswith("__")]
INFO: Any = SimpleNamespace(field_name="field", schema=built().schema)


@pytest.mark.parametrize("abstract", ABSTRACT, ids=str)
def test_type_of_each_class(abstract: Any) -> None:
    resolve = abstract.resolve_type
    assert isinstance(resolve, TypeOfClass)
    assert set(resolve.names.values()) == {type_.name for type_ in built().schema.get_possible_types(abstract)}
    for origin, name in resolve.names.items():
        value: Any = object.__new__(origin)
        assert resolve.resolve(value, INFO, abstract) == resolve(value, INFO, abstract) == name
        assert class_of(cast("GraphQLObjectType", TYPES[name]), abstract) is origin


@pytest.mark.parametrize("type_", CHECKED, ids=str)
def test_check_of_each_class(type_: GraphQLObjectType) -> None:
    check = type_.is_type_of
    assert isinstance(check, CheckOfClass)
    value: Any = object.__new__(check.origin)
    assert check.check(value, INFO)
    assert check(value, INFO)
    assert not check("text", INFO)


@pytest.mark.parametrize("enum", ENUMS, ids=str)
def test_name_of_each_member(enum: GraphQLEnumType) -> None:
    known = enum_names(enum)
    assert known is not None
    python_enum, names = known
    assert names == {member.name: enum.coerce_output_value(member) for member in python_enum}


def test_value_of_another_class_is_not_known() -> None:
    abstract = ABSTRACT[0]
    assert isinstance(abstract.resolve_type, TypeOfClass)
    assert abstract.resolve_type.names.get(str) is None
    assert enum_names(cast("GraphQLEnumType", TYPES["__TypeKind"])) is None
