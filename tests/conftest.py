"""Loads the fixture modules. Everything else is in tests/fixtures and tests/support."""

from hypothesis import HealthCheck, settings

# A busy machine must not fail a test: no deadlines, and no health check for slow drawing.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

pytest_plugins = [
    "tests.fixtures.clock",
    "tests.fixtures.settings",  # before the modules that import it
    "tests.fixtures.database",
    "tests.fixtures.secrets",
    "tests.fixtures.server",
    "tests.fixtures.valkey",
]
