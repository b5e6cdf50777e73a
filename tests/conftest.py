"""Loads the fixture modules; everything else lives in tests/fixtures and tests/support."""

from hypothesis import HealthCheck, settings

# How busy the machine is says nothing about the code: no deadlines, and no complaint about slow drawing.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

pytest_plugins = [
    "tests.fixtures.clock",
    "tests.fixtures.settings",  # before those that import it
    "tests.fixtures.database",
    "tests.fixtures.secrets",
    "tests.fixtures.server",
    "tests.fixtures.valkey",
]
