"""Random documents and variables for a schema. Most documents are valid: validate before use."""

import json
from collections.abc import Collection, Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_composite_type,
)

CONDITIONS = ("c0", "c1")
_LEAVES: Mapping[str, Sequence[Any]] = {
    "Int": [0, 3, -7],
    "Float": [1.5, 2],
    "Boolean": [True, False],
    "Odd": [3, 5],
}


class DocumentGenerator:
    """Generates one document and its variables. `ids` are values of ID arguments, `leaves` those of other scalars.
    `without` are fields that it does not select."""

    def __init__(
        self,
        random: Random,
        schema: GraphQLSchema,
        *,
        ids: Sequence[str] = ("i1",),
        leaves: Mapping[str, Sequence[Any]] = MappingProxyType({}),
        without: Collection[str] = (),
    ) -> None:
        self._random, self._schema, self._without = random, schema, without
        self._leaves: dict[str, Sequence[Any]] = {**_LEAVES, "ID": ids, **leaves}
        self._variables: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        self._fragments: list[tuple[str, Any]] = []
        self._spread: set[str] = set()
        self._arguments: dict[str, str] = {}
        self._usable: list[tuple[str, Any]] | None = None
        self._budget = 40

    def document(self, *, mutation: bool | None = None) -> str:
        """Returns the text of a document with one operation."""
        is_mutation = self._random.random() < 0.15 if mutation is None else mutation
        composites = [type_ for type_ in self._schema.type_map.values() if self._can_be_spread(type_)]
        self._fragments = [
            (f"F{number}", self._random.choice(composites)) for number in range(self._random.randrange(4))
        ]
        root = self._schema.mutation_type if is_mutation else self._schema.query_type
        body = self._selections(root, 4)
        fragments = []
        for number, (name, type_) in enumerate(self._fragments):
            if name not in self._spread:
                continue
            self._usable = self._fragments[number + 1 :]  # so that they have no cycles
            fragments.append(f"fragment {name} on {type_.name} {self._selections(type_, 2)}")
        variables = ", ".join(f"${name}: {type_}" for name, type_ in self._variables.items())
        head = f"{'mutation' if is_mutation else 'query'} Q{f'({variables})' if variables else ''}"
        return "\n".join([f"{head} {body}", *fragments])

    def _can_be_spread(self, type_: Any) -> bool:
        return is_composite_type(type_) and not type_.name.startswith("__")

    def _selections(self, type_: Any, depth: int) -> str:
        count = self._random.randint(1, 4)
        return f"{{ {' '.join(self._selection(type_, depth) for _ in range(count))} }}"

    def _selection(self, type_: Any, depth: int) -> str:
        self._budget -= 1
        kind = self._random.random()
        fragments = self._fragments if self._usable is None else self._usable
        if kind < 0.12 and depth:
            possible = self._overlapping(type_)
            condition = self._random.choice(["", f"on {self._random.choice(possible).name} "])
            inner = type_ if not condition else self._schema.type_map[condition.split()[1]]
            return f"... {condition}{self._directives()} {self._selections(inner, depth - 1)}"
        if kind < 0.25 and fragments:
            overlapping = self._overlapping(type_)
            usable = [name for name, each in fragments if each in overlapping]
            if usable:
                name = self._random.choice(usable)
                self._spread.add(name)
                return f"...{name} {self._directives()}"
        if kind < 0.33 or isinstance(type_, GraphQLUnionType):
            return f"{self._alias('kind')}__typename {self._directives()}"
        fields = {name: each for name, each in type_.fields.items() if name not in self._without}
        if not depth or self._budget < 0:
            fields = {name: each for name, each in fields.items() if not is_composite_type(get_named_type(each.type))}
            if not fields:
                return "__typename"
        name = self._random.choice(sorted(fields))
        return self._field(name, fields[name], depth)

    def _field(self, name: str, definition: GraphQLField, depth: int) -> str:
        if name not in self._arguments:
            self._arguments[name] = self._new_arguments(definition)
        text = f"{self._alias(name)}{name}{self._arguments[name]}"
        text += f" {self._directives()}"
        returned = get_named_type(definition.type)
        if is_composite_type(returned):
            text += self._selections(returned, depth - 1)
        return text

    def _new_arguments(self, definition: GraphQLField) -> str:
        arguments = []
        for name, each in definition.args.items():
            if (isinstance(each.type, GraphQLNonNull) and each.default is None) or self._random.random() < 0.6:
                arguments.append(f"{name}: {self._value(each.type, each.default is not None)}")
        return f"({', '.join(arguments)})" if arguments else ""

    def _overlapping(self, type_: Any) -> list[Any]:
        mine = self._possible(type_)
        return [
            each for each in self._schema.type_map.values() if self._can_be_spread(each) and mine & self._possible(each)
        ]

    def _possible(self, type_: Any) -> set[str]:
        if isinstance(type_, GraphQLObjectType):
            return {type_.name}
        return {each.name for each in self._schema.get_possible_types(type_)}

    def _alias(self, name: str) -> str:
        """Returns an alias of a field, or nothing. Fields of different names have different aliases."""
        return f"{name}_{self._random.randrange(2)}: " if self._random.random() < 0.3 else ""

    def _directives(self) -> str:
        if self._random.random() < 0.87:
            return ""
        name = self._random.choice(["skip", "include"])
        kind = self._random.random()
        if kind < 0.3:
            return f"@{name}(if: {self._random.choice(['true', 'false'])})"
        variable = self._random.choice(CONDITIONS)
        if variable not in self._variables:
            self._variables[variable] = self._random.choice(
                ["Boolean!", "Boolean!", "Boolean! = true", "Boolean = true"]
            )
            value = self._random.choice([True, False, True, False, None])
            if value is not None or (self._variables[variable] == "Boolean = true" and self._random.random() < 0.5):
                self.values[variable] = value
            elif self._variables[variable] == "Boolean!":
                self.values[variable] = True
        return f"@{name}(if: ${variable})"

    def _value(self, type_: Any, has_default: bool = False) -> str:
        if self._random.random() < 0.35:
            return self._variable(type_, has_default)
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        elif self._random.random() < 0.1:
            return "null"
        if isinstance(type_, GraphQLList):
            if self._random.random() < 0.3:
                return self._value(type_.of_type)
            return f"[{', '.join(self._value(type_.of_type) for _ in range(self._random.randrange(3)))}]"
        if isinstance(type_, GraphQLInputObjectType):
            fields = [f"{name}: {self._value(each.type)}" for name, each in self._chosen(type_)]
            return f"{{{', '.join(fields)}}}"
        if isinstance(type_, GraphQLEnumType):
            return str(self._random.choice(sorted(type_.values)))
        return str(self._leaf(type_.name, literal=True))

    def _chosen(self, type_: GraphQLInputObjectType) -> list[tuple[str, Any]]:
        fields = list(type_.fields.items())
        if type_.is_one_of:
            name, each = self._random.choice(fields)
            return [(name, type("F", (), {"type": GraphQLNonNull(each.type)}))]
        self._budget -= 1
        return [
            (name, each)
            for name, each in fields
            if isinstance(each.type, GraphQLNonNull) or (self._random.random() < 0.3 and self._budget > 0)
        ]

    def _variable(self, type_: Any, has_default: bool) -> str:
        name = f"v{len(self._variables)}"
        is_required = isinstance(type_, GraphQLNonNull)
        declared = str(type_)
        if is_required and has_default and self._random.random() < 0.5:
            declared = str(type_.of_type)  # allowed, because the argument has a default
        self._variables[name] = declared
        if declared.endswith("!") or self._random.random() < 0.6:
            self.values[name] = self._input(type_ if declared.endswith("!") else _nullable(type_))
        return f"${name}"

    def _input(self, type_: Any) -> Any:
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        elif self._random.random() < 0.15:
            return None
        if isinstance(type_, GraphQLList):
            return [self._input(type_.of_type) for _ in range(self._random.randrange(3))]
        if isinstance(type_, GraphQLInputObjectType):
            return {name: self._input(each.type) for name, each in self._chosen(type_)}
        if isinstance(type_, GraphQLEnumType):
            return self._random.choice(sorted(type_.values))
        return self._leaf(type_.name, literal=False)

    def _leaf(self, name: str, *, literal: bool) -> Any:
        value = self._random.choice(self._leaves.get(name, ["text", ""]))
        return json.dumps(value) if literal else value


def _nullable(type_: Any) -> Any:
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_
