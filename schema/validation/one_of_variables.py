"""The validation rule "All Variable Usages Are Allowed" (GraphQL, September 2025, section 5.8.5) for oneOf inputs."""

from typing import Any

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    OperationDefinitionNode,
    ValidationContext,
    ValidationRule,
    get_named_type,
    is_nullable_type,
    is_wrapping_type,
    type_from_ast,
)


class OneOfVariablesRule(ValidationRule):
    """Reports nullable variables in members of oneOf inputs, because null is not allowed there.

    graphql-core has the same check, but it does not see through the type of an argument such as DecisionLookup!.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._context = context

    def leave_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """Checks the variables of one operation, also where its fragments use them."""
        definitions = {each.variable.name.value: each for each in node.variable_definitions or ()}
        for usage in self._context.get_recursive_variable_usages(node):
            parent = get_named_type(usage.parent_type) if is_wrapping_type(usage.parent_type) else None
            definition = definitions.get(usage.node.name.value)
            if not isinstance(parent, GraphQLInputObjectType) or not parent.is_one_of or definition is None:
                continue
            type_ = type_from_ast(self._context.schema, definition.type)
            if type_ is not None and is_nullable_type(type_):
                self.report_error(
                    GraphQLError(
                        f"Variable '${usage.node.name.value}' is of type '{type_}' but must be non-nullable to be used"
                        f" for OneOf Input Object '{parent.name}'.",
                        [definition, usage.node],
                    )
                )
