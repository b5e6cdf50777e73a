"""The mail client, over a real SMTP server: TLS, logins, replies, slow and dead servers, and headers."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from email.headerregistry import Address
from pathlib import Path

import pytest

from gateway.kit.smtp import Mail, MailDeferred, MailRefused, SmtpClient
from gateway.kit.smtp_address import Encryption, SmtpServer
from tests.support.authority import Authority
from tests.support.clock import NOON
from tests.support.mail_server import MailServer, SilentServer, always

SENDER = Address("芝麻 Sesame", addr_spec="notices@gateway.example")
MAIL = Mail(
    id="ntc_1@gateway.example",
    recipient="mei@example.com",
    subject="您的异议已裁定",
    text="您对 Green Cars 提出的异议已裁定。\n.\nhttps://gateway.example/account/inbox\n",
    language="zh",
    written_at=NOON,
)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def client(
    port: int,
    encryption: Encryption = Encryption.NONE,
    ca_file: Path | None = None,
    *,
    host: str = "127.0.0.1",
    login: tuple[str, str] = ("", ""),
    step_timeout: float = 10,
    time_limit: float = 10,
) -> SmtpClient:
    server = SmtpServer(host, port, encryption, *login)
    return SmtpClient(server, SENDER, ca_file, step_timeout=step_timeout, time_limit=time_limit)


def send(smtp: SmtpClient, mail: Mail = MAIL) -> None:
    with smtp.connect() as connection:
        connection.send(mail)


def deferred(smtp: SmtpClient, mail: Mail = MAIL) -> tuple[str, bool]:
    """Sends a mail that is deferred. Returns the code, and whether the reason is the server."""
    with pytest.raises(MailDeferred) as raised:
        send(smtp, mail)
    error: BaseException | None = raised.value
    while error is not None:
        assert "mei@example.com" not in str(error)
        assert "secret" not in str(error)
        error = error.__cause__
    return raised.value.code, raised.value.is_server


def test_mail_arrives_with_its_headers_and_text(server: MailServer) -> None:
    send(client(server.port))
    ((sender, recipients, message),) = server.received
    assert (sender, recipients) == ("notices@gateway.example", ["mei@example.com"])
    assert {name: str(message[name]) for name in message if name not in {"MIME-Version", "Content-Type"}} == {
        "From": "芝麻 Sesame <notices@gateway.example>",
        "To": "mei@example.com",
        "Subject": "您的异议已裁定",
        "Date": "Mon, 23 Nov 2026 12:00:00 +0000",
        "Message-ID": "<ntc_1@gateway.example>",
        "Content-Language": "zh",
        "Auto-Submitted": "auto-generated",
        "Content-Transfer-Encoding": "base64",
    }
    assert message.get_content().replace("\r\n", "\n") == MAIL.text
    assert message.get_content_type() == "text/plain"


def test_several_mails_take_one_connection(server: MailServer) -> None:
    with client(server.port).connect() as connection:
        for number in range(3):
            connection.send(replace(MAIL, id=f"{number}@gateway.example"))
    assert (len(server.mails), server.connections) == (3, 1)


@pytest.mark.parametrize("encryption", [Encryption.TLS, Encryption.STARTTLS])
@pytest.mark.parametrize("login", [None, ("notices", "sec ret:%@")])
def test_mail_is_sent_over_verified_tls(
    authority: Authority, encryption: Encryption, login: tuple[str, str] | None
) -> None:
    context = authority.server("localhost")
    options = {"tls": context} if encryption is Encryption.TLS else {"starttls": context}
    with MailServer(login=login, **options) as server:
        send(client(server.port, encryption, authority.ca_file, host="localhost", login=login or ("", "")))
    assert len(server.mails) == 1


@pytest.mark.parametrize("encryption", [Encryption.TLS, Encryption.STARTTLS])
@pytest.mark.parametrize("problem", ["unknown authority", "other name", "expired"])
def test_certificate_that_is_not_valid_is_not_accepted(
    authority: Authority, tmp_path: Path, encryption: Encryption, problem: str
) -> None:
    context = authority.server("other.test" if problem == "other name" else "localhost", expired=problem == "expired")
    ca_file = Authority(tmp_path).ca_file if problem == "unknown authority" else authority.ca_file
    options = {"tls": context} if encryption is Encryption.TLS else {"starttls": context}
    with MailServer(login=("notices", "secret"), **options) as server:
        smtp = client(server.port, encryption, ca_file, host="localhost", login=("notices", "secret"))
        assert deferred(smtp) == ("tls", True)
    assert server.mails == []


def test_server_without_starttls_gets_nothing(server: MailServer) -> None:
    assert deferred(client(server.port, Encryption.STARTTLS, login=("notices", "secret"))) == ("unsupported", True)
    assert server.mails == []


def test_wrong_password_is_a_failure_of_the_server() -> None:
    with MailServer(login=("notices", "secret")) as server:
        assert deferred(client(server.port, login=("notices", "not the secret"))) == ("535", True)


def test_refused_sender_is_a_failure_of_the_server(server: MailServer) -> None:
    server.on_sender = always("553 We do not know this sender")
    assert deferred(client(server.port)) == ("553", True)


@pytest.mark.parametrize("at", ["on_recipient", "on_data"])
def test_mail_is_refused_for_good_by_a_reply_from_500_on(server: MailServer, at: str) -> None:
    setattr(server, at, always("550 mei@example.com does not exist"))
    with pytest.raises(MailRefused, match=r"^The mail was refused: 550\.$") as refused:
        send(client(server.port))
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("at", ["on_recipient", "on_data"])
def test_mail_is_deferred_by_a_reply_from_400_on_and_the_next_is_sent(server: MailServer, at: str) -> None:
    setattr(server, at, lambda address: "250 OK" if address == "bo@example.com" else "451 Come again")
    with client(server.port).connect() as connection:
        with pytest.raises(MailDeferred) as raised:
            connection.send(MAIL)
        connection.send(replace(MAIL, recipient="bo@example.com"))
    assert (raised.value.code, raised.value.is_server) == ("451", False)
    assert [str(mail["To"]) for mail in server.mails] == ["bo@example.com"]


def test_server_that_closes_is_the_reason(server: MailServer) -> None:
    server.on_recipient = always("421 Closing")
    assert deferred(client(server.port)) == ("421", True)


def test_dead_server_is_noticed_and_used_again_later(server: MailServer) -> None:
    server.stop()
    assert deferred(client(server.port)) == ("connection", True)
    server.start()
    send(client(server.port))
    assert len(server.mails) == 1


def test_unknown_host_is_noticed() -> None:
    assert deferred(client(25, host="mail.invalid")) == ("unresolved", True)


def test_busy_server_is_noticed() -> None:
    with SilentServer(lambda connection: connection.sendall(b"554 Not now\r\n")) as server:
        assert deferred(client(server.port)) == ("554", True)


def test_server_that_says_nothing_is_given_up() -> None:
    with SilentServer() as server:
        assert deferred(client(server.port, step_timeout=0.2)) == ("timeout", True)


def test_server_that_replies_one_byte_at_a_time_is_given_up() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"220 mail.test\r\n")
        while True:
            connection.sendall(b"2")
            time.sleep(0.05)

    with SilentServer(drip) as server:
        begun = time.monotonic()
        assert deferred(client(server.port, time_limit=0.5)) == ("timeout", True)
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_header_with_a_line_end_sends_nothing(server: MailServer, ending: str) -> None:
    injected = f"x{ending}Bcc: eve@example.com"
    for mail in (
        replace(MAIL, subject=injected),
        replace(MAIL, recipient=f"mei@example.com{ending}Bcc: eve@example.com"),
        replace(MAIL, id=injected),
        replace(MAIL, language=injected),
    ):
        with pytest.raises(MailRefused, match="address"):
            send(client(server.port), mail)
    assert server.mails == []


def test_ca_file_is_read_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        client(25, ca_file=tmp_path / "none.pem")
