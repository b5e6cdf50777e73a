"""The messages to a merchant's system: in the standard webhook format, or in the merchant's own wire format.

Rendering returns bytes and the name of a signature scheme. The sender has the secret and signs; an adapter has no
secret.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import Misconfigured
from gateway.domain.events import Topic
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.period import format_moment, parse_moment
from merchants.asks.fields import camel_case


class Signature(StrEnum):
    """The scheme with which the sender signs. STANDARD_WEBHOOKS signs id, timestamp and body as standardwebhooks.com
    specifies, in base64. HMAC_SHA256_HEX signs the body alone, in hexadecimal digits."""

    STANDARD_WEBHOOKS = "STANDARD_WEBHOOKS"
    HMAC_SHA256_HEX = "HMAC_SHA256_HEX"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """An event of a decision, with the references by which a merchant's system finds its order. Holds nothing about the
    person.

    `before` and `after` are the decision's status before and after the event. `exposed` and `due_at` (UTC) are those of
    an approval's terms, None without an approval. An extension or a reduction does not change them.
    """

    topic: Topic
    occurred_at: datetime
    event_id: str
    decision_id: str
    merchant_reference: str
    product: Product
    before: Status | None
    after: Status
    exposed: Money | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message to be sent: its body, the scheme of its signature, and the header for the signature."""

    body: bytes
    content_type: str
    signature: Signature
    header: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A merchant's wire format.

    `names` maps our field names to the merchant's, `words` maps our topics, statuses and products. Those that are not
    in the mappings stay as they are. `nested` puts all fields except topic and time into an object "data".

    Raises Misconfigured for an unknown name or word, and if two names, or two words of one field, become equal.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    nested: bool = False
    signature: Signature = Signature.HMAC_SHA256_HEX
    header: str

    def __post_init__(self) -> None:
        _require_distinct("names", self.names, NAMES)
        for known in (Topic, Status, Product):  # a status and a topic may have the same word: their fields differ
            own = {word: theirs for word, theirs in self.words.items() if word in known.__members__}
            _require_distinct("words", own, tuple(known))
        unknown = self.words.keys() - {*Topic, *Status, *Product}
        if unknown:
            raise Misconfigured(f"unknown words: {', '.join(sorted(unknown))}")

    def render(self, notice: Notice) -> Rendered:
        """The message for the notice in this format. Its body is JSON in UTF-8."""
        values = {name: self._encode(getattr(notice, attribute)) for name, attribute in _FIELDS.items()}
        message = {self.names.get(name, name): value for name, value in values.items()}
        if self.nested:
            head = {self.names.get(name, name) for name in _HEAD}
            data = {name: value for name, value in message.items() if name not in head}
            message = {name: value for name, value in message.items() if name in head} | {"data": data}
        body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        return Rendered(body, "application/json", self.signature, self.header)

    def read(self, body: bytes) -> Notice:
        """The notice in a body that `render` returned. Raises KeyError or ValueError for any other body."""
        message: dict[str, Any] = json.loads(body)
        if self.nested:
            message = {**message, **message["data"]}
        values = {name: message[self.names.get(name, name)] for name in _FIELDS}
        before, exposed, due_at = values["before"], values["exposed"], values["dueAt"]
        return Notice(
            topic=Topic(self._decode_word(Topic, values["type"])),
            occurred_at=parse_moment(values["timestamp"]),
            event_id=values["eventId"],
            decision_id=values["decisionId"],
            merchant_reference=values["merchantReference"],
            product=Product(self._decode_word(Product, values["product"])),
            before=None if before is None else Status(self._decode_word(Status, before)),
            after=Status(self._decode_word(Status, values["after"])),
            exposed=None if exposed is None else Money.from_document(exposed),
            due_at=None if due_at is None else parse_moment(due_at),
        )

    def _encode(self, value: Any) -> Any:
        if isinstance(value, Money):
            return value.document()
        if isinstance(value, datetime):
            return format_moment(value)
        return self.words.get(value, value.value) if isinstance(value, StrEnum) else value

    def _decode_word(self, known: type[StrEnum], theirs: str) -> str:
        return next((word.value for word in known if self._encode(word) == theirs), theirs)


def _require_distinct(kind: str, renamed: Mapping[str, str], known: tuple[str, ...]) -> None:
    unknown = renamed.keys() - set(known)
    if unknown:
        raise Misconfigured(f"unknown {kind}: {', '.join(sorted(unknown))}")
    used = [renamed.get(word, word) for word in known]
    duplicates = sorted({word for word in used if used.count(word) > 1})
    if duplicates:
        raise Misconfigured(f"{kind} must be distinct: {', '.join(duplicates)} is used twice")


_HEAD = ("type", "timestamp")
_RENAMED = {"topic": "type", "occurred_at": "timestamp"}
_FIELDS = {_RENAMED.get(each.name, camel_case(each.name)): each.name for each in fields(Notice)}
NAMES = tuple(_FIELDS)
"""Our names of the fields, as in the standard webhook."""

STANDARD = Wire(nested=True, signature=Signature.STANDARD_WEBHOOKS, header="webhook-signature")
"""{"type": ..., "timestamp": ..., "data": {...}}, signed as standardwebhooks.com specifies."""
