"""The errors that a person can correct, each as one sentence."""

from gateway.domain.errors import GatewayError
from gateway.kit.valkey import SharedStateDown
from gateway.settings import SettingsError
from gateway.store.causes import explain
from gateway.store.database import DATABASE_ERRORS, DatabaseDown
from gateway.store.outages import DatabaseUnavailable

_WITH_SENTENCE = (SettingsError, GatewayError, DatabaseDown, SharedStateDown)

EXPECTED: tuple[type[Exception], ...] = (*_WITH_SENTENCE, DatabaseUnavailable, *DATABASE_ERRORS)
"""The exceptions of a command that are no bug."""


def describe_error(error: Exception) -> str:
    """Returns the sentence about one of the EXPECTED exceptions, without credentials."""
    return str(error) if isinstance(error, _WITH_SENTENCE) else explain(error)
