"""Compiled operations against graphql-core's executor: random schemas, documents, variables and failures."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from graphql import DocumentNode, ExecutionResult, execute_sync, parse, validate
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schema.compiled.kept import KeptData
from schema.compiled.reasons import Reason, Unsupported
from tests.support.executions import compiled, described, run_compiled, run_operation
from tests.support.generated_documents import DocumentGenerator
from tests.support.generated_schemas import GeneratedSchema, generate_schema

EXPECTED_REASONS = {Reason.MERGED_CONDITIONS, Reason.NULL_CONDITION, Reason.SIZE}
"""Why the compiler leaves a generated operation to graphql-core. A few are too large."""


def compare(made: GeneratedSchema, random: Random, seen: Counter[Any]) -> None:
    """Executes one random operation by both executors."""
    generator = DocumentGenerator(random, made.schema)
    text = generator.document()
    document = parse(text)
    if validate(made.schema, document, max_errors=1):
        seen["invalid"] += 1
        return
    variables = dict(generator.values)
    if variables and random.random() < 0.05:
        variables[random.choice(sorted(variables))] = random.choice([None, "wrong", {}, []])
    made.calls.failures = random.choice([0.0, 0.03, 0.15, 0.4])
    made.calls.log = []
    expected = execute_sync(made.schema, document, made.root(), "context", variables, hide_suggestions=True)
    expected_calls, made.calls.log = made.calls.log, []
    try:
        result = run_compiled(made.schema, document, variables, "context", made.root())
    except Unsupported as unsupported:
        reason: Reason | None = unsupported.reason
    else:
        reason = None
    if reason:
        assert reason in EXPECTED_REASONS, text
        assert made.calls.log == [], "a resolver ran before the operation was given to graphql-core"
        seen[reason] += 1
        return
    assert described(result) == described(expected), (text, variables)
    assert made.calls.log == expected_calls, (text, variables)
    compare_with_kept_data(made, document, variables, expected, seen)
    seen["compiled"] += 1
    seen["with errors"] += bool(result.errors)


def compare_with_kept_data(
    made: GeneratedSchema, document: DocumentNode, variables: dict[str, Any], expected: ExecutionResult, seen: Any
) -> None:
    """Executes a compiled operation twice. The second execution finds the data that the first has kept."""
    operation, calls = compiled(made.schema, document, KeptData()), []
    for _ in range(2):
        made.calls.log = []
        result = run_operation(operation, variables, "context", made.root())
        assert described(result) == described(expected), variables
        calls.append(len(made.calls.log))
    seen["with kept data"] += calls[1] < calls[0]


def check(schemas: int, documents: int, *, reads_values: bool = False) -> Counter[Any]:
    """Compares this many random operations of each of `schemas` random schemas. Returns what they were."""
    seen: Counter[Any] = Counter()

    @settings(
        max_examples=schemas,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**63))
    def compare_all(seed: int) -> None:
        random = Random(seed)
        made = generate_schema(random, reads_values=reads_values)
        for _ in range(documents):
            compare(made, random, seen)

    compare_all()
    return seen


@pytest.mark.slow
def test_generated_operations_have_equal_results() -> None:
    seen = check(40, 10)
    assert seen["compiled"] > 200
    assert seen["with errors"] > 60


def test_generated_operations_have_equal_results_with_kept_data() -> None:
    seen = check(20, 10, reads_values=True)
    assert seen["with kept data"] > 3


@pytest.mark.slow
def test_20000_generated_operations_have_equal_results() -> None:
    counts = check(1000, 30)
    assert counts["compiled"] >= 20_000
    assert counts[Reason.SIZE] <= 30, "of 30,000"


@pytest.mark.slow
def test_many_generated_operations_have_equal_results_with_kept_data() -> None:
    assert check(100, 30, reads_values=True)["with kept data"] > 100
