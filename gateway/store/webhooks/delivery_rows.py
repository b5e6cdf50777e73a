"""The tables of deliveries to webhook endpoints, of their attempts, and of rendered messages."""

from enum import StrEnum

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, bytes_column, moment_column, table_of


class DeliveryStatus(StrEnum):
    """PENDING: it will be tried, again or for the first time. DELIVERED: the endpoint answered with 2xx. FAILED: the
    last attempt of the schedule has failed."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


class WebhookMessageRow(Record):
    """The rendered message about an event: the bytes that each endpoint of the merchant gets. `signature` and `header`
    are the scheme of the merchant's wire format and its header. `variant` is the WebhookVariant of an event that the
    merchant triggered in a sandbox, None for all others."""

    event_id: str = Field(foreign_key="outbox.id", primary_key=True)
    content_type: str
    signature: str
    header: str
    body: bytes = bytes_column()
    created_at: WallTime = moment_column(index=True)
    variant: str | None = None


class WebhookMessageTable(WebhookMessageRow, table=True):
    __tablename__ = "webhook_messages"


class WebhookDeliveryRow(Record):
    """The delivery of one event to one endpoint. `subject_id`, `sequence` and `position` are those of the event's
    message; `sequence` is negated if the events of the subject are to be sent in reverse. `attempts` counts all
    attempts, `tries` those since it was created or last resent. It is tried at `due_at`, None once it has ended. An
    attempt that runs has moved `due_at` to the time at which it counts as lost."""

    id: str = Field(primary_key=True)
    endpoint_id: str = Field(foreign_key="webhook_endpoints.id")
    event_id: str = Field(foreign_key="outbox.id", index=True)
    subject_id: str
    sequence: int
    position: int = Field(sa_type=BigInteger)
    status: str = DeliveryStatus.PENDING.value
    attempts: int = 0
    tries: int = 0
    due_at: WallTime | None = moment_column(default=None)
    created_at: WallTime = moment_column(index=True)
    ended_at: WallTime | None = moment_column(default=None)


_WAITS, HAS_FAILED = text("due_at IS NOT NULL"), text("status = 'FAILED'")


class WebhookDeliveryTable(WebhookDeliveryRow, table=True):
    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("uq_webhook_deliveries_endpoint_id_event_id", "endpoint_id", "event_id", unique=True),
        Index(
            "ix_webhook_deliveries_endpoint_id_due_at",
            "endpoint_id",
            "due_at",
            postgresql_where=_WAITS,
            sqlite_where=_WAITS,
        ),
        Index(
            "ix_webhook_deliveries_endpoint_id_subject_id_sequence",
            "endpoint_id",
            "subject_id",
            "sequence",
            postgresql_where=_WAITS,
            sqlite_where=_WAITS,
        ),
        Index("ix_webhook_deliveries_endpoint_id_position", "endpoint_id", "position"),
        Index(
            "ix_webhook_deliveries_failed_endpoint_id_position",
            "endpoint_id",
            "position",
            postgresql_where=HAS_FAILED,
            sqlite_where=HAS_FAILED,
        ),
    )


class WebhookAttemptRow(Record):
    """One attempt of a delivery. `response_body` is the beginning of the response, `error` why there was none. Times
    are wall time."""

    delivery_id: str = Field(foreign_key="webhook_deliveries.id", primary_key=True)
    number: int = Field(primary_key=True)
    started_at: WallTime = moment_column()
    duration_ms: int
    response_status: int | None = None
    response_body: str | None = None
    error: str | None = None


class WebhookAttemptTable(WebhookAttemptRow, table=True):
    __tablename__ = "webhook_attempts"


MESSAGES, DELIVERIES = table_of(WebhookMessageTable), table_of(WebhookDeliveryTable)
ATTEMPTS = table_of(WebhookAttemptTable)
