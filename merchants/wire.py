"""The messages to a merchant's system about decisions: the standard envelope, or the merchant's own wire format.

Rendering returns bytes and the name of a signature scheme. The sender has the secret and signs; an adapter has no
secret.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar

from gateway.domain.api_version import API_VERSION
from gateway.domain.decisions.dispute import Contested, DisputeStatus
from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import Misconfigured
from gateway.domain.events import Actor, Topic, wire_name
from gateway.domain.merchants import Product
from gateway.domain.webhooks.envelope import envelope_of, notice_in, read_envelope, render_envelope
from gateway.domain.webhooks.notice import Notice, SubjectType

CONTENT_TYPE = "application/json"


class Signature(StrEnum):
    """The scheme with which the sender signs. STANDARD_WEBHOOKS signs id, timestamp and body as standardwebhooks.com
    specifies, in base64. HMAC_SHA256_HEX signs the body alone, in hexadecimal digits."""

    STANDARD_WEBHOOKS = "STANDARD_WEBHOOKS"
    HMAC_SHA256_HEX = "HMAC_SHA256_HEX"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message to be sent: its body, the scheme of its signature, and the header for the signature."""

    body: bytes
    content_type: str
    signature: Signature
    header: str


@dataclass(frozen=True, slots=True)
class StandardWire:
    """The standard envelope, for events of every topic. It translates no words."""

    words: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def render(self, notice: Notice) -> Rendered:
        """The standard message about an event, signed as standardwebhooks.com specifies."""
        return Rendered(render_envelope(notice), CONTENT_TYPE, Signature.STANDARD_WEBHOOKS, "webhook-signature")

    def read(self, body: bytes) -> Notice:
        """The notice in a body that `render` returned. Raises ValueError for any other body."""
        return read_envelope(body)


STANDARD = StandardWire()
_PATHS = {
    "type": ("type",),
    "timestamp": ("timestamp",),
    "id": ("id",),
    "environment": ("environment",),
    "merchantId": ("merchantId",),
    "decisionId": ("subject", "id"),
    "sequence": ("sequence",),
    "actor": ("actor",),
    "merchantReference": ("data", "merchantReference"),
    "product": ("data", "product"),
    "from": ("data", "from"),
    "to": ("data", "to"),
    "exposed": ("data", "exposed"),
    "due": ("data", "settlement", "due"),
    "settled": ("data", "settlement", "settled"),
    "outstanding": ("data", "settlement", "outstanding"),
    "dueAt": ("data", "settlement", "dueAt"),
    "overdue": ("data", "settlement", "overdue"),
    "consentId": ("data", "consentId"),
    "reasonCodes": ("data", "reasonCodes"),
    "disputeId": ("data", "disputeId"),
    "disputeKind": ("data", "kind"),
    "respondBy": ("data", "respondBy"),
    "disputeStatus": ("data", "status"),
}
NAMES = tuple(_PATHS)
"""Our names of the members of a flat message, each with a place in the standard envelope."""

_VOCABULARIES: Mapping[str, type[StrEnum]] = {
    "type": Topic,
    "product": Product,
    "from": Status,
    "to": Status,
    "actor": Actor,
    "disputeKind": Contested,
    "disputeStatus": DisputeStatus,
}
"""The members whose words can be translated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A merchant's wire format for events of decisions and disputes: one flat JSON object. It always has all members;
    those that an event does not have are null.

    `names` maps our names of the members to the merchant's, `words` maps our topics, statuses, products, actors, and
    the kinds and statuses of disputes. Those that are not in the mappings stay as they are.

    Raises Misconfigured for an unknown name or word, and if two names, or two words of one member, become equal.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    signature: Signature = Signature.HMAC_SHA256_HEX
    header: str

    def __post_init__(self) -> None:
        _require_distinct("names", self.names, NAMES)
        known = set(_VOCABULARIES.values())
        for vocabulary in known:  # a status and a topic may have the same word: their members differ
            own = {word: theirs for word, theirs in self.words.items() if word in vocabulary.__members__}
            _require_distinct("words", own, tuple(vocabulary))
        unknown = self.words.keys() - {word for vocabulary in known for word in vocabulary}
        if unknown:
            raise Misconfigured(f"unknown words: {', '.join(sorted(unknown))}")

    def render(self, notice: Notice) -> Rendered:
        """The message for the notice in this format. Its body is JSON in UTF-8. Raises ValueError for an event that is
        not about a decision."""
        if notice.subject.type is not SubjectType.DECISION:
            raise ValueError(f"{notice.topic} has the standard envelope only")
        envelope = {**envelope_of(notice), "type": notice.topic.value}
        message = {
            self.names.get(name, name): self._translate(name, _value_at(envelope, path))
            for name, path in _PATHS.items()
        }
        body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        return Rendered(body, CONTENT_TYPE, self.signature, self.header)

    def read(self, body: bytes) -> Notice:
        """The notice in a body that `render` returned. Raises ValueError for any other body."""
        message: Any = json.loads(body)
        envelope: dict[str, Any] = {"apiVersion": API_VERSION, "subject": {"type": SubjectType.DECISION}}
        try:
            for name, (*parents, last) in _PATHS.items():
                part = envelope
                for parent in parents:
                    part = part.setdefault(parent, {})
                part[last] = self._read_word(name, message[self.names.get(name, name)])
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a message of this format: {error}") from None
        if envelope["data"]["settlement"]["due"] is None:
            envelope["data"]["settlement"] = None
        return notice_in({**envelope, "type": wire_name(Topic(envelope["type"]))})

    def _translate(self, name: str, value: Any) -> Any:
        return self.words.get(value, value) if name in _VOCABULARIES and value is not None else value

    def _read_word(self, name: str, theirs: Any) -> Any:
        known = _VOCABULARIES.get(name, ())
        return next((word.value for word in known if self.words.get(word, word) == theirs), theirs)


def _value_at(envelope: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Returns the value in an envelope, or None if the event does not have it."""
    value: Any = envelope
    for part in path:
        value = value.get(part) if value is not None else None
    return value


def _require_distinct(kind: str, renamed: Mapping[str, str], known: tuple[str, ...]) -> None:
    unknown = renamed.keys() - set(known)
    if unknown:
        raise Misconfigured(f"unknown {kind}: {', '.join(sorted(unknown))}")
    used = [renamed.get(word, word) for word in known]
    duplicates = sorted({word for word in used if used.count(word) > 1})
    if duplicates:
        raise Misconfigured(f"{kind} must be distinct: {', '.join(duplicates)} is used twice")
