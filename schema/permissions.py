"""Enforces scopes by wrapping the resolvers of the built schema.

The scopes of a field are checked before its resolver runs. The scopes of a type are checked on each object that a
resolver returns, however it was found: by field, node, nodes, connection or event. In a list only the item without
permission becomes an error.
"""

from collections.abc import Callable, Iterable
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)

from gateway.domain.errors import Forbidden
from gateway.domain.scope import SCOPES, TokenKind, satisfies
from schema.context import Context
from schema.directives import ScopeGroups, scopes_of
from schema.strawberry_adapter import applied_directives

Resolver = Callable[..., Any]
ResolveInfo = GraphQLResolveInfo[Context]

_OTHER_KIND = {
    TokenKind.MERCHANT: " It is a merchant token. Use a token for a person's consent.",
    TokenKind.USER: " It is a token for a person's consent. Use a merchant token.",
}


def enforce(schema: GraphQLSchema) -> None:
    """Wraps the resolvers of a schema in place. Raises ValueError for a non-null field with scopes."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            for name, field in type_.fields.items():
                _enforce_on(schema, f"{type_.name}.{name}", field)


def field_scopes(field: GraphQLField) -> ScopeGroups | None:
    """Returns the scopes that a field requires, None if any token is enough."""
    return scopes_of(applied_directives(field))


def type_scopes(type_: GraphQLNamedType) -> ScopeGroups | None:
    """Returns the scopes that an object type requires, None if any token is enough."""
    return scopes_of(applied_directives(type_)) if isinstance(type_, GraphQLObjectType) else None


def _enforce_on(schema: GraphQLSchema, name: str, field: GraphQLField) -> None:
    resolve, scopes = field.resolve, field_scopes(field)
    if resolve is None:
        raise ValueError(f"{name} has no resolver")
    returned = get_named_type(field.type)
    if isinstance(returned, GraphQLObjectType):
        required = type_scopes(returned)
        if required is not None:
            resolve = _checking_objects_of_type(resolve, required)
    elif isinstance(returned, GraphQLInterfaceType | GraphQLUnionType):
        by_type = {each.name: type_scopes(each) for each in schema.get_possible_types(returned)}
        if any(by_type.values()):
            resolve = _checking_objects(resolve, _by_runtime_type(returned, by_type))
    if scopes is not None:
        if str(field.type).endswith("!"):
            raise ValueError(f"{name} requires scopes, so it must be nullable")
        resolve = _checking_field(resolve, scopes)
    field.resolve = resolve


def _checking_field(resolve: Resolver, scopes: ScopeGroups) -> Resolver:
    def checked(source: Any, info: ResolveInfo, **arguments: Any) -> Any:
        principal = info.context.principal
        if not satisfies(principal.allowed, scopes):
            raise _forbidden(scopes, principal.kind)
        return resolve(source, info, **arguments)

    return checked


def _checking_objects_of_type(resolve: Resolver, scopes: ScopeGroups) -> Resolver:
    check_each = _checking_objects(resolve, lambda value, info: scopes)

    def checked(source: Any, info: ResolveInfo, **arguments: Any) -> Any:
        if satisfies(info.context.principal.allowed, scopes):
            return resolve(source, info, **arguments)
        return check_each(source, info, **arguments)

    return checked


def _checking_objects(resolve: Resolver, scopes_for: Callable[[Any, ResolveInfo], ScopeGroups | None]) -> Resolver:
    def checked(source: Any, info: ResolveInfo, **arguments: Any) -> Any:
        principal = info.context.principal

        def check(value: Any) -> Any:
            scopes = None if value is None or isinstance(value, Exception) else scopes_for(value, info)
            return (
                value if scopes is None or satisfies(principal.allowed, scopes) else _forbidden(scopes, principal.kind)
            )

        value = resolve(source, info, **arguments)
        if isinstance(value, list | tuple):
            return [check(item) for item in value]  # graphql-core raises an error that it finds in a list
        return check(value)

    return checked


def _by_runtime_type(
    abstract: GraphQLAbstractType, scopes: dict[str, ScopeGroups | None]
) -> Callable[[Any, ResolveInfo], ScopeGroups | None]:
    def scopes_for(value: Any, info: ResolveInfo) -> ScopeGroups | None:
        name = abstract.resolve_type(value, info, abstract) if abstract.resolve_type else None
        if not isinstance(name, str):
            raise TypeError(f"{abstract.name} does not resolve the type of the returned object")
        return scopes[name]  # KeyError for a type that does not belong to it, so that no object is unchecked

    return scopes_for


def _forbidden(scopes: Iterable[Iterable[str]], kind: TokenKind) -> Forbidden:
    """The error of a token of this kind. It says so if only a token of the other kind can have the scopes."""
    groups = [list(group) for group in scopes]
    message = f"This token lacks the scope {' or '.join(' and '.join(group) for group in groups)}."
    if all(SCOPES[name].kind is not kind for group in groups for name in group):
        message += _OTHER_KIND[kind]
    return Forbidden(message, groups)
