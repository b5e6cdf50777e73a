"""A live deployment whose scores come from the example provider, a process that ends and comes back."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import GatewayError, Unavailable
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import wall_clock
from gateway.services.decisions.requests import RequestCommand, RequestResult
from gateway.startup import prepare_to_serve
from tests.services.asks import car, request_command
from tests.support.clock import MovableClock
from tests.support.live_world import LiveWorld
from tests.support.partner_time import until
from tests.support.score_provider import ProviderProcess, person

RECORDED = ("decisions", "decision_log", "access_log", "idempotency_records", "exposures", "outbox")


class Live(LiveWorld):
    """A car rental with the consent of one person, whose external id is c-1001."""

    def __init__(self, url: str, clock: MovableClock, provider: ProviderProcess) -> None:
        super().__init__(
            url,
            clock,
            score_source="remote",
            score_provider=provider.base,
            score_provider_keys=provider.keys_file,
            score_fresh_for=timedelta(seconds=2),  # short times: the provider signs by the clock of this machine
            score_stale_for=timedelta(seconds=20),
            score_retries=0,
            score_circuit_pause=timedelta(milliseconds=100),
            outgoing_networks="127.0.0.0/8",
        )
        prepare_to_serve(self.container)
        self.client, self.person = self.add_merchant("partner"), self.add_person(None)
        self.execute(f"UPDATE users SET external_id = 'c-1001' WHERE id = '{self.person}'")
        self.consent = self.grant(self.person, self.client, scopes=("score:tier", "decisions:request"))

    def tier(self) -> Tier | str:
        """The person's tier, or the code of the error."""
        result = self.query(self.token(self.client, self.consent), self.container.scores.load_measurement)
        return result.code if isinstance(result, GatewayError) else result.tier

    def request(self, command: RequestCommand) -> RequestResult:
        return self.container.requester.request(self.token(self.client, self.consent), command)

    def recorded(self) -> list[int]:
        counts = self.counts()
        return [counts[name] for name in RECORDED]


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[ProviderProcess]:
    (folder := tmp_path / "provider").mkdir()
    provider = ProviderProcess(folder, "https://gateway.example")
    provider.people["c-1001"] = person(702)
    with provider:
        yield provider


@pytest.fixture
def live(database_url: str, provider: ProviderProcess) -> Iterator[Live]:
    with closing(Live(database_url, MovableClock(wall_clock()), provider)) as live:
        yield live


def test_nothing_is_recorded_while_no_answer_can_be_used(live: Live, provider: ProviderProcess) -> None:
    assert live.tier() is Tier.EXCELLENT
    assert live.request(request_command(car(live.clock()))).decision.status is Status.APPROVED

    provider.kill()
    live.clock.advance(seconds=10)
    assert live.tier() is Tier.EXCELLENT, "the last answer is used"
    stale = live.request(request_command(car(live.clock()), "key-2", "order-2")).decision
    assert stale.status is Status.APPROVED
    assert stale.score_as_of is not None
    assert stale.score_as_of == live.clock() - timedelta(seconds=10)

    live.clock.advance(seconds=10)
    command, before = request_command(car(live.clock()), "key-3", "order-3"), live.recorded()
    assert live.tier() == "SCORE_UNAVAILABLE"
    with pytest.raises(Unavailable) as failed:
        live.request(command)
    assert failed.value.code == "SCORE_UNAVAILABLE"
    assert live.recorded() == before

    with provider:
        until(live.tier, lambda tier: tier is Tier.EXCELLENT)  # when the circuit is closed again
        result = live.request(command)
    assert (result.decision.status, result.replayed) == (Status.APPROVED, False)
    assert live.request(command).replayed
