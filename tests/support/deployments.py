"""Deployments that tests build with changed settings, and the errors of those that cannot be built."""

from contextlib import closing
from typing import Any

import pytest

from gateway.bootstrap import build
from gateway.services.container import Container
from gateway.settings import Settings, SettingsError


def changed(settings: Settings, **values: Any) -> Settings:
    """Returns the settings with these values."""
    return settings.model_copy(update=values)


def refusal(settings: Settings) -> str:
    """Returns the error of a deployment that cannot be built."""
    with pytest.raises(SettingsError) as refused:
        build(settings)
    return str(refused.value)


def container_of(settings: Settings) -> "closing[Container]":
    """Builds the deployment, and closes it at the end of the block."""
    return closing(build(settings))
