"""Compares compiled operations with graphql-core's executor."""

from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    execute_sync,
    get_variable_values,
    parse,
)

from schema.compiled.compiler import CompiledOperation, compile_operation
from schema.compiled.kept import KeptData


def compiled(schema: GraphQLSchema, document: DocumentNode, kept: KeptData | None = None) -> CompiledOperation:
    """Returns the compiled operation of a document that has one. Without `kept` it keeps no data. Raises
    Unsupported."""
    (operation,) = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    return compile_operation(schema, operation, fragments, kept or KeptData(entries=0))


def run_compiled(
    schema: GraphQLSchema,
    document: DocumentNode,
    variables: dict[str, Any] | None = None,
    context: Any = None,
    root_value: Any = None,
    kept: KeptData | None = None,
) -> ExecutionResult:
    """Executes an operation by compiled functions. Without `kept` it keeps no data. Raises Unsupported."""
    return run_operation(compiled(schema, document, kept), variables, context, root_value)


def run_operation(
    operation: CompiledOperation, variables: dict[str, Any] | None = None, context: Any = None, root_value: Any = None
) -> ExecutionResult:
    """Executes a compiled operation. Raises Unsupported."""
    definitions = operation.operation.variable_definitions or ()
    values = get_variable_values(operation.schema, definitions, variables or {}, 50, hide_suggestions=True)
    if isinstance(values, list):
        return ExecutionResult(None, values)
    return operation.execute(values, context, root_value)


def run_both(
    schema: GraphQLSchema, text: str, variables: dict[str, Any] | None = None, context: Any = None, root: Any = None
) -> ExecutionResult:
    """Executes a document by both executors. Returns the result, which must be equal."""
    document = parse(text)
    expected = execute_sync(schema, document, root, context, variables, hide_suggestions=True)
    result = run_compiled(schema, document, variables, context, root)
    assert described(result) == described(expected)
    return result


def described(result: ExecutionResult) -> Any:
    """Returns a result with all that must be equal: keys in their order, types of values, and each error."""
    return ordered(result.data), [_error(error) for error in result.errors or ()], result.errors is None


def ordered(value: Any) -> Any:
    """Returns a value in a form in which the order of keys and the types count."""
    if isinstance(value, dict):
        return [(key, ordered(item)) for key, item in value.items()]
    if isinstance(value, list):
        return ["list", *map(ordered, value)]
    return type(value).__name__, repr(value)


def _error(error: GraphQLError) -> Any:
    original = error.original_error
    return (
        error.message,
        error.path,
        error.locations,
        error.positions,
        [id(node) for node in error.nodes or ()],
        error.extensions,
        type(error).__name__,
        type(original).__name__,
        str(original),
    )
