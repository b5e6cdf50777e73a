"""Executes the operations of one schema: by compiled functions, or by graphql-core."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import ExecutionResult, Executor, FragmentDefinitionNode, GraphQLSchema, execute_sync
from graphql.execution.values import VariableValues

from schema.compiled.cache import CompiledOperations, ExecutionCounts
from schema.compiled.compiler import CompiledOperation, compile_operation
from schema.compiled.kept import KeptData
from schema.compiled.reasons import Reason, Unsupported
from schema.documents import PreparedDocument
from schema.operations import Operation


class _Executor(Executor[Any]):
    """graphql-core's executor without incremental delivery, for which the schema has no directive."""

    def execute_operation(self, serially: bool | None = None) -> Any:
        """Returns the result. The executor and its context are then freed without the garbage collector, because its
        helpers for asynchronous resolvers no longer refer to it."""
        try:
            return super().execute_operation(serially)
        finally:
            del self.async_helpers


class OperationExecutor:
    """Executes operations. If `compiles` is False, graphql-core executes all. Both have the same results. Operations of
    trusted documents have a cache of their own, so that others do not evict them. `observe` is that of
    ExecutionCounts. Safe to use from any thread."""

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        compiles: bool = True,
        observe: Callable[[Reason | None], None] | None = None,
    ) -> None:
        self._schema, self._compiles = schema, compiles
        self.operations = CompiledOperations()
        self.trusted_operations = CompiledOperations(entries=2048, size=64 << 20, at_first_use=True)
        self.counts = ExecutionCounts(observe)
        self._kept = KeptData()

    def execute(
        self,
        document: PreparedDocument,
        operation: Operation,
        raw_variables: Mapping[str, Any],
        variables: VariableValues,
        context: Any,
    ) -> ExecutionResult:
        """Returns the result of an operation. `variables` are the coerced `raw_variables`."""
        try:
            result: ExecutionResult | None = self._compiled(document, operation).execute(variables, context)
            reason = None
        except Unsupported as unsupported:
            result, reason = None, unsupported.reason
        self.counts.count(reason)
        if result is not None:
            return result
        return execute_sync(
            self._schema,
            document.node,
            context_value=context,
            variable_values=dict(raw_variables),
            operation_name=operation.name,
            executor_class=_Executor,
            hide_suggestions=True,
        )

    def compile(self, document: PreparedDocument, operation: Operation) -> bool:
        """Compiles an operation of a trusted document before its first execution. False if it cannot be compiled."""
        try:
            self._compiled(document, operation)
        except Unsupported:
            return False
        return True

    def _compiled(self, document: PreparedDocument, operation: Operation) -> CompiledOperation:
        if not self._compiles:
            raise Unsupported(Reason.SWITCHED_OFF)

        def compile_now() -> CompiledOperation:
            fragments = {
                each.name.value: each for each in document.node.definitions if isinstance(each, FragmentDefinitionNode)
            }
            return compile_operation(self._schema, operation.node, fragments, self._kept)

        operations = self.trusted_operations if document.is_trusted else self.operations
        return operations.get((document, operation.name), compile_now)
