"""Lists and records on terminals of several widths, in pipes and as JSON."""

import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from gateway.cli import output
from gateway.domain.money import Money

FIRST, SECOND = "mer_test_01m8g9rpeve008c0brmgngn311", "mer_test_01m8g9rpeve008c0brmgngn312"
RECORDS = [
    {"id": FIRST, "name": "Harbour Cars, the rental at the ferry terminal", "is_enabled": True},
    {"id": SECOND, "name": "港湾汽车租赁有限公司的第二家门店在轮渡码头旁边", "is_enabled": False},
]
COLUMNS: output.Columns = {"merchant": "id", "name": "name", "enabled": "is_enabled"}


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Console:
    """The console of the commands, on a terminal of 80 columns."""
    console = Console(file=StringIO(), width=80, force_terminal=True, no_color=True, soft_wrap=True, markup=False)
    monkeypatch.setattr(output, "console", console)
    return console


def print_list(records: list[Any] = RECORDS, **options: Any) -> None:
    output.print_list(records, COLUMNS, **{"empty": "There is no merchant.", "as_json": False, **options})


def lines_of(console: Console) -> list[str]:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()


def test_ids_stay_whole_on_a_narrow_terminal(terminal: Console) -> None:
    print_list(folded=("name",))
    words = " ".join(lines_of(terminal)).split()
    assert {FIRST, SECOND} <= set(words)


def test_other_columns_are_folded_to_the_width_of_the_terminal(terminal: Console) -> None:
    print_list(folded=("name",))
    lines = lines_of(terminal)
    assert max(map(cell_len, lines)) <= 80
    assert lines[1].split() == [FIRST, "Harbour", "Cars,", "the", "rental", "at", "the", "yes"]
    assert lines[2].split() == ["ferry", "terminal"]


def test_records_are_blocks_on_a_terminal_that_is_too_narrow_for_the_table(terminal: Console) -> None:
    terminal.width = 50
    print_list(folded=("name",))
    assert lines_of(terminal)[:6] == [
        f"merchant  {FIRST}",
        "name      Harbour Cars, the rental at the ferry",
        "          terminal",
        "enabled   yes",
        "",
        f"merchant  {SECOND}",
    ]


def test_blocks_on_the_narrowest_terminal_are_folded_to_a_least_width(terminal: Console) -> None:
    terminal.width = 8
    print_list(folded=("name",))
    assert lines_of(terminal)[1:3] == ["name      Harbour Cars,", "          the rental at"]


def test_columns_that_are_not_folded_make_blocks(terminal: Console) -> None:
    print_list()
    assert lines_of(terminal)[0] == f"merchant  {FIRST}"


def test_pipe_gets_one_line_per_record(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "console", Console(width=40, soft_wrap=True, markup=False))
    print_list(folded=("name",))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["merchant", FIRST, SECOND]
    assert str(RECORDS[0]["name"]) in lines[1]
    assert not any(line.endswith(" ") for line in lines)


def test_missing_value_in_a_table_is_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    print_list([{"id": FIRST, "name": None, "is_enabled": True}])
    assert capsys.readouterr().out.splitlines()[1].split() == [FIRST, "-", "yes"]


def test_empty_list_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    print_list([])
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "There is no merchant.\n")


def test_empty_list_as_json_is_an_empty_array(capsys: pytest.CaptureFixture[str]) -> None:
    print_list([], as_json=True)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("[]\n", "")


def test_json_has_all_values_of_the_records(capsys: pytest.CaptureFixture[str]) -> None:
    print_list(as_json=True)
    assert json.loads(capsys.readouterr().out) == RECORDS


def test_json_formats_of_values(capsys: pytest.CaptureFixture[str]) -> None:
    values = {
        "amount": Money(300000, "CNY"),
        "at": datetime(2026, 11, 23, 12, tzinfo=UTC),
        "day": date(2026, 11, 23),
        "duration": timedelta(days=30),
        "list": ("a", None, True, 1),
    }
    output.print_json(values)
    assert json.loads(capsys.readouterr().out) == {
        "amount": {"amount": "3000.00", "currency": "CNY"},
        "at": "2026-11-23T12:00:00Z",
        "day": "2026-11-23",
        "duration": "P30D",
        "list": ["a", None, True, 1],
    }


def test_json_rejects_values_of_other_types() -> None:
    with pytest.raises(TypeError, match="object"):
        output.print_json(object())


def test_long_value_of_a_record_is_folded_between_words_on_a_terminal(terminal: Console) -> None:
    output.print_record({"scopes": ["decisions:request"] * 5}, {"scopes": "scopes"}, as_json=False)
    assert lines_of(terminal) == [
        "scopes  decisions:request decisions:request decisions:request decisions:request",
        "        decisions:request",
    ]


def test_record_has_one_line_for_each_value(capsys: pytest.CaptureFixture[str]) -> None:
    record = {"at": datetime(2026, 11, 23, 12, 30, tzinfo=UTC), "none": None, "life": timedelta(hours=2), "two": "a\nb"}
    output.print_record(record, {"at": "at", "none": "none", "life": "life", "lines": "two"}, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "at     2026-11-23 12:30Z",
        "life   PT2H",
        "lines  a",
        "       b",
    ]
