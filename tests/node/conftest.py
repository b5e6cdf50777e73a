"""The npm project of these tests. The first worker installs the locked packages, once per session."""

import fcntl
from pathlib import Path

import pytest

from tests.support.node import NodeProject

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "docs" / "examples"


@pytest.fixture(scope="session")
def npm(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> NodeProject:
    """A folder with the scripts of tests/node and docs/examples, and the packages that they import."""
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent  # each worker has its own folder in it
    project = shared / "npm"
    with (shared / "npm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not project.exists():
            files = [HERE / "package.json", HERE / "package-lock.json", *HERE.glob("*.mjs"), *EXAMPLES.glob("*.mjs")]
            return NodeProject.install(project, files)
    return NodeProject(project)
