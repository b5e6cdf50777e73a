"""Receivers with one error each, as small changes of the reference receiver, and the check that must notice it."""

import json
import sqlite3
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.domain.decisions.transitions import Status
from gateway.domain.events import Topic, wire_name
from tests.support.webhook_receiver import SECRET, example

Base = example.Receiver
Refused = example.Refused
MEMBERS = {
    *("type", "timestamp", "id", "apiVersion", "environment"),
    *("merchantId", "subject", "sequence", "actor", "data"),
}
TOPICS = {wire_name(topic) for topic in Topic}
SLOW = 0.4
"""Seconds that the slow receiver takes."""

RACE = 0.25
"""Seconds between the look-up of an event and the transaction that applies it."""

SEQUENCE = """INSERT INTO subjects VALUES (?, ?, ?) ON CONFLICT (type, id) DO UPDATE SET sequence = excluded.sequence
WHERE excluded.sequence {} subjects.sequence"""


@dataclass(frozen=True, slots=True)
class Variant:
    """The methods of the receiver that differ, and the keys of the checks that it fails."""

    methods: Mapping[str, Callable[..., Any]]
    fails: frozenset[str]

    def receiver(self, folder: Path) -> Any:
        """Returns the receiver, with its files in the folder."""
        return type("Variant", (Base,), dict(self.methods))(folder / "receiver.db", [SECRET])


def variant(*fails: str, **methods: Callable[..., Any]) -> Variant:
    return Variant(methods, frozenset(fails))


def _is_newer(comparison: str) -> Callable[..., bool]:
    def is_next(self: Any, database: Any, event: Any) -> bool:
        values = (event["subject"]["type"], event["subject"]["id"], event["sequence"])
        return bool(database.execute(SEQUENCE.format(comparison), values).rowcount == 1)

    return is_next


def _require(is_allowed: Callable[[Any], bool]) -> Callable[..., Any]:
    """A `read` that refuses other events."""

    def read(self: Any, body: bytes) -> Any:
        event = Base.read(self, body)
        if not is_allowed(event):
            raise Refused(422, "not allowed")
        return event

    return read


def _verify_parsed(self: Any, headers: Mapping[str, str], body: bytes) -> Any:
    again = json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode()
    return Base.verify(self, headers, again)


def _verify_if_signed(self: Any, headers: Mapping[str, str], body: bytes) -> Any:
    return Base.verify(self, headers, body) if "webhook-signature" in headers else headers["webhook-id"]


def _is_well_formed(self: Any, content: bytes, header: str) -> bool:
    return any(len(example.decode(each.removeprefix("v1,"))) == 32 for each in header.split())


def _decode_without_care(self: Any, content: bytes, header: str) -> Any:
    for each in header.split():
        b64decode(each.removeprefix("v1,") if each.startswith("v1,") else "")
    return Base.is_signed(self, content, header)


def _accepts_zeros(self: Any, content: bytes, header: str) -> bool:
    return Base.is_signed(self, content, header) or bytes(32) in map(example.decode, header.split(","))


def _is_signed_at_another_time(self: Any, content: bytes, header: str) -> bool:
    event_id, timestamp, body = content.split(b".", 2)
    times = range(int(timestamp) - 120, int(timestamp) + 1)
    return any(Base.is_signed(self, b"%s.%d.%s" % (event_id, at, body), header) for at in times)


def _receive_slowly(self: Any, headers: Mapping[str, str], body: bytes) -> None:
    Base.receive(self, headers, body)
    if json.loads(body)["type"] == "decision.pending":
        time.sleep(SLOW)


def _is_next_without_gap(self: Any, database: Any, event: Any) -> bool:
    last = database.execute("SELECT sequence FROM subjects WHERE id = ?", (event["subject"]["id"],)).fetchone()
    if last and event["sequence"] > last[0] + 1:
        raise Refused(409, "an event is missing")
    return bool(Base.is_next(self, database, event))


def _apply_without_deletion(self: Any, database: Any, event_id: str, event: Any) -> None:
    consent = database.execute("SELECT id FROM consents WHERE id = ?", (event["subject"]["id"],)).fetchone()
    if consent and event["type"] == "consent.revoked":
        raise Refused(500, "the consent is in use")
    Base.apply(self, database, event_id, event)


def _receive_without_lock(self: Any, headers: Mapping[str, str], body: bytes) -> None:
    event_id, event = self.verify(headers, body), self.read(body)
    with closing(sqlite3.connect(self.database)) as database:
        if database.execute("SELECT id FROM events WHERE id = ?", (event_id,)).fetchone():
            return
    if event["type"] == "decision.fulfilled":
        time.sleep(RACE)
    with self.transaction() as database:
        self.is_new(database, event_id)
        if self.is_next(database, event):
            self.apply(database, event_id, event)


VARIANTS = {
    # The sequence alone would stop the repetition, so it has to accept its last value again.
    "no deduplication": variant("repeated", is_new=lambda *_: True, is_next=_is_newer(">=")),
    "the event is looked up before the transaction": variant(
        "repeated", receive=_receive_without_lock, is_next=_is_newer(">=")
    ),
    "an old sequence is applied": variant("order", is_next=_is_newer("<>")),
    "a gap is refused": variant("gap", is_next=_is_next_without_gap),
    "revocation fails": variant("revocation", apply=_apply_without_deletion),
    "a signature of zeros is accepted": variant("signature", is_signed=_accepts_zeros),
    "a changed timestamp is accepted": variant("changed", is_signed=_is_signed_at_another_time),
    # A receiver that accepts any signature also accepts any body: both checks have to notice it.
    "any signature is accepted": variant("signature", "changed", is_signed=_is_well_formed),
    "unsigned is accepted": variant("headers", verify=_verify_if_signed),
    "the body is serialised again": variant("raw_body", verify=_verify_parsed),
    "malformed base64 is not caught": variant("malformed", is_signed=_decode_without_care),
    "the first signature counts": variant(
        "rotation", is_signed=lambda self, content, header: Base.is_signed(self, content, header.split()[0])
    ),
    "the time is not checked": variant("time", is_recent=lambda *_: True),
    "the time has to be exact": variant("clock", is_recent=lambda _, timestamp: abs(time.time() - timestamp) < 30),
    "unknown topics are refused": variant("unknown_topic", read=_require(lambda event: event["type"] in TOPICS)),
    "unknown values are refused": variant(
        "unknown_value", read=_require(lambda event: event["data"].get("to", "ACTIVE") in set(Status))
    ),
    "unknown members are refused": variant("unknown_member", read=_require(lambda event: event.keys() <= MEMBERS)),
    "a topic is refused": variant("topics", read=_require(lambda event: event["type"] != "decision.pending")),
    "slow": variant("speed", receive=_receive_slowly),
    "effects are lists": variant("effects", effects=list),
}
