"""The smallest ratios that `--check` accepts, and the aims. All are in one table.

`least` is two thirds of what was measured on an idle machine with a fast disk. On a slower disk, and on a busy machine,
the ratios are larger. An aim is what the gateway should reach; `--check` does not compare with it.
"""

from dataclasses import dataclass

from tools.bench.registry import GATEWAY
from tools.bench.results import Results


@dataclass(frozen=True, slots=True)
class Minimum:
    """The gateway's requests per second, divided by those of the server `to` in the same round."""

    scenario: str
    to: str
    aim: float
    least: float | None = None


@dataclass(frozen=True, slots=True)
class Maximum:
    """The gateway's median latency. The aim is in milliseconds. `most` is the largest ratio to the median latency of
    the server `to` in the same round, because milliseconds depend on the disk."""

    scenario: str
    to: str
    aim_ms: float
    most: float | None = None


MINIMUMS: tuple[Minimum | Maximum, ...] = (
    Minimum("read", "starlette", aim=1.0, least=0.35),
    Minimum("read", "starlette-group", aim=0.55, least=0.11),
    Minimum("read", "strawberry", aim=4.0, least=1.7),
    Minimum("read", "ariadne", aim=4.0, least=1.5),
    Minimum("read", "fastapi-sqlmodel", aim=4.0, least=3.0),
    Minimum("page", "starlette", aim=0.9, least=0.44),
    Minimum("decide", "starlette", aim=0.9, least=0.18),
    Minimum("decide", "starlette-group", aim=0.3, least=0.06),
    Minimum("decide", "strawberry", aim=4.0, least=1.3),
    Minimum("decide", "ariadne", aim=4.0, least=1.1),
    Minimum("decide", "fastapi-sqlmodel", aim=4.0, least=2.1),
    Minimum("decide", "mercurius-jit", aim=1.0, least=0.19),
    Minimum("cold", "strawberry", aim=1.0, least=1.1),
    Minimum("token", "oidc-provider", aim=2.0, least=2.3),
    Maximum("single", "starlette", aim_ms=2.0, most=8.0),
)


@dataclass(frozen=True, slots=True)
class Check:
    """A row of the table with the measured ratio, None if it was not measured. `by_cpu` is the CPU time per request of
    the other server, divided by that of the gateway. `latency_ms` is the gateway's median latency."""

    row: Minimum | Maximum
    measured: float | None
    by_cpu: float | None = None
    latency_ms: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the measurement is within the limit. True without a limit, or without a measurement."""
        if self.measured is None:
            return True
        if isinstance(self.row, Maximum):
            return self.row.most is None or self.measured <= self.row.most
        return self.row.least is None or self.measured >= self.row.least

    @property
    def reaches_aim(self) -> bool | None:
        """Whether the measurement reaches the aim, None without a measurement."""
        if isinstance(self.row, Maximum):
            return None if self.latency_ms is None else self.latency_ms <= self.row.aim_ms
        return None if self.measured is None else self.measured >= self.row.aim

    @property
    def failure(self) -> str:
        """A sentence about a limit that is not met."""
        if isinstance(self.row, Maximum):
            return (
                f"{self.row.scenario}: {self.measured:.2f} times the latency of {self.row.to}, above {self.row.most}."
            )
        return f"{self.row.scenario}: {self.measured:.2f} times {self.row.to}, less than {self.row.least}."


def check(results: Results, rows: tuple[Minimum | Maximum, ...] = MINIMUMS) -> list[Check]:
    """Returns each row with its measurement."""
    return [_check(results, row) for row in rows]


def _check(results: Results, row: Minimum | Maximum) -> Check:
    if isinstance(row, Maximum):
        latency = results.summary(row.scenario, GATEWAY).p50_ms if results.rounds(row.scenario, GATEWAY) else None
        measured = results.ratio(row.scenario, GATEWAY, row.to, lambda figures: figures.p50_ms)
        return Check(row, measured, latency_ms=latency)
    by_cpu = results.ratio(row.scenario, row.to, GATEWAY, lambda figures: figures.cpu_us)
    return Check(row, results.ratio(row.scenario, GATEWAY, row.to), by_cpu)
