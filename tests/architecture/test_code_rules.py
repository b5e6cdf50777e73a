"""Code rules that no type checker verifies: one clock, one reader of the environment, one module that begins and
commits, no ORM session, no unit of work as a block, no `if sandbox`."""

import ast
from collections.abc import Callable
from functools import cache

import pytest

from tests.support.checkout import named, nodes, python_files

CODE = ("gateway", "schema", "merchants", "migrations")

CLOCKS = {"gateway/kit/clock.py", "gateway/kit/ids.py"}
ENVIRONMENT = {
    "gateway/settings/settings.py": "reads the settings",
    "gateway/setting_names.py": "lists variables that are not settings",
    "gateway/cli/sandbox.py": "passes its environment to the server that it starts",
    "gateway/cli/listening.py": "reads the merchant token of a developer, which is no setting",
}
TRANSACTIONS = {
    "gateway/store/database.py": "runs units of work",
    "gateway/store/kept_connections.py": "rolls back before it keeps a connection",
    "gateway/store/shared_commits.py": "runs units of work that share a transaction",
    "migrations/env.py": "runs Alembic's transactions",
}
ABOVE_BOOTSTRAP = ("gateway/app.py", "gateway/bootstrap.py", "gateway/startup.py", "gateway/settings/", "gateway/cli/")
SANDBOX = {
    "schema/build.py": "the caller chooses: live publishes part A of the schema, a sandbox parts A and B",
}
"""The files below the composition root that may check the environment, with the reason."""


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


def controls_a_transaction(node: ast.AST) -> bool:
    controls = {"begin", "begin_nested", "commit", "rollback"}
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in controls


def uses_the_orm(node: ast.AST) -> bool:
    """Whether the node uses sqlalchemy.orm, or the parts of sqlmodel that use it. Declarations of tables need
    neither."""
    if isinstance(node, ast.Import):
        return any(_is_orm(name.name) for name in node.names)
    if isinstance(node, ast.ImportFrom) and node.module:
        return _is_orm(node.module) or any(_is_orm(f"{node.module}.{name.name}") for name in node.names)
    return isinstance(node, ast.Attribute) and _is_orm(ast.unparse(node))


def _is_orm(name: str) -> bool:
    return f"{name}.".startswith(("sqlalchemy.orm.", "sqlmodel.Session.", "sqlmodel.orm.", "sqlmodel.ext."))


def opens_a_unit_as_a_block(node: ast.AST) -> bool:
    """Whether the node is `with database` or `with self._database.write()`. A unit of work must be a function."""
    if not isinstance(node, ast.With | ast.AsyncWith):
        return False
    return any(ast.unparse(_owner(item.context_expr)).endswith("database") for item in node.items)


def _owner(context: ast.expr) -> ast.expr:
    """Returns the object of a method call, or any other expression itself."""
    return context.func.value if isinstance(context, ast.Call) and isinstance(context.func, ast.Attribute) else context


def checks_the_environment(node: ast.AST) -> bool:
    tests = [node.test] if isinstance(node, ast.If | ast.IfExp | ast.While) else []
    tests += node.ifs if isinstance(node, ast.comprehension) else []
    names = {
        part.attr if isinstance(part, ast.Attribute) else part.id
        for test in tests
        for part in ast.walk(test)
        if isinstance(part, ast.Attribute | ast.Name)
    }
    return bool(names & {"sandbox", "_sandbox", "is_sandbox", "Environment"})


def reads_the_url(node: ast.AST) -> bool:
    """Whether the node is the `url` of a request. It cannot be read if the query is not UTF-8, and has the Host header;
    `scope["path"]` and `query_params` can always be read."""
    return isinstance(node, ast.Attribute) and node.attr in {"url", "base_url"} and "request" in ast.unparse(node.value)


RULES = (
    calls_a_clock,
    reads_the_environment,
    controls_a_transaction,
    uses_the_orm,
    opens_a_unit_as_a_block,
    checks_the_environment,
    reads_the_url,
)


@cache
def nodes_that_break_a_rule() -> list[tuple[Callable[[ast.AST], bool], str, ast.AST]]:
    """Returns rule, file and node. Parses each file once for all rules."""
    return [
        (rule, named(file), node)
        for file in python_files(*CODE)
        for node in nodes(file)
        for rule in RULES
        if rule(node)
    ]


def find_violations(rule: Callable[[ast.AST], bool]) -> dict[str, list[int]]:
    """Returns the line numbers of nodes that break the rule, by file."""
    violations: dict[str, list[int]] = {}
    for broken, file, node in nodes_that_break_a_rule():
        if broken is rule:
            violations.setdefault(file, []).extend([node.lineno] if hasattr(node, "lineno") else [])
    return violations


def test_only_the_clock_reads_the_clock() -> None:
    assert {file: lines for file, lines in find_violations(calls_a_clock).items() if file not in CLOCKS} == {}


def test_only_the_settings_read_the_environment() -> None:
    assert {
        file: lines for file, lines in find_violations(reads_the_environment).items() if file not in ENVIRONMENT
    } == {}


def test_only_the_database_begins_and_commits() -> None:
    violations = find_violations(controls_a_transaction)
    assert {file: lines for file, lines in violations.items() if file not in TRANSACTIONS} == {}
    assert set(TRANSACTIONS) <= set(violations), "a listed file no longer needs the exception"


def test_no_orm_session_is_used() -> None:
    assert find_violations(uses_the_orm) == {}


def test_a_unit_of_work_is_a_function() -> None:
    assert find_violations(opens_a_unit_as_a_block) == {}


def test_no_handler_reads_the_url_of_a_request() -> None:
    assert find_violations(reads_the_url) == {}


def test_only_listed_files_check_the_environment() -> None:
    violations = {
        file: lines
        for file, lines in find_violations(checks_the_environment).items()
        if not file.startswith(ABOVE_BOOTSTRAP)
    }
    assert {file: lines for file, lines in violations.items() if file not in SANDBOX} == {}
    assert set(SANDBOX) <= set(violations), "a listed file no longer needs the exception"


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (calls_a_clock, "datetime.now(UTC)"),
        (calls_a_clock, "f(clock=time.time)"),
        (reads_the_environment, "os.environ['A']"),
        (reads_the_url, "show(request.url.path)"),
        (reads_the_url, "self.request.base_url"),
        (controls_a_transaction, "connection.commit()"),
        (controls_a_transaction, "engine.begin()"),
        (controls_a_transaction, "connection.begin_nested()"),
        (uses_the_orm, "from sqlmodel import Session, select"),
        (uses_the_orm, "from sqlalchemy.orm import sessionmaker"),
        (uses_the_orm, "import sqlalchemy.orm"),
        (uses_the_orm, "from sqlalchemy import orm"),
        (uses_the_orm, "sqlmodel.Session(engine)"),
        (opens_a_unit_as_a_block, "with database: pass"),
        (opens_a_unit_as_a_block, "with self._database.write() as unit: pass"),
        (opens_a_unit_as_a_block, "with lock, container.database.read(): pass"),
        (checks_the_environment, "x = 1 if settings.sandbox else 2"),
        (checks_the_environment, "if not self._sandbox: pass"),
        (checks_the_environment, "[x for x in y if sandbox or x]"),
    ],
)
def test_each_rule_detects_its_example(rule: Callable[[ast.AST], bool], text: str) -> None:
    assert any(map(rule, ast.walk(ast.parse(text))))
