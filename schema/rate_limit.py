"""The points of a client, as `extensions.cost` and Viewer.rateLimit show them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimitStatus:
    """The points of a client: at most `maximum`, `available` after this request, `restore_rate` each second. One
    document costs at most `maximum_per_query`."""

    maximum: int
    available: int
    restore_rate: int
    maximum_per_query: int
