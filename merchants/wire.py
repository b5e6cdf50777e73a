"""How an event is told to a merchant's own system: by default the standard webhook, else in the merchant's own words.

Pure, as adapters are: what comes out is bytes and the name of a signature scheme. Whoever sends them holds the secret
and signs; an adapter has neither.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.domain.decision import Status
from gateway.domain.errors import Misconfigured
from gateway.domain.event import Topic
from gateway.domain.money import Money
from gateway.domain.period import format_moment, parse_moment
from gateway.domain.product import Product
from merchants.ask import camel


class Signature(StrEnum):
    """The scheme by which the sender signs. STANDARD_WEBHOOKS: id, timestamp and body, base64, as that specification
    says. HMAC_SHA256_HEX: the body alone, in hexadecimal digits."""

    STANDARD_WEBHOOKS = "STANDARD_WEBHOOKS"
    HMAC_SHA256_HEX = "HMAC_SHA256_HEX"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What happened to a decision, as far as a merchant's system needs it to find its own order. It holds nothing about
    the person. `exposed` and `due_at` (UTC) are those of an approval's terms, None without one."""

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
    """What is to be sent: the body, and how it is signed into which header."""

    body: bytes
    content_type: str
    signature: Signature
    header: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A merchant's wire format. `names` gives our field names theirs, `words` does so for topics, statuses and
    products; what they leave out keeps our word. `nested` puts all but topic and time below "data".

    Raises Misconfigured unless every name and word stays told apart from every other, so that nothing is lost.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    nested: bool = False
    signature: Signature = Signature.HMAC_SHA256_HEX
    header: str

    def __post_init__(self) -> None:
        _require_apart("names", self.names, NAMES)
        for known in (Topic, Status, Product):  # a status and a topic may share a word: they stand in other fields
            own = {word: theirs for word, theirs in self.words.items() if word in known.__members__}
            _require_apart("words", own, tuple(known))
        unknown = self.words.keys() - {*Topic, *Status, *Product}
        if unknown:
            raise Misconfigured(f"words that we do not use: {', '.join(sorted(unknown))}")

    def render(self, notice: Notice) -> Rendered:
        """The notice in this format: JSON, in UTF-8."""
        told = {self.names.get(name, name): self._told(getattr(notice, name_of)) for name, name_of in _FIELDS.items()}
        if self.nested:
            head = {self.names.get(name, name) for name in _HEAD}
            data = {name: value for name, value in told.items() if name not in head}
            told = {name: value for name, value in told.items() if name in head} | {"data": data}
        body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
        return Rendered(body, "application/json", self.signature, self.header)

    def read(self, body: bytes) -> Notice:
        """Reads what `render` wrote: a merchant's engineers see by it that nothing is lost. Raises KeyError or
        ValueError for anything else."""
        told: dict[str, Any] = json.loads(body)
        if self.nested:
            told = {**told, **told["data"]}
        ours = {name: told[self.names.get(name, name)] for name in _FIELDS}
        before, exposed, due_at = ours["before"], ours["exposed"], ours["dueAt"]
        return Notice(
            topic=Topic(self._ours(Topic, ours["type"])),
            occurred_at=parse_moment(ours["timestamp"]),
            event_id=ours["eventId"],
            decision_id=ours["decisionId"],
            merchant_reference=ours["merchantReference"],
            product=Product(self._ours(Product, ours["product"])),
            before=None if before is None else Status(self._ours(Status, before)),
            after=Status(self._ours(Status, ours["after"])),
            exposed=None if exposed is None else Money.from_document(exposed),
            due_at=None if due_at is None else parse_moment(due_at),
        )

    def _told(self, value: Any) -> Any:
        if isinstance(value, Money):
            return value.document()
        if isinstance(value, datetime):
            return format_moment(value)
        return self.words.get(value, value.value) if isinstance(value, StrEnum) else value

    def _ours(self, known: type[StrEnum], theirs: str) -> str:
        return next((word.value for word in known if self._told(word) == theirs), theirs)


def _require_apart(what: str, given: Mapping[str, str], known: tuple[str, ...]) -> None:
    unknown = given.keys() - set(known)
    if unknown:
        raise Misconfigured(f"{what} that we do not use: {', '.join(sorted(unknown))}")
    told = [given.get(word, word) for word in known]
    twice = sorted({word for word in told if told.count(word) > 1})
    if twice:
        raise Misconfigured(f"{what} must be told apart: {', '.join(twice)} stands for two")


_HEAD = ("type", "timestamp")
_RENAMED = {"topic": "type", "occurred_at": "timestamp"}
_FIELDS = {_RENAMED.get(each.name, camel(each.name)): each.name for each in fields(Notice)}
NAMES = tuple(_FIELDS)
"""Our names of the fields, as the standard webhook has them."""

STANDARD = Wire(nested=True, signature=Signature.STANDARD_WEBHOOKS, header="webhook-signature")
"""{"type": ..., "timestamp": ..., "data": {...}}, signed as standardwebhooks.com says."""
