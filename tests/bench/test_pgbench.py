"""pgbench writes the rows of the gateway's decisions, and its figures are compared with the gateway's."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.support.postgresql import ABSENT, find_binaries, is_available
from tools.bench import gateway_data, pgbench
from tools.bench.dataset import Dataset
from tools.bench.postgresql import GATEWAY, PGBENCH, TWO_WORKERS, WITHOUT_HEADS, markdown, measure, ratio, ratio_by_cpu
from tools.bench.postgresql_runs import Figures, Rows
from tools.bench.token_requests import ClientKeys
from tools.bench.usage import cpu_seconds

OUTPUT = """transaction type: decision.sql
number of transactions actually processed: 1230
number of failed transactions: 0 (0.000%)
latency average = 26.6 ms
tps = 300.052692 (without initial connection time)
"""


def figures(per_second: float, cpu_us: float = 100.0) -> Figures:
    return Figures(8, per_second, {"PostgreSQL": cpu_us, "sender": 0.0}, 10_000.0, 5_000.0, 0.1)


def sizes(connection: psycopg.Connection) -> tuple[dict[str, tuple[int, float]], dict[str, int]]:
    """Returns the number and the mean size of the rows of each table, and the sizes of the trees."""
    rows = {
        table.name: connection.execute(
            f"SELECT count(*), avg(pg_column_size({table.name}.*))::float FROM {table.name}".encode()
        ).fetchone()
        or (0, 0.0)
        for table in pgbench.ADDED_TO
    }
    return rows, dict(connection.execute("SELECT log, size FROM log_trees").fetchall())


@pytest.mark.skipif(not is_available(), reason=ABSENT)
@pytest.mark.parametrize("with_heads", [True, False])
@pytest.mark.slow
def test_transaction_of_pgbench_writes_rows_like_the_gateways(
    postgresql_url: str, tmp_path: Path, with_heads: bool
) -> None:
    data = Dataset(users=20, merchants=2, decisions=40)
    gateway_data.write_to(postgresql_url, tmp_path, data, ClientKeys().jwks)
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(pgbench.PEOPLE.encode())
        (rows_before, trees_before) = sizes(connection)
        script = pgbench.make_script(postgresql_url, 2, with_heads=with_heads)
        result = pgbench.run(find_binaries() / "pgbench", postgresql_url, script, 2, 1.0, tmp_path)
        (rows, trees) = sizes(connection)
    new = result.transactions
    assert new > 0
    for table, (count, size) in rows.items():
        assert count == rows_before[table][0] + new
        assert size == pytest.approx(rows_before[table][1], rel=0.03)
    moved = new if with_heads else 0
    assert trees == {log: size + (0 if log == "record" else moved) for log, size in trees_before.items()}


def test_figures_are_read_from_the_output_of_pgbench() -> None:
    assert pgbench.read_output(OUTPUT) == pgbench.Result(1_230, 300.052692)


@pytest.mark.parametrize("output", ["", OUTPUT.replace("failed transactions: 0", "failed transactions: 2")])
def test_output_without_figures_or_with_a_failed_transaction_is_an_error(output: str) -> None:
    with pytest.raises(ValueError):
        pgbench.read_output(output)


def test_rows_that_are_missing_in_a_table_are_an_error() -> None:
    before, after = Rows({"decisions": 1, "outbox": 1}, 0), Rows({"decisions": 3, "outbox": 2}, 0)
    with pytest.raises(ValueError):
        after.written_since(before)


def test_ratios_are_medians_of_the_rounds() -> None:
    rounds = {GATEWAY: [figures(40, 400), figures(90, 100)], PGBENCH: [figures(100), figures(100)]}
    assert ratio(rounds, GATEWAY, PGBENCH) == pytest.approx(0.65)
    assert ratio_by_cpu(rounds, GATEWAY, PGBENCH) == pytest.approx(0.625)


def test_each_round_measures_all_in_alternating_order() -> None:
    called: list[str] = []

    def measured(name: str) -> Figures:
        called.append(name)
        return figures(1)

    measure({"one": lambda: measured("one"), "two": lambda: measured("two")}, rounds=2)
    assert called == ["one", "two", "two", "one"]


@pytest.mark.parametrize(("per_second", "verdict"), [(40, "0.40, reached"), (39, "0.39, not reached")])
def test_report_says_whether_the_aim_is_reached(per_second: float, verdict: str) -> None:
    names = {PGBENCH: 100.0, GATEWAY: per_second, TWO_WORKERS: 2 * per_second, WITHOUT_HEADS: 200.0}
    text = markdown({name: [figures(rate)] for name, rate in names.items()}, "On a machine.")
    assert f"at least 0.4 of pgbench: {verdict}." in text
    assert "Two workers make 2.00 times as many decisions as one" in text


def test_cpu_time_includes_children_that_have_ended() -> None:
    before = cpu_seconds(os.getpid())
    work = "import time\nwhile time.process_time() < 0.2: pass"
    subprocess.run([sys.executable, "-I", "-S", "-c", work], check=True)
    assert cpu_seconds(os.getpid()) - before >= 0.15
