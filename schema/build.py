"""The two schemas of the contract, built from one code base: live publishes part A, a sandbox A and B."""

from dataclasses import dataclass

from graphql import GraphQLSchema

from merchants.registry import AdapterRegistry
from schema import permissions
from schema.ask import DecisionAsk, members
from schema.directives import ARGUMENT_DESCRIPTIONS
from schema.mutation import Mutation
from schema.query import Query, SandboxQuery
from schema.scalars import SCALARS
from schema.strawberry_adapter import (
    AssembledSchema,
    check_one_of,
    describe_directive_arguments,
    describe_generic_types,
    read_attributes,
)
from schema.types.decision import DecisionEvent, DisputeEvent
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
    source = AssembledSchema(
        SandboxQuery if sandbox else Query,
        mutation=Mutation,
        types=_REACHED_THROUGH_INTERFACES,
        scalars=SCALARS,
        fields={DecisionAsk: members(registry)},
    )
    built = source.graphql
    describe_directive_arguments(built, ARGUMENT_DESCRIPTIONS)
    describe_generic_types(built)
    sdl = f"{source.as_str()}\n"
    check_one_of(built)
    read_attributes(built)
    permissions.enforce(built)
    return BuiltSchema(built, sdl)
