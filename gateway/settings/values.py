"""How the texts of several settings are read, and the sentence about one that cannot be read."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

Lifetime = Annotated[timedelta, Field(ge=timedelta(seconds=1))]
"""A length of time that a token, session or window lives."""

_DURATION = 'must be a duration, such as "PT10M" or "P30D"'
_NUMBER = "must be a whole number"
_SENTENCES = {
    "int_parsing": _NUMBER,
    "int_parsing_size": _NUMBER,
    "int_from_float": _NUMBER,
    "time_delta_parsing": _DURATION,
    "time_delta_type": _DURATION,
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "value_error": "{error}",
}
"""By type of error of pydantic, the end of the sentence about the setting."""

FOLLOWING_ERROR = "default_factory_not_called"
"""The type of pydantic's error about a default that depends on another setting, which is not valid itself."""


def split_list(value: object) -> object:
    """The parts of a comma-separated text as a tuple. Any other value is returned unchanged."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def error_sentence(error: Any) -> str:
    """Returns the sentence about one error of pydantic: the name of the variable, and what its value must be. It does
    not contain the value."""
    name = "_".join(map(str, error["loc"])).upper()
    ending = _SENTENCES.get(error["type"], "is not valid").format_map(error.get("ctx", {}))
    return f"GATEWAY_{name}: {ending.replace(chr(39), '')}"
