"""Server-sent events (HTML Living Standard, section 9.2): written by the server, read by the command line."""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MEDIA_TYPE = "text/event-stream"
LONGEST_EVENT = 1024 * 1024
"""The largest number of characters of one event that is read."""

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """An event that was read. `name` is its type, "message" if the stream has none. `fields` are the fields that the
    standard does not define, which browsers ignore."""

    name: str
    data: str
    fields: Mapping[str, str] = field(default_factory=dict)


def write_event(name: str, data: str, *, last_id: str, **fields: str) -> bytes:
    """Returns an event in UTF-8. `last_id` is what a client sends as Last-Event-ID to get what comes after it. `fields`
    are further fields. All but `data` must be one line."""
    lines = [f"id: {last_id}", f"event: {name}"]
    lines += [f"{each}: {value}" for each, value in fields.items()]
    lines += [f"data: {line}" for line in _LINE_END.split(data)]
    return ("\n".join(lines) + "\n\n").encode()


def write_start(last_id: str, retry_after: float) -> bytes:
    """Returns the beginning of a stream: from where a client goes on that has no event yet, and after how many seconds
    it connects again. No event is dispatched."""
    return f"retry: {round(retry_after * 1000)}\nid: {last_id}\n\n".encode()


def write_comment(text: str) -> bytes:
    """Returns a comment, which clients ignore. `text` must be one line."""
    return f": {text}\n\n".encode()


class EventReader:
    """Reads the events of one response. `last_id` is the id of the last complete block, None if there was none."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text, self._is_first = "", True
        self._block: list[str] = []
        self._size = 0
        self.last_id: str | None = None

    def read(self, piece: bytes) -> Iterator[ServerSentEvent]:
        """Yields the events that this piece of the stream completes. Raises ValueError for an event that is too
        large."""
        self._text += self._decoder.decode(piece)
        if self._is_first and self._text:
            self._text, self._is_first = self._text.removeprefix("\ufeff"), False
        while (end := _LINE_END.search(self._text)) is not None:
            if end[0] == "\r" and end.end() == len(self._text):
                break  # a line feed that belongs to it may follow
            line, self._text = self._text[: end.start()], self._text[end.end() :]
            if line:
                self._size += len(line)
                self._block.append(line)
            elif (event := self._end_block()) is not None:
                yield event
            self._require_size(self._size)
        self._require_size(self._size + len(self._text))

    def _require_size(self, size: int) -> None:
        if size > LONGEST_EVENT:
            raise ValueError("an event is too large")

    def _end_block(self) -> ServerSentEvent | None:
        """Returns the event of the lines since the last empty line, None if they have no data."""
        name, data, fields = "", list[str](), dict[str, str]()
        for line in self._block:
            key, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match key:
                case "" | "retry":
                    pass  # a comment; the wait is chosen by the caller
                case "event":
                    name = value
                case "data":
                    data.append(value)
                case "id":
                    self.last_id = self.last_id if "\0" in value else value
                case _:
                    fields[key] = value
        self._block, self._size = [], 0
        return ServerSentEvent(name or "message", "\n".join(data), fields) if data else None
