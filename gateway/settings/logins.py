"""The settings for logins: how many may fail, and what needs a recent one."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings

from gateway.settings.values import Lifetime


class LoginSettings(BaseSettings):
    """Limits for failed logins, and the step-up to a recent login."""

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
    login_window: Lifetime = Field(
        timedelta(minutes=15),
        le=timedelta(days=1),
        description="The window of time in which failed logins are counted.",
    )
    step_up_amount: str = Field(
        "100000.00 CNY",
        description="Comma-separated amounts, one per currency. A person who consents to decisions above the amount, "
        "or in a currency that is not listed, needs a recent login.",
    )
    step_up_life: Lifetime = Field(
        timedelta(minutes=5),
        le=timedelta(hours=1),
        description="How long a login counts as recent (GATEWAY_STEP_UP_AMOUNT).",
    )
