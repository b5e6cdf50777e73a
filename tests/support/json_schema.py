"""Validates values by the part of JSON Schema 2020-12 that our schemas use. Other keywords are errors."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any


def _is_rfc3339(text: str) -> bool:
    try:
        return "T" in text and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": lambda value: _is_number(value) and isinstance(value, int),
}
_NOTES = {"description", "title", "examples", "contentMediaType", "contentSchema", "$schema", "$defs"}


class Schemas:
    """Schemas by name, to which they can refer by the last part of a path."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas

    @classmethod
    def of_openapi(cls, document: Mapping[str, Any]) -> "Schemas":
        """The schemas of an OpenAPI document."""
        return cls(document["components"]["schemas"])

    @classmethod
    def of_schema(cls, name: str, schema: Mapping[str, Any]) -> "Schemas":
        """A schema of this name, and its definitions."""
        return cls({**schema.get("$defs", {}), name: schema})

    def faults(self, name: str, value: Any) -> list[str]:
        """The paths and keywords at which the value does not fit the schema of this name. Empty if it fits."""
        return list(self._faults(self._schemas[name], value, name))

    def _faults(self, schema: Mapping[str, Any] | bool, value: Any, path: str) -> Iterator[str]:
        if isinstance(schema, bool):
            yield from () if schema else (f"{path}: false",)
            return
        for keyword, wanted in schema.items():
            if keyword == "$ref":
                yield from self._faults(self._schemas[wanted.rpartition("/")[2]], value, path)
            elif keyword == "properties":
                for name, inner in wanted.items():
                    if isinstance(value, dict) and name in value:
                        yield from self._faults(inner, value[name], f"{path}.{name}")
            elif keyword == "additionalProperties":
                for name in set(value) - set(schema.get("properties", ())) if isinstance(value, dict) else ():
                    yield from self._faults(wanted, value[name], f"{path}.{name}")
            elif keyword == "propertyNames":
                for name in value if isinstance(value, dict) else ():
                    yield from self._faults(wanted, name, f"{path}.{name}")
            elif keyword == "items":
                for number, each in enumerate(value if isinstance(value, list) else ()):
                    yield from self._faults(wanted, each, f"{path}[{number}]")
            elif keyword == "anyOf":
                if not any(not list(self._faults(each, value, path)) for each in wanted):
                    yield f"{path}: anyOf"
            elif keyword not in _NOTES and not _CHECKS[keyword](value, wanted):
                yield f"{path}: {keyword}"


def _is_equal(value: Any, wanted: Any) -> bool:
    return type(value) is type(wanted) and bool(value == wanted)


def _is_of_type(value: Any, wanted: str | list[str]) -> bool:
    return any(_TYPES[each](value) for each in ([wanted] if isinstance(wanted, str) else wanted))


def _of(kind: type | tuple[type, ...], check: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A check that holds for values of other types."""
    return lambda value, wanted: not isinstance(value, kind) or isinstance(value, bool) or check(value, wanted)


_CHECKS: dict[str, Callable[[Any, Any], bool]] = {
    "type": _is_of_type,
    "const": _is_equal,
    "enum": lambda value, wanted: any(_is_equal(value, each) for each in wanted),
    "required": _of(dict, lambda value, wanted: set(wanted) <= set(value)),
    "minProperties": _of(dict, lambda value, wanted: len(value) >= wanted),
    "minimum": _of((int, float), lambda value, wanted: value >= wanted),
    "maximum": _of((int, float), lambda value, wanted: value <= wanted),
    "minLength": _of(str, lambda value, wanted: len(value) >= wanted),
    "maxLength": _of(str, lambda value, wanted: len(value) <= wanted),
    "pattern": _of(str, lambda value, wanted: re.search(wanted, value) is not None),
    "format": _of(str, lambda value, wanted: {"date-time": _is_rfc3339}[wanted](value)),
    "minItems": _of(list, lambda value, wanted: len(value) >= wanted),
    "maxItems": _of(list, lambda value, wanted: len(value) <= wanted),
    "uniqueItems": _of(list, lambda value, wanted: all(value.index(each) == at for at, each in enumerate(value))),
}
