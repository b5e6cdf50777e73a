"""Random executable schemas. Each resolver returns a value of its type, or fails, by the seed of its source, so that
two executions of an operation get equal values."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLDefaultInput,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLError,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
    Undefined,
    parse_const_value,
)
from graphql.pyutils import inspect

from gateway.kit.deadline import check_deadline
from schema.deadlines import DeadlineCheck
from schema.resolvers import VALUE_ATTRIBUTE, AttributeReader, CheckOfClass, MethodCaller, TypeOfClass
from tests.support.failing_values import fail, wrong_type
from tests.support.resolver_calls import Calls, seen

OBJECTS = ("A", "B", "C", "D")
RESOLVERS = ("default", "attribute", "method", "info")


class Thing:
    """A source. Its attributes are the values of the fields of its type."""

    def __init__(self, made: "GeneratedSchema", type_name: str, seed: str) -> None:
        self.made, self.type_name, self.seed = made, type_name, seed

    def __repr__(self) -> str:
        return f"<{self.type_name} {self.seed}>"

    @property
    def value_of_object(self) -> object:
        """The same object for all sources of one type and seed, on which their fields depend."""
        return self.made.values.setdefault((self.type_name, self.seed), object())

    def __getattr__(self, name: str) -> Any:
        type_ = self.made.schema.type_map[self.type_name]
        if name not in getattr(type_, "fields", {}):
            raise AttributeError(name)
        return self.made.value(self, name, {})


CLASSES: dict[str, type[Thing]] = {name: type(name, (Thing,), {}) for name in OBJECTS}
"""The classes of sources by their types."""


@dataclass(frozen=True)
class GeneratedSchema:
    """A schema, and what its resolvers saw in the last execution. `values` are those of sources."""

    schema: GraphQLSchema
    calls: Calls
    values: dict[tuple[str, str], object] = field(default_factory=dict)

    def root(self) -> Thing:
        """The root value of an execution."""
        return Thing(self, "Query", "root")

    def value(self, source: Any, name: str, arguments: dict[str, Any]) -> Any:
        """Returns the value of a field of a source, or raises."""
        if not isinstance(source, Thing):
            return None
        seed = f"{source.seed}.{name}{sorted(arguments.items(), key=repr)!r}"
        random = Random(seed)
        type_ = self.schema.type_map[source.type_name]
        self.calls.add("value", seed)
        return self._value(random, type_.fields[name].type, seed)  # type: ignore[attr-defined]

    def _value(self, random: Random, type_: Any, seed: str) -> Any:
        if random.random() < self.calls.failures:
            return fail(random, self.calls.add)
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        elif random.random() < 0.1:
            return random.choice([None, None, Undefined])
        if isinstance(type_, GraphQLList):
            return self._list(random, type_.of_type, seed)
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            type_ = random.choice(self.schema.get_possible_types(type_))
        if isinstance(type_, GraphQLObjectType):
            return CLASSES.get(type_.name, Thing)(self, type_.name, seed)
        return random.choice(_LEAVES[type_.name])

    def _list(self, random: Random, item: Any, seed: str) -> Any:
        items = [self._value(random, item, f"{seed}/{number}") for number in range(random.randrange(4))]
        kind = random.randrange(8)
        if kind == 0:
            return tuple(items)
        if kind == 1:
            return self._generate(items)
        return dict.fromkeys(range(len(items))).values() if kind == 2 else items

    def _generate(self, items: list[Any]) -> Iterator[Any]:
        for item in items:
            self.calls.add("next", type(item).__name__)
            yield item


_LEAVES: dict[str, tuple[Any, ...]] = {
    "String": ("text", "", 7, True, 1.5),
    "ID": ("id", 12),
    "Int": (0, 1, -5, 2**31 - 1, 7.0, "12", True),
    "Float": (1.5, 2, "2.5", True),
    "Boolean": (True, False, 1, 0.0),
    "Colour": (1, "two", None, [3]),
    "Odd": (3, 4, 5, 6),
}


def _odd(value: Any) -> Any:
    """The output of the scalar Odd: raises, or returns null, for some values."""
    if not isinstance(value, int) or value % 7 == 0:
        raise ValueError(f"{inspect(value)} is not odd")
    return {1: None, 2: Undefined}.get(value, f"odd {value}")


def _odd_input(value: Any) -> Any:
    if not isinstance(value, int | str) or value == 7:
        raise GraphQLError("not an Odd")
    return ["odd", value]  # a new object each time


def generate_schema(random: Random, *, reads_values: bool = False) -> GeneratedSchema:
    """Returns a schema with a few types of each kind. With `reads_values`, only the root types have fields with
    arguments or an info."""
    return _Generator(random, reads_values).schema()


class _Generator:
    def __init__(self, random: Random, reads_values: bool) -> None:
        self._random, self._reads_values = random, reads_values
        self._made: list[GeneratedSchema] = []
        colours = {"RED": GraphQLEnumValue(1), "BLUE": GraphQLEnumValue("two"), "LISTED": GraphQLEnumValue([3])}
        self._leaves: list[Any] = [
            *(GraphQLString, GraphQLID, GraphQLInt, GraphQLFloat, GraphQLBoolean),
            GraphQLEnumType("Colour", colours),
            GraphQLScalarType("Odd", coerce_output_value=_odd, coerce_input_value=_odd_input),
        ]
        self._inputs: list[Any] = [*self._leaves, GraphQLInputObjectType("Point", self._point)]
        one_of = {name: GraphQLInputField(type_) for name, type_ in (("text", GraphQLString), ("odd", self._leaves[6]))}
        self._inputs.append(GraphQLInputObjectType("Either", one_of, is_one_of=True))
        self._interfaces = [
            GraphQLInterfaceType(f"I{number}", self._fields(f"i{number}", 2), resolve_type=self._type_resolver())
            for number in range(2)
        ]
        self._objects = [self._object(name) for name in OBJECTS]
        self._union = GraphQLUnionType("U", self._objects[:3], resolve_type=self._type_resolver())

    def schema(self) -> GeneratedSchema:
        roots = [GraphQLObjectType(name, self._fields("r", 5)) for name in ("Query", "Mutation")]
        schema = GraphQLSchema(roots[0], roots[1], types=[*self._objects, self._union])
        made = GeneratedSchema(schema, Calls())
        self._made.append(made)
        return made

    def _point(self) -> dict[str, GraphQLInputField]:
        return {
            "x": GraphQLInputField(GraphQLNonNull(GraphQLInt)),
            "label": GraphQLInputField(GraphQLString, default=GraphQLDefaultInput(value="none"), out_name="title"),
            "others": GraphQLInputField(GraphQLList(self._inputs[7])),
            "odd": GraphQLInputField(self._leaves[6]),
        }

    def _object(self, name: str) -> GraphQLObjectType:
        interfaces = [each for each in self._interfaces if name == "A" or self._random.random() < 0.6]
        own = self._fields(name.lower(), 3)

        def fields() -> dict[str, GraphQLField]:
            inherited: dict[str, GraphQLField] = {}
            for each in interfaces:
                for field_name, definition in each.fields.items():
                    resolve = self._resolver(field_name, bool(definition.args))
                    inherited[field_name] = GraphQLField(definition.type, definition.args, resolve)
            return {**inherited, **own()}

        made_of_value = {VALUE_ATTRIBUTE: "value_of_object"} if name != "D" else {}
        check = self._type_check(name)
        return GraphQLObjectType(name, fields, interfaces=interfaces, is_type_of=check, extensions=made_of_value)

    def _fields(self, prefix: str, most: int) -> Any:
        plan = [
            (f"{prefix}{number}", self._random.randrange(1 << 30)) for number in range(self._random.randint(1, most))
        ]
        plan.append((f"{prefix}s", self._random.randrange(1 << 30)))

        def fields() -> dict[str, GraphQLField]:
            return {name: self._field(name, Random(seed)) for name, seed in plan}

        return fields

    def _field(self, name: str, random: Random) -> GraphQLField:
        composite = [*self._objects, *self._interfaces, self._union]
        type_ = random.choice(composite) if random.random() < 0.55 else random.choice(self._leaves)
        most = 0 if self._reads_values and not name.startswith("r") else random.choice([0, 0, 0, 1, 2])
        arguments = {f"a{number}": self._argument(random) for number in range(most)}
        return GraphQLField(_wrapped(random, type_), arguments, self._resolver(name, bool(arguments), random))

    def _argument(self, random: Random) -> GraphQLArgument:
        type_ = random.choice(self._inputs)
        out_name = random.choice([None, None, "renamed"])
        if random.random() < 0.3 and type_ in self._leaves[:5]:
            literal = {"Boolean": "true", "String": '"default"', "ID": '"i"'}.get(type_.name, "4")
            default = GraphQLDefaultInput(literal=parse_const_value(literal))
            return GraphQLArgument(random.choice([type_, GraphQLNonNull(type_)]), default=default)
        wrapped = random.choice([type_, type_, GraphQLNonNull(type_), GraphQLList(type_)])
        return GraphQLArgument(wrapped, out_name=out_name)

    def _resolver(self, name: str, has_arguments: bool, random: Random | None = None) -> Any:
        kinds = RESOLVERS[1:3] if self._reads_values and not name.startswith("r") else RESOLVERS
        kind = (random or Random(name)).choice(kinds)

        def method(source: Any) -> Any:
            return self._made[0].value(source, name, {})

        def with_info(source: Any, info: Any, **arguments: Any) -> Any:
            made = self._made[0]
            made.calls.add(*seen(info), repr(arguments))
            check_deadline()
            return made.value(source, name, arguments)

        if kind == "info" or has_arguments:
            return DeadlineCheck(with_info) if name.endswith("s") else with_info
        if kind == "default":
            return None
        resolve = AttributeReader(name) if kind == "attribute" else MethodCaller(method)
        return DeadlineCheck(resolve) if name.endswith("s") else resolve

    def _type_resolver(self) -> Any:
        kind = 3 if self._reads_values else self._random.randrange(4)
        if kind == 0:
            return None  # graphql-core asks is_type_of of each possible type

        def resolve_type(value: Any, info: Any, abstract: Any) -> Any:
            made = self._made[0]
            made.calls.add("type", abstract.name, *seen(info), inspect(value))
            name = getattr(value, "type_name", None)
            random = Random(f"{getattr(value, 'seed', '')}{abstract.name}")
            if random.random() < made.calls.failures:
                return wrong_type(random)
            return name

        return resolve_type if kind < 3 else TypeOfClass({CLASSES[each]: each for each in "AC"}, resolve_type)

    def _type_check(self, name: str) -> Any:
        if self._random.random() < 0.5:
            return None

        def is_type_of(value: Any, info: Any) -> bool:
            made = self._made[0]
            made.calls.add("check", name, info.field_name)
            random = Random(f"{getattr(value, 'seed', '')}{name}?")
            if random.random() < made.calls.failures / 2:
                raise TypeError("the check failed")
            return getattr(value, "type_name", None) == name

        is_by_class = self._reads_values or self._random.random() < 0.5
        return CheckOfClass(CLASSES[name], is_type_of) if is_by_class else is_type_of


def _wrapped(random: Random, type_: Any) -> Any:
    for _ in range(random.choice([0, 0, 0, 1, 1, 2])):
        type_ = GraphQLList(GraphQLNonNull(type_) if random.random() < 0.5 else type_)
    return GraphQLNonNull(type_) if random.random() < 0.4 else type_
