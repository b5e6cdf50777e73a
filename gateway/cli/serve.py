"""`gateway serve`: the server of a deployment that an operator has set up."""

import errno
import socket
from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette
from uvicorn.importer import import_from_string

from gateway.bootstrap import build
from gateway.cli.console import fail
from gateway.services.container import Container
from gateway.settings import read_settings

HOST = "127.0.0.1"


def serve(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = HOST,
) -> None:
    """Serve the deployment that the environment's settings describe."""
    listener = listen(host, port)
    server_for(build(read_settings())).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A bound socket, so that a busy port is found out before anything else is done. Port 0 takes a free one."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            fail(f"Port {port} is in use. Stop what listens there, or choose another: make run PORT={port + 1}")
        fail(f"Cannot listen on {host}:{port}: {error.strerror}.")
    listener.listen(128)
    return listener


def server_for(container: Container) -> uvicorn.Server:
    """A server of one process. The application is found by its name, as uvicorn's own command line would find it:
    entries do not import each other. No access log: it would hold query strings. No proxy's headers are believed but
    those of the settings' trusted ones: otherwise the address of a request is that of who connects."""
    proxies = list(container.settings.trusted_proxies)
    app: Starlette = import_from_string("gateway.app:create_app")(container)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            timeout_graceful_shutdown=5,
        )
    )
