"""Compiles one operation of a validated document into Python functions: one for the objects of each type and selection.

Fields run in the order in which graphql-core's executor runs them, with the same checks. So resolvers are called in the
same order, and the errors are equal and in the same order.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any

from graphql import (
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    Undefined,
    default_field_resolver,
)
from graphql.execution.values import VariableValues
from graphql.type import assert_valid_schema

from gateway.kit.deadline import check_deadline
from schema.compiled import runtime
from schema.compiled.arguments import write_arguments
from schema.compiled.kept import Data, KeptData, ValueSelections
from schema.compiled.reasons import Reason, Unsupported
from schema.compiled.runtime import Run, rest_of_info
from schema.compiled.selections import Conditions, ResponseField, SelectedSet, Selections
from schema.compiled.source import Source, literal
from schema.compiled.values import InfoUse, Place, Values, info_use
from schema.deadlines import DeadlineCheck
from schema.resolvers import VALUE_ATTRIBUTE, AttributeReader, MethodCaller

_NAMES: Mapping[str, object] = {
    "Undefined": Undefined,
    "check_deadline": check_deadline,
    **{
        function.__name__: function
        for function in (
            runtime.drain,
            runtime.included_nodes,
            runtime.iterate,
            runtime.locate,
            runtime.make_info,
            runtime.raise_no_leaf,
            runtime.raise_no_type,
            runtime.raise_null,
            runtime.raise_wrong_type,
            runtime.set_argument,
        )
    },
}


@dataclass(frozen=True, slots=True)
class CompiledOperation:
    """An operation that was compiled. `source_size` is the number of characters of its Python source. Safe to use from
    any thread."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    operation: OperationDefinitionNode
    condition_variables: tuple[str, ...]
    source_size: int
    _root: Callable[[Run, Any, None], dict[str, Any]]

    def execute(self, variables: VariableValues, context: Any, root_value: Any = None) -> ExecutionResult:
        """Returns the result of the operation with coerced variables, as execute_sync of graphql-core does with
        hide_suggestions. Raises Unsupported, before any resolver runs, if a condition has no value."""
        coerced = variables.coerced
        conditions: tuple[Any, ...] = tuple([coerced.get(name) for name in self.condition_variables])
        if not all(isinstance(value, bool) for value in conditions):
            raise Unsupported(Reason.NULL_CONDITION)
        rest = rest_of_info(self.schema, self.fragments, root_value, self.operation, variables, context)
        run = Run(variables, coerced, conditions, rest)
        try:
            data = self._root(run, root_value, None)
        except GraphQLError as error:
            return ExecutionResult(None, [*run.errors, error])
        return ExecutionResult(data, run.errors or None)


def compile_operation(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    kept: KeptData,
) -> CompiledOperation:
    """Returns the compiled operation of a validated document, which keeps its data in `kept`. Raises Unsupported."""
    assert_valid_schema(schema)
    root_type = schema.get_root_type(operation.operation)
    if root_type is None or operation.operation is OperationType.SUBSCRIPTION:
        raise Unsupported(Reason.OPERATION_TYPE)
    if operation.directives:
        raise Unsupported(Reason.DIRECTIVE)
    return _Compilation(schema, operation, fragments, kept).compile(root_type)


class _Compilation:
    """The compilation of one operation."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        kept: KeptData,
    ) -> None:
        self._schema, self._operation, self._fragments = schema, operation, dict(fragments)
        self._kept = kept
        self._selections = Selections(schema, fragments)
        self._value_selections = ValueSelections(schema, self._selections)
        self._source = Source(_NAMES)
        self._values = Values(
            schema,
            self._source,
            lambda type_, place: self._object_function(type_, place.sets, in_list=place.in_list),
            self._add_function,
        )
        self._functions: dict[tuple[Any, ...], str] = {}
        self._unwritten: list[tuple[str, Callable[[str], None]]] = []
        self._count = 0

    def compile(self, root_type: GraphQLObjectType) -> CompiledOperation:
        """Returns the operation. Raises Unsupported."""
        root = self._object_function(root_type, (SelectedSet(self._operation.selection_set),), in_list=False)
        while self._unwritten:
            name, write = self._unwritten.pop()
            write(name)
        namespace = self._source.run()
        self._values.fill_tables(namespace)
        return CompiledOperation(
            self._schema,
            self._fragments,
            self._operation,
            tuple(self._selections.variables),
            self._source.size,
            namespace[root],
        )

    def _add_function(self, kind: str, write: Callable[[str], None]) -> str:
        """Returns the name of a function that `write` will write."""
        self._count += 1
        name = f"{kind}_{self._count}"
        self._unwritten.append((name, write))
        return name

    def _object_function(self, type_: GraphQLObjectType, sets: tuple[SelectedSet, ...], *, in_list: bool) -> str:
        key = (type_.name, in_list, *((id(each.node), each.conditions) for each in sets))
        name = self._functions.get(key)
        if name is None:
            name = self._add_function("object", lambda name: self._write_object(name, type_, sets, in_list))
            self._functions[key] = name
        return name

    def _write_object(self, name: str, type_: GraphQLObjectType, sets: tuple[SelectedSet, ...], in_list: bool) -> None:
        write, bind = self._source.write, self._source.bind
        attribute = type_.extensions.get(VALUE_ATTRIBUTE) if in_list else None
        if attribute is not None and not self._value_selections.depend_on_value(type_, sets):
            attribute = None
        with self._source.block(f"def {name}(run, source, path):"):
            if attribute is not None:
                selection = self._kept.add_selection()
                write(f"made_of = getattr(source, {attribute!r}, None)")  # a source of a wrong class has none
                write(f"data = None if made_of is None else {bind(self._kept.get)}({selection}, made_of)")
                with self._source.block("if data is not None:"):
                    write("return data")
                write("errors = len(run.errors)")
            write("data = {}" if attribute is None else f"data = {bind(Data)}()")
            for field in self._selections.collect(type_, sets):
                if field.conditions:
                    with self._source.block(f"if {self._condition(field.conditions)}:"):
                        self._write_field(type_, field, in_list)
                else:
                    self._write_field(type_, field, in_list)
            if attribute is not None:
                with self._source.block("if made_of is not None and len(run.errors) == errors:"):
                    write(f"{bind(self._kept.put)}({selection}, made_of, data)")
            write("return data")

    def _write_field(self, type_: GraphQLObjectType, field: ResponseField, in_list: bool) -> None:
        name, target = field.first.name.value, f"data[{literal(field.key)}]"
        if name == "__typename":
            self._source.write(f"{target} = {literal(type_.name)}")
            return
        if name in {"__schema", "__type"}:
            raise Unsupported(Reason.INTROSPECTION)
        definition = type_.fields.get(name)
        if definition is None:
            self._source.write("pass")  # validation has refused such a document
            return
        resolve: Any = definition.resolve or default_field_resolver
        checks_deadline = isinstance(resolve, DeadlineCheck)
        resolve = resolve.resolve if checks_deadline else resolve
        direct = None if definition.args else self._direct(resolve)
        nodes, path = self._nodes(field), f"(path, {literal(field.key)}, {literal(type_.name)})"
        use, make_info = info_use(definition.type), "None"
        if direct is None or use is not InfoUse.NEVER:
            make_info = f"make_info(run, {self._head(type_, field, definition, nodes)}, {path})"
        place = Place(
            field_name=self._source.bind(f"{type_.name}.{name}"),
            nodes=nodes,
            info=make_info if direct and use is not InfoUse.ALWAYS else "info",
            path=path,
            sets=field.selection_sets(),
            in_list=in_list,
        )
        with self._source.block("try:"):
            has_arguments = write_arguments(self._source, definition, field.first)
            if checks_deadline:
                self._source.write("check_deadline()")
            if direct is None or use is InfoUse.ALWAYS:
                self._source.write(f"info = {make_info}")
            arguments = ", **arguments" if has_arguments else ""
            self._source.write(f"value = {direct or f'{self._source.bind(resolve)}(source, info{arguments})'}")
            self._values.complete(definition.type, place, lambda completed: f"{target} = {completed}")
        with self._source.block("except Exception as error:"):
            self._values.write_failure(definition.type, place, f"{target} = None")

    def _direct(self, resolve: Any) -> str | None:
        """Returns the expression of what a resolver does, None if it has to be called."""
        if isinstance(resolve, AttributeReader):
            return _attribute(resolve.name)
        return f"{self._source.bind(resolve.method)}(source)" if isinstance(resolve, MethodCaller) else None

    def _head(self, type_: GraphQLObjectType, field: ResponseField, definition: GraphQLField, nodes: str) -> str:
        """Returns the expression of the members of a field's info before the path."""
        bind, name = self._source.bind, field.first.name.value
        if nodes in self._source.namespace:
            return bind((name, self._source.namespace[nodes], definition.type, type_))
        return f"({bind(name)}, {nodes}, {bind(definition.type)}, {bind(type_)})"

    def _nodes(self, field: ResponseField) -> str:
        """Returns the expression of the nodes that select a field in an execution."""
        if not any(each.conditions for each in field.nodes):
            return self._source.bind([each.node for each in field.nodes])
        nodes = [
            (each.node, [(self._selections.variables[name], value) for name, value in each.conditions])
            for each in field.nodes
        ]
        return f"included_nodes(run, {self._source.bind(nodes)})"

    def _condition(self, conditions: Conditions) -> str:
        parts = [
            f"{'' if wanted else 'not '}run.conditions[{self._selections.variables[name]}]"
            for name, wanted in sorted(conditions)
        ]
        return " and ".join(parts)


def _attribute(name: str) -> str:
    return f"source.{name}" if name.isidentifier() and not iskeyword(name) else f"getattr(source, {name!r})"
