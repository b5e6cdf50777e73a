"""Comparisons with another policy: counts as a table or document, and the differences as CSV."""

import csv
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.cli.console import console, fail
from gateway.cli.output import Columns, Record, print_list
from gateway.domain.policies.comparison import ComparedResult, ComparisonCounts, ResultComparison, SkipReason
from gateway.services.policies.history import Shadow

COLUMNS = (
    *("decision", "tier", "currency", "old_status", "old_amount", "old_rule"),
    *("new_status", "new_amount", "new_rule"),
)


def count(comparisons: Iterable[ResultComparison | SkipReason], file: Path | None = None) -> ComparisonCounts:
    """Counts the comparisons, and writes those with a difference to `file`, which only its owner can read."""
    counts = ComparisonCounts()
    with _csv_writer(file) as write:
        for comparison in comparisons:
            counts.add(comparison)
            if isinstance(comparison, ResultComparison) and comparison.changed:
                before, after = comparison.before, comparison.after
                currency = before.exposed.currency
                write([comparison.decision_id, comparison.tier.value, currency, *_cells(before), *_cells(after)])
    return counts


def count_shadows(
    comparisons: Iterable[tuple[Shadow | None, ResultComparison | SkipReason]],
) -> tuple[int, Mapping[Shadow, ComparisonCounts]]:
    """The number of decisions whose person's key is destroyed, and the counts for each shadow policy."""
    sealed, counts = 0, defaultdict[Shadow, ComparisonCounts](ComparisonCounts)
    for shadow, comparison in comparisons:
        if shadow is None:
            sealed += 1
        else:
            counts[shadow].add(comparison)
    return sealed, counts


def describe(counts: ComparisonCounts) -> Record:
    """The counts as a document."""
    return {
        "compared": counts.compared,
        "changed": counts.changed,
        "groups": [
            {
                "tier": group.tier,
                "status_before": group.before,
                "status_after": group.after,
                "decisions": group.count,
                "exposed_before": group.exposed_before,
                "exposed_after": group.exposed_after,
            }
            for group in counts.groups()
        ],
        "not_compared": {reason.lower(): counts.skipped[reason] for reason in SkipReason},
    }


def show(counts: Record, policy: str, before: str = "was", after: str = "would be") -> None:
    """Prints the counts of a comparison with the policy of that name."""
    if counts["changed"]:
        columns: Columns = {
            "tier": "tier",
            before: "status_before",
            after: "status_after",
            "decisions": "decisions",
            f"exposed: {before}": "exposed_before",
            f"exposed: {after}": "exposed_after",
        }
        print_list(counts["groups"], columns, empty="", as_json=False)
    differ = "differs" if counts["changed"] == 1 else "differ"
    console.print(f"{policy}: {counts['changed']} of {counts['compared']} {differ}.")
    reasons = {
        "unreadable": "the adapter or the policy cannot read them",
        "overridden": "the merchant's override does not fit the policy",
        "failed": f"the {after} policy failed",
    }
    for reason, words in reasons.items():
        if counts["not_compared"][reason]:
            console.print(f"{counts['not_compared'][reason]} not compared: {words}.")
    console.print("Only policies are compared. Credit limits are not replayed.")


def show_sealed(count: int) -> None:
    """Prints the number of decisions that cannot be read."""
    if count:
        console.print(f"{count} not compared: the person's key has been destroyed.")


def _cells(result: ComparedResult) -> list[str]:
    return [result.status.value, result.exposed.amount, result.rule_id]


@contextmanager
def _csv_writer(out: Path | None) -> Iterator[Any]:
    """A function that writes one line of CSV, or does nothing without a file."""
    if out is None:
        yield lambda line: None
        return
    try:
        file = os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", newline="", encoding="utf-8")
    except OSError as error:
        fail(f"{out} cannot be written: {error.strerror}.")
    with file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        yield writer.writerow
