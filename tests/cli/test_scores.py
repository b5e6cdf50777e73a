"""`gateway scores`: imports from files and standard input, faults, scores, and scorecards."""

import base64
import json
import os
import pty
import re
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.sources.scorecard.card_files import SHIPPED, load_card
from gateway.store.database import Database
from tests.fixtures.settings import MASTER
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.fapi import new_key, public
from tests.support.live_settings import LIVE
from tests.support.operators import Gateway
from tests.support.score_imports import history, lines, row
from tests.support.server import bare_environment
from tests.support.units import writing

PEOPLE = "external_id,email\nmei,mei@shop.example\nbo,bo@shop.example\n"
CSV = """person,source,id,dimension,kind,partner,amount,currency,months,at,ended_at,contested
mei,harbour,1,FULFILMENT,BROKEN,city cars,300.00,CNY,,2026-03-02,2026-05-01T12:00:00+08:00,
mei,harbour,2,SHOPPING,MONTHS,plaza,,,7,2026-05-01,,false
bo,harbour,3,IDENTITY,DOCUMENT,plaza,,,,2026-05-01,,true
"""


@pytest.fixture
def settings(sqlite_url: str) -> dict[str, str]:
    return {**LIVE, "GATEWAY_DATABASE_URL": sqlite_url, "COLUMNS": "80"}


@pytest.fixture
def gateway(sqlite_url: str, tmp_path: Path, settings: dict[str, str]) -> Gateway:
    """The operator of a live deployment with the people mei and bo, on a terminal of 80 columns."""
    gateway = Gateway(sqlite_url, tmp_path, **settings)
    gateway.output("users", "import", "-", stdin=PEOPLE)
    return gateway


def text(rows: list[dict[str, Any]]) -> str:
    return lines(rows).read().decode()


def test_files_and_standard_input_are_imported(gateway: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "records.csv"
    file.write_text(CSV)
    report = gateway.output("scores", "import", str(file)).split()
    assert report[0::2] == ["import", "added", "replaced", "unchanged", "persons", "scores"]
    assert report[3::2] == ["3", "0", "0", "2", "2"]
    assert gateway.output("scores", "import", "-", stdin=CSV) == "All 3 records are known. Nothing was changed."
    header = CSV.splitlines()[0]
    assert gateway.output("scores", "import", "-", stdin=header) == "The file has no records. Nothing was changed."
    document = json.loads(gateway.output("scores", "import", "-", "--json", stdin=CSV.replace("300.00", "200.00")))
    assert document.pop("import_id").startswith("imp_")
    assert document == {
        "added": 0,
        "replaced": 1,
        "unchanged": 2,
        "persons": 1,
        "scores": 1,
        "is_dry_run": False,
        "faults": [],
    }
    (first, second) = json.loads(gateway.output("scores", "imports", "--json"))
    assert (first["records"], first["replaced"], second["records"], second["replaced"]) == (3, 0, 1, 1)
    assert first["import_id"] == report[1]
    assert max(map(len, gateway.output("scores", "imports").splitlines())) <= 80


def test_dry_run_imports_nothing_and_no_scores_leaves_them_to_the_server(gateway: Gateway) -> None:
    report = gateway.output("scores", "import", "-", "--dry-run", stdin=text(history()))
    assert report == "12 records without a fault. Nothing was imported, because of --dry-run."
    assert gateway("scores", "imports").stderr.startswith("There is no import.")
    assert "scores" not in gateway.output("scores", "import", "-", "--no-scores", stdin=text(history())).split()
    assert gateway.output("scores", "compute", "--all") == "1 score computed."
    assert gateway.output("scores", "compute", "--all") == "0 scores computed."


def test_score_is_shown_with_reasons_points_and_records(gateway: Gateway) -> None:
    gateway.output("scores", "import", "-", stdin=text([*history(), row(50, kind="LATE", contested=True)]))
    computed = gateway.output("scores", "compute", "mei")
    score = json.loads(gateway.output("scores", "show", "mei", "--json"))
    assert computed.endswith(f": {score['score']} ({score['tier']})")
    assert (score["records"], score["cause"], score["has_document"]) == (13, "FIRST", False)
    assert sum(score["dimension_points"].values()) + 400 == score["score"]
    assert {reason["code"] for reason in score["reasons"]} >= {"IDENTITY_UNKNOWN"}
    records = json.loads(gateway.output("scores", "show", "mei", "--records", "--json"))["records"]
    (contested,) = [each for each in records if each["contested_at"]]
    assert (contested["id"], contested["amount"]) == ("r50", {"amount": "100.00", "currency": "CNY"})
    shown = gateway.output("scores", "show", "mei@shop.example", "--records")
    for words in (f"score              {score['score']}", "FULFILMENT ", "IDENTITY_UNKNOWN (", "partner 1", "r50"):
        assert words in shown
    assert "score              none" in gateway.output("scores", "show", "bo")


def test_import_warns_where_a_remote_provider_delivers_the_scores(
    sqlite_url: str, tmp_path: Path, settings: dict[str, str]
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [public(new_key("EdDSA"))]}))
    remote = {
        "GATEWAY_SCORE_SOURCE": "remote",
        "GATEWAY_SCORE_PROVIDER": "https://scores.example",
        "GATEWAY_SCORE_PROVIDER_KEYS": str(keys),
    }
    gateway = Gateway(sqlite_url, tmp_path, **settings, **remote)
    completed = gateway("scores", "import", "-", "--dry-run", stdin=text([row(1)]))
    assert "imported records do not count" in completed.stderr


def test_score_of_a_persona_is_shown_in_the_business_time_of_its_partner(sqlite_url: str, tmp_path: Path) -> None:
    with closing(DemoWorld(sqlite_url, MovableClock())) as world:
        world.seed_demo()
        with writing(world.database) as unit:
            unit.partners.move_clock(world.partner_id, int(timedelta(days=40).total_seconds()))
    sandbox = Gateway(sqlite_url, tmp_path, GATEWAY_SECRET_KEY=base64.b64encode(MASTER).decode())
    score = json.loads(sandbox.output("scores", "show", "excellent@demo", "--json"))
    assert (score["score"], score["tier"], score["cause"]) == (780, "EXCELLENT", "MONTH")
    assert sandbox.output("scores", "compute", "excellent@demo").endswith(": 780 (EXCELLENT)")


def test_faults_are_printed_and_nothing_is_imported(gateway: Gateway) -> None:
    wrong = text([row(1, person="x"), *(row(number, kind="NO") for number in range(2, 62))])
    completed = gateway("scores", "import", "-", stdin=wrong)
    printed = completed.stderr.splitlines()
    assert (completed.returncode, completed.stdout, len(printed)) == (1, "", 51)
    assert printed[0] == "line 1, person: There is no person with this external id."
    assert printed[-1].startswith("error: Nothing was imported, because of 61 fault(s). Shown are the first 50;")
    completed = gateway("scores", "import", "-", "--json", stdin=wrong)
    document = json.loads(completed.stdout)
    assert (completed.returncode, len(document["faults"]), document["import_id"]) == (1, 61, None)
    assert gateway("scores", "imports").stderr.startswith("There is no import.")


def test_unknown_person_and_wrong_options_are_reported_in_one_line(gateway: Gateway, tmp_path: Path) -> None:
    assert "no person nobody" in gateway.error_line("scores", "show", "nobody")
    assert "no person nobody" in gateway.error_line("scores", "compute", "nobody")
    assert "either PERSON or --all" in gateway.error_line("scores", "compute")
    assert "cannot be read" in gateway.error_line("scores", "import", str(tmp_path / "missing"))


def test_card_is_checked(gateway: Gateway) -> None:
    shown = gateway.output("scores", "check", str(SHIPPED))
    card = load_card(SHIPPED)
    for words in (f"effective            {card.effective}", "range                350-950", card.hash):
        assert words in shown
    document = json.loads(gateway.output("scores", "check", str(SHIPPED), "--json"))
    assert (document["hash"], document["effective"], document["highest"]) == (card.hash, "2026-11-01", 950)


def test_faulty_card_is_refused_with_its_place(gateway: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "next.toml"
    file.write_text(SHIPPED.read_text(encoding="utf-8").replace("points = [0, 28", "points = [0, 99"), encoding="utf-8")
    assert "next.toml, characteristic kept_rentals: points must" in gateway.error_line("scores", "check", str(file))


def on_terminal(settings: dict[str, str], folder: Path, *arguments: str) -> list[str]:
    """The lines that a command writes to a terminal, without control sequences."""
    leader, follower = pty.openpty()
    environment = {**bare_environment(), **settings, "GATEWAY_STATE_DIRECTORY": str(folder), "TERM": "xterm"}
    command = [sys.executable, "-m", "gateway", *arguments]
    with subprocess.Popen(command, env=environment, stdin=follower, stdout=follower, stderr=follower) as process:
        os.close(follower)
        written = b""
        try:
            while part := os.read(leader, 65_536):
                written += part
        except OSError:  # the other end is closed
            pass
        os.close(leader)
    assert process.returncode == 0, written
    return re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode()))


@pytest.mark.slow
def test_terminal_shows_progress_and_fits(gateway: Gateway, settings: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text(text(history()))
    printed = on_terminal(settings, tmp_path, "scores", "import", str(file))
    for bar in ("Checking records", "Writing records", "Computing scores"):
        assert any(bar in line and "100%" in line for line in printed), bar
    shown = on_terminal(settings, tmp_path, "scores", "show", "mei", "--records")
    assert max(map(len, [*printed, *shown])) <= 80
    assert any("partner 1" in line for line in shown)


@pytest.mark.slow
@pytest.mark.postgresql
def test_killed_import_leaves_nothing_visible_and_the_next_one_works(
    database_url: str, settings: dict[str, str], tmp_path: Path
) -> None:
    settings["GATEWAY_DATABASE_URL"] = database_url
    gateway = Gateway(database_url, tmp_path, **settings)
    gateway.output("users", "import", "-", stdin=PEOPLE)
    gateway.output("scores", "import", "-", stdin=text(history()))
    before = json.loads(gateway.output("scores", "show", "mei", "--records", "--json"))
    file = tmp_path / "records.jsonl"
    file.write_text(text(history(20_000, amount="20.00")))
    command = [sys.executable, "-m", "gateway", "scores", "import", str(file)]
    environment = {**bare_environment(), **settings, "GATEWAY_STATE_DIRECTORY": str(tmp_path)}
    with closing(Database(database_url, size=2)) as database:

        def count() -> int:
            query = "SELECT count(*) FROM behaviour_records"
            rows: int = database.read(lambda unit: unit.connection.exec_driver_sql(query).scalar_one())
            return rows

        with subprocess.Popen(command, env=environment) as process:
            while count() == 12:
                assert process.poll() is None
                time.sleep(0.002)
            process.kill()
        assert 12 < count() < 20_000
        assert json.loads(gateway.output("scores", "show", "mei", "--records", "--json")) == before
        again = json.loads(gateway.output("scores", "import", str(file), "--json"))
        assert (again["added"], again["replaced"], again["unchanged"]) == (19_988, 12, 0)
        assert count() == 20_012
