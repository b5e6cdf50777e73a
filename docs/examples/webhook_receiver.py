"""A merchant's receiver of webhooks from a Sesame Gateway. It keeps its state in a SQLite file.

    export WEBHOOK_SECRETS="whsec_..."        # two, separated by a space, while a secret is rotated
    python docs/examples/webhook_receiver.py receiver.db --port 9100

docs/webhooks.md has the rules that it follows. It accepts events at POST /webhooks. GET /effects returns how often each
event was applied, for `gateway sandbox verify --effects` and for tests: let your proxy, which does TLS, pass /webhooks
only. The program needs Python's standard library only. Several processes may share the file.
"""

import argparse
import hmac
import json
import os
import sqlite3
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LONGEST_BODY = 65_536  # bytes; an event has less than 2,000
DISCARDED = 1_048_576  # bytes of a longer body that are read, so that the sender can read the response
SHORTEST_KEY = 24  # bytes
TOLERANCE = 300  # seconds by which the clocks may differ
REMEMBERED = 30 * 86_400  # seconds for which the ids of events are kept

TABLES = """
CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, received_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS events_by_age ON events (received_at);
CREATE TABLE IF NOT EXISTS subjects (type TEXT, id TEXT, sequence INTEGER NOT NULL, PRIMARY KEY (type, id));
CREATE TABLE IF NOT EXISTS consents (id TEXT PRIMARY KEY, user_id TEXT, scopes TEXT);
CREATE TABLE IF NOT EXISTS decisions (id TEXT PRIMARY KEY, merchant_reference TEXT, status TEXT);
CREATE TABLE IF NOT EXISTS effects (event_id TEXT NOT NULL, topic TEXT NOT NULL);
"""


class Refused(Exception):
    """The delivery is not accepted. `status` is the response."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Receiver:
    """Verifies deliveries and applies each event once. `secrets` are one secret, or two while a secret is rotated.
    Raises ValueError for an invalid one."""

    def __init__(self, database: Path, secrets: list[str], clock: Callable[[], float] = time.time) -> None:
        self.database, self.clock = database, clock
        self.keys = [b64decode(secret.removeprefix("whsec_"), validate=True) for secret in secrets]
        if not self.keys or min(map(len, self.keys)) < SHORTEST_KEY:
            raise ValueError("a secret is missing or too short")  # anybody could sign with an empty one
        with closing(sqlite3.connect(database)) as connection:
            connection.executescript(TABLES)

    def receive(self, headers: Mapping[str, str], body: bytes) -> None:
        """Applies the event, and returns after the commit: a 2xx says that the event is safe here. The names of the
        headers are in lower case. Raises Refused."""
        event_id = self.verify(headers, body)
        event = self.read(body)
        with self.transaction() as database:
            if self.is_new(database, event_id) and self.is_next(database, event):
                self.apply(database, event_id, event)

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        """Returns the event id. Raises Refused unless one of our secrets has signed this body within the tolerance."""
        event_id, timestamp, signatures = (headers.get(f"webhook-{part}") for part in ("id", "timestamp", "signature"))
        if not event_id or not timestamp or not signatures:
            raise Refused(400, "a webhook header is missing")
        if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 12):
            raise Refused(400, "the timestamp is not a number")
        if not self.is_recent(int(timestamp)):
            raise Refused(400, "the timestamp is too old or in the future")
        if not self.is_signed(f"{event_id}.{timestamp}.".encode() + body, signatures):
            raise Refused(400, "no signature is valid")
        return event_id

    def is_recent(self, timestamp: int) -> bool:
        return abs(self.clock() - timestamp) <= TOLERANCE

    def is_signed(self, content: bytes, header: str) -> bool:
        """Whether one of the signatures in the header is valid. Others, and other versions, do not matter."""
        sent = [decode(each.removeprefix("v1,")) for each in header.split() if each.startswith("v1,")]
        expected = [hmac.digest(key, content, "sha256") for key in self.keys]
        return any(hmac.compare_digest(one, other) for one in sent for other in expected)

    def read(self, body: bytes) -> dict[str, Any]:
        """Returns the event. It may have members and words that we do not know. Raises Refused."""
        try:
            event: dict[str, Any] = json.loads(body)
            texts = (event["type"], event["subject"]["type"], event["subject"]["id"])
            is_event = all(isinstance(text, str) for text in texts) and isinstance(event["data"], dict)
            if is_event and 0 < event["sequence"] < 2**63:
                return event
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            pass
        raise Refused(400, "the body is not an event")

    def is_new(self, database: sqlite3.Connection, event_id: str) -> bool:
        """Whether the event was not received in the last 30 days. It is delivered at least once, so perhaps again."""
        now = int(self.clock())
        database.execute("DELETE FROM events WHERE received_at < ?", (now - REMEMBERED,))
        return database.execute("INSERT OR IGNORE INTO events VALUES (?, ?)", (event_id, now)).rowcount == 1

    def is_next(self, database: sqlite3.Connection, event: dict[str, Any]) -> bool:
        """Whether no later event of the same subject was received. Gaps are normal: we may not have all topics."""
        subject = event["subject"]
        written = database.execute(
            "INSERT INTO subjects VALUES (?, ?, ?) ON CONFLICT (type, id) DO UPDATE SET sequence = excluded.sequence"
            " WHERE excluded.sequence > subjects.sequence",
            (subject["type"], subject["id"], event["sequence"]),
        )
        return written.rowcount == 1

    def apply(self, database: sqlite3.Connection, event_id: str, event: dict[str, Any]) -> None:
        """Does what we do about an event. Work that takes longer, such as an email, is done later by a process that
        reads `effects`: the gateway waits for the response."""
        topic, subject, data = event["type"], event["subject"]["id"], event["data"]
        if topic in {"consent.revoked", "consent.expired"}:  # what the consent let us store goes
            database.execute("DELETE FROM consents WHERE id = ?", (subject,))
        elif topic.startswith("consent."):  # after consent.narrowed the process reads the consent before its next use
            row = (subject, data.get("subject"), json.dumps(data.get("scopes")))
            database.execute("INSERT OR REPLACE INTO consents VALUES (?, ?, ?)", row)
        elif topic.startswith("decision."):
            row = (subject, data.get("merchantReference"), data.get("to"))
            database.execute("INSERT OR REPLACE INTO decisions VALUES (?, ?, ?)", row)
        elif not topic.startswith("dispute."):
            return  # a topic that we do not know, or do nothing about
        database.execute("INSERT INTO effects VALUES (?, ?)", (event_id, topic))

    def effects(self) -> dict[str, int]:
        """Returns how often each event was applied."""
        with closing(sqlite3.connect(self.database, timeout=10)) as database:
            return dict(database.execute("SELECT event_id, count(*) FROM effects GROUP BY event_id"))

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction that waits for those of others. It is durable when it has ended."""
        with closing(sqlite3.connect(self.database, timeout=10, isolation_level=None)) as connection:
            connection.execute("PRAGMA secure_delete = ON")  # what we delete is overwritten in the file
            connection.execute("BEGIN IMMEDIATE")
            with connection:  # commits, or rolls back
                yield connection


def decode(signature: str) -> bytes:
    """Returns the bytes of a signature, none if it is not base64: then it equals no other."""
    try:
        return b64decode(signature, validate=True)
    except ValueError:
        return b""


def handler_of(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # seconds for each read

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if self.path != "/webhooks":
                self.respond(404)
            elif not (length.isascii() and length.isdecimal() and len(length) < 12):
                self.respond(411)
            elif int(length) > LONGEST_BODY:
                self.rfile.read(min(int(length), DISCARDED))
                self.respond(413)
            else:
                self.receive(self.rfile.read(int(length)))

        def receive(self, body: bytes) -> None:
            try:
                receiver.receive({name.lower(): value for name, value in self.headers.items()}, body)
            except Refused as refused:
                self.respond(refused.status, {"error": str(refused)})
            except sqlite3.Error:
                self.respond(503)  # nothing was committed: the gateway sends the event again
            else:
                self.respond(204)

        def do_GET(self) -> None:
            if self.path == "/effects":
                self.respond(200, {"effects": receiver.effects()})
            else:
                self.respond(404)

        def respond(self, status: int, content: Any = None) -> None:
            body = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Writes no log, to keep the example short. Log event ids and statuses, never secrets or bodies."""

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser(description="Receive webhooks from a Sesame Gateway.")
    parser.add_argument("database", type=Path, help="the SQLite file of the state")
    parser.add_argument("--port", type=int, default=9100, help="the port on 127.0.0.1; 0 takes a free one")
    options = parser.parse_args()
    try:
        receiver = Receiver(options.database, os.environ.get("WEBHOOK_SECRETS", "").split())
    except ValueError:
        sys.exit("WEBHOOK_SECRETS must be one or two secrets: whsec_ and base64 of at least 24 bytes.")
    server = ThreadingHTTPServer(("127.0.0.1", options.port), handler_of(receiver))
    print(f"http://127.0.0.1:{server.server_address[1]}/webhooks", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
