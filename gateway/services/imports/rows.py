"""Reads the rows of a file, CSV with a header or JSON Lines, one line at a time.

The caller declares the columns with a parser for each. A row without a fault is a `Row`. Everything else is a `Fault`
with its line number, and reading goes on with the next line. The memory that this takes does not depend on the length
of the file.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.domain.errors import InvalidInput
from gateway.kit import json
from gateway.services.imports.first_lines import FirstLines

LONGEST_LINE = 16 * 1024
"""Bytes of a line, without its end."""

_LONGEST_NAME = 40
_FORMATS = "The file must be CSV with a header, or JSON Lines, in UTF-8."
_TOO_LONG = f"The line has more than {LONGEST_LINE} bytes."
_NOT_UTF8 = "The line is not text in UTF-8."
_NOT_CSV = "The line is not valid CSV. A quoted value must end on its line."
_NOT_JSON = "The line must be a JSON object that has no member twice."
_REQUIRED = "A value is required."


class Lines(Protocol):
    """A binary file, of which only lines are read."""

    def readline(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file. `parse` returns the value of a text that is not empty, or raises InvalidInput. JSON's true
    and false are texts of a column that `is_flag`, and faults in any other."""

    name: str
    parse: Callable[[str], Any]
    required: bool = True
    is_flag: bool = False


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """Columns whose values, together, must not occur twice in a file. Rows without one of the values are not
    compared."""

    columns: Sequence[str]
    ignores_case: bool = False

    def of(self, values: Mapping[str, Any]) -> tuple[str, ...] | None:
        """The key of a row, None if the row has none."""
        parts = [values[name] for name in self.columns]
        if any(part is None for part in parts):
            return None
        return tuple(str(part).lower() if self.ignores_case else str(part) for part in parts)


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns and unique keys of a file, and the largest number of rows that it may have."""

    columns: Sequence[Column]
    unique: Sequence[UniqueKey]
    most_rows: int


@dataclass(frozen=True, slots=True)
class Row:
    """A row without a fault. `values` has every column of the layout; an empty or missing value is None."""

    line: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line, as a sentence without the line's content. `field` is the column, None if the fault is
    not in one column. `line` counts from 1."""

    line: int
    field: str | None
    message: str


def read_rows(stream: Lines, layout: Layout, advance: Callable[[int], None] = lambda _: None) -> Iterator[Row | Fault]:
    """Yields the rows and faults of a file in its order. `advance` is called with the number of bytes of each line.

    Empty lines are skipped. A file whose first line is unusable has that fault only. Raises OSError."""
    lines = _read_lines(stream, advance)
    first = next(lines, None)
    if first is None:
        yield Fault(1, None, f"The file is empty. {_FORMATS}")
    elif isinstance(first, Fault):
        yield first if first.message == _TOO_LONG else Fault(first.line, None, f"{first.message} {_FORMATS}")
    elif first[1].lstrip().startswith("{"):
        yield from _check(_with_first(first, lines), layout, lambda text: _read_object(text, layout))
    else:
        header = _read_header(first[1], layout)
        if isinstance(header, str):
            yield Fault(first[0], None, header)
        else:
            yield from _check(lines, layout, lambda text: _read_record(text, header))


_Line = tuple[int, str]
_Texts = Mapping[str, object]


def _read_lines(stream: Lines, advance: Callable[[int], None]) -> Iterator[_Line | Fault]:
    """Yields the number and the text of each line that is not empty, without a byte order mark and without its end."""
    number = 0
    while content := stream.readline(LONGEST_LINE + 3):  # a line end has up to two bytes
        number += 1
        advance(len(content))
        if number == 1:
            content = json.without_mark(content)
        text = content.removesuffix(b"\n").removesuffix(b"\r")
        if len(text) > LONGEST_LINE:
            while content and not content.endswith(b"\n"):
                content = stream.readline(LONGEST_LINE)
                advance(len(content))
            yield Fault(number, None, _TOO_LONG)
        elif text.strip():
            try:
                yield number, text.decode()
            except UnicodeDecodeError:
                yield Fault(number, None, _NOT_UTF8)


def _with_first(first: _Line, lines: Iterator[_Line | Fault]) -> Iterator[_Line | Fault]:
    yield first
    yield from lines


def _read_header(text: str, layout: Layout) -> Sequence[str] | str:
    """The names of the columns in their order, or a sentence about what is wrong with them."""
    try:
        (header,) = csv.reader([text], strict=True)
    except csv.Error:
        return f"{_NOT_CSV} {_FORMATS}"
    header = [name.strip() for name in header]
    known = [column.name for column in layout.columns]
    for name in header:
        if name not in known:
            return f"{_unknown(name)} Columns: {', '.join(known)}. {_FORMATS}"
    if len(set(header)) < len(header):
        return "The header has a column twice."
    missing = [column.name for column in layout.columns if column.required and column.name not in header]
    return f"The header has no column {missing[0]}." if missing else header


def _unknown(name: str) -> str:
    shown = f" {name[:_LONGEST_NAME]}" if name.isprintable() else ""
    return f"Unknown column{shown}."


def _read_record(text: str, header: Sequence[str]) -> _Texts | tuple[str | None, str]:
    """The values of a line of CSV by column, or the column and the sentence of a fault."""
    try:
        (record,) = csv.reader([text], strict=True)
    except csv.Error:
        return None, _NOT_CSV
    if len(record) != len(header):
        return None, f"The line has {len(record)} values, the header has {len(header)}."
    return dict(zip(header, record, strict=True))


def _read_object(text: str, layout: Layout) -> _Texts | tuple[str | None, str]:
    """The members of a line of JSON, or the column and the sentence of a fault."""
    try:
        document = json.decode_unique(text)
    except ValueError:
        return None, _NOT_JSON
    if not isinstance(document, dict):
        return None, _NOT_JSON
    known = {column.name for column in layout.columns}
    unknown = next((name for name in document if name not in known), None)
    return document if unknown is None else (None, _unknown(unknown))


def _check(
    lines: Iterator[_Line | Fault], layout: Layout, read: Callable[[str], _Texts | tuple[str | None, str]]
) -> Iterator[Row | Fault]:
    """Yields the row of each line, or its faults."""
    rows = 0
    with closing(FirstLines()) as first_lines:
        for line in lines:
            rows += 1
            if rows > layout.most_rows:
                number = line.line if isinstance(line, Fault) else line[0]
                yield Fault(number, None, f"A file may have at most {layout.most_rows} rows.")
                return
            if isinstance(line, Fault):
                yield line
                continue
            number, text = line
            texts = read(text)
            if isinstance(texts, tuple):
                yield Fault(number, *texts)
                continue
            values, faults = _parse(number, texts, layout)
            faults += [] if faults else _find_repetitions(number, values, layout, first_lines)
            if faults:
                yield from faults
            else:
                yield Row(number, values)


def _parse(number: int, texts: _Texts, layout: Layout) -> tuple[dict[str, Any], list[Fault]]:
    values, faults = dict[str, Any](), list[Fault]()
    for column in layout.columns:
        text = texts.get(column.name)
        if text is None or (isinstance(text, str) and not text.strip()):
            values[column.name] = None
            if column.required:
                faults.append(Fault(number, column.name, _REQUIRED))
        elif not isinstance(text, str | int | float) or (isinstance(text, bool) and not column.is_flag):
            faults.append(Fault(number, column.name, "Must be a text or a number."))
        else:
            try:
                values[column.name] = column.parse(str(text).lower() if isinstance(text, bool) else str(text))
            except InvalidInput as refused:
                faults.append(Fault(number, column.name, refused.message))
    return values, faults


def _find_repetitions(number: int, values: Mapping[str, Any], layout: Layout, first_lines: FirstLines) -> list[Fault]:
    faults = []
    for unique in layout.unique:
        key = unique.of(values)
        first = number if key is None else first_lines.note((*unique.columns, *key), number)
        if first != number:
            field = unique.columns[-1]
            faults.append(Fault(number, field, f"Line {first} has the same {' and '.join(unique.columns)}."))
    return faults
