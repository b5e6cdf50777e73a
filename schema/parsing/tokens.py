"""Splits the text of a plain document into tokens."""

import re
from itertools import islice
from string import ascii_letters, digits

NAME_START = frozenset(ascii_letters + "_")
NUMBER_START = frozenset(digits + "-")

_TOKEN = re.compile(
    r"""[ \t\n\r,]*+(?:
      ( [!$():=@\[\]{}] | \.\.\.
      | [A-Za-z_][0-9A-Za-z_]*+
      | -?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+(?![.0-9A-Za-z_])
      | "[^"\\\n\r\ud800-\udfff]*+"(?!")
      | \Z )
    | . )""",
    re.VERBOSE | re.DOTALL,
)
"""Ignored characters and a token. The token is group 1: empty at the end of the text, None if no plain one begins."""


class NotPlain(Exception):
    """The text has an error, or something rare that only graphql-core reads."""


def split(text: str, max_tokens: int) -> tuple[list[str], list[int]]:
    """Returns the tokens of a text and where they start. The last token is empty and stands for the end. Takes time
    linear in the size of the text. Raises NotPlain, also for more tokens than `max_tokens`."""
    tokens, starts = [], []
    for match in islice(_TOKEN.finditer(text), max_tokens + 1):
        if match[1] is None:
            raise NotPlain
        tokens.append(match[1])
        starts.append(match.start(1))
    if tokens[-1]:
        raise NotPlain
    return tokens, starts
