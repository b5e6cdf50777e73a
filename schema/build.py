"""The two schemas of the contract, built from one code base: live publishes part A, a sandbox A and B."""

from dataclasses import dataclass

import strawberry
from graphql import GraphQLInputObjectType, GraphQLSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from merchants.registry import AdapterRegistry
from schema import ask, permissions
from schema.directives import ARGUMENT_DESCRIPTIONS
from schema.mutation import Mutation, in_own_units
from schema.query import Query, SandboxQuery
from schema.scalars import SCALARS
from schema.types.event import DecisionEvent, DisputeEvent
from schema.types.user_error import (
    ConsentError,
    IdempotencyError,
    InvalidInputError,
    NotFoundError,
    StateConflictError,
)

_REACHED_THROUGH_INTERFACES = (
    DecisionEvent,
    DisputeEvent,
    InvalidInputError,
    NotFoundError,
    ConsentError,
    StateConflictError,
    IdempotencyError,
)


@dataclass(frozen=True, slots=True)
class BuiltSchema:
    """`schema` is ready to run, scopes enforced; `sdl` is its text, the same for the same registry."""

    schema: GraphQLSchema
    sdl: str


def build_schema(registry: AdapterRegistry, *, sandbox: bool) -> BuiltSchema:
    """The schema with one DecisionAsk member per registered adapter. Raises ValueError where it is put together
    wrongly."""
    source = _Schema(registry, SandboxQuery if sandbox else Query)
    built = source.graphql
    for directive in built.directives:
        for name, argument in directive.args.items():
            argument.description = ARGUMENT_DESCRIPTIONS.get(directive.name, {}).get(name, argument.description)
    sdl = f"{source.as_str()}\n"
    for type_ in built.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            # strawberry checks oneOf in its own execution, which is not used here; graphql-core's check needs this
            type_.is_one_of = type_.extensions["strawberry-definition"].is_one_of
    permissions.enforce(built)
    if built.mutation_type is not None:
        in_own_units(built.mutation_type)
    return BuiltSchema(built, sdl)


class _Schema(strawberry.Schema):
    def __init__(self, registry: AdapterRegistry, query: type) -> None:
        self._members = ask.members(registry)
        super().__init__(
            query,
            mutation=Mutation,
            types=_REACHED_THROUGH_INTERFACES,
            config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
        )

    @property
    def graphql(self) -> GraphQLSchema:
        return self._schema

    def get_fields(self, type_definition: StrawberryObjectDefinition) -> list[StrawberryField]:
        return self._members if type_definition.origin is ask.DecisionAsk else type_definition.fields
