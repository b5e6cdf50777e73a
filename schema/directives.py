"""The contract's schema directives, and the one way in which fields and types carry scopes, cost and list sizes.

Applied directives are not visible to introspection, so scope and cost are repeated in every description.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

import strawberry
from strawberry.schema_directive import Location

from gateway.domain.scope import SCOPES

ScopeGroups = tuple[tuple[str, ...], ...]
"""Alternatives, each a group of scopes that are all needed."""


@strawberry.schema_directive(
    name="requiresScopes",
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    description="Any one inner list is enough; all scopes of that list are needed.",
)
class RequiresScopes:
    scopes: list[list[str]]


@strawberry.schema_directive(
    name="cost",
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    description="What the field or the object costs; without it a leaf costs nothing and an object 1.",
)
class Cost:
    weight: int


@strawberry.schema_directive(
    name="listSize",
    locations=[Location.FIELD_DEFINITION],
    description="How long the list is taken to be when cost is counted.",
)
class ListSize:
    assumed_size: int | None = strawberry.UNSET
    slicing_arguments: list[str] | None = strawberry.UNSET
    sized_fields: list[str] | None = strawberry.UNSET
    require_one_slicing_argument: bool | None = False


ARGUMENT_DESCRIPTIONS = {
    "requiresScopes": {"scopes": "Alternatives; each is a list of scopes that are all needed."},
    "cost": {"weight": "Points."},
    "listSize": {
        "assumedSize": "The length to count with.",
        "slicingArguments": "Arguments that bound the length.",
        "sizedFields": "Fields of the returned object that hold the list.",
        "requireOneSlicingArgument": "Whether one of the slicing arguments must be given.",
    },
}
"""Descriptions by directive and argument."""


def needs(*alternatives: str) -> RequiresScopes:
    """The directive for scopes of which any one is enough. Raises ValueError for a scope that the registry lacks."""
    unknown = [name for name in alternatives if name not in SCOPES]
    if unknown:
        raise ValueError(f"unknown scope {unknown[0]!r}")
    return RequiresScopes(scopes=[[name] for name in alternatives])


def told(description: str, scopes: RequiresScopes | None = None, cost: int | None = None) -> str:
    """The description with scope and cost in words."""
    parts = [description]
    if scopes is not None:
        parts.append(f"Scope: {' or '.join(' and '.join(group) for group in scopes.scopes)}.")
    if cost is not None:
        parts.append(f"Cost: {cost}.")
    return " ".join(parts)


def resolved(
    description: str,
    *,
    scopes: Sequence[str] = (),
    cost: int | None = None,
    slicing: Sequence[str] = (),
    sized_fields: Sequence[str] = (),
    assumed_size: int | None = None,
) -> Callable[[Callable[..., Any]], Any]:
    """Makes a method into a field: `scopes` of which any one is enough, `cost` in points, and for a list either
    the arguments that slice it or the size it is taken to have; `sized_fields` hold the list of a connection."""
    directives: list[object] = []
    required = needs(*scopes) if scopes else None
    if required is not None:
        directives.append(required)
    if cost is not None:
        directives.append(Cost(weight=cost))
    if slicing or assumed_size is not None:
        directives.append(sized(slicing=slicing, sized_fields=sized_fields, assumed_size=assumed_size))
    field = strawberry.field(description=told(description, required, cost), directives=directives)
    return cast("Callable[[Callable[..., Any]], Any]", field)


def sized(
    *, slicing: Sequence[str] = (), sized_fields: Sequence[str] = (), assumed_size: int | None = None
) -> ListSize:
    """The directive for a list; members that are not given are not printed."""
    return ListSize(
        assumed_size=strawberry.UNSET if assumed_size is None else assumed_size,
        slicing_arguments=list(slicing) if slicing else strawberry.UNSET,
        sized_fields=list(sized_fields) if sized_fields else strawberry.UNSET,
        require_one_slicing_argument=strawberry.UNSET,
    )


def scopes_of(directives: Sequence[object]) -> ScopeGroups | None:
    """The scope groups among applied directives; None where there are none."""
    for directive in directives:
        if isinstance(directive, RequiresScopes):
            return tuple(tuple(group) for group in directive.scopes)
    return None
