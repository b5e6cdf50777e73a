"""The mail client: sends plain-text mails to the operator's mail server (RFC 5321), over verified TLS.

A mail is refused, deferred or accepted. It is refused for good only for what the server says about this recipient or
this mail. Everything else, such as a wrong password or a sender that the server does not accept, is deferred: an
operator can correct it, and no mail is lost meanwhile.
"""

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cached_property
from pathlib import Path

from gateway.kit.smtp_address import Encryption, SmtpServer

STEP_TIMEOUT = 10.0
"""How many seconds the server may take to reply to one command."""

TIME_LIMIT = 30.0
"""How many seconds opening a connection, and sending one mail, may take at most."""

_READY, _CLOSING = 220, 421
_POLICY = SMTP.clone(cte_type="7bit")
"""Every server accepts mails without bytes above 127."""


class MailRefused(Exception):
    """The server will never accept this mail. `code` is its reply code, or a word. The message has no address."""

    def __init__(self, code: str) -> None:
        super().__init__(f"The mail was refused: {code}.")
        self.code = code


class MailDeferred(Exception):
    """The mail was not accepted now. `code` is the reply code, or a word. `is_server` is False if the reason is about
    this mail only, so that another one can be accepted. The message has no address."""

    def __init__(self, code: str, *, is_server: bool) -> None:
        super().__init__(f"The mail was not accepted now: {code}.")
        self.code, self.is_server = code, is_server


@dataclass(frozen=True, slots=True)
class Mail:
    """A plain-text mail. `id` is its Message-ID without brackets, equal each time it is sent. `language` is the value
    of Content-Language."""

    id: str
    recipient: str
    subject: str
    text: str
    language: str
    written_at: datetime


class SmtpClient:
    """Opens connections to the server. `sender` is the sender of all mails. `ca_file` holds certificates of further
    authorities. Raises OSError for a file that cannot be used."""

    def __init__(
        self,
        server: SmtpServer,
        sender: Address,
        ca_file: Path | None = None,
        *,
        step_timeout: float = STEP_TIMEOUT,
        time_limit: float = TIME_LIMIT,
    ) -> None:
        self._server, self._sender, self._ca_file = server, sender, ca_file
        self._step_timeout, self._time_limit = step_timeout, time_limit
        if ca_file is not None:
            self._context  # noqa: B018  # reads the file

    @contextmanager
    def connect(self) -> Iterator["SmtpConnection"]:
        """A connection on which mails can be sent. Raises MailDeferred if it cannot be opened."""
        with _as_deferred():
            smtp = self._open()
        try:
            yield SmtpConnection(smtp, self._sender, self._time_limit)
        finally:
            with suppress(OSError, smtplib.SMTPException), _limited(smtp, min(self._step_timeout, self._time_limit)):
                smtp.quit()
            smtp.close()

    def _open(self) -> smtplib.SMTP:
        server = self._server
        smtp = self._make()
        try:
            with _limited(smtp, self._time_limit):
                code, _ = smtp.connect(server.host, server.port)
                if code != _READY:
                    raise MailDeferred(str(code), is_server=True)
                if server.encryption is Encryption.STARTTLS:
                    smtp.starttls(context=self._context)
                if server.username:
                    smtp.login(server.username, server.password)
                smtp.ehlo_or_helo_if_needed()
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _make(self) -> smtplib.SMTP:
        name, host = self._sender.domain, self._server.host
        if self._server.encryption is Encryption.TLS:
            return _TlsClient(host, local_hostname=name, timeout=self._step_timeout, context=self._context)
        return _Client(host, local_hostname=name, timeout=self._step_timeout)

    @cached_property
    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._ca_file is not None:
            context.load_verify_locations(cafile=self._ca_file)
        return context


class SmtpConnection:
    """An open connection."""

    def __init__(self, smtp: smtplib.SMTP, sender: Address, time_limit: float) -> None:
        self._smtp, self._sender, self._time_limit = smtp, sender, time_limit

    def send(self, mail: Mail) -> None:
        """Returns after the server has accepted the mail. Raises MailRefused and MailDeferred. After a MailDeferred
        about the server the connection cannot be used any more."""
        try:
            message = write_message(mail, self._sender)
        except (ValueError, IndexError):  # a recipient that no header can hold
            raise MailRefused("address") from None
        with _as_deferred(), _limited(self._smtp, self._time_limit):
            try:
                self._smtp.send_message(message, self._sender.addr_spec, [mail.recipient])
            except smtplib.SMTPRecipientsRefused as error:
                raise _reply(next(iter(error.recipients.values()))[0]) from None
            except smtplib.SMTPDataError as error:
                raise _reply(error.smtp_code) from None


def write_message(mail: Mail, sender: Address) -> EmailMessage:
    """Returns the message. Raises ValueError for a header with a line end, so that no value can add a header."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    message["To"] = Address(addr_spec=mail.recipient)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.written_at)
    message["Message-ID"] = f"<{mail.id}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no replies of machines
    message.set_content(mail.text)
    message["Content-Language"] = mail.language
    return message


def _reply(code: int) -> MailRefused | MailDeferred:
    """What a reply about a recipient or a mail means."""
    if code >= 500:
        return MailRefused(str(code))
    return MailDeferred(str(code), is_server=code == _CLOSING)


@contextmanager
def _as_deferred() -> Iterator[None]:
    """Raises failures of the connection and the server as MailDeferred."""
    try:
        yield
    except smtplib.SMTPResponseException as error:  # also a refused sender or password
        raise MailDeferred(str(error.smtp_code), is_server=True) from None
    except smtplib.SMTPNotSupportedError:  # STARTTLS or AUTH
        raise MailDeferred("unsupported", is_server=True) from None
    except ssl.SSLError:
        raise MailDeferred("tls", is_server=True) from None
    except TimeoutError:
        raise MailDeferred("timeout", is_server=True) from None
    except socket.gaierror:
        raise MailDeferred("unresolved", is_server=True) from None
    except (OSError, smtplib.SMTPException):
        raise MailDeferred("connection", is_server=True) from None


@contextmanager
def _limited(smtp: smtplib.SMTP, seconds: float) -> Iterator[None]:
    """Ends the connection after this time, so that a server that sends one byte at a time cannot hold the caller. The
    caller then sees a lost connection, which becomes a TimeoutError."""
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        if smtp.sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(smtp.sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, smtplib.SMTPException) as error:
        if expired.is_set() or isinstance(error.__context__, TimeoutError):  # smtplib hides a timeout
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
    if expired.is_set():  # half a reply can look like a reply
        raise TimeoutError


class _Client(smtplib.SMTP):
    """A client that does not connect when it is made, so that `_limited` can end the connection."""

    def __init__(self, host: str, *, local_hostname: str, timeout: float) -> None:
        super().__init__(local_hostname=local_hostname, timeout=timeout)
        self._host = host  # the name in the certificate


class _TlsClient(smtplib.SMTP_SSL):
    """As `_Client`, with TLS from the first byte on."""

    def __init__(self, host: str, *, local_hostname: str, timeout: float, context: ssl.SSLContext) -> None:
        super().__init__(local_hostname=local_hostname, timeout=timeout, context=context)
        self._host = host
