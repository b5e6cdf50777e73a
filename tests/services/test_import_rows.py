"""The reader of imported files: both formats, line numbers of faults, limits, and repetitions in a file."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import InvalidInput
from gateway.services.imports.rows import LONGEST_LINE, Column, Fault, Layout, Row, UniqueKey, read_rows


def parse_score(text: str) -> int:
    if not text.isdecimal():
        raise InvalidInput("INVALID", "Must be a whole number.")
    return int(text)


LAYOUT = Layout(
    (Column("id", str), Column("email", str), Column("score", parse_score, required=False)),
    (UniqueKey(("id",)), UniqueKey(("email",), ignores_case=True)),
    most_rows=5,
)
HEADER = b"id,email,score\n"


def read(content: bytes, layout: Layout = LAYOUT) -> list[Row | Fault]:
    return list(read_rows(io.BytesIO(content), layout))


def lines_of(content: bytes) -> list[str]:
    """Each fault in one line: its number, its field and the start of its sentence."""
    return [f"{each.line} {each.field} {each.message}" for each in read(content) if isinstance(each, Fault)]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(HEADER + b"7,a@b,700\n8,c@d,\n", id="CSV"),
        pytest.param(b"score,id,email\r\n700,7,a@b\r\n,8,c@d", id="CSV with other order and line ends"),
        pytest.param(b'\xef\xbb\xbf"id",email,score\n"7",a@b,700\n8,c@d,\n', id="CSV with a byte order mark"),
        pytest.param(HEADER + b"\n7,a@b,700\n  \n8,c@d,\n\n", id="CSV with empty lines"),
        pytest.param(b'{"id": 7, "email": "a@b", "score": 700}\n{"id": "8", "email": "c@d"}\n', id="JSON Lines"),
        pytest.param(
            b'\xef\xbb\xbf{"id":"7","email":"a@b","score":"700"}\r\n{"id":"8","email":"c@d","score":null}',
            id="JSON Lines with a byte order mark",
        ),
    ],
)
def test_rows_of_both_formats(content: bytes) -> None:
    assert [row.values for row in read(content) if isinstance(row, Row)] == [
        {"id": "7", "email": "a@b", "score": 700},
        {"id": "8", "email": "c@d", "score": None},
    ]


def test_column_that_is_not_in_the_header_has_no_value() -> None:
    assert read(b"id,email\n7,a@b\n") == [Row(2, {"id": "7", "email": "a@b", "score": None})]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(b"", "1 None The file is empty.", id="empty"),
        pytest.param(b"\n\n", "1 None The file is empty.", id="empty lines"),
        pytest.param("id,é\n".encode("utf-16"), "1 None The line is not text in UTF-8.", id="UTF-16"),
        pytest.param(b"x" * (LONGEST_LINE + 1), f"1 None The line has more than {LONGEST_LINE} bytes", id="long"),
        pytest.param(b"id;email\n7;a@b\n", "1 None Unknown column id;email.", id="semicolons"),
        pytest.param(b"\n\nid,email,phone\n", "3 None Unknown column phone.", id="unknown column"),
        pytest.param(b"id,email,id\n", "1 None The header has a column twice.", id="column twice"),
        pytest.param(b"id,score\n", "1 None The header has no column email.", id="missing column"),
        pytest.param(b'"id,email\n', "1 None The line is not valid CSV.", id="open quote"),
        pytest.param(b"id,\x1b[31m\n", "1 None Unknown column.", id="escape sequence"),
        pytest.param(b'[{"id": 1}]', "1 None Unknown column", id="JSON array"),
    ],
)
def test_unusable_first_line_is_the_only_fault(content: bytes, fault: str) -> None:
    (found,) = lines_of(content + b"7,a@b,700\n" if content.strip() and len(content) < 100 else content)
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        pytest.param(b"7,a@b", "3 None The line has 2 values, the header has 3.", id="too few values"),
        pytest.param(b"7,a@b,1,2", "3 None The line has 4 values, the header has 3.", id="too many values"),
        pytest.param(b'7,"a@b,1', "3 None The line is not valid CSV.", id="open quote"),
        pytest.param(b"7,a\rb,1", "3 None The line is not valid CSV.", id="carriage return"),
        pytest.param(b"7,\xff,1", "3 None The line is not text in UTF-8.", id="not UTF-8"),
        pytest.param(b"7,,1", "3 email A value is required.", id="no value"),
        pytest.param(b"7, ,1", "3 email A value is required.", id="blank value"),
        pytest.param(b"7,a@b,high", "3 score Must be a whole number.", id="refused by the parser"),
        pytest.param(b"1,a@b,1", "3 id Line 2 has the same id.", id="repeated id"),
        pytest.param(b"7,ONE@b,1", "3 email Line 2 has the same email.", id="repeated email in another case"),
        pytest.param(b"7," + b"x" * LONGEST_LINE + b",1", "3 None The line has more than", id="long line"),
    ],
)
def test_fault_names_its_line_and_field_and_reading_goes_on(line: bytes, fault: str) -> None:
    content = HEADER + b"1,one@b,1\n" + line + b"\n2,two@b,2\n"
    (found,) = lines_of(content)
    assert found.startswith(fault)
    assert [row.line for row in read(content) if isinstance(row, Row)] == [2, 4]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        pytest.param(b"{", "2 None The line must be a JSON object", id="junk"),
        pytest.param(b'["7"]', "2 None The line must be a JSON object", id="array"),
        pytest.param(b'{"id": "7", "id": "8"}', "2 None The line must be a JSON object", id="member twice"),
        pytest.param(b'{"a":' * 2000, "2 None The line must be a JSON object", id="deep"),
        pytest.param(b'{"id": "7", "email": "a@b", "phone": 1}', "2 None Unknown column phone.", id="unknown"),
        pytest.param(b'{"id": "7"}', "2 email A value is required.", id="missing"),
        pytest.param(b'{"id": "7", "email": ["a@b"]}', "2 email Must be a text or a number.", id="list"),
        pytest.param(b'{"id": true, "email": "a@b"}', "2 id Must be a text or a number.", id="boolean"),
        pytest.param(b'{"id": "7", "email": "a@b", "score": 7.5}', "2 score Must be a whole number.", id="fraction"),
    ],
)
def test_fault_of_a_json_line(line: bytes, fault: str) -> None:
    content = b'{"id": "1", "email": "one@b"}\n' + line + b'\n{"id": "2", "email": "two@b"}\n'
    (found,) = lines_of(content)
    assert found.startswith(fault)
    assert [row.line for row in read(content) if isinstance(row, Row)] == [1, 3]


def test_every_faulty_field_of_a_row_is_reported() -> None:
    assert lines_of(HEADER + b",,high\n") == [
        "2 id A value is required.",
        "2 email A value is required.",
        "2 score Must be a whole number.",
    ]


def test_reading_ends_after_the_largest_number_of_rows() -> None:
    content = HEADER + b"".join(b"%d,%d@b,\n" % (number, number) for number in range(9))
    assert len([row for row in read(content) if isinstance(row, Row)]) == 5
    assert lines_of(content) == ["7 None A file may have at most 5 rows."]


def test_repetition_of_several_columns_together() -> None:
    layout = Layout(LAYOUT.columns, (UniqueKey(("id", "score")),), 9)
    rows = read(HEADER + b"1,a@b,1\n1,a@b,2\n1,a@b,\n1,a@b,\n1,a@b,1\n", layout)
    assert [each for each in rows if isinstance(each, Fault)] == [
        Fault(6, "score", "Line 2 has the same id and score.")
    ]


def test_advance_gets_the_bytes_of_every_line() -> None:
    content, sizes = HEADER + b"7,a@b,1\n\n" + b"x" * 3 * LONGEST_LINE + b"\n8,c@d,2", list[int]()
    list(read_rows(io.BytesIO(content), LAYOUT, sizes.append))
    assert sum(sizes) == len(content)


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(lambda text: text.strip() != "")


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5, unique_by=(lambda row: row[0], lambda row: row[1].lower())))
def test_file_of_the_csv_or_json_module_is_read(rows: Sequence[tuple[str, str]]) -> None:
    expected = [{"id": key, "email": email, "score": None} for key, email in rows]
    written = io.StringIO()
    csv.writer(written).writerows([("id", "email"), *rows])
    objects = "\n".join(json.dumps({"id": key, "email": email}) for key, email in rows)
    assert [_values(each) for each in read(written.getvalue().encode())] == expected
    assert not rows or [_values(each) for each in read(objects.encode())] == expected


def _values(row: Row | Fault) -> Any:
    assert isinstance(row, Row)
    return row.values


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda content: HEADER + content))
def test_any_content_is_read_without_another_error(content: bytes) -> None:
    assert all(each.line >= 1 for each in read(content))


def test_flag_of_json_is_a_text_where_the_column_is_one() -> None:
    layout = Layout((Column("id", str), Column("done", str, required=False, is_flag=True)), (), most_rows=5)
    found = read(b'{"id": "1", "done": true}\n{"id": "2", "done": false}\n{"id": true}\n', layout)
    assert found[:2] == [Row(1, {"id": "1", "done": "true"}), Row(2, {"id": "2", "done": "false"})]
    assert found[2:] == [Fault(3, "id", "Must be a text or a number.")]
