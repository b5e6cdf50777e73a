"""A sandbox with the demo partner whose scores come from a provider in this process."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.domain.errors import Unavailable
from gateway.domain.scoring.score import Measurement
from gateway.kit.clock import BusinessTime
from gateway.kit.outage import outage_log
from gateway.sources.remote.source import RemoteSource
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.score_provider import Provider, person


class RemoteWorld(DemoWorld):
    """Each persona has an external id, and `excellent` is known to the provider. `outcomes` has what the source
    reported to its observer."""

    def __init__(self, url: str, clock: MovableClock, provider: Provider, **settings: Any) -> None:
        super().__init__(url, clock, **provider.settings(**settings))
        outage_log.forget()
        self.provider = provider
        self.outcomes: list[tuple[str, str]] = []
        assert isinstance(self.container.source, RemoteSource)
        self.remote = self.container.source
        self.remote.observe(lambda outcome, cause: self.outcomes.append((outcome, cause)))
        self.seed_demo()
        self.execute("UPDATE users SET external_id = 'at provider: ' || username WHERE external_id IS NULL")
        self.know()

    def know(self, handle: str = "excellent", score: int | None = 702, **changed: Any) -> None:
        """Lets the provider know this persona."""
        self.provider.people[self.subject(handle)] = person(score, **changed)

    def subject(self, handle: str = "excellent") -> str:
        """The id of this persona at the provider."""
        return f"at provider: {handle}@demo"

    def measure(self, handle: str = "excellent", now: BusinessTime | None = None) -> Measurement:
        return self.remote.measure(self.user(handle), now or self.now)

    def cause_of_failure(self, handle: str = "excellent") -> str:
        """The cause of a measurement that fails."""
        with pytest.raises(Unavailable) as failed:
            self.measure(handle)
        assert failed.value.code == "SCORE_UNAVAILABLE"
        return self.outcomes[-1][1]


OpenWorld = Callable[..., RemoteWorld]
"""Takes further settings; returns a sandbox that uses the provider."""
