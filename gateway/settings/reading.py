"""Reads the settings from the environment."""

from typing import Any

from pydantic import ValidationError

from gateway.settings.live import unsafe_in_live
from gateway.settings.settings import Settings
from gateway.settings.values import FOLLOWING_ERROR, error_sentence


class SettingsError(Exception):
    """The settings are not valid. The message has one sentence per invalid setting."""


def read_settings(**overrides: Any) -> Settings:
    """Returns the settings from `overrides` and the environment. Raises SettingsError."""
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        errors = [each for each in error.errors(include_input=False) if each["type"] != FOLLOWING_ERROR]
        raise SettingsError("; ".join(map(error_sentence, errors))) from None
    unsafe = [] if settings.sandbox else unsafe_in_live(settings)
    if unsafe:
        raise SettingsError("; ".join(unsafe))
    return settings
