"""`gateway sandbox verify`: the score sheet, the reports, exit codes, and errors in one line."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gateway.services.webhooks.certification.certification import CHECKS
from tests.support.authority import Authority
from tests.support.local_server import LocalServer
from tests.support.operators import Gateway
from tests.support.outgoing import respond_with
from tests.support.receiver_variants import VARIANTS
from tests.support.server import free_port
from tests.support.tls_proxy import TlsProxy
from tests.support.webhook_receiver import SECRET, example, serving

KEY = SECRET.removeprefix("whsec_")
TOTAL = len(CHECKS) + 3


@pytest.fixture
def developer(tmp_path: Path) -> Gateway:
    """The command line of a developer without a database."""
    return developer_with(tmp_path)


def developer_with(folder: Path, **settings: str) -> Gateway:
    return Gateway(f"sqlite:///{folder}/none.db", folder, **settings)


@pytest.fixture
def reference(tmp_path: Path) -> Iterator[str]:
    """The URL of the reference receiver."""
    with serving(example.Receiver(tmp_path / "receiver.db", [SECRET])) as url:
        yield url


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[str]:
    """The URL of a receiver that accepts any signature."""
    with serving(VARIANTS["any signature is accepted"].receiver(tmp_path)) as url:
        yield url


def effects_of(url: str) -> str:
    return url.replace("/webhooks", "/effects")


def test_reference_receiver_passes(developer: Gateway, reference: str) -> None:
    output = developer.output("sandbox", "verify", reference, "--secret", SECRET, "--effects", effects_of(reference))
    *lines, summary = output.splitlines()
    assert summary == f"The receiver passes all {TOTAL} checks."
    assert [line.split()[0] for line in lines] == ["passed"] * TOTAL
    assert max(map(len, lines)) <= 80


def test_failed_check_says_what_came_and_what_to_do(developer: Gateway, broken: str) -> None:
    done = developer("sandbox", "verify", broken, "--secret", SECRET)
    assert done.returncode == 1
    assert done.stderr == f"error: The receiver fails 2 of {TOTAL - 1} checks.\n"
    assert max(map(len, done.stdout.splitlines())) <= 80
    at = done.stdout.index("failed   A wrong signature is refused\n")
    assert done.stdout[at:].splitlines()[1:5] == [
        "         expected  4xx",
        "         came      204 for a signature of another secret; 204 for a signature of",
        "                   zeros",
        "         to do     Compute the HMAC of each delivery with your secret, compare",
    ]


def test_reports_are_written_for_a_failed_receiver_too(developer: Gateway, broken: str, tmp_path: Path) -> None:
    junit, markdown = tmp_path / "report.xml", tmp_path / "report.md"
    options = ["--junit", str(junit), "--markdown", str(markdown)]
    assert developer("sandbox", "verify", broken, "--secret", SECRET, *options).returncode == 1
    suite = ElementTree.fromstring(junit.read_text())  # noqa: S314  # our own report
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == (str(TOTAL), "2", "1")
    assert markdown.read_text().count("| failed |") == 2


def test_secret_is_in_no_output(developer: Gateway, reference: str, tmp_path: Path) -> None:
    junit, markdown = tmp_path / "report.xml", tmp_path / "report.md"
    url = f"{reference}/{SECRET}?secret={SECRET}"
    options = ["--effects", f"{reference}?{SECRET}", "--junit", str(junit), "--markdown", str(markdown)]
    done = developer("sandbox", "verify", url, "--secret", SECRET, *options)
    assert done.returncode == 1
    written = [done.stdout, done.stderr, junit.read_text(), markdown.read_text()]
    assert [text for text in written if KEY in text] == []
    assert f"`{reference}/[secret]`" in written[-1]


def test_secret_is_read_from_standard_input(developer: Gateway, reference: str) -> None:
    output = developer.output("sandbox", "verify", reference, "--secret", "-", stdin=f"{SECRET}\n")
    assert output.endswith(f"The receiver passes all {TOTAL - 1} checks.")


def test_receiver_with_tls_needs_a_trusted_certificate(developer: Gateway, reference: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with TlsProxy(authority.server("127.0.0.1"), int(reference.split(":")[2].partition("/")[0])) as proxy:
        url = f"https://127.0.0.1:{proxy.port}/webhooks"
        error = developer.error_line("sandbox", "verify", url, "--secret", SECRET)
        assert error == (
            f"error: {url}: The certificate is not valid for this host, or its authority is not trusted. "
            "Name a file with your authority in GATEWAY_OUTGOING_CA_FILE."
        )
        trusting = developer_with(tmp_path, GATEWAY_OUTGOING_CA_FILE=str(authority.ca_file))
        trusting.output("sandbox", "verify", url, "--secret", SECRET)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://10.1.2.3/hooks", "Connections to this address are not allowed. Plain http works at loopback"),
        ("https://10.1.2.3/hooks", "Connections to this address are not allowed."),
        ("https://shop.invalid/hooks?token=1", "The host of the URL has no address."),
    ],
)
def test_receiver_that_cannot_be_reached_is_one_line(developer: Gateway, url: str, sentence: str) -> None:
    error = developer.error_line("sandbox", "verify", url, "--secret", SECRET)
    assert error.startswith(f"error: {url.partition('?')[0]}: {sentence}")


def test_missing_receiver_is_one_line(developer: Gateway) -> None:
    url = f"http://127.0.0.1:{free_port()}/webhooks"
    error = developer.error_line("sandbox", "verify", url, "--secret", SECRET)
    assert error == f"error: {url}: The connection was refused or lost. Is the receiver running?"


def test_server_of_another_protocol_is_one_line(developer: Gateway) -> None:
    with LocalServer(respond_with(b"220 mail.example ESMTP\r\n")) as server:
        error = developer.error_line("sandbox", "verify", server.url("/hooks"), "--secret", SECRET)
    assert error == f"error: {server.url('/hooks')}: The receiver did not answer with HTTP."


@pytest.mark.parametrize(
    "url", ["", "shop.example", "ftp://a.example/", "https://user:word@a.example/", "https://a.example/#b", "http://é/"]
)
def test_invalid_url_is_one_line(developer: Gateway, url: str) -> None:
    for arguments in ([url], ["http://127.0.0.1/", "--effects", url]):
        error = developer.error_line("sandbox", "verify", *arguments, "--secret", SECRET)
        assert error.endswith(
            "must be an http or https URL without user name and fragment, such as https://shop.example/hooks."
        )
        assert "word" not in error


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", KEY, "whsec_***", "whsec_QUJD", f"whsec_{KEY}{KEY}", "whsec_" + "A" * 91],
    ids=["empty", "no key", "no prefix", "no base64", "short", "padding within", "long"],
)
def test_invalid_secret_is_one_line(developer: Gateway, secret: str) -> None:
    error = developer.error_line("sandbox", "verify", "http://127.0.0.1/", "--secret", secret)
    assert error == "error: --secret must be whsec_ and base64 of 24 to 64 bytes."


def test_report_that_cannot_be_written_is_one_line(developer: Gateway, reference: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing" / "report.xml")
    done = developer("sandbox", "verify", reference, "--secret", SECRET, "--junit", missing)
    assert (done.returncode, done.stderr) == (1, f"error: {missing} cannot be used: No such file or directory.\n")


def test_live_deployment_sends_no_samples(tmp_path: Path, reference: str) -> None:
    live = developer_with(
        tmp_path,
        GATEWAY_ENVIRONMENT="live",
        GATEWAY_ISSUER="https://a.example",
        GATEWAY_ADAPTERS="car_rental",
        GATEWAY_SECRET_KEY=KEY,
        GATEWAY_DATABASE_URL="postgresql://localhost/gateway",
    )
    error = live.error_line("sandbox", "verify", reference, "--secret", SECRET)
    assert error == "error: GATEWAY_ENVIRONMENT is live. Sample events are sent by a sandbox only."
