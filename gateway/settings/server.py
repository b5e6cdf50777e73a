"""The settings of the HTTP server: its threads and the proxies in front of it."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from gateway.settings.values import split_list


class ServerSettings(BaseSettings):
    """Threads and reverse proxies."""

    worker_threads: int = Field(16, ge=2, le=200, description="The number of threads for database work.")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated addresses or networks of the reverse proxies in front of the server. Their "
        "X-Forwarded-For header is trusted, so each must append to it or replace it.",
    )

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
