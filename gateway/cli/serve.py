"""`gateway serve`: run the server of a deployment."""

import errno
import gc
import socket
from typing import Annotated

import typer
from starlette.applications import Starlette
from uvicorn.importer import import_from_string

from gateway.bootstrap import build
from gateway.cli.addresses import HOST, describe_addresses, local_issuer, warn_about_issuer
from gateway.cli.console import console, fail, require_file
from gateway.services.container import Container
from gateway.settings import read_settings
from gateway.web.connections import BACKLOG
from gateway.web.http_server import Server


def serve(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = HOST,
) -> None:
    """Run the server, and print its address and issuer. Environment variables configure it.

    First: gateway database upgrade. The settings are listed in docs/reference/settings.md. The log is written to
    standard error, one JSON object a line."""
    settings = read_settings()
    require_file(settings.database_url)
    listener = listen(host, port)
    if settings.sandbox and "issuer" not in settings.model_fields_set:
        settings = settings.model_copy(update={"issuer": local_issuer(listener)})
    server = server_for(build(settings))
    console.print(describe_addresses(listener, settings))
    warn_about_issuer(listener, settings)
    server.run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, so that a busy port is an error before anything else is done. Port 0 takes a free one."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            fail(f"Port {port} is in use. Choose another one with --port (with make: PORT=...).")
        reason = "it is not an address of this machine" if isinstance(error, socket.gaierror) else error.strerror
        fail(f"Cannot listen on {host}, port {port}: {reason}.")
    listener.listen(BACKLOG)
    return listener


def server_for(container: Container) -> Server:
    """A server of one process. The application is imported by its name, as by uvicorn's own command line, because
    `gateway.cli` and `gateway.app` do not import each other. No access log is written: it would contain query strings.
    Proxy headers are read only from the trusted proxies of the settings; without one of them, the address of a request
    is that of the connection."""
    app: Starlette = import_from_string("gateway.app:create_app")(container)
    gc.freeze()  # the application stays until the end, so the garbage collector need not search it
    return Server(app, container.settings, container.deadlines)
