"""Reads the stream of a merchant's events from a sandbox, and connects again when the connection is lost."""

import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from gateway.kit import json
from gateway.kit.server_sent_events import MEDIA_TYPE, EventReader, ServerSentEvent

PATH = "/webhooks/stream"
DELIVERY = "delivery"
READ_TIMEOUT = 45.0
"""Seconds without anything, also without a keep-alive, after which a connection is lost: three keep-alives."""

FIRST_WAIT, LONGEST_WAIT = 0.25, 10.0
"""Seconds until the next attempt to connect. The wait doubles with each failure."""

LARGEST_ERROR = 10_000
"""The largest response in bytes that is read as an error of the sandbox."""

_NO_STREAM = "Is it a sandbox of this version? A live deployment has no stream."


class StreamRefused(Exception):
    """There is no stream, and another attempt would not help. The message is for a person."""


class _NotNow(Exception):
    """There is no stream at the moment. The message is for a person."""


@dataclass(frozen=True, slots=True)
class StreamedEvent:
    """An event of the stream with the body that an endpoint gets. `created_at` is RFC 3339 in UTC."""

    position: int
    id: str
    topic: str
    subject: str
    sequence: int
    created_at: str
    content_type: str
    signature: str
    header: str
    body: str


class EventSource:
    """The events of the merchant of a token. `base_url` is the sandbox, `topics` are the wanted ones (none: all), and
    `since` is the moment from which events are replayed. `greet` is called when the first stream has begun,
    `notify` with a sentence when the connection is lost, and when it is there again."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        topics: Sequence[str],
        since: str | None,
        context: ssl.SSLContext | None,
        greet: Callable[[], None],
        notify: Callable[[str], None],
    ) -> None:
        self._base_url, self._topics, self._since = base_url, list(topics), since
        self._greet, self._notify = greet, notify
        # Neither proxies nor passwords of the environment get the token.
        self._http = httpx2.Client(
            trust_env=False,
            verify=True if context is None else context,
            timeout=httpx2.Timeout(10, read=READ_TIMEOUT),
            headers={"Authorization": f"Bearer {token}", "Accept": MEDIA_TYPE, "Accept-Encoding": "identity"},
        )
        self._last_id: str | None = None
        self._has_event = False
        self._wait, self._is_lost, self._is_greeted = FIRST_WAIT, False, False

    def close(self) -> None:
        """Ends the connection."""
        self._http.close()

    def events(self) -> Iterator[StreamedEvent]:
        """Yields the events in order, each once, and waits for further ones. Raises StreamRefused; after the first
        connection only if the token or the sandbox is no longer right."""
        while True:
            try:
                yield from self._connect()
                reason = "The sandbox has ended the stream."
            except httpx2.TransportError as error:
                reason = self._describe(error)
            except _NotNow as error:
                reason = str(error)
            if self._last_id is None:
                raise StreamRefused(reason)
            if not self._is_lost:
                self._notify(f"{reason} Connecting again.")
            self._is_lost = True
            time.sleep(self._wait)
            self._wait = min(2 * self._wait, LONGEST_WAIT)

    def _connect(self) -> Iterator[StreamedEvent]:
        parameters: dict[str, Any] = {"topic": self._topics}
        headers = {}
        if self._last_id is not None:
            headers["Last-Event-ID"] = self._last_id
        if self._since is not None and not self._has_event:  # until then the position is that before all events
            parameters["since"] = self._since
        with self._http.stream("GET", self._base_url + PATH, params=parameters, headers=headers) as response:
            self._require_stream(response)
            reader = EventReader()
            for piece in response.iter_raw():
                try:
                    for event in reader.read(piece):
                        read = _read(event, reader.last_id)
                        self._note_connection()
                        yield read
                        self._last_id, self._has_event = reader.last_id, True
                except (ValueError, KeyError, TypeError):
                    raise StreamRefused(f"{self._base_url} sent an event that is not one. {_NO_STREAM}") from None
                self._last_id = reader.last_id or self._last_id
                self._note_connection()

    def _note_connection(self) -> None:
        if not self._is_greeted:
            self._greet()
        elif self._is_lost:
            self._notify("Connected again.")
        self._is_greeted, self._wait, self._is_lost = True, FIRST_WAIT, False

    def _require_stream(self, response: httpx2.Response) -> None:
        """Raises StreamRefused or _NotNow unless the response is a stream."""
        status = response.status_code
        if status == 200 and response.headers.get("content-type", "").startswith(MEDIA_TYPE):
            return
        if status == 401:
            raise StreamRefused(
                "The token is not valid: it has expired, was revoked, or is bound to a key. Get a new one, or let "
                "gateway sandbox up write new ones."
            )
        message = _message_of(response)
        if status == 429 or status >= 500:
            raise _NotNow(message or f"{self._base_url} answered with HTTP {status}.")
        if status in {400, 403} and message:
            raise StreamRefused(message)
        raise StreamRefused(f"{self._base_url}{PATH} answered with HTTP {status}. {_NO_STREAM}")

    def _describe(self, error: httpx2.TransportError) -> str:
        if isinstance(error, httpx2.ConnectError) and "certificate" in str(error).lower():
            return f"The certificate of {self._base_url} is not valid, or its authority is not trusted."
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            return f"No server answers at {self._base_url}. Is the sandbox running? To start one: gateway sandbox up"
        if self._last_id is not None:
            return "The connection was lost."
        return f"{self._base_url} did not answer as a sandbox does."


def _message_of(response: httpx2.Response) -> str:
    """The message of an error of the sandbox, "" if the response is not one."""
    content = b""
    for piece in response.iter_raw():
        content += piece
        if len(content) > LARGEST_ERROR:
            return ""
    try:
        message = json.decode(content)["errors"][0]["message"]
    except (ValueError, LookupError, TypeError):
        return ""
    return message if isinstance(message, str) and message.isprintable() else ""


def _read(event: ServerSentEvent, last_id: str | None) -> StreamedEvent:
    """Raises ValueError, KeyError or TypeError for an event of another stream."""
    delivery = json.decode(event.fields[DELIVERY])
    texts = [delivery[name] for name in ("id", "subject", "createdAt", "contentType", "signature", "header")]
    if not all(isinstance(text, str) and text.isascii() and text.isprintable() for text in (event.name, *texts)):
        raise ValueError("a member is not a text")
    identifier, subject, created_at, content_type, signature, header = texts
    return StreamedEvent(
        position=int(last_id or ""),
        id=identifier,
        topic=event.name,
        subject=subject,
        sequence=int(delivery["sequence"]),
        created_at=created_at,
        content_type=content_type,
        signature=signature,
        header=header,
        body=event.data,
    )
