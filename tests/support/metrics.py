"""Reads metrics in Prometheus' text format."""

import re

import httpx2

_LINE = re.compile(r"(\w+)(?:\{(.*)\})? ([0-9.e+-]+)")

Samples = dict[tuple[str, str], float]
"""The numbers by name and labels, which are as they are written."""


def read_samples(text: str) -> Samples:
    """Returns the numbers in a text. Raises AssertionError for a line that is neither a comment nor a number."""
    samples = {}
    for line in text.splitlines():
        if not line.startswith("# "):
            match = _LINE.fullmatch(line)
            assert match is not None, line
            samples[match[1], match[2] or ""] = float(match[3])
    return samples


def scrape(address: str) -> Samples:
    """Returns the numbers at an address of metrics."""
    response = httpx2.get(f"http://{address}/metrics", timeout=10)
    assert response.status_code == 200
    return read_samples(response.text)


def difference(before: Samples, after: Samples) -> Samples:
    """Returns by how much each number has grown, without those that have not."""
    return {key: number - before.get(key, 0) for key, number in after.items() if number != before.get(key, 0)}
