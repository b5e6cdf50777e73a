"""Reads the score page of a person who is signed in."""

import re

from tests.support.oauth import Browser


def shown_score(browser: Browser) -> int:
    """The score that the page shows."""
    number = re.search(r'<span class="number">(\d+)</span>', browser.get("/account/score").text)
    assert number is not None
    return int(number[1])
