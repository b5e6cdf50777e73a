"""The address of a mail server and of a sender."""

import pytest

from gateway.kit.smtp_address import Encryption, SmtpServer, read_mailbox, read_smtp_url


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtps://mail.example", SmtpServer("mail.example", 465, Encryption.TLS)),
        ("smtp://mail.example", SmtpServer("mail.example", 587, Encryption.STARTTLS)),
        ("smtp://mail.example:25/", SmtpServer("mail.example", 25, Encryption.STARTTLS)),
        ("smtp://localhost:25", SmtpServer("localhost", 25, Encryption.NONE)),
        ("smtp://127.0.0.1:25", SmtpServer("127.0.0.1", 25, Encryption.NONE)),
        ("smtp://[::1]:25", SmtpServer("::1", 25, Encryption.NONE)),
        ("smtp://127.0.0.1.example:25", SmtpServer("127.0.0.1.example", 25, Encryption.STARTTLS)),
        ("smtp://192.0.2.1", SmtpServer("192.0.2.1", 587, Encryption.STARTTLS)),
        ("smtps://127.0.0.1", SmtpServer("127.0.0.1", 465, Encryption.TLS)),
        ("smtps://us%40er:p%3A%2F@mail.example", SmtpServer("mail.example", 465, Encryption.TLS, "us@er", "p:/")),
    ],
)
def test_url_is_read(url: str, server: SmtpServer) -> None:
    assert read_smtp_url(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://:587",
        "smtp://user@mail.example",
        "smtp://:secret@mail.example",
        "smtp://user:sec%0D%0Aret@mail.example",
        "smtp://mail.example:0",
        "smtp://mail.example:99999",
        "smtp://mail.example:x",
        "smtp://mail.example/secret",
        "smtp://mail.example?secret",
        "smtp://mail.example#secret",
        "smtp://mail.example\r\n",
        "smtp://[::1",
        "smtp://mäil.example",
        "smtp://mail .example",
    ],
)
def test_other_url_is_refused_without_naming_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|has)") as refused:
        read_smtp_url(url)
    assert "secret" not in str(refused.value)


def test_password_is_not_shown() -> None:
    assert "secret" not in repr(read_smtp_url("smtps://user:secret@mail.example"))


@pytest.mark.parametrize(
    ("text", "name", "spec"),
    [
        ("notices@gateway.example", "", "notices@gateway.example"),
        ("Sesame <notices@gateway.example>", "Sesame", "notices@gateway.example"),
        ('"Sesame, Inc." <notices@gateway.example>', "Sesame, Inc.", "notices@gateway.example"),
        ("芝麻 <notices@gateway.example>", "芝麻", "notices@gateway.example"),
    ],
)
def test_mailbox_is_read(text: str, name: str, spec: str) -> None:
    address = read_mailbox(text)
    assert (address.display_name, address.addr_spec) == (name, spec)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "notices",
        "@gateway.example",
        "notices@",
        "notices@gateway.example\r\nBcc: a@b.example",
        "Sesame\n <notices@gateway.example>",
        "Sesame <notices@gateway.example",
        "Sesame <notices@gateway.example> more",
        "Sesame notices@gateway.example>",
        "nötices@gateway.example",
        "a@b.example, c@d.example",
    ],
)
def test_other_mailbox_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be an ASCII email address"):
        read_mailbox(text)
