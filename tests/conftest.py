"""Loads the fixture modules. Everything else is in tests/fixtures and tests/support."""

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

from tests.support.memory import memory_folder

# A busy machine must not fail a test: no deadlines, and no health check for slow drawing.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

# Without this and `gc.freeze` the garbage collector takes a quarter of the processor time.
gc.set_threshold(50_000, 20, 20)

# The folders of `tmp_path` are in memory: each SQLite database that a test opens and closes would wait for the disk.
if (memory := memory_folder()) is not None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))

pytest_plugins = [
    "tests.fixtures.clock",
    "tests.fixtures.settings",  # before the modules that import it
    "tests.fixtures.database",
    "tests.fixtures.demo",
    "tests.fixtures.secrets",
    "tests.fixtures.server",
    "tests.fixtures.valkey",
]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the files with long tests first, so that no worker runs one of them alone at the end."""
    slow_files = {item.path for item in items if any(map(item.get_closest_marker, ("slow", "browser", "node")))}
    items.sort(key=lambda item: item.path not in slow_files)


def pytest_collection_finish() -> None:
    """Lets the garbage collector search only what the tests make: modules and collected tests stay until the end."""
    gc.collect()
    gc.freeze()
