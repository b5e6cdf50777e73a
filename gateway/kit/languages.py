"""The languages of the gateway, and language negotiation (RFC 9110 section 12.5.4)."""

from collections.abc import Sequence

LANGUAGES = ("en", "zh")
"""The first is the language of the source; the others are translations."""


def negotiate(accept_language: str | None, chosen: Sequence[str | None] = ()) -> str:
    """Returns the first of `chosen` that is supported, else the best language of an Accept-Language header, else
    English."""
    for choice in chosen:
        if choice in LANGUAGES:
            return choice
    best, best_weight = LANGUAGES[0], 0.0
    for item in (accept_language or "")[:500].split(","):
        tag, _, parameter = item.strip().partition(";")
        language, weight = tag.strip().lower().split("-")[0], _weight(parameter)
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
