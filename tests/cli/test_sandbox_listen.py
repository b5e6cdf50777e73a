"""`gateway sandbox listen`: lines of events, forwarding, connecting again, and errors in one line."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.events import Topic
from gateway.web.event_stream.endpoint import MOST_PER_MERCHANT
from tests.fixtures.server import copy_seeded
from tests.support.event_streams import Listener, Stream, merchant_of, write_events
from tests.support.local_server import LocalServer, http_response
from tests.support.merchant_client import MerchantClient, car
from tests.support.operators import Gateway
from tests.support.outgoing import respond_with
from tests.support.partner_time import until
from tests.support.server import Sandbox, free_port
from tests.support.webhook_receiver import SECRET, example, serving
from tests.support.webhook_world import Receiver, status

OTHER_SECRET = "whsec_c2FtcGxlLXNlY3JldC1vZi0zMi1ieXRlcy0xMjM0NTY="  # the one of docs/webhooks.md
CLAIM_WITHDRAWN = Topic.DECISION_CLAIM_WITHDRAWN


@pytest.fixture(scope="module")
def server(seeded_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox at a port that it keeps when it is started again."""
    folder = tmp_path_factory.mktemp("listened")
    with Sandbox(copy_seeded(seeded_folder, folder), folder, free_port()) as sandbox:
        yield sandbox


@pytest.fixture
def listen(server: Sandbox, tmp_path: Path) -> Callable[..., Listener]:
    """Starts the command for the demo's hotel."""

    def listen(*options: str) -> Listener:
        file = str(server.folder / "credentials.json")
        return Listener(tmp_path, "--credentials", file, "--merchant", "hotel", *options)

    return listen


@pytest.fixture
def write(server: Sandbox) -> Callable[..., list[str]]:
    """Writes events for the demo's hotel, and returns their ids."""
    merchant_id, _ = merchant_of(server, "hotel")
    return lambda number, *topic: write_events(server.database_url, merchant_id, number, *topic)


@pytest.fixture
def developer(tmp_path: Path) -> Gateway:
    """The command line of a developer without a database."""
    return Gateway(f"sqlite:///{tmp_path}/none.db", tmp_path)


def documents(listener: Listener, number: int) -> list[dict[str, Any]]:
    return [json.loads(line) for line in listener.wait_for_lines(number)]


def test_reference_receiver_accepts_forwarded_events(
    server: Sandbox, listen: Callable[..., Listener], tmp_path: Path
) -> None:
    receiver, merchant = example.Receiver(tmp_path / "receiver.db", [SECRET]), MerchantClient(server, "car_rental")
    file = str(server.folder / "credentials.json")
    with closing(merchant), serving(receiver) as url:
        options = ["--credentials", file, "--merchant", "car_rental", "--forward", url, "--secret", SECRET]
        with Listener(tmp_path, *options) as listener:
            decision = merchant.request(merchant.token(), car())["decision"]
            merchant.release(decision)
            lines = listener.wait_for_lines(4)
            assert [line.split()[1:2] + line.split()[3:5] for line in lines] == [
                ["consent.granted", "1", "204"],
                ["decision.approved", "1", "204"],
                ["consent.first_used", "2", "204"],
                ["decision.cancelled", "2", "204"],
            ]
            assert listener.interrupt() == 130
        assert sorted(receiver.effects().values()) == [1, 1, 1, 1]
        assert SECRET not in listener.notes


def test_secret_is_made_and_printed_once(
    listen: Callable[..., Listener], write: Callable[..., list[str]], tmp_path: Path
) -> None:
    receiver = example.Receiver(tmp_path / "receiver.db", [SECRET])
    with serving(receiver) as url, listen("--forward", url, "--json") as listener:
        accepting = example.Receiver(tmp_path / "receiver.db", [listener.secret])
        receiver.keys = accepting.keys
        write(2)
        assert [each["forward"]["status"] for each in documents(listener, 2)] == [204, 204]
    assert listener.notes.count("whsec_") == 1
    assert "whsec_" not in "".join(listener.lines)


def test_lines_fit_80_columns(listen: Callable[..., Listener], write: Callable[..., list[str]]) -> None:
    with listen() as plain:
        write(1, CLAIM_WITHDRAWN)
        (line,) = plain.wait_for_lines(1)
    moment, topic, subject, sequence = line.split()
    assert (topic, subject[:9], len(subject), sequence) == ("decision.claim_withdrawn", "dec_test_", 35, "1")
    assert re.fullmatch(r"\d\d:\d\d:\d\d", moment)
    assert len(line) <= 80


def test_rejected_signature_is_explained_once(
    listen: Callable[..., Listener], write: Callable[..., list[str]], tmp_path: Path
) -> None:
    with (
        serving(example.Receiver(tmp_path / "receiver.db", [OTHER_SECRET])) as url,
        listen("--forward", url) as listener,
    ):
        write(2, CLAIM_WITHDRAWN)
        lines = until(lambda: listener.lines, lambda lines: "400" in lines[-1] and len(lines) > 2 if lines else False)
    text = " ".join(" ".join(lines).split())
    assert text.count("Most likely the signature. Check that the receiver has the secret of this command") == 1
    assert 'It answered: {"error": "no signature is valid"}' in text
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (status(302, Location="/elsewhere"), "Redirects are not followed."),
        (status(404), "Check the path of --forward."),
        (
            http_response(b"a \x1b[31m" + SECRET.encode(), 500),
            "Its log has the reason. It answered: a \ufffd[31m[secret]",
        ),
        (status(418), "A receiver must answer 2xx."),
    ],
    ids=["redirect", "path", "error", "other"],
)
def test_refused_event_is_explained(
    listen: Callable[..., Listener], write: Callable[..., list[str]], answer: bytes, sentence: str
) -> None:
    options = ["--secret", SECRET, "--json"]
    with Receiver(lambda _: answer) as receiver, listen("--forward", receiver.url(), *options) as listener:
        write(1)
        (document,) = documents(listener, 1)
    assert sentence in document["forward"]["explanation"]
    assert receiver.events == [document["id"]]


def test_missing_receiver_is_explained(listen: Callable[..., Listener], write: Callable[..., list[str]]) -> None:
    with listen("--forward", f"http://127.0.0.1:{free_port()}/", "--json") as listener:
        write(1)
        (document,) = documents(listener, 1)
    assert document["forward"]["status"] is None
    assert document["forward"]["explanation"] == "The connection was refused or lost. Is the receiver running?"


def test_topics_and_since_select_events(listen: Callable[..., Listener], write: Callable[..., list[str]]) -> None:
    since = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    write(1)
    wanted = write(2, CLAIM_WITHDRAWN)
    with listen("--since", since, "--topic", "decision.claim_withdrawn", "--json") as listener:
        shown = documents(listener, 2)
    assert [each["id"] for each in shown] == wanted
    assert shown[0]["body"]["type"] == shown[0]["topic"] == "decision.claim_withdrawn"
    assert shown[0]["forward"] is None


def test_nothing_is_lost_when_the_server_is_killed(
    server: Sandbox, listen: Callable[..., Listener], write: Callable[..., list[str]]
) -> None:
    with listen("--json") as listener:
        written = write(3)
        documents(listener, 3)
        server.kill()
        until(lambda: listener.notes, lambda text: "The connection was lost. Connecting again." in text)
        written += write(3)
        server.start()
        written += write(3)
        assert [each["id"] for each in documents(listener, 9)] == written
    assert listener.notes.count("Connecting again.") == listener.notes.count("Connected again.") == 1


@pytest.mark.slow
def test_revoked_token_ends_the_command(server: Sandbox, tmp_path: Path) -> None:
    with closing(MerchantClient(server, "hotel")) as merchant:
        token = merchant.app.merchant_token().json()["access_token"]
        options = ["--url", str(server.credentials["issuer"])]
        with Listener(tmp_path, *options, GATEWAY_MERCHANT_TOKEN=token) as listener:
            merchant.app.revoke(token)
            assert listener.process.wait(timeout=20) == 1
    assert "error: The token is not valid: it has expired, was revoked, or is bound to a key." in listener.notes
    assert "warning" not in listener.notes
    assert token not in listener.notes


def error_at(developer: Gateway, server: Sandbox, *options: str, stdin: str = "") -> str:
    return developer.error_line("sandbox", "listen", "--url", server.credentials["issuer"], *options, stdin=stdin)


def test_token_without_the_scope_is_one_line(developer: Gateway, server: Sandbox) -> None:
    with closing(MerchantClient(server, "hotel")) as merchant:
        token = merchant.app.merchant_token(scope="decisions:read").json()["access_token"]
    assert error_at(developer, server, "--token", "-", stdin=token) == (
        "error: The token needs the scope webhooks:manage, of a merchant token."
    )


def test_too_many_streams_are_one_line(developer: Gateway, server: Sandbox) -> None:
    _, token = merchant_of(server, "lender")
    streams = [Stream(str(server.credentials["issuer"]), token).start() for _ in range(MOST_PER_MERCHANT)]
    error = error_at(developer, server, "--token", "-", stdin=token)
    for each in streams:
        each.close()
    assert error == "error: The merchant has 5 open streams. End one of them first."


def test_unknown_merchant_is_one_line(developer: Gateway, server: Sandbox) -> None:
    file = str(server.folder / "credentials.json")
    error = error_at(developer, server, "--credentials", file, "--merchant", "florist")
    assert error.startswith("error: The file has no merchant with the adapter 'florist'. It has: ")


def test_missing_server_is_one_line(developer: Gateway) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    error = developer.error_line("sandbox", "listen", "--url", url, "--token", "x")
    assert error == f"error: No server answers at {url}. Is the sandbox running? To start one: gateway sandbox up"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (http_response(b"<p>hello"), "/webhooks/stream answered with HTTP 200. Is it a sandbox of this version?"),
        (status(404), "/webhooks/stream answered with HTTP 404. Is it a sandbox of this version?"),
        (status(502), " answered with HTTP 502."),
        (b"220 mail.example ESMTP\r\n", " did not answer as a sandbox does."),
        (
            http_response(b"id: 1\ndata: x\n\n", headers=[("Content-Type", "text/event-stream")]),
            " sent an event that is not one. Is it a sandbox of this version?",
        ),
        (http_response(b"[" * 20_000, 400), "/webhooks/stream answered with HTTP 400."),
    ],
    ids=["page", "missing", "gateway", "mail", "other stream", "large error"],
)
def test_other_server_is_one_line(developer: Gateway, answer: bytes, error: str) -> None:
    with LocalServer(respond_with(answer)) as other:
        url = other.url("")
        line = developer.error_line("sandbox", "listen", "--url", url, "--token", "x")
    assert line.startswith(f"error: {url}{error}")
    assert b"last-event-id" not in other.requests[0].lower()


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "http://user@127.0.0.1/", "http://127.0.0.1/?a=b"])
def test_invalid_url_is_one_line(developer: Gateway, url: str) -> None:
    error = developer.error_line("sandbox", "listen", "--url", url, "--token", "x")
    assert error.startswith("error: --url must be an http or https URL without user name, query and fragment")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--token", "x", "--merchant", "hotel"], "Give either --token or --credentials with --merchant."),
        (["--token", "two words"], "The token is not a bearer token: one word of letters, digits and -._~+/."),
        (["--token", "-", "--secret", "-"], "Only one of --token and --secret can be read from standard input."),
        (["--token", "x", "--secret", SECRET], "--secret is for --forward."),
        (["--token", "x", "--since", "today"], "--since must be RFC 3339, such as 2026-11-28T10:00:00Z."),
        (["--token", "x", "--since", "2020-01-01T00:00:00Z"], "--since must be within the last 30 days."),
        (["--token", "x", "--topic", "decision.won"], "No topic is named 'decision.won'. docs/reference/webhooks.md"),
        (
            ["--credentials", "/dev/null"],
            "There is no credentials file /dev/null. It is written by gateway sandbox up.",
        ),
        ([], "There is no credentials file "),
    ],
)
def test_mistaken_option_is_one_line(developer: Gateway, options: list[str], error: str) -> None:
    assert developer.error_line("sandbox", "listen", *options).startswith(f"error: {error}")


def test_other_file_is_no_credentials_file(developer: Gateway, tmp_path: Path) -> None:
    for content in ("", "[]", "{}", '{"merchants": [], "issuer": ""}', '{"merchants": [{"adapter": "hotel"}]}'):
        (tmp_path / "other.json").write_text(content)
        error = developer.error_line("sandbox", "listen", "--credentials", str(tmp_path / "other.json"))
        assert error.endswith("other.json is not a credentials file of a sandbox.")


def test_token_over_plain_http_causes_a_warning(developer: Gateway) -> None:
    done = developer("sandbox", "listen", "--url", "http://sandbox.invalid", "--token", "x")
    assert done.stderr.startswith("warning: The token is sent to sandbox.invalid without encryption.\n")
