"""A real SMTP server on a thread (aiosmtpd), with or without TLS, whose replies tests choose."""

import asyncio
import email
import socket
import ssl
import threading
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Any, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

OK = "250 OK"
Reply = Callable[[str], str]
"""Takes the address of a recipient. Returns the reply of the server."""


def always(reply: str) -> Reply:
    """The same reply for each recipient."""
    return lambda _: reply


class MailServer:
    """Use it as a context manager, or call `start` and `stop`: it can start again on the same port. `received` has the
    accepted mails with their envelopes. `tls` is the context of a server with TLS from the first byte on, `starttls`
    that of one which requires STARTTLS. `login` is the user name and password that it requires."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
    ) -> None:
        self._tls, self._starttls, self._login = tls, starttls, login
        self.on_sender: Reply = always(OK)
        self.on_recipient: Reply = always(OK)
        self.on_data: Reply = always(OK)
        self.received: list[tuple[str, list[str], EmailMessage]] = []
        self.connections = 0
        with socket.create_server(("127.0.0.1", 0)) as unused:
            self.port: int = unused.getsockname()[1]
        self._protocols: list[SMTP] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def url(self, login: str = "", scheme: str = "smtp") -> str:
        return f"{scheme}://{login}127.0.0.1:{self.port}"

    @property
    def requires_login(self) -> bool:
        return self._login is not None

    @property
    def mails(self) -> list[EmailMessage]:
        return [message for _, _, message in self.received]

    def start(self) -> None:
        started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)), daemon=True)
        self._thread.start()
        assert started.wait(10)

    def stop(self) -> None:
        """Ends the server and all its connections."""
        if self._loop is None or self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)
        self._loop = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _serve(self, started: threading.Event) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(self._protocol, "127.0.0.1", self.port, ssl=self._tls)
        started.set()
        await self._stopped.wait()
        server.close()
        for protocol in self._protocols:
            if isinstance(protocol.transport, asyncio.Transport):
                protocol.transport.abort()
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()
        await asyncio.sleep(0.01)  # closes the connections

    def _protocol(self) -> SMTP:
        self.connections += 1
        protocol = SMTP(
            _Handler(self),
            hostname="mail.test",
            tls_context=self._starttls,
            require_starttls=self._starttls is not None,
            auth_require_tls=False,
            authenticator=self._authenticate,
            loop=self._loop,
        )
        self._protocols.append(protocol)
        return protocol

    def _authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _kind: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login.decode(), data.password.decode()) == self._login, handled=False)


class _Handler:
    """The handler that aiosmtpd calls by the names of the commands."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_MAIL(  # noqa: N802  # the name that aiosmtpd calls
        self, _smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._server.requires_login and not session.authenticated:
            return "530 Authentication required"
        reply = self._server.on_sender(address)
        if reply.startswith("250"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply

    async def handle_RCPT(  # noqa: N802
        self, _smtp: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self._server.on_recipient(address)
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return reply

    async def handle_DATA(self, _smtp: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        reply = self._server.on_data(envelope.rcpt_tos[0])
        if reply.startswith("250"):
            content = cast("bytes", envelope.content)
            message = email.message_from_bytes(content, policy=default)
            self._server.received.append((envelope.mail_from or "", list(envelope.rcpt_tos), message))
        return reply


class SilentServer:
    """A server that accepts connections. `say` is called with each, on a thread of its own; by default it says
    nothing."""

    def __init__(self, say: Callable[[socket.socket], None] = lambda _: None) -> None:
        self._say, self._open = say, list[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._run, args=[connection], daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        try:
            self._say(connection)
        except OSError:
            return
