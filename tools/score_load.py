"""Measures the import of behaviour records and the computation of scores.

    score_load.py files FOLDER [--people N] [--records N]
    score_load.py run FOLDER [--database-url URL]

`files` writes people.csv and records.jsonl, always the same for the same numbers and month. `run` imports both with
`python -m gateway` into a new SQLite database in FOLDER, or into an empty PostgreSQL database. It reports seconds, rows
per second and the largest memory of each command.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SOURCES = ("harbour-bureau", "city-ledger", "north-register")
PARTNERS = 200
DAYS = 4 * 365
KINDS = ("KEPT",) * 30 + ("KEPT_WITH_DEPOSIT",) * 4 + ("LATE",) * 2 + ("BROKEN",)
AMOUNTS = ("12.00", "49.90", "150.00", "800.00", "2400.00")


def write_people(path: Path, people: int) -> None:
    """Writes people with an external id and an email address."""
    with path.open("w") as file:
        file.write("external_id,email\n")
        file.writelines(f"p{number:07},p{number:07}@load.example\n" for number in range(people))


def records(people: int, count: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Yields records in the order of their time, as a source exports them: the persons are in random order."""
    numbers = random.Random(20261129)  # noqa: S311  # the same at every call
    for number in range(count):
        at = now - timedelta(days=DAYS) + timedelta(seconds=DAYS * 86_400 * number // count)
        yield {
            "person": f"p{numbers.randrange(people):07}",
            "source": SOURCES[number % len(SOURCES)],
            "id": f"{number:09}",
            "at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            **_content(numbers),
        }


def _content(numbers: random.Random) -> dict[str, Any]:
    partner = f"partner {numbers.randrange(PARTNERS)}"
    chance = numbers.randrange(50)
    if chance == 0:
        return {"dimension": "IDENTITY", "kind": numbers.choice(("PHONE", "DOCUMENT", "LIVENESS")), "partner": partner}
    if chance < 3:
        dimension = numbers.choice(("SHOPPING", "FINANCIAL_CAPACITY"))
        return {"dimension": dimension, "kind": "MONTHS", "months": numbers.randrange(13), "partner": partner}
    return {
        "dimension": numbers.choice(("FULFILMENT", "CREDIT_HISTORY")),
        "kind": numbers.choice(KINDS),
        "partner": partner,
        "amount": numbers.choice(AMOUNTS),
        "currency": "CNY",
    }


def write_files(folder: Path, people: int, count: int) -> None:
    """Writes both files."""
    folder.mkdir(parents=True, exist_ok=True)
    write_people(folder / "people.csv", people)
    now = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    with (folder / "records.jsonl").open("w") as file:
        file.writelines(f"{json.dumps(each, separators=(',', ':'))}\n" for each in records(people, count, now))


def run(folder: Path, url: str | None) -> None:
    """Runs the commands and prints a line for each."""
    database = url or f"sqlite:///{folder}/load.db"
    if url is None:
        for file in folder.glob("load.db*"):
            file.unlink()
    environment = {**os.environ, "GATEWAY_DATABASE_URL": database, "GATEWAY_STATE_DIRECTORY": str(folder)}
    rows = sum(1 for _ in (folder / "records.jsonl").open("rb"))
    for name, count, arguments in (
        ("upgrade", 0, ["database", "upgrade"]),
        ("people", 0, ["users", "import", str(folder / "people.csv")]),
        ("check", rows, ["scores", "import", "--dry-run", str(folder / "records.jsonl")]),
        ("import", rows, ["scores", "import", "--no-scores", str(folder / "records.jsonl")]),
        ("scores", 0, ["scores", "compute", "--all"]),
        ("again", rows, ["scores", "import", str(folder / "records.jsonl")]),
    ):
        _measure(name, count, arguments, environment)


def _measure(name: str, rows: int, arguments: Sequence[str], environment: dict[str, str]) -> None:
    began = time.monotonic()
    command = [sys.executable, "-m", "gateway", *arguments]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        output = process.stdout.read() if process.stdout else ""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    memory = used.ru_maxrss / 1024
    per_second = f"{rows / seconds:9.0f} rows/s" if rows else ""
    last = output.strip().splitlines()[-1:] or [""]
    cpu = used.ru_utime + used.ru_stime
    print(f"{name:8} {seconds:8.1f} s  cpu {cpu:7.1f} s  {memory:6.0f} MiB  {per_second:16}  {last[0]}", flush=True)
    if process.returncode:
        raise SystemExit(f"{name} failed")


def main() -> None:
    """Reads the arguments and runs one of the two commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("files", "run"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--database-url")
    arguments = parser.parse_args()
    if arguments.command == "files":
        write_files(arguments.folder, arguments.people, arguments.records)
    else:
        run(arguments.folder, arguments.database_url)


if __name__ == "__main__":
    main()
