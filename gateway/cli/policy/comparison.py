"""What another policy would have changed, as a table in the terminal and as lines of CSV."""

import csv
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.cli.console import console, fail, table
from gateway.domain.policies.comparison import ComparedResult, ComparisonCounts, ResultComparison, SkipReason
from gateway.services.policies.history import Shadow

COLUMNS = (
    *("decision", "tier", "currency", "old_status", "old_amount", "old_rule"),
    *("new_status", "new_amount", "new_rule"),
)


def count(compared: Iterable[ResultComparison | SkipReason], out: Path | None = None) -> ComparisonCounts:
    """Counts them all, and writes those that changed to `out`, a file that only its owner can read."""
    tally = ComparisonCounts()
    with _lines(out) as write:
        for one in compared:
            tally.add(one)
            if isinstance(one, ResultComparison) and one.changed:
                tier, currency = one.tier.value, one.before.exposed.currency
                write([one.decision_id, tier, currency, *_cells(one.before), *_cells(one.after)])
    return tally


def count_shadows(
    compared: Iterable[tuple[Shadow | None, ResultComparison | SkipReason]],
) -> tuple[int, Mapping[Shadow, ComparisonCounts]]:
    """How many are sealed for ever, and the tally of each shadow policy there was."""
    sealed, tallies = 0, defaultdict[Shadow, ComparisonCounts](ComparisonCounts)
    for shadow, one in compared:
        if shadow is None:
            sealed += 1
        else:
            tallies[shadow].add(one)
    return sealed, tallies


def show(tally: ComparisonCounts, policy: str, before: str = "was", after: str = "would be") -> None:
    """Prints the tally of a comparison with the policy of that name."""
    rows = table("tier", before, after, "decisions", f"exposed: {before}", f"exposed: {after}")
    for group in tally.groups():
        amounts = str(group.exposed_before), str(group.exposed_after)
        rows.add_row(group.tier, group.before, group.after, str(group.count), *amounts)
    if tally.changed:
        console.print(rows)
    differ = "differs" if tally.changed == 1 else "differ"
    console.print(f"{policy}: {tally.changed} of {tally.compared} {differ}.")
    if tally.skipped[SkipReason.UNREADABLE]:
        console.print(
            f"{tally.skipped[SkipReason.UNREADABLE]} cannot be read with this adapter and policy, not compared."
        )
    if tally.skipped[SkipReason.OVERRIDDEN]:
        console.print(
            f"{tally.skipped[SkipReason.OVERRIDDEN]} of merchants whose override does not fit it, not compared."
        )
    if tally.skipped[SkipReason.FAILED]:
        console.print(f"{tally.skipped[SkipReason.FAILED]} at which the {after} policy failed, not compared.")
    console.print("Policies alone are compared: credit limits are not replayed.")


def show_sealed(count: int) -> None:
    """Prints how many could not be looked at."""
    if count:
        console.print(f"{count} sealed for ever, not compared.")


def _cells(answered: ComparedResult) -> list[str]:
    return [answered.status.value, answered.exposed.amount, answered.rule_id]


@contextmanager
def _lines(out: Path | None) -> Iterator[Any]:
    """A function that writes one line; it does nothing where there is no file to write."""
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
