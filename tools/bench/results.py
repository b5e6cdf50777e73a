"""The figures of all rounds, and what is computed from them: means, medians and ratios of paired rounds."""

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tools.bench.measurement import Figures


@dataclass(frozen=True, slots=True)
class Summary:
    """One server in one scenario. `per_second` is the mean of all rounds, `least` and `most` are its range. Latencies
    and CPU time are medians, `max_ms`, `others` and `sender` the largest, `errors` the sum."""

    peer: str
    per_second: float
    least: float
    most: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_us: float
    errors: int
    others: float
    sender: float
    open_p50_ms: float | None
    open_p99_ms: float | None


class Results:
    """The figures by scenario and server, in the order of the rounds. A failed measurement is None, so that the rounds
    of two servers stay paired."""

    def __init__(self) -> None:
        self._rounds: dict[str, dict[str, list[Figures | None]]] = defaultdict(lambda: defaultdict(list))

    def add(self, scenario: str, peer: str, figures: Figures | None) -> None:
        """Adds the measurement of one round."""
        self._rounds[scenario][peer].append(figures)

    @property
    def scenarios(self) -> list[str]:
        return list(self._rounds)

    def peers(self, scenario: str) -> list[str]:
        """Returns the servers that were measured at least once."""
        return [peer for peer in self._rounds[scenario] if self.rounds(scenario, peer)]

    def rounds(self, scenario: str, peer: str) -> list[Figures]:
        """Returns the measurements that succeeded."""
        return [figures for figures in self._rounds[scenario].get(peer, ()) if figures is not None]

    def summary(self, scenario: str, peer: str) -> Summary:
        """Returns the summary of a server that was measured. Raises StatisticsError for another."""
        rounds = self.rounds(scenario, peer)
        rates = [figures.per_second for figures in rounds]
        return Summary(
            peer=peer,
            per_second=statistics.mean(rates),
            least=min(rates),
            most=max(rates),
            p50_ms=statistics.median(figures.p50_ms for figures in rounds),
            p99_ms=statistics.median(figures.p99_ms for figures in rounds),
            max_ms=max(figures.max_ms for figures in rounds),
            cpu_us=statistics.median(figures.cpu_us for figures in rounds),
            errors=sum(figures.errors for figures in rounds),
            others=max(figures.others for figures in rounds),
            sender=max(figures.sender for figures in rounds),
            open_p50_ms=_median(figures.open_p50_ms for figures in rounds),
            open_p99_ms=_median(figures.open_p99_ms for figures in rounds),
        )

    def ratio(
        self, scenario: str, peer: str, to: str, value: Callable[[Figures], float] = lambda figures: figures.per_second
    ) -> float | None:
        """Returns the median of the ratios of the rounds in which both servers were measured, by default of requests
        per second. None if there is no such round."""
        rounds = self._rounds.get(scenario, {})
        pairs = zip(rounds.get(peer, ()), rounds.get(to, ()), strict=False)
        ratios = [value(one) / value(other) for one, other in pairs if one and other and value(other)]
        return statistics.median(ratios) if ratios else None

    def problems(self) -> list[str]:
        """Returns what was not measured, not equal, not written, or answered with an error, each once."""
        found = []
        for scenario, peers in self._rounds.items():
            for peer, rounds in peers.items():
                failed = sum(figures is None for figures in rounds)
                found += [f"{scenario}: {peer} could not be measured in {failed} rounds"] if failed else []
                found += [f"{scenario}: {problem}" for figures in rounds if figures for problem in figures.problems]
        return list(dict.fromkeys(found))


def _median(values: Iterable[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return statistics.median(present) if present else None
