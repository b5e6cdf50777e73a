"""graphql-http's audits of GraphQL over HTTP, against a live server: no error, no warning."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from gateway.settings import Settings
from gateway.web.graphql import PATH
from tests.support.clock import MovableClock
from tests.support.graphql_world import AsPrincipal, graphql_world

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="node and npm are not installed"),
]
HERE = Path(__file__).parent
AUDIT = "graphql_http_audit.mjs"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of this npm project with its locked packages installed."""
    for name in ("package.json", "package-lock.json", AUDIT):
        shutil.copy(HERE / name, tmp_path)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    return tmp_path


@pytest.fixture
def url(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[str]:
    """The address of a live endpoint where every request is a customer's token's."""
    with (
        graphql_world(settings.model_copy(update={"database_url": sqlite_url}), clock) as world,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        app = AsPrincipal(Starlette(routes=[Route(PATH, world.endpoint())]), world.user())
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}{PATH}"
        server.should_exit = True
        thread.join(timeout=20)


def test_no_audit_fails_or_warns(project: Path, url: str) -> None:
    command = ["node", AUDIT, url]
    ran = subprocess.run(command, check=False, cwd=project, capture_output=True, text=True, timeout=120)
    print(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_lock_names_no_host() -> None:
    assert "://" not in (HERE / "package-lock.json").read_text(encoding="utf-8")
