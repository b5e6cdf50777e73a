"""Notices as mails, over the operator's mail server."""

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.kit.smtp import Mail, MailDeferred, MailRefused, SmtpClient, SmtpConnection
from gateway.services.notices.outward import Deferred, Letter, Refused


class MailOutward:
    """Sends each letter as a mail to the person's email address. `domain` is the right part of Message-IDs."""

    name, needs_address = "mail", True

    def __init__(self, client: SmtpClient, domain: str) -> None:
        self._client, self._domain = client, domain

    @contextmanager
    def connect(self) -> Iterator["MailChannel"]:
        """Opens a connection to the mail server. Raises Deferred."""
        with _translating(), self._client.connect() as connection:
            yield MailChannel(connection, self._domain)


class MailChannel:
    """An open connection to the mail server."""

    def __init__(self, connection: SmtpConnection, domain: str) -> None:
        self._connection, self._domain = connection, domain

    def send(self, letter: Letter) -> None:
        """Returns when the mail server has accepted the mail. Raises Refused and Deferred."""
        recipient = letter.recipient
        mail = Mail(
            id=f"{letter.notice.id}@{self._domain}",
            recipient=recipient.email or "",
            subject=letter.text.title,
            text=letter.text.body,
            language=recipient.language,
            written_at=letter.notice.created_at,
        )
        with _translating():
            self._connection.send(mail)


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except MailRefused as refused:
        raise Refused(refused.code) from None
    except MailDeferred as deferred:
        raise Deferred(deferred.code, is_receiver=deferred.is_server) from None
