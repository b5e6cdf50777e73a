"""Numbers that several processes write and one reads: counters, gauges and histograms in shared memory, and their text
in the exposition format of Prometheus (version 0.0.4).

Names and labels are known in advance, so each number has a fixed place, and no request can add a new one. Each process
has a part of the memory for itself. A process that is started in place of another one continues its counters, so that
they never go back.
"""

import mmap
import os
import tempfile
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from threading import Lock
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BYTES = 8
_MICROSECONDS = 1_000_000

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """A counter or a gauge: one number for each of the `values` of its `labels`."""

    name: str
    kind: Literal["counter", "gauge"]
    description: str
    labels: Labels = ()
    values: tuple[Labels, ...] = ((),)


@dataclass(frozen=True, slots=True)
class Histogram:
    """A histogram of seconds. `bounds` are the upper bounds of its buckets, in their order."""

    name: str
    description: str
    bounds: tuple[float, ...]


class MetricTable:
    """The places of the numbers of some metrics. `size` is how many there are. A histogram has one for each bucket, one
    for larger values, and one for the sum in microseconds."""

    def __init__(self, metrics: Sequence[Metric | Histogram]) -> None:
        self._metrics = metrics
        self._starts: dict[str, int] = {}
        self.size = 0
        for each in metrics:
            self._starts[each.name] = self.size
            self.size += len(each.values) if isinstance(each, Metric) else len(each.bounds) + 2

    def places(self, metric: Metric) -> Mapping[Labels, int]:
        """Returns the place of each number of a metric, by the values of its labels."""
        start = self._starts[metric.name]
        return {values: start + offset for offset, values in enumerate(metric.values)}

    def start(self, histogram: Histogram) -> int:
        """Returns the place of the first bucket of a histogram."""
        return self._starts[histogram.name]

    @property
    def gauges(self) -> list[int]:
        """The places of all gauges."""
        return [
            place
            for each in self._metrics
            if isinstance(each, Metric) and each.kind == "gauge"
            for place in self.places(each).values()
        ]

    def write(self, numbers: Sequence[int]) -> str:
        """Returns the text of all metrics with these numbers."""
        return "".join(line + "\n" for each in self._metrics for line in self._lines(each, numbers))

    def _lines(self, metric: Metric | Histogram, numbers: Sequence[int]) -> Iterator[str]:
        start = self._starts[metric.name]
        yield f"# HELP {metric.name} {metric.description}"
        if isinstance(metric, Metric):
            yield f"# TYPE {metric.name} {metric.kind}"
            for offset, values in enumerate(metric.values):
                pairs = ",".join(f'{name}="{value}"' for name, value in zip(metric.labels, values, strict=True))
                yield f"{metric.name}{f'{{{pairs}}}' if pairs else ''} {numbers[start + offset]}"
            return
        yield f"# TYPE {metric.name} histogram"
        buckets = list(accumulate(numbers[start : start + len(metric.bounds) + 1]))
        for bound, number in zip((*map(str, metric.bounds), "+Inf"), buckets, strict=True):
            yield f'{metric.name}_bucket{{le="{bound}"}} {number}'
        yield f"{metric.name}_sum {numbers[start + len(metric.bounds) + 1] / _MICROSECONDS}"
        yield f"{metric.name}_count {buckets[-1]}"


class SharedNumbers:
    """The numbers of `processes` processes in one piece of memory. This process writes those of `process`. `descriptor`
    is the open file of the memory, -1 if no other process can open it. Safe to use from any thread."""

    def __init__(self, memory: mmap.mmap, processes: int, process: int, descriptor: int) -> None:
        self.descriptor = descriptor
        self._values = memoryview(memory).cast("Q")
        self._size = len(self._values) // processes
        self._start, self._lock = process * self._size, Lock()

    def add(self, place: int, number: int = 1) -> None:
        """Adds to a counter."""
        with self._lock:
            self._values[self._start + place] += number

    def set(self, place: int, number: int) -> None:
        """Sets a gauge."""
        self._values[self._start + place] = number

    def observe(self, histogram: Histogram, start: int, seconds: float) -> None:
        """Adds a value to a histogram, whose first bucket is at `start`."""
        bounds = histogram.bounds
        bucket = self._start + start + bisect_left(bounds, seconds)
        with self._lock:
            self._values[bucket] += 1
            self._values[self._start + start + len(bounds) + 1] += int(seconds * _MICROSECONDS)

    def clear(self, places: Sequence[int], process: int) -> None:
        """Sets the gauges of a process that has ended to zero."""
        for place in places:
            self._values[process * self._size + place] = 0

    def totals(self) -> list[int]:
        """Returns the sum over all processes for each place."""
        values = self._values
        return [sum(values[place :: self._size]) for place in range(self._size)]


def create_numbers(size: int) -> SharedNumbers:
    """Returns new memory with `size` numbers, all zero, for this process alone."""
    return SharedNumbers(mmap.mmap(-1, size * _BYTES), 1, 0, -1)


def create_shared_numbers(size: int, processes: int) -> SharedNumbers:
    """Returns new memory with `size` numbers, all zero, for each of the processes that open its descriptor."""
    with tempfile.TemporaryFile() as file:
        file.truncate(size * processes * _BYTES)
        return open_numbers(os.dup(file.fileno()), processes, 0)


def open_numbers(descriptor: int, processes: int, process: int) -> SharedNumbers:
    """Returns the memory that one of `processes` processes has created, for the one with the number `process`."""
    memory = mmap.mmap(descriptor, os.fstat(descriptor).st_size)
    return SharedNumbers(memory, processes, process, descriptor)
