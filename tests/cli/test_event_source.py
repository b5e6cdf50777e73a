"""What the command line sends when it connects again."""

from collections.abc import Iterable
from contextlib import closing

import pytest

from gateway.cli.event_source import EventSource, StreamRefused
from gateway.kit.server_sent_events import write_event, write_start
from tests.support.local_server import LocalServer, http_response

STREAM = [("Content-Type", "text/event-stream")]
DELIVERY = (
    '{"id":"evt_1","subject":"dec_1","sequence":1,"createdAt":"2026-11-30T10:00:00Z",'
    '"contentType":"application/json","signature":"STANDARD_WEBHOOKS","header":"webhook-signature"}'
)
EVENT = write_event("decision.approved", "{}", last_id="7", delivery=DELIVERY)


def lines_of(request: bytes) -> list[str]:
    return request.decode().lower().split("\r\n")


def connect_twice(content: bytes) -> tuple[list[str], list[str]]:
    """The two requests for a replay, the first of which gets this stream."""
    answers = [http_response(content, headers=STREAM), http_response(status=404)]

    def respond(_: bytes) -> Iterable[bytes]:
        return [answers.pop(0)]

    with LocalServer(respond) as server:
        since, silent = "2026-11-30T09:00:00Z", lambda *_: None
        url = server.url("")
        source = EventSource(url, "x", topics=(), since=since, context=None, greet=silent, notify=silent)
        with closing(source), pytest.raises(StreamRefused):
            list(source.events())
    first, second = map(lines_of, server.requests)
    assert "since=2026-11-30t09%3a00%3a00z" in first[0]
    return first, second


def test_replay_goes_on_behind_the_last_event() -> None:
    first, second = connect_twice(write_start("0", 1) + EVENT)
    assert not any(line.startswith("last-event-id") for line in first)
    assert "last-event-id: 7" in second
    assert "since" not in second[0]


def test_replay_without_an_event_begins_again() -> None:
    """Position 0 alone would be that of all events ever."""
    first, second = connect_twice(write_start("0", 1))
    assert second[0] == first[0]
    assert "last-event-id: 0" in second
