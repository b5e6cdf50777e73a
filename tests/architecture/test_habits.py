"""Habits that no type checks: one clock, one reader of the environment, one place that commits, no `if sandbox`."""

import ast
from collections.abc import Callable

import pytest

from tests.support.checkout import named, nodes, python_files

CODE = ("gateway", "schema", "merchants", "migrations")

CLOCKS = {"gateway/kit/clock.py", "gateway/kit/ids.py"}
ENVIRONMENT = {
    "gateway/settings.py": "the one reader",
    "gateway/cli/sandbox.py": "hands its own environment to the server that it starts",
}
COMMITS = {
    "gateway/store/database.py": "the two units of work",
    "migrations/env.py": "Alembic's connection, which is no session",
}
ABOVE_THE_BOOTSTRAP = ("gateway/app.py", "gateway/bootstrap.py", "gateway/settings.py", "gateway/cli/")
SANDBOX = {
    "schema/build.py": "the caller's choice: live publishes part A of the schema, a sandbox A and B",
}
"""Every place below the composition root that tells the environments apart, and why wiring cannot."""


def calls_a_clock(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node) in {
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
        "time.time",
        "time.time_ns",
    }


def reads_the_environment(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv", "os.environb"}


def ends_a_transaction(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"commit", "rollback"}
    )


def asks_for_the_environment(node: ast.AST) -> bool:
    tests = [node.test] if isinstance(node, ast.If | ast.IfExp | ast.While) else []
    tests += node.ifs if isinstance(node, ast.comprehension) else []
    names = {
        part.attr if isinstance(part, ast.Attribute) else part.id
        for test in tests
        for part in ast.walk(test)
        if isinstance(part, ast.Attribute | ast.Name)
    }
    return bool(names & {"sandbox", "_sandbox", "is_sandbox", "Environment"})


def places(habit: Callable[[ast.AST], bool]) -> dict[str, list[int]]:
    """Line numbers by file."""
    return {
        named(file): [node.lineno for node in nodes(file) if habit(node) and hasattr(node, "lineno")]
        for file in python_files(*CODE)
        if any(map(habit, nodes(file)))
    }


def test_only_the_clock_reads_the_clock() -> None:
    assert {file: lines for file, lines in places(calls_a_clock).items() if file not in CLOCKS} == {}


def test_only_the_settings_read_the_environment() -> None:
    assert {file: lines for file, lines in places(reads_the_environment).items() if file not in ENVIRONMENT} == {}


def test_only_the_units_of_work_commit() -> None:
    assert {file: lines for file, lines in places(ends_a_transaction).items() if file not in COMMITS} == {}


def test_environments_differ_by_wiring() -> None:
    found = {
        file: lines
        for file, lines in places(asks_for_the_environment).items()
        if not file.startswith(ABOVE_THE_BOOTSTRAP)
    }
    assert {file: lines for file, lines in found.items() if file not in SANDBOX} == {}
    assert set(SANDBOX) <= set(found), "a listed place is gone: take it off the list"


@pytest.mark.parametrize(
    ("habit", "text"),
    [
        (calls_a_clock, "datetime.now(UTC)"),
        (calls_a_clock, "f(clock=time.time)"),
        (reads_the_environment, "os.environ['A']"),
        (ends_a_transaction, "session.commit()"),
        (asks_for_the_environment, "x = 1 if settings.sandbox else 2"),
        (asks_for_the_environment, "if not self._sandbox: pass"),
        (asks_for_the_environment, "[x for x in y if sandbox or x]"),
    ],
)
def test_the_habits_are_seen(habit: Callable[[ast.AST], bool], text: str) -> None:
    assert any(map(habit, ast.walk(ast.parse(text))))
