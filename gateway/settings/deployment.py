"""The settings that make a deployment what it is: environment, database, issuer, secret key and adapters."""

import base64
import binascii
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

from gateway.settings.issuer import require_issuer
from gateway.settings.values import split_list


class EnvironmentName(StrEnum):
    SANDBOX = "sandbox"
    LIVE = "live"


class DeploymentSettings(BaseSettings):
    """Environment, database, issuer, secret key and adapters."""

    environment: EnvironmentName = Field(
        EnvironmentName.SANDBOX, description="The environment of this deployment: sandbox or live."
    )
    issuer: str = Field(
        "http://127.0.0.1:8000",
        description="The issuer identifier (RFC 8414) and base of all URLs: scheme, host and port as browsers "
        "write them, in lower case, without the default port, path or slash.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="32 random bytes in base64 that seal the keys in the database. Without it a sandbox creates a key "
        "file in its state directory, and a live deployment does not start.",
    )
    state_directory: Path = Field(
        Path(".sandbox"), description="The folder of a sandbox's SQLite file, secret key and credentials."
    )
    docs_directory: Path = Field(
        Path(".docs/site"),
        description="The folder of the built documentation (make docs). The server shows it under /docs.",
    )
    database_url: str = Field(
        default_factory=lambda read: f"sqlite:///{read.get('state_directory', '.sandbox')}/gateway.db",
        description="The database: sqlite:///PATH (one writing process) or postgresql://USER@HOST/NAME. If absent,"
        " gateway.db in GATEWAY_STATE_DIRECTORY.",
    )
    checkpoint_file: Path | None = Field(
        None,
        description="The file that gets the newest signed checkpoint of each log, at most once a second. Mirror it to a"
        " place that administrators of the database cannot write. If absent, they are kept in the database only.",
    )
    adapters: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None, description="Comma-separated keys of the merchant adapters to load. If absent, a sandbox loads all."
    )
    shadow_policies: Annotated[tuple[tuple[str, Path], ...], NoDecode] = Field(
        (),
        description="Comma-separated KEY=PATH: a policy file that is evaluated in addition to an adapter's policy. It "
        "decides nothing; `gateway policy shadow KEY` shows how often its result differs.",
    )
    scorecards: Annotated[tuple[Path, ...], NoDecode] = Field(
        (),
        description="Comma-separated files with the versions of the scorecard. Each is in force from its effective "
        "date. If absent, the shipped scorecard. `gateway scores check` checks a file.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("WARNING", description="The lowest level logged.")
    valkey_url: SecretStr | None = Field(
        None,
        description="The Valkey in which the processes of a deployment share rate limits and used proofs: "
        "valkey://:PASSWORD@HOST:PORT/0, valkeys:// over TLS, or unix:///PATH. If absent, each process has its own.",
    )

    @field_validator("adapters", "scorecards", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_list(value)

    @field_validator("adapters")
    @classmethod
    def _some_adapters(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value == ():
            raise ValueError("must name at least one adapter, or be absent")
        return value

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

    @field_validator("issuer")
    @classmethod
    def _plain_issuer(cls, value: str) -> str:
        return require_issuer(value)

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        if value in {"sqlite:///", "sqlite:///:memory:"}:
            raise ValueError("must name a file after sqlite:///")
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

    @property
    def sandbox(self) -> bool:
        return self.environment is EnvironmentName.SANDBOX

    def master_key(self) -> bytes | None:
        """Returns the 32 bytes of `secret_key`, or None if it is not set."""
        return _key_bytes(self.secret_key) if self.secret_key else None


def _key_bytes(value: SecretStr) -> bytes | None:
    try:
        key = base64.b64decode(value.get_secret_value(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == 32 else None
