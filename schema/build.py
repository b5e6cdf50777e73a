"""Builds the two schemas of the contract: a live deployment publishes part A, a sandbox parts A and B."""

from dataclasses import dataclass

from graphql import GraphQLSchema

from merchants.registry import AdapterRegistry
from schema import deadlines, permissions
from schema.ask import DecisionAsk, members
from schema.directives import ARGUMENT_DESCRIPTIONS
from schema.mutation import Mutation, SandboxMutation
from schema.query import Query, SandboxQuery
from schema.scalars import SCALARS
from schema.strawberry_adapter import (
    AssembledSchema,
    call_resolvers_directly,
    check_one_of,
    describe_directive_arguments,
    describe_generic_types,
    mark_value_types,
    resolve_types_by_class,
)
from schema.types.consent import ConsentEvent
from schema.types.decision import DecisionEvent, DisputeEvent
from schema.types.user_error import (
    ConsentError,
    IdempotencyError,
    InvalidInputError,
    NotFoundError,
    StateConflictError,
    TooEarlyError,
)
from schema.types.webhook import EndpointEvent, TestEvent

_REACHED_THROUGH_INTERFACES = (
    DecisionEvent,
    DisputeEvent,
    ConsentEvent,
    EndpointEvent,
    TestEvent,
    InvalidInputError,
    TooEarlyError,
    NotFoundError,
    ConsentError,
    StateConflictError,
    IdempotencyError,
)


@dataclass(frozen=True, slots=True)
class BuiltSchema:
    """`schema` is executable and enforces scopes. `sdl` is its text, equal for equal registries."""

    schema: GraphQLSchema
    sdl: str


def build_schema(registry: AdapterRegistry, *, sandbox: bool) -> BuiltSchema:
    """Returns the schema with one DecisionAsk member per registered adapter. Raises ValueError for an invalid schema,
    such as a non-null field with scopes."""
    source = AssembledSchema(
        SandboxQuery if sandbox else Query,
        mutation=SandboxMutation if sandbox else Mutation,
        types=_REACHED_THROUGH_INTERFACES,
        scalars=SCALARS,
        fields={DecisionAsk: members(registry)},
    )
    built = source.graphql
    describe_directive_arguments(built, ARGUMENT_DESCRIPTIONS)
    describe_generic_types(built)
    sdl = f"{source.as_str()}\n"
    check_one_of(built)
    call_resolvers_directly(built, source.conversions)
    resolve_types_by_class(built)
    mark_value_types(built)
    permissions.enforce(built)
    deadlines.enforce(built)
    return BuiltSchema(built, sdl)
