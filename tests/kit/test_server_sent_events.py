"""Server-sent events as the standard describes them, whatever the pieces in which they arrive."""

import pytest

from gateway.kit.server_sent_events import (
    LONGEST_EVENT,
    EventReader,
    ServerSentEvent,
    write_comment,
    write_event,
    write_start,
)


def read(*pieces: bytes) -> tuple[list[ServerSentEvent], str | None]:
    reader = EventReader()
    return [event for piece in pieces for event in reader.read(piece)], reader.last_id


def test_written_event_is_read() -> None:
    text = write_event("decision.approved", '{"a": "é 👩"}', last_id="7", delivery="{}")
    assert read(text) == ([ServerSentEvent("decision.approved", '{"a": "é 👩"}', {"delivery": "{}"})], "7")


def test_every_split_of_a_stream_gives_the_same_events() -> None:
    stream = write_start("3", 1) + write_event("a", "é\nsecond", last_id="4") + write_comment("x") + b"data: \r\n\r\n"
    whole = read(stream)
    assert [event.data for event in whole[0]] == ["é\nsecond", ""]
    assert whole[1] == "4"
    for at in range(len(stream)):
        assert read(stream[:at], stream[at:]) == whole
    assert read(*(bytes([each]) for each in stream)) == whole


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("data: a\n\n", [ServerSentEvent("message", "a")]),
        ("\ufeffdata:a\n\n", [ServerSentEvent("message", "a")]),
        ("data:  a\n\n", [ServerSentEvent("message", " a")]),
        ("data\n\n", [ServerSentEvent("message", "")]),
        ("data: a\rdata: b\r\n\ndata: c\n\n", [ServerSentEvent("message", "a\nb"), ServerSentEvent("message", "c")]),
        ("event: x\n\ndata: a\n\n", [ServerSentEvent("message", "a")]),
        (": comment\nretry: 5\ndata: a:b\nother: c\n\n", [ServerSentEvent("message", "a:b", {"other": "c"})]),
        ("data: without an empty line", []),
    ],
)
def test_fields_are_read_as_the_standard_says(text: str, events: list[ServerSentEvent]) -> None:
    assert read(text.encode())[0] == events


def test_id_without_data_is_kept_and_one_with_a_zero_is_not() -> None:
    assert read(b"id: 5\n\n") == ([], "5")
    assert read(b"id: 5\n\nid: 6\0\n\n")[1] == "5"


def test_id_of_an_incomplete_event_is_not_used() -> None:
    assert read(b"id: 5\ndata: a\n\nid: 6\ndata: b\n")[1] == "5"


def test_line_ends_in_data_do_not_end_the_event() -> None:
    (event,), _ = read(write_event("a", "one\r\n\r\ntwo\rthree", last_id="1"))
    assert event.data == "one\n\ntwo\nthree"


@pytest.mark.parametrize("piece", [b"x" * 65536, b"data: x\n" * 8192], ids=["one line", "many lines"])
def test_event_without_an_end_is_not_kept(piece: bytes) -> None:
    with pytest.raises(ValueError, match="too large"):
        read(*[piece] * (2 * LONGEST_EVENT // len(piece)))
