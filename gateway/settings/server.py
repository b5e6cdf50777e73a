"""The settings of the HTTP server: its threads, the queue of documents, its connections and proxies."""

import re
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode

from gateway.settings.values import split_list

TOKEN_CHECKS_AT_ONCE = 1
"""The number of threads for token checks of documents that wait, if their client is not known yet."""


_ADDRESS_AND_PORT = re.compile(r"(?:(?P<v4>[0-9.]+)|\[(?P<v6>[0-9a-f:.]+)\]):(?P<port>[0-9]{1,5})")


class ServerSettings(BaseSettings):
    """Threads, the queue of GraphQL documents, connections, and reverse proxies."""

    worker_threads: int = Field(
        16,
        ge=6,
        le=200,
        description="The number of threads for database work. GraphQL documents and logins have shares of them, so"
        " that neither can occupy all threads.",
    )
    documents_at_once: int = Field(
        2,
        ge=1,
        le=100,
        description="How many GraphQL documents are executed at once. Others wait, in turn by client. Values above the"
        " number of processors help only if documents wait for a distant database. As many threads run the requests of"
        " clients to the authorization server. On PostgreSQL as many"
        " transactions write at once, and units of work that wait for one share it. At most"
        " GATEWAY_WORKER_THREADS - GATEWAY_PASSWORD_HASHES_AT_ONCE - 2.",
    )
    documents_waiting: int = Field(
        1_000,
        ge=1,
        le=100_000,
        description="How many GraphQL documents may wait. A further one gets HTTP 503 with Retry-After.",
    )
    documents_waiting_per_client: int = Field(
        100,
        ge=1,
        le=100_000,
        description="How many GraphQL documents of one client may wait. A further one gets HTTP 429 with Retry-After.",
    )
    password_hashes_at_once: int = Field(
        2,
        ge=1,
        le=100,
        description="How many passwords are hashed at once. Each hash takes 64 MiB. Other logins wait; if too many"
        " wait, a further one gets HTTP 429 with Retry-After.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated addresses or networks of the reverse proxies in front of the server. Their "
        "X-Forwarded-For header is trusted, so each must append to it or replace it.",
    )

    metrics_beyond_loopback: bool = Field(
        False,
        description="Whether GATEWAY_METRICS_ADDRESS may be an address that other machines reach. The metrics name no"
        " person and no client, and everybody who reaches the address can read them.",
    )
    metrics_address: str | None = Field(
        None,
        description="ADDRESS:PORT at which GET /metrics returns the metrics of the server in Prometheus' text format,"
        " such as 127.0.0.1:9464. If absent, they are not served.",
    )

    deliver_webhooks: bool = Field(
        True,
        description="Whether the serving processes deliver webhooks. If not, run gateway worker beside them.",
    )
    request_deadline: timedelta = Field(
        timedelta(seconds=10),
        ge=timedelta(milliseconds=100),
        le=timedelta(minutes=10),
        description="How long the server may work for one request, from its last byte on, with the time in the queue."
        " After that a running statement is interrupted, nothing is written, and the response is HTTP 503 with"
        " Retry-After. A commit that has begun is not interrupted.",
    )
    shutdown_grace: timedelta = Field(
        timedelta(seconds=10),
        ge=timedelta(seconds=1),
        le=timedelta(minutes=10),
        description="How long the server may take to end after SIGTERM. In the first 60 percent running requests can"
        " finish, then they are interrupted. At the end the process exits, with or without them.",
    )
    connections: int | None = Field(
        None,
        ge=16,
        le=100_000,
        description="The largest number of open connections. At the limit, the connection that has been longest without"
        " a complete request is closed for a new one. If absent, as many as the limit of open files (ulimit -n) allows,"
        " at most 10000.",
    )
    header_timeout: timedelta = Field(
        timedelta(seconds=10),
        ge=timedelta(milliseconds=100),
        le=timedelta(minutes=10),
        description="How long a client may take for the header of a request. A slower one gets HTTP 408.",
    )
    body_timeout: timedelta = Field(
        timedelta(seconds=20),
        ge=timedelta(milliseconds=100),
        le=timedelta(minutes=10),
        description="How long a client may take for the body of a request. A slower one gets HTTP 408.",
    )
    idle_timeout: timedelta = Field(
        timedelta(seconds=75),
        ge=timedelta(milliseconds=100),
        le=timedelta(hours=1),
        description="How long a connection stays open between two requests. Make it longer than that of the proxy in"
        " front, which otherwise sends requests on connections that are being closed.",
    )
    reading_timeout: timedelta = Field(
        timedelta(seconds=30),
        ge=timedelta(milliseconds=100),
        le=timedelta(minutes=10),
        description="How long a client may take to read a response. The connection of a slower one is closed.",
    )

    @property
    def client_requests_at_once(self) -> int:
        """The number of worker threads for requests of clients to the authorization server: as many as for documents,
        if that leaves one for other requests."""
        return min(self.documents_at_once, max(1, self._rest - 1))

    @property
    def other_threads(self) -> int:
        """The number of worker threads for everything but documents, logins, token checks of documents, and requests to
        the authorization server."""
        return max(1, self._rest - self.client_requests_at_once)

    @property
    def _rest(self) -> int:
        return self.worker_threads - self.documents_at_once - self.password_hashes_at_once - TOKEN_CHECKS_AT_ONCE

    @field_validator("password_hashes_at_once")
    @classmethod
    def _threads_are_left(cls, value: int, info: ValidationInfo) -> int:
        threads, documents = info.data.get("worker_threads"), info.data.get("documents_at_once")
        if threads and documents and documents + value + TOKEN_CHECKS_AT_ONCE >= threads:
            raise ValueError(
                "with GATEWAY_DOCUMENTS_AT_ONCE it must leave at least two of GATEWAY_WORKER_THREADS for other requests"
            )
        return value

    @property
    def metrics_endpoint(self) -> tuple[str, int] | None:
        """The address and the port of the metrics, None if they are not served."""
        if self.metrics_address is None:
            return None
        address, _, port = self.metrics_address.rpartition(":")
        return address.strip("[]"), int(port)

    @field_validator("metrics_address")
    @classmethod
    def _metrics_stay_here(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        match = _ADDRESS_AND_PORT.fullmatch(value)
        try:
            address = ip_address((match["v6"] or match["v4"]) if match else "")
        except ValueError:
            raise ValueError("must be ADDRESS:PORT, such as 127.0.0.1:9464 or [::1]:9464") from None
        if match is None or not 0 < int(match["port"]) < 65_536:
            raise ValueError("must have a port from 1 to 65535")
        if not address.is_loopback and not info.data.get("metrics_beyond_loopback"):
            raise ValueError(
                "must be a loopback address. For another one set GATEWAY_METRICS_BEYOND_LOOPBACK=true, and let only the"
                " monitoring system reach it"
            )
        return value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_proxies(cls, value: object) -> object:
        return split_list(value)

    @field_validator("trusted_proxies")
    @classmethod
    def _known_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(str(ip_network(text)) for text in value)
        except ValueError:
            raise ValueError("must be addresses or networks, such as 10.0.0.0/8, 127.0.0.1") from None
