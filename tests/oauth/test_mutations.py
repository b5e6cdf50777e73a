"""Each mutation still applies to the source, and tests fail for a few of them, different ones each day."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.oauth.mutations import Mutation, copy_checkout, find_failing_test, mutations

ALL = list(mutations())
PER_DAY = 5


def test_every_mutation_applies() -> None:
    assert len(ALL) >= 40
    assert [f"{m.file}: {m.name}" for m in ALL if not m.applies] == []


def test_mutations_are_different() -> None:
    assert len({(m.file, m.old, m.new) for m in ALL}) == len(ALL)
    assert all(m.old != m.new for m in ALL)
    assert all(Path(test).is_file() for m in ALL for test in m.tests)


def select_for_today() -> list[Mutation]:
    day = datetime.now(UTC).toordinal()
    return [ALL[(day * PER_DAY + step) % len(ALL)] for step in range(PER_DAY)]


@pytest.mark.slow
def test_broken_rules_fail_a_test(tmp_path: Path) -> None:
    tree = copy_checkout(tmp_path)
    assert [m.name for m in select_for_today() if find_failing_test(m, tree) is None] == []
