"""Each mutation still applies to the source, and a handful, another each day, is still noticed."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.oauth.mutations import Mutation, copied, mutations, noticed_by

ALL = list(mutations())
HANDFUL = 5


def test_every_mutation_applies() -> None:
    assert len(ALL) >= 40
    assert [f"{m.file}: {m.name}" for m in ALL if not m.applies] == []


def test_each_breaks_a_rule_of_its_own() -> None:
    assert len({(m.file, m.old, m.new) for m in ALL}) == len(ALL)
    assert all(m.old != m.new for m in ALL)
    assert all(Path(test).is_file() for m in ALL for test in m.tests)


def today() -> list[Mutation]:
    day = datetime.now(UTC).toordinal()
    return [ALL[(day * HANDFUL + step) % len(ALL)] for step in range(HANDFUL)]


@pytest.mark.slow
def test_a_broken_rule_is_noticed(tmp_path: Path) -> None:
    tree = copied(tmp_path)
    assert [m.name for m in today() if noticed_by(m, tree) is None] == []
