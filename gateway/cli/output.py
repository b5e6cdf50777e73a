"""Lists and records on standard output: a table for a terminal or a pipe, or with --json one document for programs."""

import json
import sys
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import zip_longest
from typing import Annotated, Any

import typer
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from gateway.cli.console import console, note
from gateway.domain.duration import format_duration
from gateway.domain.money import Money
from gateway.kit.clock import rfc3339

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else, on standard output.")]

WithReplaced = Annotated[
    bool, typer.Option("--all", help="Also list what belongs to merchants that a reset of a sandbox has replaced.")
]

Record = Mapping[str, Any]
"""One item of a list or report: values by snake_case key."""

Columns = Mapping[str, str | Callable[[Record], object]]
"""By heading, the key of the value in a record, or a function that returns the value."""

GAP = "  "
_UNLIMITED = 1_000_000
NARROWEST = 16
"""Characters that a folded column needs. If a terminal has fewer, each record is printed as a block of lines."""


def print_json(document: object) -> None:
    """Prints the document: times in RFC 3339 UTC, durations in ISO 8601, money as a decimal string with currency."""
    typer.echo(json.dumps(_plain(document), indent=2, ensure_ascii=not _is_unicode()))


def print_json_line(document: object) -> None:
    """Prints the document in one line (JSON Lines), with values as `print_json` prints them."""
    typer.echo(json.dumps(_plain(document), ensure_ascii=not _is_unicode()))


def _is_unicode() -> bool:
    """Whether the encoding of the output has every character. Otherwise escape sequences of JSON are printed."""
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def print_list(
    records: Sequence[Record], columns: Columns, *, empty: str, as_json: bool, folded: Collection[str] = ()
) -> None:
    """Prints the records as a table, or as a JSON array of all their values. On a terminal, columns with a heading in
    `folded` are folded where the table is too wide; no other column is, so that ids can be copied. Without records,
    prints `empty` on standard error, and as JSON an empty array."""
    if as_json:
        print_json(records)
    elif records:
        rows = [[_cell(_value(record, column)) for column in columns.values()] for record in records]
        _print_rows(list(columns), rows, folded)
    else:
        note(empty)


def print_record(record: Record, columns: Columns, *, as_json: bool) -> None:
    """Prints one line for each heading with a value, or the whole record as a JSON object."""
    if as_json:
        print_json(record)
    else:
        _print_block(list(columns), [_cell(_value(record, column)) for column in columns.values()])


def _value(record: Record, column: str | Callable[[Record], object]) -> object:
    return record[column] if isinstance(column, str) else column(record)


def _print_rows(headings: Sequence[str], rows: Sequence[Sequence[str]], folded: Collection[str]) -> None:
    columns = zip(headings, *rows, strict=True)
    widths = dict(zip(headings, (max(map(cell_len, column)) for column in columns), strict=True))
    if console.is_terminal and not _shrink(widths, folded, console.width):
        for number, row in enumerate(rows):
            if number:
                console.print()
            _print_block(headings, row)
        return
    _print_line(headings, widths, style="bold")
    for row in rows:
        _print_line(row, widths)


def _shrink(widths: dict[str, int], folded: Collection[str], most: int) -> bool:
    """Reduces the widths of the folded columns until the table has at most this width. False if it cannot."""
    while sum(widths.values()) + len(GAP) * (len(widths) - 1) > most:
        widest = max(folded, key=widths.__getitem__, default=None)
        if widest is None or widths[widest] <= NARROWEST:
            return False
        widths[widest] -= 1
    return True


def _print_line(cells: Sequence[str], widths: Mapping[str, int], style: str = "") -> None:
    """Prints the cells of one row, folded to the widths, with a dash for an empty one."""
    folded = [
        [line.plain.rstrip() for line in Text(cell or "-").wrap(console, width, overflow="fold")]
        for cell, width in zip(cells, widths.values(), strict=True)
    ]
    for line in zip_longest(*folded, fillvalue=""):
        padded = (set_cell_size(part, width) for part, width in zip(line, widths.values(), strict=True))
        console.print(Text(GAP.join(padded).rstrip(), style))


def _print_block(headings: Sequence[str], values: Sequence[str]) -> None:
    """Prints one line for each heading with a value. Further lines of a value are indented. On a terminal, a long value
    is folded between words."""
    widest = max(map(len, headings))
    width = max(NARROWEST, console.width - widest - len(GAP)) if console.is_terminal else _UNLIMITED
    for heading, value in zip(headings, values, strict=True):
        lines = [part for line in value.splitlines() for part in _fold(line, width)]
        for number, line in enumerate(lines):
            console.print(f"{'' if number else heading:<{widest}}{GAP}{line}")


def _fold(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)


def _cell(value: object) -> str:
    """The value as a person reads it; nothing for None."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}Z"
        case timedelta():
            return f"{value.days} days" if value == timedelta(days=value.days) else format_duration(value)
        case list() | tuple():
            return " ".join(map(_cell, value))
        case _:
            return str(value)


def _plain(value: object) -> Any:
    """The value as JSON has it."""
    match value:
        case Money():
            return value.document()
        case datetime():
            return rfc3339(value)
        case date():
            return value.isoformat()
        case timedelta():
            return format_duration(value)
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case str() | int() | float() | None:
            return value
        case _:
            raise TypeError(f"no JSON for {type(value).__name__}")
