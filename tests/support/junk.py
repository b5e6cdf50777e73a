"""Junk for every place of a request. It is the same in each run, so that failures can be reproduced."""

import random

REQUESTS = 400
"""How many requests a test sends."""

VALUES = [
    *("authorization_code", "refresh_token", "client_credentials", "code", "S256", "plain", "a" * 50, "score:tier"),
    *("'\"\\", "é", "\x00", "%", "-1", "1e999", "null", "🙂" * 10, "urn:x", "http://127.0.0.1:9000/callback"),
    *("urn:ietf:params:oauth:grant-type:device_code", "BCDF-GHJK", "allow"),
    *("[]", "{}", "[[[[", '[{"type":"score","level":"tier"}]', '[{"type":"decision","products":["PAY_LATER",5]}]'),
]
BAD = (
    b'"\\u0000"',
    b'"\\ud800"',
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b"null",
    b"[]",
    b"{}",
    b"1.5",
    b"NaN",
    b'""',
    b'"a\\u0000b"',
)
RAW = (
    *BAD,
    b"true",
    b"-0",
    b"1e999",
    b"9" * 400,
    b"[" * 500,
    b'{"amount": "1", "currency": "\\u0000"}',
    b'["\\u0000"]',
    b"",
)
"""JSON texts of every type, and invalid ones. Those in BAD are not valid as an id or key."""


def new_dice() -> random.Random:
    """Returns random numbers that are the same in each run."""
    return random.Random(20261123)


def any_text(dice: random.Random) -> str:
    """Returns one of VALUES, or any characters."""
    if dice.random() < 0.8:
        return dice.choice(VALUES)
    return "".join(chr(dice.randrange(1, 0x2FFF)) for _ in range(dice.randrange(30)))
