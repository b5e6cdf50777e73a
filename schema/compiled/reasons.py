"""Why graphql-core executes an operation instead of compiled functions."""

from enum import StrEnum


class Reason(StrEnum):
    """Why an operation is not executed by compiled functions."""

    SWITCHED_OFF = "switched off"
    """GATEWAY_QUERY_COMPILATION is false."""
    FIRST_USE = "first use"
    """The document was executed for the first time. Compiling costs more than one execution."""
    COMPILING = "compiling"
    """Another thread compiles the operation at this moment."""
    INTROSPECTION = "introspection"
    """The operation selects __schema or __type."""
    OPERATION_TYPE = "operation type"
    """The operation is a subscription."""
    DIRECTIVE = "directive"
    """A directive that changes the execution, other than @skip and @include."""
    FRAGMENT_VARIABLES = "fragment variables"
    """A fragment has variables of its own."""
    MERGED_CONDITIONS = "merged conditions"
    """The order or the members of a selection depend on conditions in a way that one function cannot express."""
    NULL_CONDITION = "null condition"
    """The variable of a condition has no Boolean value."""
    SIZE = "size"
    """The source of the functions would be longer than the maximum."""


class Unsupported(Exception):
    """The operation cannot be compiled, because of `reason`."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
