"""One file per noun of the contract: its GraphQL types and how a domain value becomes one."""

import schema.types.enums  # noqa: F401 - first of all: strawberry would name a domain enum it meets unpublished itself
