"""Variables of the environment that look like settings and are not read: retired, misspelled or unknown names."""

import os
import re
from difflib import get_close_matches

from gateway.settings import Settings

PREFIX = "GATEWAY_"

RETIRED = {
    "GATEWAY_LINES_OF_TRUST": "GATEWAY_CREDIT_LIMITS",
    "GATEWAY_QUESTIONS_PER_HOUR": "GATEWAY_INQUIRIES_PER_HOUR",
}
"""Names that settings had before, and the names that replaced them."""

READ_ELSEWHERE = frozenset({"GATEWAY_TEST_DATABASE_URL", "GATEWAY_MERCHANT_TOKEN"})
"""Read by the tests, and by `gateway sandbox listen`."""

_SERVICE_LINK = re.compile(
    r"GATEWAY_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_[0-9]+_(?:TCP|UDP)(?:_\w+)?)?)"
)
"""Variables that Kubernetes and Docker set in every container for a service named gateway or gateway-..."""

_PORT = re.compile(r"GATEWAY_(?:\w+_)?PORT")
_PORT_OF_A_SERVICE = ("tcp://", "udp://", "sctp://")
"""How such a variable begins if its name ends with PORT. Any other value is from a person who looked for a setting."""


def unread_variables() -> list[str]:
    """One sentence for each variable that begins with GATEWAY_ and is no setting. Contains names only, no values."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    names = sorted(name for name in os.environ if name.upper().startswith(PREFIX))
    ignored = known | READ_ELSEWHERE
    return [
        _sentence(name, known)
        for name in names
        if name.upper() not in ignored and not _is_service_link(name.upper(), os.environ[name])
    ]


def _is_service_link(name: str, value: str) -> bool:
    if _PORT.fullmatch(name) and "_SERVICE_" not in name:
        return value.startswith(_PORT_OF_A_SERVICE)
    return _SERVICE_LINK.fullmatch(name) is not None


def _sentence(name: str, known: set[str]) -> str:
    if name.upper() in RETIRED:
        return f"{name} is no longer read. Its new name is {RETIRED[name.upper()]}."
    similar = get_close_matches(name.upper(), sorted(known), n=1, cutoff=0.8)
    hint = f"Did you mean {similar[0]}?" if similar else "The settings are listed in docs/reference/settings.md."
    return f"{name} is not a setting and is ignored. {hint}"
