"""The class Settings, composed of its groups."""

from pydantic_settings import SettingsConfigDict

from gateway.settings.database import DatabaseSettings
from gateway.settings.decisions import DecisionSettings
from gateway.settings.deployment import DeploymentSettings
from gateway.settings.lifetimes import LifetimeSettings
from gateway.settings.logins import LoginSettings
from gateway.settings.network import NetworkSettings
from gateway.settings.notices import NoticeSettings
from gateway.settings.queries import QuerySettings
from gateway.settings.scores import ScoreSettings
from gateway.settings.server import ServerSettings

GROUPS = (
    DeploymentSettings,
    ServerSettings,
    DatabaseSettings,
    NetworkSettings,
    QuerySettings,
    DecisionSettings,
    ScoreSettings,
    NoticeSettings,
    LoginSettings,
    LifetimeSettings,
)
"""The groups in the order of the reference page. A new group is also a base of Settings. Names of validators differ
between groups, because a base replaces a validator of the same name."""


class Settings(
    LifetimeSettings,
    LoginSettings,
    NoticeSettings,
    ScoreSettings,
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
