"""The settings, read once from the environment and frozen. The composition root passes them on; they are never
global."""

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
    """The settings are not valid. The message has one sentence per invalid setting."""


class EnvironmentName(StrEnum):
    SANDBOX = "sandbox"
    LIVE = "live"


class Settings(BaseSettings):
    """The settings of a deployment. Each field is read from GATEWAY_<NAME> and described in docs/reference. Durations
    are ISO 8601 (PT10M) or H:MM:SS, not a number of seconds."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", frozen=True, extra="ignore", env_ignore_empty=True)

    environment: EnvironmentName = Field(
        EnvironmentName.SANDBOX, description="The environment of this deployment: sandbox or live."
    )
    database_url: str = Field(
        "sqlite:///.sandbox/gateway.db",
        description="The database: sqlite:///PATH (one writing process) or postgresql://USER@HOST/NAME.",
    )
    issuer: str = Field(
        "http://127.0.0.1:8000",
        description="The issuer identifier (RFC 8414) and base of all URLs: scheme and host, without path or slash.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="32 random bytes in base64 that seal the keys in the database. Without it a sandbox creates a key "
        "file in its state directory, and a live deployment does not start.",
    )
    state_directory: Path = Field(
        Path(".sandbox"), description="The folder of a sandbox's SQLite file, secret key and credentials."
    )
    adapters: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None, description="Comma-separated keys of the merchant adapters to load. If absent, a sandbox loads all."
    )
    shadow_policies: Annotated[tuple[tuple[str, Path], ...], NoDecode] = Field(
        (),
        description="Comma-separated KEY=PATH: a policy file that is evaluated in addition to an adapter's policy. It "
        "decides nothing; `gateway policy shadow KEY` shows how often its result differs.",
    )
    worker_threads: int = Field(
        16, ge=2, le=200, description="The number of threads for database work, and of pooled database connections."
    )
    log_level: str = Field("WARNING", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="The lowest level logged.")
    baseline_token_life: timedelta = Field(
        timedelta(hours=12),
        gt=timedelta(0),
        description="The lifetime of bearer access tokens of baseline clients (sandbox only).",
    )
    access_token_life: timedelta = Field(
        timedelta(minutes=5), gt=timedelta(0), description="The lifetime of all other access tokens."
    )
    refresh_token_life: timedelta = Field(
        timedelta(days=90),
        gt=timedelta(0),
        description="The longest lifetime of a refresh token. It ends with its consent at the latest.",
    )
    device_code_life: timedelta = Field(
        timedelta(minutes=10),
        ge=timedelta(seconds=1),
        le=timedelta(hours=1),
        description="How long a point of sale waits for a person's decision (RFC 8628 expires_in).",
    )
    till_consent_life: timedelta = Field(
        timedelta(minutes=15),
        ge=timedelta(seconds=1),
        description="The lifetime of a consent given at a point of sale. It allows one decision.",
    )
    retired_key_life: timedelta = Field(
        timedelta(days=400),
        ge=timedelta(0),
        description="How long a retired signing key stays in the published key set (/oauth/jwks).",
    )
    session_idle_life: timedelta = Field(
        timedelta(minutes=30),
        gt=timedelta(0),
        description="How long a signed-in browser session may be idle before it ends.",
    )
    session_life: timedelta = Field(
        timedelta(hours=12), gt=timedelta(0), description="The longest lifetime of a browser session."
    )
    step_up_amount: str = Field(
        "100000.00 CNY",
        description="Comma-separated amounts, one per currency. A person who consents to decisions above the amount, "
        "or in a currency that is not listed, needs a recent login.",
    )
    credit_limits: str = Field(
        "FAIR 3000.00 CNY, GOOD 8000.00 CNY, VERY_GOOD 15000.00 CNY, EXCELLENT 30000.00 CNY",
        description="Comma-separated credit limits by tier and currency: the largest exposure of one person at all "
        "merchants together. A tier that is not listed has the limit of the next lower tier. Without any limit nothing "
        "is approved.",
    )
    inquiries_per_hour: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="The largest number of threshold inquiries, previews and requests of one merchant about one person "
        "within an hour. If absent, 60 in live and 100000 in a sandbox.",
    )
    clock_interval: timedelta = Field(
        timedelta(seconds=5),
        ge=timedelta(milliseconds=100),
        le=timedelta(hours=1),
        description="How often a server looks for decisions with due transitions.",
    )
    step_up_life: timedelta = Field(
        timedelta(minutes=5), gt=timedelta(0), description="How long a login counts as recent (GATEWAY_STEP_UP_AMOUNT)."
    )
    login_attempts: int = Field(
        10,
        ge=1,
        le=10_000,
        description="The largest number of failed logins to one account within GATEWAY_LOGIN_WINDOW, from each browser "
        "that has signed in to it before, and from all other browsers together.",
    )
    login_attempts_per_address: int = Field(
        100,
        ge=1,
        le=1_000_000,
        description="The largest number of failed logins from one IP address within GATEWAY_LOGIN_WINDOW. Browsers "
        "behind a proxy that is not in GATEWAY_TRUSTED_PROXIES all have the proxy's address.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated addresses or networks of the reverse proxies in front of the server. Their "
        "X-Forwarded-For header is trusted, so each must append to it or replace it.",
    )
    login_window: timedelta = Field(
        timedelta(minutes=15),
        ge=timedelta(seconds=1),
        le=timedelta(days=1),
        description="The window of time in which failed logins are counted.",
    )
    valkey_url: SecretStr | None = Field(
        None,
        description="The Valkey in which the processes of a deployment share rate limits and used proofs: "
        "valkey://:PASSWORD@HOST:PORT/0, valkeys:// over TLS, or unix:///PATH. If absent, each process has its own.",
    )
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
            raise ValueError("an adapter can have only one shadow policy")
        return tuple((key.strip(), Path(path.strip())) for key, _, path in pairs)

    @field_validator("outgoing_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
        except ValueError:
            raise ValueError("each must be a network such as 10.20.0.0/16, without bits after its prefix") from None

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
            raise ValueError("each must be HOST, HOST:PORT or HOST:*, without scheme and path")
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
        """Returns a sentence for each setting that is not allowed in a live deployment."""
        rules = {
            "GATEWAY_ISSUER: must be https in live": not self.issuer.startswith("https://"),
            "GATEWAY_SECRET_KEY: is required in live": self.secret_key is None,
            "GATEWAY_ADAPTERS: must be named in live": self.adapters is None,
        }
        return [sentence for sentence, is_broken in rules.items() if is_broken]

    @property
    def sandbox(self) -> bool:
        return self.environment is EnvironmentName.SANDBOX

    @property
    def inquiry_budget(self) -> int:
        """The number of inquiries about one person that one merchant may make within an hour."""
        return self.inquiries_per_hour or (100_000 if self.sandbox else 60)

    def master_key(self) -> bytes | None:
        """Returns the 32 bytes of `secret_key`, or None if it is not set."""
        return _key_bytes(self.secret_key) if self.secret_key else None


def _key_bytes(value: SecretStr) -> bytes | None:
    try:
        key = base64.b64decode(value.get_secret_value(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == 32 else None


def read_settings(**overrides: object) -> Settings:
    """Returns the settings from `overrides` and the environment. Raises SettingsError."""
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
