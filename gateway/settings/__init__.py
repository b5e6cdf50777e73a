"""The settings, read once from the environment and frozen. The composition root passes them on; they are never
global."""

from gateway.settings.deployment import EnvironmentName
from gateway.settings.reading import SettingsError, read_settings
from gateway.settings.settings import GROUPS, Settings

__all__ = ["GROUPS", "EnvironmentName", "Settings", "SettingsError", "read_settings"]
