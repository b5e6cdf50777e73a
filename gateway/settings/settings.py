"""The class Settings, composed of its groups, and the function that reads it from the environment."""

from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from gateway.settings.database import DatabaseSettings
from gateway.settings.decisions import DecisionSettings
from gateway.settings.deployment import DeploymentSettings
from gateway.settings.lifetimes import LifetimeSettings
from gateway.settings.logins import LoginSettings
from gateway.settings.network import NetworkSettings
from gateway.settings.queries import QuerySettings
from gateway.settings.server import ServerSettings

GROUPS = (
    DeploymentSettings,
    ServerSettings,
    DatabaseSettings,
    NetworkSettings,
    QuerySettings,
    DecisionSettings,
    LoginSettings,
    LifetimeSettings,
)
"""The groups in the order of the reference page. A new group is also a base of Settings. Names of validators differ
between groups, because a base replaces a validator of the same name."""


class SettingsError(Exception):
    """The settings are not valid. The message has one sentence per invalid setting."""


class Settings(
    LifetimeSettings,
    LoginSettings,
    DecisionSettings,
    QuerySettings,
    NetworkSettings,
    DatabaseSettings,
    ServerSettings,
    DeploymentSettings,
):
    """The settings of a deployment. Each field is read from GATEWAY_<NAME> and described in docs/reference. Durations
    are ISO 8601 (PT10M) or H:MM:SS, not a number of seconds."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", frozen=True, extra="ignore", env_ignore_empty=True)

    @property
    def inquiry_budget(self) -> int:
        """The number of inquiries about one person that one partner may make within an hour."""
        return self.inquiries_per_hour or (100_000 if self.sandbox else 60)

    @property
    def pool_size(self) -> int:
        """The number of pooled connections of one process to the database."""
        return self.database_connections or self.worker_threads

    @property
    def bucket_size(self) -> int:
        """The number of cost points that a client can use at once."""
        return self.query_bucket_size or (1_000_000 if self.sandbox else 10 * self.query_maximum_cost)

    @property
    def bucket_restore_rate(self) -> int:
        """The number of cost points that are restored to a client each second."""
        return self.query_restore_rate or (1_000_000 if self.sandbox else self.query_maximum_cost // 2)

    def unsafe_in_live(self) -> list[str]:
        """Returns a sentence for each setting that is not allowed in a live deployment."""
        rules = {
            "GATEWAY_ISSUER: must be https in live": not self.issuer.startswith("https://"),
            "GATEWAY_SECRET_KEY: is required in live": self.secret_key is None,
            "GATEWAY_ADAPTERS: must be named in live": self.adapters is None,
        }
        return [sentence for sentence, is_broken in rules.items() if is_broken]


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
