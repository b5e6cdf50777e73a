"""The figures of `load.py`: latencies, requests per second and CPU time of a server, and their ratios."""

import itertools
import statistics
from collections.abc import Callable
from dataclasses import dataclass

HEAD = "scenario     checkout  count errors    req/s   p50 ms   p99 ms   max ms   cpu ms others"


@dataclass(frozen=True)
class Figures:
    """The results of one scenario. `cpu_ms` is the server's CPU time per request, `others` the share of its core that
    other processes used."""

    scenario: str
    requests: int
    errors: int
    seconds: float
    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_ms: float
    others: float


FiguresByLabel = dict[str, dict[str, list[Figures]]]
"""The figures of each round, by scenario and then by the label of the checkout."""


def figures_of(
    scenario: str, latencies: list[float], errors: int, seconds: float, cpu: float, others: float
) -> Figures:
    """Returns the figures of one scenario. Latencies and CPU time are in seconds, `others` is a share."""
    count, ordered = len(latencies), sorted(latencies)
    p50, p99, longest = (1000 * ordered[min(count - 1, int(count * part))] for part in (0.5, 0.99, 1))
    return Figures(scenario, count, errors, seconds, count / seconds, p50, p99, longest, 1000 * cpu / count, others)


def medians(rounds: list[Figures]) -> Figures:
    """Returns the median of each figure. Errors are added up; `max_ms` and `others` are the largest of all rounds."""
    names = ("seconds", "per_second", "p50_ms", "p99_ms", "cpu_ms")
    return Figures(
        scenario=rounds[0].scenario,
        requests=min(figures.requests for figures in rounds),
        errors=sum(figures.errors for figures in rounds),
        max_ms=max(figures.max_ms for figures in rounds),
        others=max(figures.others for figures in rounds),
        **{name: statistics.median(getattr(figures, name) for figures in rounds) for name in names},
    )


def row(label: str, figures: Figures) -> str:
    """Returns a line below HEAD."""
    return (
        f"{figures.scenario:<12} {label:<8} {figures.requests:>6} {figures.errors:>6} {figures.per_second:>8.1f}"
        f" {figures.p50_ms:>8.1f} {figures.p99_ms:>8.1f} {figures.max_ms:>8.1f} {figures.cpu_ms:>8.2f}"
        f" {figures.others:>6.0%}"
    )


def ratios(before: list[Figures], after: list[Figures]) -> str:
    """Returns the medians of the ratios of each round."""

    def median(ratio: Callable[[Figures, Figures], float]) -> float:
        return statistics.median(itertools.starmap(ratio, zip(before, after, strict=True)))

    return (
        f"{'':12} ratio: {median(lambda old, new: new.per_second / old.per_second):.2f} times the requests per second,"
        f" {median(lambda old, new: old.p50_ms / new.p50_ms):.2f} times faster at p50,"
        f" {median(lambda old, new: old.p99_ms / new.p99_ms):.2f} at p99,"
        f" {median(lambda old, new: new.cpu_ms / old.cpu_ms):.2f} times the CPU"
    )
