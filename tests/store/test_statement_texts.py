"""The text of a statement is the same in every process, so that PostgreSQL shares its plans and statistics."""

import os
import subprocess
import sys

import pytest

PRINT = """
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.elements import ClauseElement
from gateway.store.tables import MODULES
statements = [value for module in MODULES for value in vars(module).values() if isinstance(value, ClauseElement)]
for statement in statements:
    compiled = statement.compile(dialect=postgresql.dialect())
    print(compiled, [(name, value) for name, value in compiled.params.items()])
"""


@pytest.mark.slow
def test_h10_statements_are_the_same_in_every_process() -> None:
    """The order of a set of texts differs between processes."""
    texts = {
        subprocess.run(
            [sys.executable, "-c", PRINT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(texts) == 1
    assert "decisions" in texts.pop()
