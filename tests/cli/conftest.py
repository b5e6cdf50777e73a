"""A command reads its database by address. What the databases do differently is tested floor by floor; so PostgreSQL's
turn at the command line comes with the long rounds."""

from typing import Any

import pytest

from tests.fixtures.database import KINDS


@pytest.fixture(params=[kind if kind == "sqlite" else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS])
def database_url(request: pytest.FixtureRequest) -> Any:
    """The address of a migrated database, on SQLite, and in the long rounds on PostgreSQL."""
    return request.getfixturevalue(f"{request.param}_url")
