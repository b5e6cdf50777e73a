"""The settings for connections that the server opens."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from gateway.settings.values import split_list

_HOST_AND_PORT = re.compile(r"(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(?:[0-9]{1,5}|\*))?")


class NetworkSettings(BaseSettings):
    """Where outgoing connections may go, and whom they trust."""

    outgoing_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="Comma-separated networks such as 10.20.0.0/16 that the server may connect to although they are "
        "not public. Plain http is allowed to loopback addresses only, and only if they are listed here.",
    )
    outgoing_ca_file: Path | None = Field(
        None,
        description="A PEM file with certificates of authorities that outgoing connections trust in addition to the "
        "machine's.",
    )
    jwks_uri_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated hosts from which clients' keys may be fetched (jwks_uri): HOST for port 443, "
        "HOST:PORT, or HOST:* for any port. If absent, no jwks_uri is accepted.",
    )

    @field_validator("jwks_uri_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        return split_list(value)

    @field_validator("outgoing_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
        except ValueError:
            raise ValueError("each must be a network such as 10.20.0.0/16, without bits after its prefix") from None

    @field_validator("jwks_uri_hosts")
    @classmethod
    def _known_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        hosts = tuple(host.lower() for host in value)
        if not all(_HOST_AND_PORT.fullmatch(host) for host in hosts):
            raise ValueError("each must be HOST, HOST:PORT or HOST:*, without scheme and path")
        return hosts
