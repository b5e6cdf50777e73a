"""Settings: read once from the environment, frozen, handed down by the composition root; never a global."""

import base64
import binascii
import re
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_HOST_AND_PORT = re.compile(r"(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(?:[0-9]{1,5}|\*))?")


class SettingsError(Exception):
    """The environment's settings cannot be used; the message has one sentence per wrong one."""


class EnvironmentName(StrEnum):
    SANDBOX = "sandbox"
    LIVE = "live"


class Settings(BaseSettings):
    """One value per deployment. Each field is read from GATEWAY_<NAME> and explained in docs/reference."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", frozen=True, extra="ignore", env_ignore_empty=True)

    environment: EnvironmentName = Field(
        EnvironmentName.SANDBOX, description="Which environment this deployment is: sandbox or live."
    )
    database_url: str = Field(
        "sqlite:///.sandbox/gateway.db",
        description="Where the data is: sqlite:///PATH (one writing process) or postgresql://USER@HOST/NAME.",
    )
    issuer: str = Field(
        "http://127.0.0.1:8000",
        description="The issuer identifier (RFC 8414) and base of every address: scheme and host, no path, no slash.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="32 random bytes in base64 that seal the keys in the database. Without it a sandbox keeps one "
        "in a file beside its data; live refuses to start.",
    )
    state_directory: Path = Field(
        Path(".sandbox"), description="Where a sandbox keeps its SQLite file, its secret key and its credentials."
    )
    adapters: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None, description="Comma-separated keys of the merchant adapters to load; absent, a sandbox loads all."
    )
    shadow_policies: Annotated[tuple[tuple[str, Path], ...], NoDecode] = Field(
        (),
        description="Comma-separated KEY=PATH: a policy file that is evaluated beside the live policy of an adapter. "
        "It decides nothing; `gateway policy shadow KEY` tells how often it differed.",
    )
    worker_threads: int = Field(
        16, ge=2, le=200, description="Threads for database work, and so the size of the connection pool."
    )
    log_level: str = Field("WARNING", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="The least level logged.")
    baseline_token_life: timedelta = Field(
        timedelta(hours=12),
        gt=timedelta(0),
        description="Life of bearer access tokens of baseline clients (sandbox only).",
    )
    access_token_life: timedelta = Field(
        timedelta(minutes=5), gt=timedelta(0), description="Life of all other access tokens."
    )
    refresh_token_life: timedelta = Field(
        timedelta(days=90),
        gt=timedelta(0),
        description="Longest life of a refresh token; it never outlives its consent.",
    )
    device_code_life: timedelta = Field(
        timedelta(minutes=10),
        ge=timedelta(seconds=1),
        le=timedelta(hours=1),
        description="How long a till waits for a person's decision (RFC 8628 expires_in).",
    )
    till_consent_life: timedelta = Field(
        timedelta(minutes=15),
        ge=timedelta(seconds=1),
        description="Life of a consent given at a till, good for one decision.",
    )
    retired_key_life: timedelta = Field(
        timedelta(days=400),
        ge=timedelta(0),
        description="How long a retired signing key stays in the published key set (/oauth/jwks).",
    )
    session_idle_life: timedelta = Field(
        timedelta(minutes=30),
        gt=timedelta(0),
        description="A signed-in browser session ends after this long without a request.",
    )
    session_life: timedelta = Field(
        timedelta(hours=12), gt=timedelta(0), description="The longest life of a browser session."
    )
    step_up_amount: str = Field(
        "100000.00 CNY",
        description="Comma-separated amounts: to consent to decisions above the one in their currency, or in a "
        "currency that is not listed, a person must have signed in freshly.",
    )
    credit_limits: str = Field(
        "FAIR 3000.00 CNY, GOOD 8000.00 CNY, VERY_GOOD 15000.00 CNY, EXCELLENT 30000.00 CNY",
        description="Comma-separated credit limits by tier and currency: the largest exposure of one person at all "
        "merchants together. A tier that is not listed has the limit of the tier below it; without any limit, nothing "
        "is approved.",
    )
    inquiries_per_hour: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="Threshold inquiries, previews and requests that one merchant may make about one person within an "
        "hour; absent, 60 in live and 100000 in a sandbox.",
    )
    clock_interval: timedelta = Field(
        timedelta(seconds=5),
        ge=timedelta(milliseconds=100),
        le=timedelta(hours=1),
        description="How often a server looks for decisions whose date has come.",
    )
    step_up_life: timedelta = Field(
        timedelta(minutes=5), gt=timedelta(0), description="How long a login counts as fresh."
    )
    login_attempts: int = Field(
        10,
        ge=1,
        le=10_000,
        description="Failed logins that one account may have within GATEWAY_LOGIN_WINDOW from browsers it has not "
        "signed in with before, and from each one that it has.",
    )
    login_attempts_per_address: int = Field(
        100,
        ge=1,
        le=1_000_000,
        description="Failed logins within GATEWAY_LOGIN_WINDOW from one address, as the server sees it: behind a "
        "proxy that GATEWAY_TRUSTED_PROXIES does not name, all browsers have the proxy's.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated addresses or networks of the reverse proxies in front of the server, whose "
        "X-Forwarded-For header says where a request comes from. Each must add to that header or replace it.",
    )
    login_window: timedelta = Field(
        timedelta(minutes=15),
        ge=timedelta(seconds=1),
        le=timedelta(days=1),
        description="The length of time over which failed logins are counted.",
    )
    valkey_url: SecretStr | None = Field(
        None,
        description="Where the processes of a deployment share rate limits and what was used once: "
        "valkey://:PASSWORD@HOST:PORT/0, valkeys:// over TLS, or unix:///PATH. Absent, one process keeps them itself.",
    )
    outgoing_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="Comma-separated networks such as 10.20.0.0/16 that this server may connect to although they are "
        "not public. Plain http goes to loopback addresses only, and only where they are listed here.",
    )
    outgoing_ca_file: Path | None = Field(
        None,
        description="A PEM file with certificates of authorities that outgoing connections trust beside the machine's "
        "own.",
    )
    jwks_uri_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated hosts from which clients' keys may be fetched (jwks_uri): HOST for its port 443, "
        "HOST:PORT, or HOST:* for any port. Without any, no jwks_uri is accepted.",
    )

    @field_validator("adapters", "trusted_proxies", "jwks_uri_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("shadow_policies", mode="before")
    @classmethod
    def _keys_and_paths(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.strip().partition("=") for part in value.split(",") if part.strip()]
        if not all(key.strip() and path.strip() for key, _, path in pairs):
            raise ValueError("each must be KEY=PATH, such as car_rental=next.toml")
        if len({key.strip() for key, _, _ in pairs}) < len(pairs):
            raise ValueError("an adapter has one shadow at most")
        return tuple((key.strip(), Path(path.strip())) for key, _, path in pairs)

    @field_validator("outgoing_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
        except ValueError:
            raise ValueError("each must be a network such as 10.20.0.0/16, with no bit set behind its prefix") from None

    @field_validator("issuer")
    @classmethod
    def _plain_issuer(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc or value != f"{parts.scheme}://{parts.netloc}":
            raise ValueError("must be scheme and host only, such as https://gateway.example")
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        return value

    @field_validator("secret_key")
    @classmethod
    def _whole_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and _key_bytes(value) is None:
            raise ValueError("must be the base64 of exactly 32 bytes")
        return value

    @field_validator("valkey_url")
    @classmethod
    def _known_store(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("valkey://", "valkeys://", "unix://")):
            raise ValueError("must begin with valkey://, valkeys:// or unix://")
        return value

    @field_validator("jwks_uri_hosts")
    @classmethod
    def _known_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        hosts = tuple(host.lower() for host in value)
        if not all(_HOST_AND_PORT.fullmatch(host) for host in hosts):
            raise ValueError("each must be HOST, HOST:PORT or HOST:*, without a scheme and a path")
        return hosts

    @field_validator("adapters")
    @classmethod
    def _some_adapters(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value == ():
            raise ValueError("must name at least one adapter, or be absent")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _known_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(str(ip_network(text)) for text in value)
        except ValueError:
            raise ValueError("must be addresses or networks, such as 10.0.0.0/8, 127.0.0.1") from None

    def unsafe_in_live(self) -> list[str]:
        """A sentence for each setting that a live deployment must not have."""
        wrong = {
            "GATEWAY_ISSUER: must be https in live": not self.issuer.startswith("https://"),
            "GATEWAY_SECRET_KEY: is required in live": self.secret_key is None,
            "GATEWAY_ADAPTERS: must be named in live": self.adapters is None,
        }
        return [sentence for sentence, holds in wrong.items() if holds]

    @property
    def sandbox(self) -> bool:
        return self.environment is EnvironmentName.SANDBOX

    @property
    def inquiry_budget(self) -> int:
        """The number of inquiries about one person that one merchant may make within an hour."""
        return self.inquiries_per_hour or (100_000 if self.sandbox else 60)

    def master_key(self) -> bytes | None:
        """The 32 bytes of `secret_key`, None where it is not set."""
        return _key_bytes(self.secret_key) if self.secret_key else None


def _key_bytes(value: SecretStr) -> bytes | None:
    try:
        key = base64.b64decode(value.get_secret_value(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == 32 else None


def read_settings(**overrides: object) -> Settings:
    """The settings from the environment, `overrides` first. Raises SettingsError."""
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = (
            f"GATEWAY_{'_'.join(map(str, e['loc'])).upper()}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError("; ".join(lines)) from None
    unsafe = [] if settings.sandbox else settings.unsafe_in_live()
    if unsafe:
        raise SettingsError("; ".join(unsafe))
    return settings
