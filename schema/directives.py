"""Schema directives of the contract. Fields and types declare scopes, costs and list sizes with this module only.

Introspection does not show applied directives, so every description repeats scope, cost and list size.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

import strawberry
from strawberry.schema_directive import Location

from gateway.domain.scope import SCOPES

ScopeGroups = tuple[tuple[str, ...], ...]
"""Alternative groups of scopes. A token needs all scopes of one group."""


@strawberry.schema_directive(
    name="requiresScopes",
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    description="Scopes that the token needs: all of at least one inner list. Without them the field is null, with"
    " error FORBIDDEN.",
)
class RequiresScopes:
    scopes: list[list[str]]


@strawberry.schema_directive(
    name="cost",
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    description="Cost of the field or object in points. Without this directive a leaf costs 0 and an object 1.",
)
class Cost:
    weight: int


@strawberry.schema_directive(
    name="listSize",
    locations=[Location.FIELD_DEFINITION],
    description="Length of the list for the calculation of cost.",
)
class ListSize:
    assumed_size: int | None = strawberry.UNSET
    slicing_arguments: list[str] | None = strawberry.UNSET
    sized_fields: list[str] | None = strawberry.UNSET
    require_one_slicing_argument: bool | None = False


ARGUMENT_DESCRIPTIONS = {
    "requiresScopes": {"scopes": "Alternative lists of scopes."},
    "cost": {"weight": "Cost in points."},
    "listSize": {
        "assumedSize": "Length of the list.",
        "slicingArguments": "Arguments that limit the length of the list.",
        "sizedFields": "Fields of the returned object that contain the list.",
        "requireOneSlicingArgument": "Whether one of the slicing arguments is required.",
    },
}
"""Descriptions by directive name and argument name."""


def require_scopes(*alternatives: str) -> RequiresScopes:
    """Returns the directive for scopes of which any one is enough. Raises ValueError for an unknown scope."""
    unknown = [name for name in alternatives if name not in SCOPES]
    if unknown:
        raise ValueError(f"unknown scope {unknown[0]!r}")
    return RequiresScopes(scopes=[[name] for name in alternatives])


def describe(
    description: str, scopes: RequiresScopes | None = None, cost: int | None = None, size: ListSize | None = None
) -> str:
    """Returns the description, followed by scope, cost and list size in words."""
    parts = [description]
    if scopes is not None:
        parts.append(f"Scope: {' or '.join(' and '.join(group) for group in scopes.scopes)}.")
    if cost is not None:
        parts.append(f"Cost: {cost}.")
    if size is not None:
        parts.append(f"List size: {_describe_size(size)}.")
    return " ".join(parts)


def _describe_size(size: ListSize) -> str:
    assumed = size.assumed_size or None  # UNSET is false
    alternatives = [*(size.slicing_arguments or ()), *([] if assumed is None else [f"else {assumed}"])]
    if not size.slicing_arguments:
        return str(assumed)
    return ", ".join(alternatives)


def resolved(
    description: str,
    *,
    scopes: Sequence[str] = (),
    cost: int | None = None,
    slicing: Sequence[str] = (),
    sized_fields: Sequence[str] = (),
    assumed_size: int | None = None,
) -> Callable[[Callable[..., Any]], Any]:
    """Returns a decorator that makes a method into a field. Any one of `scopes` is enough; `cost` is in points. A list
    has an `assumed_size`, or `slicing` arguments and the size without them. `sized_fields` are the fields that contain
    the list of a connection."""
    directives: list[object] = []
    required = require_scopes(*scopes) if scopes else None
    if required is not None:
        directives.append(required)
    if cost is not None:
        directives.append(Cost(weight=cost))
    size = None
    if slicing or assumed_size is not None:
        size = list_size(slicing=slicing, sized_fields=sized_fields, assumed_size=assumed_size)
        directives.append(size)
    field = strawberry.field(description=describe(description, required, cost, size), directives=directives)
    return cast("Callable[[Callable[..., Any]], Any]", field)


def listed(description: str, size: int) -> Any:
    """Returns the field of an attribute that is a list. `size` is its assumed length."""
    directive = list_size(assumed_size=size)
    return strawberry.field(description=describe(description, size=directive), directives=[directive])


def list_size(
    *, slicing: Sequence[str] = (), sized_fields: Sequence[str] = (), assumed_size: int | None = None
) -> ListSize:
    """Returns the directive for a list. Absent arguments do not appear in the SDL."""
    return ListSize(
        assumed_size=strawberry.UNSET if assumed_size is None else assumed_size,
        slicing_arguments=list(slicing) if slicing else strawberry.UNSET,
        sized_fields=list(sized_fields) if sized_fields else strawberry.UNSET,
        require_one_slicing_argument=strawberry.UNSET,
    )


def scopes_of(directives: Sequence[object]) -> ScopeGroups | None:
    """Returns the scope groups of applied directives, None if no directive requires scopes."""
    for directive in directives:
        if isinstance(directive, RequiresScopes):
            return tuple(tuple(group) for group in directive.scopes)
    return None
