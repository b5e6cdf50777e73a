"""`gateway adapters`: list, new and check. None of them needs a database."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from gateway import __version__
from gateway.domain.merchants import Product
from merchants.car_rental import CarRental
from merchants.scaffold import scaffold
from tests.support.command_line import COMMANDS
from tests.support.installed import install_package
from tests.support.operators import Gateway
from tests.support.server import bare_environment

NOWHERE = "sqlite:////nowhere/at/all.db"


def run(
    folder: Path, *arguments: str, site: Path | None = None, optimized: bool = False
) -> "subprocess.CompletedProcess[str]":
    """Runs a command in `folder`, with the packages in `site` installed, and with `optimized` under -O."""
    environment = {**bare_environment(), "GATEWAY_DATABASE_URL": NOWHERE, "COLUMNS": "80"}
    if site is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(site), environment.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    if not optimized:
        return COMMANDS.run(["adapters", *arguments], environment, "", folder)
    return subprocess.run(
        [sys.executable, "-O", "-m", "gateway", "adapters", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def install(folder: Path) -> None:
    """Writes harbour_boats into `folder` and installs it into its `site`."""
    scaffold(
        "harbour_boats",
        Product.DEPOSIT_WAIVER,
        folder,
        today=date(2026, 11, 27),
        gateway_version=__version__,
        taken=(),
    )
    install_package(folder / "harbour_boats", folder / "site")


def test_new_prints_the_next_commands(tmp_path: Path) -> None:
    done = run(tmp_path, "new", "harbour_boats", "--product", "PAY_LATER")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-3:] == [
        "  pip install --no-deps --no-build-isolation -e ./harbour_boats",
        "  gateway adapters check harbour_boats",
        "  gateway sandbox up",
    ]
    assert "product = Product.PAY_LATER\n" in (tmp_path / "harbour_boats/harbour_boats/adapter.py").read_text()


def test_new_rejects_a_taken_name_in_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "new", "bike_ride")  # bike_share's member
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: 'bike_ride' cannot be used: the schema already has bikeRide.\n"
    assert list(tmp_path.iterdir()) == []


def test_check_finds_an_unfair_policy(tmp_path: Path) -> None:
    install(tmp_path)

    fair = run(tmp_path, "check", "harbour_boats", site=tmp_path / "site")
    policy = tmp_path / "harbour_boats/harbour_boats/policy.toml"
    policy.write_text(policy.read_text().replace("share = 70", "share = 40"))  # very good gets less than good
    unfair = run(tmp_path, "check", "harbour_boats", site=tmp_path / "site")

    assert fair.returncode == 0, fair.stdout + fair.stderr
    requirements = fair.stdout.count("✓")
    assert requirements >= 13
    assert fair.stdout.splitlines()[requirements:] == [f"harbour_boats meets all {requirements} requirements."]
    assert unfair.returncode == 1
    assert "✗ better tier never gets worse outcome" in unfair.stdout
    assert "✗ golden cases have expected outcomes" in unfair.stdout
    assert unfair.stderr.startswith("error: harbour_boats does not meet ")


def test_check_finds_an_ask_name_that_the_schema_has_already(tmp_path: Path) -> None:
    install(tmp_path)
    code = tmp_path / "harbour_boats/harbour_boats/adapter.py"
    code.write_text(code.read_text().replace('ask_type_name = "HarbourBoatsAsk"', 'ask_type_name = "BikeRideAsk"'))

    done = run(tmp_path, "check", "harbour_boats", site=tmp_path / "site")

    assert done.returncode == 1
    assert "✗ ask has a place in the schema" in done.stdout
    assert "by sesame-gateway" in done.stdout


@pytest.mark.slow
def test_check_finds_an_unfair_policy_without_assertions(tmp_path: Path) -> None:
    install(tmp_path)
    policy = tmp_path / "harbour_boats/harbour_boats/policy.toml"
    policy.write_text(policy.read_text().replace("share = 70", "share = 40"))  # very good gets less than good

    done = run(tmp_path, "check", "harbour_boats", site=tmp_path / "site", optimized=True)

    assert done.returncode == 1, done.stdout
    assert "✗ better tier never gets worse outcome" in done.stdout


def test_check_names_an_adapter_that_is_not_installed(tmp_path: Path) -> None:
    refusal = Gateway(NOWHERE, tmp_path).error_line("adapters", "check", "harbour_boats")
    assert refusal.startswith("error: harbour_boats is not installed: pip install ")


def test_list_does_not_import_adapters_that_are_not_loaded(tmp_path: Path) -> None:
    install(tmp_path)
    (tmp_path / "harbour_boats/harbour_boats/__init__.py").write_text("raise SystemExit('I was imported')\n")
    environment = {"GATEWAY_ADAPTERS": "car_rental,online_shop", "COLUMNS": "40", "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "adapters", "list"],
        env={**bare_environment(), "GATEWAY_DATABASE_URL": NOWHERE, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines()[1:]}
    assert rows["car_rental"][:7] == [
        "car_rental", "carRental", "DEPOSIT_WAIVER", "2026-11-29", "sesame-gateway", __version__, "yes",
    ]  # fmt: skip
    assert rows["online_shop"][6] == "yes"
    assert rows["harbour_boats"] == ["harbour_boats", "-", "-", "-", "harbour-boats", "0.1.0", "no", "-"]
    assert rows["hotel"][6] == "no"


def test_list_as_json_has_every_policy_version(tmp_path: Path) -> None:
    listed = json.loads(run(tmp_path, "list", "--json").stdout)
    (car_rental,) = (adapter for adapter in listed if adapter["key"] == "car_rental")
    (policy,) = CarRental().policies
    assert car_rental["is_loaded"] is True
    assert car_rental["policies"] == [
        {"version": policy.version, "effective": policy.effective.isoformat(), "hash": policy.hash}
    ]


def test_check_as_json_has_the_problems(tmp_path: Path) -> None:
    install(tmp_path)
    policy = tmp_path / "harbour_boats/harbour_boats/policy.toml"
    policy.write_text(policy.read_text().replace("share = 70", "share = 40"))  # very good gets less than good
    done = run(tmp_path, "check", "harbour_boats", "--json", site=tmp_path / "site")
    report = json.loads(done.stdout)
    unmet = {each["name"] for each in report["requirements"] if not each["is_met"]}
    assert (done.returncode, report["is_met"]) == (1, False)
    assert "better tier never gets worse outcome" in unmet
    assert all(bool(each["problems"]) is not each["is_met"] for each in report["requirements"])
