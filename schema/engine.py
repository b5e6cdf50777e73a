"""Execution: ours from the text to the answer, synchronous, on graphql-core directly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import DocumentNode, OperationDefinitionNode, execute_sync

from schema.build import BuiltSchema
from schema.context import Context
from schema.documents import Documents, Refused
from schema.errors import BAD_REQUEST, BAD_USER_INPUT, body, field_error, plain, request_error


@dataclass(frozen=True, slots=True)
class Executed:
    """One answer. `ran` is False for a request error: then the body has no data."""

    body: dict[str, Any]
    ran: bool


class Engine:
    """Runs documents against one schema. Safe to use from any thread; a call occupies its thread until it ends."""

    def __init__(self, built: BuiltSchema) -> None:
        self._schema = built.schema
        self.documents = Documents(built.schema)

    def execute(
        self, document: str, variables: Mapping[str, Any] | None, operation_name: str | None, context: Context
    ) -> Executed:
        """The answer to one request. Raises nothing that a document or a resolver can cause."""
        try:
            prepared = self.documents.prepare(document)
        except Refused as refused:
            return _refused([request_error(error, refused.code) for error in refused.errors], context)
        problem = _operation_problem(prepared, operation_name)
        if problem:
            return _refused([plain(BAD_REQUEST, problem)], context)
        result = execute_sync(
            self._schema,
            prepared,
            context_value=context,
            variable_values=dict(variables or {}),
            operation_name=operation_name,
            max_coercion_errors=5,
            hide_suggestions=True,
        )
        errors = result.errors or []
        if result.data is None and errors and all(error.path is None for error in errors):
            return _refused([request_error(error, BAD_USER_INPUT) for error in errors], context)
        answer: dict[str, Any] = {"data": result.data, "extensions": {"requestId": context.request_id}}
        if errors:
            answer["errors"] = [field_error(error, context.request_id) for error in errors]
        return Executed(answer, ran=True)


def _refused(errors: list[dict[str, Any]], context: Context) -> Executed:
    return Executed(body(errors, context.request_id), ran=False)


def _operation_problem(document: DocumentNode, name: str | None) -> str | None:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if not name:
        return None if len(operations) == 1 else "operationName must say which operation of the document to run."
    known = any(node.name and node.name.value == name for node in operations)
    return None if known else "The document has no operation of this operationName."
