"""The program that sends the load checks each response, whatever the form of its body."""

import asyncio
from collections.abc import Sequence
from itertools import cycle

import pytest

from tools.bench.client import Call, Load, OpenLoad, Slice, connect, join_chunks

CALL = Call("tier", b"GET / HTTP/1.1\r\n\r\n", b'"GOOD"')
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"tier":"GOOD"}'


async def send(responses: Sequence[bytes | None], count: int, *, rate: float | None = None) -> Slice:
    """Returns what was answered by a server that sends these responses in turn, one byte string in two parts; None
    closes the connection."""
    turns, ended = cycle(responses), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            await reader.readline()
            response = next(turns)
            if response is None:
                break
            for part in (response[:20], response[20:]):
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()
        await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        connections = await connect(server.sockets[0].getsockname()[1], 1)
        calls = iter([CALL] * count)
        load = Load(calls, 5) if rate is None else OpenLoad(calls, count / rate, rate)
        result = await load.run(connections)
        connections[0].close()
        await ended.wait()
    return result


def test_correct_responses_are_counted() -> None:
    result = asyncio.run(send([OK], 3))
    assert (result.answered, result.errors, len(result.latencies)) == ({"tier": 3}, {}, 3)


def test_body_in_chunks_is_read() -> None:
    chunked = b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{"tier":"\r\n6\r\nGOOD"}\r\n0\r\n\r\n'
    assert asyncio.run(send([chunked], 2)).answered == {"tier": 2}


@pytest.mark.parametrize(
    "response",
    [
        b'HTTP/1.1 500 Error\r\nContent-Length: 15\r\n\r\n{"tier":"GOOD"}',
        b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"tier":"FAIR"}',
        b'HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{"errors":[],"tier":"GOOD"}',
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_incorrect_response_is_an_error(response: bytes) -> None:
    result = asyncio.run(send([OK, response], 2))
    assert (result.answered, result.errors.total()) == ({"tier": 1}, 1)


def test_closed_connection_is_an_error() -> None:
    result = asyncio.run(send([OK, None], 5))
    assert (result.answered, result.errors) == ({"tier": 1}, {"connection closed": 1})


def test_open_loop_sends_at_a_constant_rate() -> None:
    result = asyncio.run(send([OK], 20, rate=200))
    assert len(result.latencies) == 20
    assert result.seconds == pytest.approx(0.1, abs=0.09)


def test_chunks_are_joined() -> None:
    assert join_chunks(b"3\r\nabc\r\n2;name=value\r\nde\r\n0\r\n\r\n") == b"abcde"
