"""GraphQL types, one module per noun of the contract, with their conversion from domain values."""

import schema.types.enums  # noqa: F401 - must come first: strawberry names an enum that is not published yet
