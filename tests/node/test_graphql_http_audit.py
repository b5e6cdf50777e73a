"""The GraphQL-over-HTTP audits of graphql-http against a live server: no error, no warning."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from gateway.domain.api_version import PATH
from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.graphql_world import AsPrincipal, GraphQLWorld
from tests.support.node import MARKS, NodeProject

pytestmark = MARKS


@pytest.fixture
def url(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[str]:
    """The address of a live endpoint where every request has a user token."""
    with (
        closing(GraphQLWorld(settings.model_copy(update={"database_url": sqlite_url}), clock)) as world,
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


def test_no_audit_fails_or_warns(npm: NodeProject, url: str) -> None:
    done = npm.run("graphql_http_audit.mjs", url)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
