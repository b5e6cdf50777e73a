"""Ratios are medians of paired rounds, and are compared with the minimums."""

from collections import Counter

import pytest

from tools.bench.measurement import Figures
from tools.bench.minimums import MINIMUMS, Maximum, Minimum, check
from tools.bench.registry import ALL
from tools.bench.report import aims_table, scenario_table, shares
from tools.bench.results import Results
from tools.bench.scenarios import SCENARIOS
from tools.bench.templates import find_row_problem

GATEWAY, BARE = (next(peer for peer in ALL if peer.name == name) for name in ("gateway", "starlette"))


def figures(peer: str, per_second: float, scenario: str = "read", **changed: object) -> Figures:
    values = {"requests": 100, "errors": 0, "p50_ms": 1.5, "p99_ms": 3.0, "max_ms": 9.0, "cpu_us": 50.0}
    values |= {"others": 0.0, "sender": 0.1, "problems": (), **changed}  # type: ignore[dict-item]
    return Figures(peer=peer, scenario=scenario, per_second=per_second, **values)  # type: ignore[arg-type]


def results(gateway: list[float | None], bare: list[float | None]) -> Results:
    made = Results()
    for peer, rates in (("gateway", gateway), ("starlette", bare)):
        for rate in rates:
            made.add("read", peer, None if rate is None else figures(peer, rate))
    return made


def test_ratio_is_the_median_of_the_ratios_of_each_round() -> None:
    assert results([100, 900, 300], [100, 300, 100]).ratio("read", "gateway", "starlette") == 3.0


def test_round_in_which_a_server_failed_is_left_out() -> None:
    assert results([100, None, 300], [50, 50, 100]).ratio("read", "gateway", "starlette") == 2.5


def test_round_in_which_a_server_failed_is_a_problem() -> None:
    assert results([100, None, None], [50, 50, 50]).problems() == ["read: gateway could not be measured in 2 rounds"]


def test_ratio_to_a_server_that_was_not_measured_is_unknown() -> None:
    assert results([100], []).ratio("read", "gateway", "starlette") is None


def test_summary_has_mean_and_range() -> None:
    summary = results([100, 200, 600], [1]).summary("read", "gateway")
    assert (summary.per_second, summary.least, summary.most) == (300, 100, 600)


@pytest.mark.parametrize(("least", "met"), [(1.9, True), (2.0, True), (2.1, False), (None, True)])
def test_ratio_below_the_minimum_fails_the_check(least: float | None, met: bool) -> None:
    (checked,) = check(results([200], [100]), (Minimum("read", "starlette", aim=3.0, least=least),))
    assert (checked.is_met, checked.reaches_aim) == (met, False)


@pytest.mark.parametrize(("most", "met"), [(2.9, False), (3.0, True), (None, True)])
def test_latency_above_the_maximum_fails_the_check(most: float | None, met: bool) -> None:
    measured = results([], [])
    measured.add("read", "gateway", figures("gateway", 100, p50_ms=1.5))
    measured.add("read", "starlette", figures("starlette", 100, p50_ms=0.5))
    (checked,) = check(measured, (Maximum("read", "starlette", aim_ms=2.0, most=most),))
    assert (checked.is_met, checked.reaches_aim) == (met, True)


def test_scenario_that_was_not_measured_fails_no_check() -> None:
    checked = check(Results())
    assert all(one.is_met and one.reaches_aim is None for one in checked)
    assert aims_table(checked).count("not measured") == len(MINIMUMS)


def test_minimums_name_servers_that_run_the_scenario() -> None:
    able = {(scenario, peer.name) for peer in ALL for scenario in peer.scenarios}
    rows = [(row.scenario, row.to) for row in MINIMUMS]
    assert set(rows) <= able
    assert {scenario for scenario, _ in able} == set(SCENARIOS)


def test_table_lists_the_fastest_server_first() -> None:
    rows = scenario_table(results([100, 100], [200, 200]), "read").splitlines()[-2:]
    assert rows[0].startswith("| Starlette, bare, a commit each | 200 | 200 to 200 |")
    assert rows[1].startswith("| **Sesame Gateway** | 100 |")
    assert rows[1].endswith("| 0.50 |  |")


@pytest.mark.parametrize(("others", "warns"), [(0.2, False), (0.3, True)])
def test_report_warns_of_a_busy_machine(others: float, warns: bool) -> None:
    measured = Results()
    measured.add("read", "gateway", figures("gateway", 100, others=others))
    assert ("The machine was busy" in shares(measured)) is warns


ROWS = {"tier": 3, "decision": 2, "decisions": 2, "idempotency": 2, "outbox": 2, "events": 4, "token": 0}


def test_server_that_wrote_what_it_answered_has_no_problem() -> None:
    assert find_row_problem(BARE, Counter(tier=3, decision=2), 0, ROWS) is None


def test_server_that_answered_without_writing_is_reported() -> None:
    problem = find_row_problem(BARE, Counter(tier=4, decision=2), 0, ROWS)
    assert problem == "starlette has 3 new rows of the kind tier, but answered 4 requests"


def test_token_that_was_not_stored_is_reported() -> None:
    problem = find_row_problem(BARE, Counter(tier=3, decision=2, token=1), 0, ROWS)
    assert problem == "starlette has 0 new rows of the kind token, but answered 1 requests"


def test_request_with_an_error_may_have_been_written() -> None:
    assert find_row_problem(BARE, Counter(tier=2, decision=2), 1, ROWS) is None
