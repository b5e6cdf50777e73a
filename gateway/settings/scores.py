"""The settings for the source of scores."""

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings


class ScoreSettings(BaseSettings):
    """Where scores come from, and how the remote score provider is asked."""

    score_source: Literal["scorecard", "remote"] = Field(
        "scorecard",
        description="Where scores come from: scorecard for this deployment's own, remote for the provider at"
        " GATEWAY_SCORE_PROVIDER.",
    )
    score_provider: str | None = Field(
        None,
        description="The base URL of the remote score provider, without a slash at its end. Its address must be public"
        " or in GATEWAY_OUTGOING_NETWORKS. Required if the source is remote.",
    )
    score_provider_keys: Path | None = Field(
        None,
        description="A file with the JWK Set of the remote score provider: its public keys, Ed25519 or EC P-256, each"
        " with a kid. Required if the source is remote.",
    )
    score_provider_token: SecretStr | None = Field(
        None,
        description="The bearer token that is sent to the remote score provider. If absent, requests have none.",
    )
    score_fresh_for: timedelta = Field(
        timedelta(days=1),
        ge=timedelta(seconds=1),
        le=timedelta(days=60),
        description="How long an answer of the remote score provider is used at most without asking again, even if it"
        " is valid for longer. By business time.",
    )
    score_stale_for: timedelta = Field(
        timedelta(days=3),
        validate_default=True,
        ge=timedelta(seconds=1),
        le=timedelta(days=60),
        description="How old the last answer about a person may become while the remote score provider fails. After"
        " that requests fail with SCORE_UNAVAILABLE. By business time. At least GATEWAY_SCORE_FRESH_FOR.",
    )
    score_connect_limit: timedelta = Field(
        timedelta(seconds=1),
        ge=timedelta(milliseconds=10),
        le=timedelta(seconds=30),
        description="How long one connection to the remote score provider may take to open.",
    )
    score_attempt_limit: timedelta = Field(
        timedelta(seconds=2),
        ge=timedelta(milliseconds=50),
        le=timedelta(seconds=30),
        description="How long one request to the remote score provider may take, with its connection.",
    )
    score_time_limit: timedelta = Field(
        timedelta(seconds=4),
        validate_default=True,
        ge=timedelta(milliseconds=50),
        le=timedelta(minutes=1),
        description="How long all requests to the remote score provider about one person may take, with the pauses"
        " between them. Never more than four fifths of what remains of GATEWAY_REQUEST_DEADLINE. At least"
        " GATEWAY_SCORE_ATTEMPT_LIMIT.",
    )
    score_retries: int = Field(
        2,
        ge=0,
        le=2,
        description="How often a request to the remote score provider is repeated after a lost connection, a timeout or"
        " a status from 500 on, each time after a random pause.",
    )
    score_circuit_failures: int = Field(
        5,
        ge=1,
        le=1_000,
        description="After so many consecutive failures the remote score provider is not asked for a time.",
    )
    score_circuit_pause: timedelta = Field(
        timedelta(seconds=10),
        ge=timedelta(milliseconds=100),
        le=timedelta(minutes=10),
        description="How long the remote score provider is not asked after these failures, plus up to half of it at"
        " random. Then one request tries whether it works again.",
    )

    @field_validator("score_stale_for")
    @classmethod
    def _stale_after_fresh(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        if value < info.data.get("score_fresh_for", value):
            raise ValueError("must be at least GATEWAY_SCORE_FRESH_FOR")
        return value

    @field_validator("score_time_limit")
    @classmethod
    def _time_for_one_attempt(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        if value < info.data.get("score_attempt_limit", value):
            raise ValueError("must be at least GATEWAY_SCORE_ATTEMPT_LIMIT")
        return value
