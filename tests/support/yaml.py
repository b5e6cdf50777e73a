"""Reads the part of YAML that docs/reference/score_provider.yaml uses: block mappings and sequences, and on one line
scalars and sequences of scalars. Anything else is an error."""

import json
import re
from typing import Any

_ENTRY = re.compile(r'(?P<name>"[^"]*"|[^\s:"]+):(?: (?P<value>.+))?')
_PLAIN = re.compile(r"[^\s\[\]{}\"'#&*!|>%@`,:-][^\"'#]*")
_CONSTANTS = {"null": None, "true": True, "false": False}

_Lines = list[tuple[int, str]]


def read_yaml(text: str) -> Any:
    """Returns the document. Raises ValueError."""
    lines = [(len(line) - len(line.lstrip(" ")), line.strip()) for line in text.splitlines() if line.strip()]
    value, rest = _read_block(lines, 0)
    if rest:
        raise ValueError(f"cannot read {rest[0][1]!r}")
    return value


def _read_block(lines: _Lines, indent: int) -> tuple[Any, _Lines]:
    """Returns the value that begins at the first line, at this indentation, and the lines after it."""
    if lines[0][1].startswith("- "):
        return _read_sequence(lines, indent)
    return _read_mapping(lines, indent)


def _read_sequence(lines: _Lines, indent: int) -> tuple[list[Any], _Lines]:
    values: list[Any] = []
    while lines and lines[0][0] == indent and lines[0][1].startswith("- "):
        inner = [(indent + 2, lines[0][1][2:]), *lines[1:]]
        value, lines = _read_mapping(inner, indent + 2)
        values.append(value)
    return values, lines


def _read_mapping(lines: _Lines, indent: int) -> tuple[dict[str, Any], _Lines]:
    members: dict[str, Any] = {}
    while lines and lines[0][0] == indent and not lines[0][1].startswith("- "):
        match = _ENTRY.fullmatch(lines[0][1])
        if match is None:
            raise ValueError(f"cannot read {lines[0][1]!r}")
        name, lines = _read_scalar(match["name"], as_text=True), lines[1:]
        if name in members:
            raise ValueError(f"{name} is repeated")
        if match["value"] is not None:
            members[name] = _read_value(match["value"])
        else:
            members[name], lines = _read_block(lines, lines[0][0])
    return members, lines


def _read_value(text: str) -> Any:
    if text.startswith("["):
        inner = text.removeprefix("[").removesuffix("]")
        return [_read_scalar(part.strip()) for part in inner.split(",") if part.strip()]
    return _read_scalar(text)


def _read_scalar(text: str, *, as_text: bool = False) -> Any:
    if text.startswith('"'):
        return json.loads(text)
    if not as_text and text in _CONSTANTS:
        return _CONSTANTS[text]
    if not as_text and re.fullmatch(r"-?[0-9]+", text):
        return int(text)
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"cannot read {text!r}")
    return text
