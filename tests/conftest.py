"""Loads the fixture modules; everything else lives in tests/fixtures and tests/support."""

pytest_plugins = [
    "tests.fixtures.clock",
    "tests.fixtures.database",
    "tests.fixtures.server",
    "tests.fixtures.settings",
]
