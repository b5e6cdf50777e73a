"""Numbers in shared memory, and their text in Prometheus' format."""

import pytest

from gateway.kit.metrics import (
    Histogram,
    Metric,
    MetricTable,
    SharedNumbers,
    create_numbers,
    create_shared_numbers,
    open_numbers,
)
from tests.support.metrics import read_samples
from tests.support.race import race

REQUESTS = Metric("requests_total", "counter", "Requests.", ("route", "status"), (("a", "2xx"), ("b", "5xx")))
OPEN = Metric("open_connections", "gauge", "Open connections.")
TIME = Histogram("time_seconds", "Time.", (0.1, 1.0))
TABLE = MetricTable((REQUESTS, OPEN, TIME))


def other(numbers: SharedNumbers) -> SharedNumbers:
    """The same memory as the second of two processes has it."""
    return open_numbers(numbers.descriptor, 2, 1)


def test_text_has_all_numbers_from_the_start() -> None:
    assert TABLE.write(create_numbers(TABLE.size).totals()).splitlines() == [
        "# HELP requests_total Requests.",
        "# TYPE requests_total counter",
        'requests_total{route="a",status="2xx"} 0',
        'requests_total{route="b",status="5xx"} 0',
        "# HELP open_connections Open connections.",
        "# TYPE open_connections gauge",
        "open_connections 0",
        "# HELP time_seconds Time.",
        "# TYPE time_seconds histogram",
        'time_seconds_bucket{le="0.1"} 0',
        'time_seconds_bucket{le="1.0"} 0',
        'time_seconds_bucket{le="+Inf"} 0',
        "time_seconds_sum 0.0",
        "time_seconds_count 0",
    ]


def test_numbers_of_processes_add_up() -> None:
    first = create_shared_numbers(TABLE.size, 2)
    second = other(first)
    place, gauge = TABLE.places(REQUESTS)["a", "2xx"], TABLE.places(OPEN)[()]
    first.add(place)
    second.add(place, 2)
    first.set(gauge, 3)
    second.set(gauge, 4)
    second.observe(TIME, TABLE.start(TIME), 0.5)
    samples = read_samples(TABLE.write(first.totals()))
    assert samples["requests_total", 'route="a",status="2xx"'] == 3
    assert samples["requests_total", 'route="b",status="5xx"'] == 0
    assert (samples["open_connections", ""], samples["time_seconds_count", ""]) == (7, 1)
    assert first.totals() == second.totals()


def test_successor_of_a_process_continues_its_counters_and_not_its_gauges() -> None:
    reader = create_shared_numbers(TABLE.size, 2)
    ended = other(reader)
    ended.add(0, 5)
    ended.set(TABLE.places(OPEN)[()], 4)
    reader.clear(TABLE.gauges, 1)
    other(reader).add(0)
    assert (reader.totals()[0], reader.totals()[TABLE.places(OPEN)[()]]) == (6, 0)


def test_buckets_of_a_histogram_are_cumulative() -> None:
    numbers = create_numbers(TABLE.size)
    for seconds in (0.05, 0.1, 0.2, 1.5):
        numbers.observe(TIME, TABLE.start(TIME), seconds)
    samples = read_samples(TABLE.write(numbers.totals()))
    assert [samples["time_seconds_bucket", f'le="{bound}"'] for bound in ("0.1", "1.0", "+Inf")] == [2, 3, 4]
    assert samples["time_seconds_sum", ""] == pytest.approx(1.85, abs=1e-5)


def test_no_number_is_lost_between_threads() -> None:
    numbers = create_numbers(TABLE.size)

    def add(_: int) -> None:
        for _ in range(5_000):
            numbers.add(0)
            numbers.observe(TIME, TABLE.start(TIME), 0.5)

    race(add, 4)
    samples = read_samples(TABLE.write(numbers.totals()))
    assert (numbers.totals()[0], samples["time_seconds_count", ""]) == (20_000, 20_000)
