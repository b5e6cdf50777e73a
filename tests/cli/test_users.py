"""`gateway users`: import from files and standard input, faults, invitations, lists, and disabling."""

import csv
import io
import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.kit.clock import BusinessTime
from gateway.store.database import Database
from tests.support.clock import BUSINESS_NOON
from tests.support.factories import make_cast, make_consent, make_user
from tests.support.live_settings import LIVE
from tests.support.operators import Gateway
from tests.support.units import writing

LATER = BusinessTime(BUSINESS_NOON + timedelta(hours=1))
CSV = "external_id,email,language,name\n1,Mei@shop.example,zh,梅\n2,bo@shop.example,,\n"
LINES = '{"external_id": 1, "email": "Mei@shop.example"}\n{"external_id": "2", "email": "bo@shop.example"}\n'


@pytest.fixture
def gateway(sqlite_url: str, tmp_path: Path) -> Gateway:
    """The operator of a live deployment, on a terminal of 80 columns."""
    return Gateway(sqlite_url, tmp_path, **{**LIVE, "GATEWAY_DATABASE_URL": sqlite_url, "COLUMNS": "80"})


def listed(gateway: Gateway, *options: str) -> list[dict[str, Any]]:
    people: list[dict[str, Any]] = json.loads(gateway.output("users", "list", "--json", *options))
    return people


def write(folder: Path, content: str) -> str:
    file = folder / "people"
    file.write_text(content)
    return str(file)


@pytest.mark.parametrize("content", [pytest.param(CSV, id="CSV"), pytest.param(LINES, id="JSON Lines")])
def test_file_and_standard_input_are_imported(gateway: Gateway, tmp_path: Path, content: str) -> None:
    report = gateway.output("users", "import", write(tmp_path, content))
    assert report.split() == ["created", "2", "updated", "0", "unchanged", "0"]
    repeated = json.loads(gateway.output("users", "import", "-", "--json", stdin=content))
    assert repeated == {"created": 0, "updated": 0, "unchanged": 2, "faults": []}


def test_people_are_listed_oldest_first_and_shown(gateway: Gateway) -> None:
    gateway.output("users", "import", "-", stdin=CSV)
    mei, bo = listed(gateway)
    assert (mei["external_id"], mei["email"], mei["name"], mei["language"]) == ("1", "Mei@shop.example", "梅", "zh")
    assert (mei["is_enabled"], mei["has_password"], mei["disabled_at"]) == (True, False, None)
    assert mei["created_at"].endswith("Z")
    assert "no password" in gateway.output("users", "list")
    assert listed(gateway, "--after", mei["user_id"]) == [bo]
    first = gateway("users", "list", "--limit", "1")
    assert first.stderr == f"There are more: --after {mei['user_id']}\n"
    for reference in (mei["user_id"], "1", "MEI@shop.example"):
        assert json.loads(gateway.output("users", "show", reference, "--json")) == {**mei, "invited_until": None}
    assert "language       zh" in gateway.output("users", "show", "1")


def test_faults_are_printed_with_line_and_field_and_nothing_is_imported(gateway: Gateway, tmp_path: Path) -> None:
    completed = gateway("users", "import", write(tmp_path, CSV + "3,nobody,,\n4\n"))
    assert (completed.returncode, completed.stdout) == (1, "")
    assert completed.stderr.splitlines() == [
        "line 4, email: Must be an email address in ASCII of at most 254 characters.",
        "line 5: The line has 1 values, the header has 4.",
        "error: Nothing was imported, because of 2 fault(s).",
    ]
    assert listed(gateway) == []


def test_fifty_faults_are_printed_and_all_as_json(gateway: Gateway, tmp_path: Path) -> None:
    file = write(tmp_path, "external_id,email\n" + "".join(f"{number},x\n" for number in range(60)))
    completed = gateway("users", "import", file)
    assert len(completed.stderr.splitlines()) == 51
    assert completed.stderr.endswith("because of 60 fault(s). Shown are the first 50; --json has all.\n")
    as_json = gateway("users", "import", file, "--json")
    assert as_json.returncode == 1
    faults = json.loads(as_json.stdout)["faults"]
    assert len(faults) == 60
    assert {name: faults[0][name] for name in ("line", "field")} == {"line": 2, "field": "email"}


def test_invitation_is_a_link_that_says_what_it_does(gateway: Gateway) -> None:
    completed = gateway("users", "invite", "mei@shop.example", "--external-id", "1", "--language", "zh")
    assert completed.stdout.startswith("https://gateway.example/invitation?token=sgw_iv_")
    (mei,) = listed(gateway)
    created, sets = completed.stderr.splitlines()
    assert created == f"{mei['user_id']} is a new person: nobody had this email address."
    assert sets.startswith("Sets the first password of mei@shop.example, once, until 20")
    assert len(gateway("users", "invite", "MEI@shop.example").stderr.splitlines()) == 1
    assert (mei["external_id"], mei["language"]) == ("1", "zh")
    again = json.loads(gateway.output("users", "invite", "mei@shop.example", "--json"))
    assert (again["user_id"], again["resets_password"]) == (mei["user_id"], False)
    assert again["link"] not in completed.stdout
    assert json.loads(gateway.output("users", "show", "1", "--json"))["invited_until"] == again["expires_at"]


def test_life_of_an_invitation_is_a_setting(sqlite_url: str, tmp_path: Path) -> None:
    settings = {**LIVE, "GATEWAY_DATABASE_URL": sqlite_url, "GATEWAY_INVITATION_LIFE": "P91D"}
    refusal = Gateway(sqlite_url, tmp_path, **settings).error_line("users", "invite", "mei@shop.example")
    assert "GATEWAY_INVITATION_LIFE" in refusal


def test_all_new_people_are_invited(gateway: Gateway) -> None:
    gateway.output("users", "import", "-", stdin=CSV)
    gateway.output("users", "disable", "2")
    (row,) = csv.DictReader(io.StringIO(gateway.output("users", "invite", "--all-new")))
    assert (row["email"], row["name"], row["language"], row["resets_password"]) == (
        "Mei@shop.example",
        "梅",
        "zh",
        "False",
    )
    assert row["link"].startswith("https://gateway.example/invitation?token=")
    gateway.output("users", "enable", "2")
    lines = [json.loads(line) for line in gateway.output("users", "invite", "--all-new", "--json").splitlines()]
    assert [line["external_id"] for line in lines] == ["1", "2"]
    assert row["link"] not in {line["link"] for line in lines}


def test_no_new_people_are_a_note(gateway: Gateway) -> None:
    completed = gateway("users", "invite", "--all-new")
    assert (completed.returncode, completed.stdout) == (0, "")
    assert completed.stderr == "There are no people without a password.\n"


def test_disabled_person_is_shown_as_disabled(gateway: Gateway) -> None:
    gateway.output("users", "import", "-", stdin=CSV)
    user_id = listed(gateway)[0]["user_id"]
    assert gateway.output("users", "disable", "Mei@shop.example") == f"{user_id} is disabled."
    assert "disabled" in gateway.output("users", "show", "1")
    assert "gateway users enable" in gateway.error_line("users", "invite", "mei@shop.example")
    assert gateway.output("users", "enable", user_id) == f"{user_id} is enabled."
    assert listed(gateway)[0]["is_enabled"] is True


def test_sandbox_has_people_besides_its_personas(sqlite_url: str, tmp_path: Path) -> None:
    sandbox = Gateway(sqlite_url, tmp_path)
    sandbox.output("merchants", "register", "Harbour Cars", "--partner", "harbour", "--create")
    sandbox.output("sandbox", "personas", "harbour")
    assert "/invitation?token=sgw_test_iv_" in sandbox.output("users", "invite", "mei@shop.example")
    assert [person["email"] for person in listed(sandbox)] == ["mei@shop.example"]


def test_import_leaves_the_logs_intact(gateway: Gateway) -> None:
    gateway.output("users", "import", "-", stdin=CSV)
    gateway.output("users", "invite", "mei@shop.example")
    gateway.output("users", "disable", "2")
    gateway.output("database", "check", "--deep")
    gateway.output("log", "verify")


def test_known_person_is_invited_by_external_id(gateway: Gateway) -> None:
    gateway.output("users", "import", "-", stdin=CSV)
    mei, _ = listed(gateway)
    for reference in ("1", mei["user_id"]):
        invited = json.loads(gateway.output("users", "invite", reference, "--json"))
        assert (invited["user_id"], invited["email"]) == (mei["user_id"], "Mei@shop.example")
    assert "There is no person nobody" in gateway.error_line("users", "invite", "nobody")


def test_consents_of_a_person_are_listed_newest_first(gateway: Gateway, sqlite_url: str) -> None:
    with closing(Database(sqlite_url)) as database, writing(database) as unit:
        cast, person = make_cast(unit), make_user(unit)
        life = timedelta(days=30_000)
        older = make_consent(unit, cast.client, person, life=life)
        newer = make_consent(unit, cast.client, person, life=life, granted_at=LATER)
        unit.consents.revoke(older.id, LATER)
    first, second = json.loads(gateway.output("users", "consents", person, "--json"))
    assert [first["id"], second["id"]] == [newer.id, older.id]
    assert (first["status"], second["status"]) == ("ACTIVE", "REVOKED")
    assert (first["merchant_id"], first["client_id"]) == (cast.merchant, cast.client)
    assert first["authorization_details"][1]["products"] == ["DEPOSIT_WAIVER", "PAY_LATER"]
    assert newer.id in gateway.output("users", "consents", person)


def test_person_without_consents_has_an_empty_list(gateway: Gateway) -> None:
    gateway.output("users", "import", "-", stdin=CSV)
    assert gateway("users", "consents", "1").stderr == "The person has given no consent.\n"
    assert "There is no person nobody" in gateway.error_line("users", "consents", "nobody")
