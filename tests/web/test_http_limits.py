"""What the server accepts of a client before an application has the request: sizes, times, and the number of
connections."""

import resource
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from gateway.settings import SettingsError
from gateway.web.connections import connection_limits
from gateway.web.http_protocol import LARGEST_BODY, LARGEST_HEADER, LONGEST_TARGET, MOST_FIELDS
from tests.fixtures.settings import sandbox_settings
from tests.support.http_server import RunningServer

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
START = b"GET / HTTP/1.1\r\nHost: a\r\n"
MIB = 1024 * 1024


def filled(size: int) -> bytes:
    """A header of this many bytes."""
    start, end = START + b"X: ", b"\r\n\r\n"
    return start + b"x" * (size - len(start) - len(end)) + end


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A server that a slow machine does not make cut a connection."""
    with RunningServer() as running:
        yield running


@pytest.fixture(scope="module")
def impatient() -> Iterator[RunningServer]:
    """A server that waits 0.2 s for its clients."""
    times = dict.fromkeys(("header_timeout", "body_timeout", "idle_timeout", "reading_timeout"), "PT0.2S")
    with RunningServer(**times) as running:
        yield running


def fields(number: int) -> bytes:
    return b"".join(b"X-%d: 1\r\n" % each for each in range(number))


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(GET, 200, id="A4-small"),
        pytest.param(b"GET / HTTP/1.1\r\n" + fields(MOST_FIELDS) + b"\r\n", 200, id="A4-100-fields"),
        pytest.param(b"GET / HTTP/1.1\r\n" + fields(MOST_FIELDS + 1) + b"\r\n", 431, id="A4-101-fields"),
        pytest.param(filled(LARGEST_HEADER), 200, id="A4-largest-header"),
        pytest.param(filled(LARGEST_HEADER + 1), 431, id="A4-one-large-field"),
        pytest.param(START + b"x" * LARGEST_HEADER + b": 1\r\n\r\n", 431, id="A4-long-name"),
        pytest.param(START + b"Cookie: " + b"a=b; " * 20_000 + b"\r\n\r\n", 431, id="A4-cookies"),
        pytest.param(b"GET /?" + b"x" * (LONGEST_TARGET - 2) + b" HTTP/1.1\r\n\r\n", 200, id="A4-longest-target"),
        pytest.param(b"GET /?" + b"x" * LONGEST_TARGET + b" HTTP/1.1\r\n\r\n", 414, id="A4-target"),
        pytest.param(b"GET /" + b"%41" * 30_000 + b" HTTP/1.1\r\n\r\n", 414, id="A4-long-target"),
        pytest.param(b"G" * 100_000, 400, id="A4-method"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", 400, id="A4-not-HTTP"),
        pytest.param(b"GET http://[ HTTP/1.1\r\n\r\n", 400, id="A4-target-that-is-no-URL"),
    ],
)
def test_header_is_accepted_or_refused(server: RunningServer, head: bytes, status: int) -> None:
    with server.connect() as connection:
        connection.send(head)
        assert connection.status() == status


def test_a4_header_that_arrives_in_pieces_is_counted_as_a_whole(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.send(START)
        connection.send_until_refused(b"X: " + b"x" * 1_020 + b"\r\n", most=MIB)
        assert connection.status() == 431


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        pytest.param(START + b"X: ", b"x" * MIB, id="A4-one-header-of-64-MiB"),
        pytest.param(START, b"X: 1\r\n" * 100_000, id="A4-many-small-headers"),
        pytest.param(b"GET /", b"x" * MIB, id="A4-target-of-64-MiB"),
        pytest.param(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x" * MIB, id="A4-chunk-extension-of-64-MiB"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            b"X: 1\r\n" * 100_000,
            id="A4-endless-trailer",
        ),
    ],
)
@pytest.mark.slow
def test_server_stops_reading_what_it_refuses(server: RunningServer, start: bytes, piece: bytes) -> None:
    with server.connect() as connection:
        connection.send(start)
        sent = connection.send_until_refused(piece, most=64 * MIB)
        assert sent < 32 * MIB  # most of it is in the buffers of the kernel
        assert connection.status() in {413, 414, 431}
        assert connection.is_closed()


def test_a4_trailer_does_not_become_a_header(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.send(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nAuthorization: Bearer y\r\n\r\n"
        )
        assert connection.status() == 200
        assert b"authorization" not in dict(server.headers[-1])


def test_a4_body_larger_than_its_limit_is_refused(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.send(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (64 * MIB))
        sent = connection.send_until_refused(b"x" * MIB, most=64 * MIB)
        assert connection.status() == 413
        assert sent < 32 * MIB
        assert LARGEST_BODY == MIB


def test_a4_refused_header_does_not_break_an_earlier_response(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.send(b"GET /held HTTP/1.1\r\n\r\n" + filled(3 * LARGEST_HEADER))
        server.release()
        assert connection.status() == 200
        assert connection.is_closed()


def test_requests_in_one_piece_are_answered_in_turn(server: RunningServer) -> None:
    with server.connect() as connection:
        post = b"POST / HTTP/1.1\r\nContent-Length: 50000\r\n\r\n" + b"x" * 50_000
        head = START + b"X: " + b"x" * 40_000 + b"\r\n\r\n"
        connection.send(post + head + head + GET)
        assert [connection.status() for _ in range(4)] == [200] * 4


def test_connection_stays_usable_after_a_response_that_needed_no_body(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.send(b"POST /unread HTTP/1.1\r\nContent-Length: 5\r\n\r\n")
        assert connection.status() == 404
        connection.send(b"12345" + GET)
        assert connection.status() == 200


def test_upgrade_is_ignored(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.send(START + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert connection.status() == 200
        assert connection.is_closed()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"", 0, id="A5-silent"),
        pytest.param(b"\r\n", 0, id="A5-empty-line"),
        pytest.param(b"GET / HT", 408, id="A5-part-of-a-request-line"),
        pytest.param(START, 408, id="A5-part-of-a-header"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n12", 408, id="A5-part-of-a-body"),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 408, id="A5-no-chunk"),
        pytest.param(GET, 200, id="A5-idle-after-a-response"),
        pytest.param(b"POST /unread HTTP/1.1\r\nContent-Length: 5\r\n\r\n12", 404, id="A5-body-that-is-not-needed"),
    ],
)
@pytest.mark.slow
def test_connection_that_waits_too_long_is_closed(impatient: RunningServer, sent: bytes, status: int) -> None:
    with impatient.connect() as connection:
        connection.send(sent)
        assert connection.status() == status
        assert connection.is_closed()


def test_a5_application_learns_that_a_slow_body_was_cut(impatient: RunningServer) -> None:
    impatient.disconnected.clear()
    with impatient.connect() as connection:
        connection.send(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n1")
        assert connection.status() == 408
        assert impatient.disconnected.wait(20)


def test_a5_client_that_does_not_read_is_cut(impatient: RunningServer) -> None:
    with impatient.connect() as connection:
        connection.send(b"GET /large HTTP/1.1\r\n\r\n")
        waited_for = impatient.server.server_state.connections
        assert connection.was_reset_unread(lambda: not waited_for)


def test_a5_long_response_time_is_not_the_clients_fault() -> None:
    times = dict.fromkeys(("header_timeout", "body_timeout", "idle_timeout"), "PT0.2S")
    with RunningServer(**times) as server, server.connect() as other, server.connect() as connection:
        connection.send(b"GET /held HTTP/1.1\r\n\r\n")
        assert other.is_closed()  # so all times have been exceeded
        server.release()
        assert connection.status() == 200


def test_a5_at_the_limit_the_connection_longest_without_a_request_is_closed() -> None:
    with RunningServer(connections=16) as server, ExitStack() as stack:
        opened = [stack.enter_context(server.connect()) for _ in range(16)]
        for connection in reversed(opened):  # so the last one has been longest without a request
            connection.send(GET)
            assert connection.status() == 200
        with server.connect() as newest:
            newest.send(GET)
            assert newest.status() == 200
        assert opened[-1].is_closed()
        for connection in opened[:-1]:
            connection.send(GET)
            assert connection.status() == 200


def test_a5_connection_without_a_complete_request_is_closed_before_an_idle_one() -> None:
    with RunningServer(connections=16) as server, ExitStack() as stack:
        silent = stack.enter_context(server.connect())
        others = [stack.enter_context(server.connect()) for _ in range(15)]
        silent.send(START)
        for connection in others:
            connection.send(GET)
            assert connection.status() == 200
        with server.connect() as newest:
            newest.send(GET)
            assert newest.status() == 200
            assert silent.is_closed()


def test_a5_connection_with_a_running_request_is_kept() -> None:
    with RunningServer(connections=16) as server, ExitStack() as stack:
        running = stack.enter_context(server.connect())
        running.send(b"GET /held HTTP/1.1\r\n\r\n")
        later = [stack.enter_context(server.connect()) for _ in range(40)]
        later[-1].send(GET)
        assert later[-1].status() == 200
        server.release()
        assert running.status() == 200


def test_a5_connection_limit_is_below_the_limit_of_open_files() -> None:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert connection_limits(sandbox_settings()).most < files
    assert connection_limits(sandbox_settings(connections=20)).most == 20


def test_a5_connection_limit_that_open_files_do_not_allow_is_refused() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, hard))
    try:
        with pytest.raises(
            SettingsError, match=r"^GATEWAY_CONNECTIONS: 1000 connections need at least 1256 open files"
        ):
            connection_limits(sandbox_settings(connections=1_000))
        assert 500 < connection_limits(sandbox_settings()).most < 1_024
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
