"""One measurement over PostgreSQL: of the gateway, or of pgbench with the rows that the gateway writes."""

import asyncio
import itertools
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import uvloop

from tests.support.postgresql import Cluster, find_binaries
from tests.support.valkey import ValkeyServer
from tools.bench import gateway_data, pgbench
from tools.bench.client import Connection, Load, Slice, connect, exchange
from tools.bench.dataset import Dataset
from tools.bench.scenarios import SCENARIOS, Requests
from tools.bench.server import START_WITHIN, ServerFailed, free_port, gateway_command, gateway_settings, serving
from tools.bench.token_requests import ClientKeys
from tools.bench.usage import Usage, read_usage

_WARM_UP, _LONGEST_WARM_UP = 1_000, 20.0
"""The number of decisions before the measurement, and the seconds for them. A connection to PostgreSQL has a plan for a
statement when it has run it ten times."""
TEMPLATE, COPY = "template_of_bench", "copy_of_bench"


@dataclass(frozen=True, slots=True)
class Figures:
    """The result of one measurement. `cpu_us` is the CPU time per transaction by server, and that of the `sender`.
    `log_bytes` are those of the write-ahead log per transaction, `row_bytes` those of the five new rows. `others` is
    the CPU time of all other processes per second."""

    clients: int
    per_second: float
    cpu_us: Mapping[str, float]
    log_bytes: float
    row_bytes: float
    others: float


@dataclass(frozen=True, slots=True)
class Rows:
    """The number of rows by table, and the size of all of them."""

    counts: Mapping[str, int]
    size: int

    def written_since(self, before: "Rows") -> int:
        """Returns how many rows each table has more. Raises ValueError if the tables differ."""
        numbers = {self.counts[table] - before.counts[table] for table in self.counts}
        if len(numbers) > 1:
            raise ValueError("The tables do not have equally many new rows.")
        return numbers.pop()


class Databases:
    """The template with the gateway's data, and its copies, of which each measurement gets a new one."""

    def __init__(self, cluster: Cluster, folder: Path, data: Dataset) -> None:
        self._cluster, self.folder, self.data, self.url = cluster, folder, data, cluster.url(COPY)
        with self._connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {TEMPLATE}".encode())
            # Not measured, so it need not wait for the disk. A copy does not have the settings of its template.
            connection.execute(f"ALTER DATABASE {TEMPLATE} SET synchronous_commit = off".encode())
        gateway_data.write_to(cluster.url(TEMPLATE), folder, data, ClientKeys().jwks)
        with self._connect(TEMPLATE) as connection:
            connection.execute("VACUUM ANALYZE")

    def copy(self) -> Rows:
        """Makes a new copy, writes it to the disk, and returns its rows."""
        with self._connect("postgres") as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {COPY} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {COPY} TEMPLATE {TEMPLATE}".encode())
        with self._connect(COPY) as connection:
            connection.execute(pgbench.PEOPLE.encode())
            connection.execute("CHECKPOINT")
        return self.count()

    def count(self) -> Rows:
        """Returns the rows of the copy in the tables that a decision adds to."""
        counts, size = dict[str, int](), 0
        with self._connect(COPY) as connection:
            for table in pgbench.ADDED_TO:
                counted = f"SELECT count(*), sum(pg_column_size({table.name}.*)) FROM {table.name}".encode()
                counts[table.name], of_table = connection.execute(counted).fetchone() or (0, 0)
                size += of_table
        return Rows(counts, size)

    def version(self) -> int:
        """Returns the major version of the server."""
        with self._connect("postgres") as connection:
            return connection.info.server_version // 10_000

    def _connect(self, database: str) -> "closing[psycopg.Connection]":
        return closing(psycopg.connect(self._cluster.url(database), autocommit=True))


class Runner:
    """Measures for `seconds` each."""

    def __init__(self, cluster: Cluster, valkey: ValkeyServer, databases: Databases, seconds: float) -> None:
        self._cluster, self._valkey, self._databases, self._seconds = cluster, valkey, databases, seconds
        self._servers = {"PostgreSQL": cluster.pid, "Valkey": valkey.pid}

    def measure_pgbench(self, clients: int, *, with_heads: bool) -> Figures:
        """Returns the figures of pgbench. Raises RuntimeError or ValueError if it fails or does not write what it
        says."""
        databases = self._databases
        before = databases.copy()
        script = pgbench.make_script(databases.url, clients, with_heads=with_heads)
        program, folder = find_binaries() / "pgbench", databases.folder
        with self._observe() as connection:
            began, start = time.perf_counter(), read_usage(self._servers, connection)
            result = pgbench.run(program, databases.url, script, clients, self._seconds, folder)
            used = read_usage(self._servers, connection).since(start)
            seconds = time.perf_counter() - began
        row_bytes = self._check(before, result.transactions)
        rate, sender = result.per_second, used.children
        return _figures(clients, result.transactions, rate, used, sender, seconds, row_bytes)

    def measure_gateway(self, workers: int) -> Figures:
        """Returns the figures of the gateway with this number of workers. Raises ServerFailed if it does not start, and
        RuntimeError or ValueError if a response is incorrect or its rows are not written."""
        before, port, log = self._databases.copy(), free_port(), self._databases.folder / "gateway.log"
        settings = gateway_settings(self._databases.url, self._databases.folder) | {
            "GATEWAY_VALKEY_URL": self._valkey.url,
            "GATEWAY_ISSUER": f"http://127.0.0.1:{port}",
        }
        with serving(gateway_command(port, "--workers", str(workers)), settings, port, log, core=None) as server:
            _wait_for_workers(log)
            servers = {**self._servers, "gateway": server.process.pid}
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                sample_and_warm_up, measured, used = runner.run(self._send(port, servers))
        number = measured.answered.total()
        row_bytes = self._check(before, sample_and_warm_up + number)
        rate, clients = number / measured.seconds, SCENARIOS["decide"].connections
        return _figures(clients, number, rate, used, measured.sender_cpu, measured.seconds, row_bytes)

    async def _send(self, port: int, servers: Mapping[str, int]) -> tuple[int, Slice, Usage]:
        """Returns the number of responses before the measurement, those of the measurement, and what was used for
        these. Raises RuntimeError for an incorrect one."""
        requests = Requests(self._databases.data, port)
        connections: list[Connection] = await connect(port, SCENARIOS["decide"].connections)
        await exchange(connections[0], requests.sample("decision"))
        calls = requests.calls("decide")
        warm_up = await Load(itertools.islice(calls, _WARM_UP), _LONGEST_WARM_UP).run(connections)
        with self._observe() as connection:
            start = read_usage(servers, connection)
            measured = await Load(calls, self._seconds).run(connections)
            used = read_usage(servers, connection).since(start)
        for each in connections:
            each.close()
        errors = warm_up.errors + measured.errors
        if errors:
            raise RuntimeError(f"Incorrect responses: {errors.most_common(2)}")
        return 1 + warm_up.answered.total(), measured, used

    def _observe(self) -> "closing[psycopg.Connection]":
        """Returns a connection to a database that is not measured."""
        return closing(psycopg.connect(self._cluster.url("postgres"), autocommit=True))

    def _check(self, before: Rows, expected: int) -> float:
        """Returns the size of the rows of one decision. Raises ValueError unless the expected number was written."""
        after = self._databases.count()
        written = after.written_since(before)
        if written != expected:
            raise ValueError(f"{written} decisions were written, and {expected} were reported.")
        return (after.size - before.size) / written


def _figures(
    clients: int, number: int, rate: float, used: Usage, sender: float, seconds: float, row_bytes: float
) -> Figures:
    cpu = {**used.servers, "sender": sender}
    return Figures(
        clients=clients,
        per_second=rate,
        cpu_us={name: 1e6 * each / number for name, each in cpu.items()},
        log_bytes=used.log_bytes / number,
        row_bytes=row_bytes,
        others=max(0.0, used.machine - sum(cpu.values())) / seconds,
    )


def _wait_for_workers(log: Path) -> None:
    """Waits until all workers serve: then the gateway prints its issuer. Raises ServerFailed."""
    deadline = time.monotonic() + START_WITHIN
    while "Its issuer is" not in log.read_text(errors="replace"):
        if time.monotonic() > deadline:
            raise ServerFailed("The workers did not start.")
        time.sleep(0.02)
