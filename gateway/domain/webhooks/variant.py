"""Events that a merchant triggers in a sandbox, and how their deliveries deviate from those of other events.

The snapshot of such an event has a mark: a member with the variant. Other snapshots do not have this member.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

TRIGGERED = "triggered"
"""The member with the variant of an event that a merchant triggered."""

UNKNOWN_TYPE = "sandbox.unknown"
"""The type of the message about an event with the variant UNKNOWN_TOPIC."""


class WebhookVariant(StrEnum):
    """How the event is sent. NORMAL: as any other. DUPLICATE: twice to each endpoint. REORDERED: after a later event
    of its subject. BAD_SIGNATURE: signed with another secret. UNKNOWN_TOPIC: with a type that no version has.
    OLD_TIMESTAMP: signed with a time ten minutes ago."""

    NORMAL = "NORMAL"
    DUPLICATE = "DUPLICATE"
    REORDERED = "REORDERED"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    UNKNOWN_TOPIC = "UNKNOWN_TOPIC"
    OLD_TIMESTAMP = "OLD_TIMESTAMP"


_VALUES = frozenset(WebhookVariant)


def mark(snapshot: Mapping[str, Any], variant: WebhookVariant) -> dict[str, Any]:
    """Returns the snapshot with the mark of a triggered event."""
    return {**snapshot, TRIGGERED: variant.value}


def variant_of(snapshot: Mapping[str, Any]) -> WebhookVariant | None:
    """Returns the variant of a triggered event, None for any other event. A variant that this version does not know is
    NORMAL: an error would hold up the messages after it."""
    value = snapshot.get(TRIGGERED)
    if value is None:
        return None
    return WebhookVariant(value) if value in _VALUES else WebhookVariant.NORMAL
