"""The settings for lifetimes: of tokens, consents at a point of sale, keys, invitations and sessions."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings

from gateway.settings.values import Lifetime


class LifetimeSettings(BaseSettings):
    """How long tokens, codes, signing keys, invitations and sessions live."""

    baseline_token_life: Lifetime = Field(
        timedelta(hours=12),
        le=timedelta(days=30),
        description="The lifetime of bearer access tokens of baseline clients (sandbox only).",
    )
    access_token_life: Lifetime = Field(
        timedelta(minutes=5), le=timedelta(hours=1), description="The lifetime of all other access tokens."
    )
    refresh_token_life: Lifetime = Field(
        timedelta(days=90),
        le=timedelta(days=400),
        description="The longest lifetime of a refresh token. It ends with its consent at the latest.",
    )
    device_code_life: Lifetime = Field(
        timedelta(minutes=10),
        le=timedelta(hours=1),
        description="How long a point of sale waits for a person's decision (RFC 8628 expires_in).",
    )
    till_consent_life: Lifetime = Field(
        timedelta(minutes=15),
        le=timedelta(days=1),
        description="The lifetime of a consent given at a point of sale. It allows one decision.",
    )
    retired_key_life: timedelta = Field(
        timedelta(days=400),
        ge=timedelta(0),
        le=timedelta(days=3660),
        description="How long a retired signing key stays in the published key set (/oauth/jwks).",
    )
    purge_after: timedelta = Field(
        timedelta(hours=1),
        ge=timedelta(minutes=1),
        le=timedelta(days=365),
        description="How long expired pushed requests, codes, tokens and invitations stay in the database before they "
        "are deleted.",
    )
    purge_interval: timedelta = Field(
        timedelta(minutes=1),
        ge=timedelta(seconds=1),
        le=timedelta(days=1),
        description="How often a server deletes expired rows (gateway database purge does it by hand).",
    )
    invitation_life: Lifetime = Field(
        timedelta(days=7),
        le=timedelta(days=90),
        description="How long an invitation is valid, with which a person sets a password (gateway users invite).",
    )
    session_idle_life: Lifetime = Field(
        timedelta(minutes=30),
        le=timedelta(days=1),
        description="How long a signed-in browser session may be idle before it ends.",
    )
    session_life: Lifetime = Field(
        timedelta(hours=12), le=timedelta(days=30), description="The longest lifetime of a browser session."
    )
