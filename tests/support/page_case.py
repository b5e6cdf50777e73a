"""A page in one state, for tests of how pages look."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx2

from tests.support.oauth_world import OAuthWorld


@dataclass(frozen=True, slots=True)
class PageCase:
    """A page in one state. `route` is the path of its route, "" for an error page of any route. `open` returns it."""

    name: str
    route: str
    open: Callable[[OAuthWorld], httpx2.Response]
