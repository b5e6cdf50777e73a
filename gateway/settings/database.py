"""The settings for the connections to the database."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings


class DatabaseSettings(BaseSettings):
    """How many connections the server opens, and how long it waits for the database."""

    database_connections: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="The largest number of pooled connections of one process to the database. If absent, one for each "
        "worker thread (GATEWAY_WORKER_THREADS). With fewer, threads wait for a free one.",
    )
    database_lock_wait: timedelta = Field(
        timedelta(seconds=5),
        ge=timedelta(milliseconds=10),
        le=timedelta(minutes=1),
        description="How long a request waits for a lock that another one holds. After that it fails with UNAVAILABLE.",
    )
    database_statement_limit: timedelta = Field(
        timedelta(seconds=10),
        ge=timedelta(milliseconds=100),
        le=timedelta(minutes=5),
        description="How long one statement of a request may take on PostgreSQL. If PostgreSQL does not reply two "
        "seconds later, the connection is given up. After that the request fails with UNAVAILABLE.",
    )
