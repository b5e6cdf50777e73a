"""The commands that set up a deployment: merchants, clients, personas, database."""

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.identity.client import FAPI2
from gateway.kit.ids import Ids
from gateway.services.identity.accounts import AccountService
from gateway.store.database import Database
from migrations import runner
from tests.support.clock import NOON
from tests.support.factories import make_client, make_merchant, make_partner
from tests.support.fapi import new_key, public
from tests.support.operators import Gateway
from tests.support.units import reading, writing
from tests.support.weak_keys import WEAK


@pytest.fixture
def gateway(database_url: str, tmp_path: Path) -> Gateway:
    return Gateway(database_url, tmp_path)


def test_merchant_is_set_up_by_commands(gateway: Gateway) -> None:
    merchant = gateway.output("merchants", "register", "Harbour Cars", "--partner", "harbour", "--create")
    assert merchant.startswith("mer_test_")

    written = gateway.output(
        "merchants", "contract", merchant, "--ceiling", "20000.00", "--tier", "EXCELLENT", "--consent-days", "30"
    )
    assert written == "Harbour Cars: consents of at most 20000.00 CNY and 30 days; threshold inquiries about EXCELLENT."
    assert gateway.output("merchants", "enable", merchant, "car_rental") == "car_rental is now enabled."
    assert gateway.output("merchants", "enable", merchant, "car_rental") == "car_rental was already enabled."

    made = gateway.output(
        "clients", "register", merchant, "web shop", "--redirect-uri", "https://cars.example/callback"
    )
    client_id = made.split()[1]
    assert client_id.startswith("cli_test_")
    assert "sgw_test_cs_" in made
    assert "enabled" in gateway.output("clients", "list")
    assert gateway.output("clients", "disable", client_id) == f"{client_id} is disabled."
    assert "disabled" in gateway.output("clients", "list")
    assert "sgw_test_cs_" not in gateway.output("clients", "list")


def test_each_partner_has_its_own_personas(gateway: Gateway, database_url: str) -> None:
    gateway.output("merchants", "register", "Harbour Cars", "--partner", "harbour", "--create")
    gateway.output("merchants", "register", "Hill Bikes", "--partner", "hill", "--create")

    harbour, hill = (
        {persona["username"]: persona["password"] for persona in list_personas(gateway, partner)}
        for partner in ("harbour", "hill")
    )
    assert len(harbour) == len(hill) == 8
    assert not harbour.keys() & hill.keys()
    name, password = next(iter(harbour.items()))
    with closing(Database(database_url)) as database, reading(database) as unit:
        own, other = (unit.users.load_by_username(each) for each in (name, name.replace("harbour", "hill")))
    accounts = AccountService(Ids(), idle_life=timedelta(hours=1), session_life=timedelta(hours=1))
    assert None not in (own, other)
    assert accounts.verify_password(own, password)
    assert not accounts.verify_password(other, password)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("sandbox", "personas", "nobody"), "no partner nobody", id="unknown partner"),
        pytest.param(("merchants", "contract", "mer_none", "--ceiling", "10.00"), "no merchant", id="unknown merchant"),
        pytest.param(("merchants", "contract", "mer_none", "--ceiling", "ten"), "amount", id="bad ceiling"),
        pytest.param(("merchants", "register", " ", "--partner", "p", "--create"), "name", id="blank name"),
        pytest.param(("merchants", "enable", "mer_none", "zeppelin"), "zeppelin", id="unknown adapter"),
        pytest.param(("clients", "register", "mer_none", "x"), "no merchant", id="client of nobody"),
        pytest.param(("clients", "disable", "cli_none"), "no client", id="unknown client"),
    ],
)
def test_unusable_arguments_are_named_in_one_line(gateway: Gateway, arguments: tuple[str, ...], message: str) -> None:
    done = gateway(*arguments)

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr.lower()


def test_log_verify_requires_no_secret_key(gateway: Gateway, tmp_path: Path) -> None:
    output = gateway.output("log", "verify")

    assert "decision log: 0 entries, all in order." in output
    assert not (tmp_path / "secret.key").exists()


def test_database_check_finds_an_old_revision(gateway: Gateway, database_url: str) -> None:
    assert "newest revision" in gateway.output("database", "check")

    runner.downgrade(database_url, "base")

    done = gateway("database", "check")
    assert done.returncode == 1
    assert "gateway database upgrade" in done.stderr
    assert gateway("clients", "list").stderr.count("gateway database upgrade") == 1
    gateway.output("database", "upgrade")
    gateway.output("database", "check")


@pytest.mark.parametrize("command", [("log", "verify"), ("database", "check")], ids=" ".join)
def test_missing_database_file_is_named_and_not_created(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = Gateway(f"sqlite:///{tmp_path}/typo.db", tmp_path)(*command)

    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"error: There is no database file {tmp_path}/typo.db."]
    assert not (tmp_path / "typo.db").exists()


def test_upgrade_rejects_an_impossible_folder_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file where a folder should be")

    done = Gateway(f"sqlite:///{tmp_path}/file/gateway.db", tmp_path)("database", "upgrade")

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_log_verify_names_the_upgrade_of_an_unmigrated_database(gateway: Gateway, database_url: str) -> None:
    runner.downgrade(database_url, "base")

    done = gateway("log", "verify")

    assert done.returncode == 1
    assert done.stderr.count("gateway database upgrade") == len(done.stderr.splitlines()) == 1


def test_adapters_list_requires_no_database(tmp_path: Path) -> None:
    listed = Gateway("sqlite:////nowhere/at/all.db", tmp_path).output("adapters", "list")

    assert "car_rental" in listed
    assert "onlineOrder" in listed


def test_sdl_export_prints_the_schema_of_an_environment(tmp_path: Path) -> None:
    gateway = Gateway("sqlite:////nowhere/at/all.db", tmp_path)

    assert "sandboxPersonas" in gateway.output("sdl", "export", "--environment", "sandbox")
    assert "sandboxPersonas" not in gateway.output("sdl", "export", "--environment", "live")
    assert gateway.output("sdl", "diff").endswith(" 0 foreign.")


def list_personas(gateway: Gateway, partner: str) -> list[dict[str, Any]]:
    personas: list[dict[str, Any]] = json.loads(gateway.output("sandbox", "personas", partner, "--json"))
    return personas


def test_personas_stay_the_same(gateway: Gateway) -> None:
    gateway.output("merchants", "register", "Harbour Cars", "--partner", "harbour", "--create")
    first = gateway.output("sandbox", "personas", "harbour")
    assert first.splitlines()[0].split() == ["persona", "password", "tier", "summary"]
    assert gateway.output("sandbox", "personas", "harbour") == first


def test_personas_as_json(gateway: Gateway) -> None:
    gateway.output("merchants", "register", "Harbour Cars", "--partner", "harbour", "--create")
    personas = list_personas(gateway, "harbour")
    assert [persona["handle"] for persona in personas][:2] == ["excellent", "threshold"]
    assert {tuple(persona) for persona in personas} == {("handle", "username", "password", "tier", "score", "summary")}


def test_log_verify_as_json(gateway: Gateway) -> None:
    kid = gateway.output("keys", "rotate").split()[0]
    assert json.loads(gateway.output("log", "verify", "--json")) == {
        "is_intact": True,
        "entries": {"decision": 0, "access": 0, "record": 0},
        "checkpoints": 0,
        "decisions": 0,
        "records": 0,
        "signing_keys": [kid],
        "finding": None,
    }


def test_database_check_as_json(gateway: Gateway) -> None:
    shallow, deep = (json.loads(gateway.output("database", "check", *more, "--json")) for more in ((), ("--deep",)))
    lists: dict[str, object] = {"unclear_names": [], "unusable_keys": [], "outdated_redirect_uris": []}
    assert shallow == {"revision": shallow["revision"], "mismatches": None, **lists}
    assert deep == {**shallow, "mismatches": []}


def test_d7_database_check_lists_redirect_uris_of_an_older_rule(gateway: Gateway, database_url: str) -> None:
    allowed, outdated = "https://cars.example/callback", "https://cars.example/callback?state=x"
    database = Database(database_url, size=1)
    with writing(database) as unit:
        merchant = make_merchant(unit, make_partner(unit))
        client_id = make_client(unit, merchant, redirect_uris=[allowed, outdated, "http://[::1]:9000/cb"])
        make_client(unit, merchant, redirect_uris=[outdated], disabled_at=NOON)
    database.close()
    lines = [line for line in gateway.output("database", "check").splitlines() if line.startswith("!")]
    assert [line.split()[1] for line in lines] == [client_id] * 2
    assert [line.split()[-1] for line in lines] == [outdated, "http://[::1]:9000/cb"]
    listed = json.loads(gateway.output("database", "check", "--json"))["outdated_redirect_uris"]
    assert listed == [{"client_id": client_id, "redirect_uri": uri} for uri in (outdated, "http://[::1]:9000/cb")]


def test_d6_database_check_lists_stored_weak_keys(gateway: Gateway, database_url: str) -> None:
    good, weak = public(new_key()), {**WEAK["rsa-even-modulus"], "kid": "old"}
    database = Database(database_url, size=1)
    with writing(database) as unit:
        merchant = make_merchant(unit, make_partner(unit))
        client_id = make_client(unit, merchant, profile=FAPI2, jwks={"keys": [good, weak]})
        make_client(unit, merchant, profile=FAPI2, jwks={"keys": [weak]}, disabled_at=NOON)
    database.close()
    sentence = (
        f"{client_id}: key 2 of its jwks is not accepted any more."
        " The modulus of an RSA key must not have small factors."
    )
    assert f"! {sentence}" in gateway.output("database", "check").splitlines()
    assert json.loads(gateway.output("database", "check", "--json"))["unusable_keys"] == [sentence]


def test_sdl_diff_as_json(tmp_path: Path) -> None:
    report = json.loads(Gateway("sqlite:////nowhere/at/all.db", tmp_path).output("sdl", "diff", "--json"))
    assert report["foreign"] == []
