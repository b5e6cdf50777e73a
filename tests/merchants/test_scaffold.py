"""`merchants.scaffold`: the written package is a complete adapter, and an invalid key writes nothing."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import Product
from gateway.domain.scoring.tier import Tier
from merchants.adapter import MerchantAdapter, Person
from merchants.conformance.check import check_adapter
from merchants.outcome_order import is_no_worse
from merchants.scaffold import LONGEST_KEY, scaffold
from tests.support.checkout import ROOT

TODAY = date(2026, 11, 27)
PRODUCTS = [Product.DEPOSIT_WAIVER, Product.PAY_LATER]
LONGEST = "harbour_and_mountain_boat_hire"
KEYS = ["go", "harbour_boats", LONGEST]


def write(folder: Path, key: str = "harbour_boats", product: Product = Product.DEPOSIT_WAIVER) -> tuple[Path, ...]:
    return scaffold(key, product, folder, today=TODAY, gateway_version="0.1.0", taken={"DecisionAsk", "bikeRide"})


@pytest.fixture(params=PRODUCTS)
def adapter(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MerchantAdapter[Any]]:
    """A new adapter of each product, imported from its package."""
    write(tmp_path, product=request.param)
    monkeypatch.syspath_prepend(tmp_path / "harbour_boats")
    yield importlib.import_module("harbour_boats").HarbourBoats()
    for name in [name for name in sys.modules if name.partition(".")[0] == "harbour_boats"]:
        del sys.modules[name]


@pytest.mark.parametrize("product", PRODUCTS)
def test_complete_package_is_written(tmp_path: Path, product: Product) -> None:
    written = write(tmp_path, product=product)
    expected = {"pyproject.toml", "README.md", "harbour_boats/__init__.py", "harbour_boats/adapter.py"}
    expected |= {"harbour_boats/policy.toml", "tests/test_harbour_boats.py"}
    assert set(written) == {Path("harbour_boats") / name for name in expected}
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()} == set(written)
    assert [path for path in written if "$" in (tmp_path / path).read_text()] == []
    assert "CHANGE" in (tmp_path / "harbour_boats/harbour_boats/adapter.py").read_text()


def test_new_adapter_satisfies_every_requirement(adapter: MerchantAdapter[Any]) -> None:
    assert set(map(tuple, check_adapter(adapter).values())) == {()}


def test_names_are_made_from_the_key(adapter: MerchantAdapter[Any]) -> None:
    assert (adapter.key, adapter.member, adapter.ask_type_name) == (
        "harbour_boats",
        "harbourBoats",
        "HarbourBoatsAsk",
    )
    assert (adapter.policy.policy, adapter.policy.version) == ("harbour_boats", "2026-11-27")


def test_better_tier_gets_better_terms(adapter: MerchantAdapter[Any]) -> None:
    case = adapter.ordinary_case
    outcomes = [adapter.decide(case.ask, Person(tier, 0), case.now).outcome for tier in Tier]
    unscored, building, fair, good, very_good, excellent = outcomes
    assert isinstance(unscored, Decline)
    assert isinstance(building, Decline)
    assert isinstance(excellent, Approval)
    assert (excellent.terms.exposed, excellent.reasons) == (adapter.requested_amount(case.ask), ())
    for lower, higher in ((fair, good), (good, very_good), (very_good, excellent)):
        assert isinstance(lower, Approval)
        assert lower.reasons
        assert is_no_worse(higher, lower)
        assert not is_no_worse(lower, higher)


@pytest.mark.parametrize("product", PRODUCTS)
def test_tests_of_the_package_pass(tmp_path: Path, product: Product) -> None:
    write(tmp_path, product=product)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path / "harbour_boats", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("key", KEYS)
def test_package_is_linted_and_formatted(tmp_path: Path, key: str, product: Product) -> None:
    write(tmp_path, key, product)
    assert len(LONGEST) == LONGEST_KEY, "no line may be too long with the longest key"
    for command in (("check", "-q"), ("format", "-q", "--check", "--diff")):
        line = [sys.executable, "-m", "ruff", *command, "--no-cache", "--config", str(ROOT / "pyproject.toml"), "."]
        done = subprocess.run(line, cwd=tmp_path / key, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("product", PRODUCTS)
def test_package_is_typed_strictly(tmp_path: Path, product: Product) -> None:
    write(tmp_path, product=product)
    line = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "harbour_boats", "tests"]
    done = subprocess.run(line, cwd=tmp_path / "harbour_boats", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("Harbour", "lower snake case"),
        ("harbourBoats", "lower snake case"),
        ("harbour-boats", "lower snake case"),
        ("harbour__boats", "lower snake case"),
        ("_boats", "lower snake case"),
        ("boats_", "lower snake case"),
        ("2boats", "lower snake case"),
        ("../boats", "lower snake case"),
        ("船", "lower snake case"),
        ("", "lower snake case"),
        ("b", "lower snake case"),
        ("b" * (LONGEST_KEY + 1), "lower snake case"),
        ("class", "a keyword of Python"),
        ("none", "a keyword of Python"),
        ("car_rental", "sesame-gateway has installed an adapter"),
        ("json", "a module of this name"),
        ("merchants", "a module of this name"),
        ("sesame_gateway", "a distribution of this name"),
        ("bike_ride", "the schema already has bikeRide"),
        ("decision", "the schema already has DecisionAsk"),
        ("money", "a class Money would hide"),
        ("exception", "a class Exception would hide"),
        ("there_already", "already exists"),
    ],
)
def test_invalid_key_writes_nothing(tmp_path: Path, key: str, message: str) -> None:
    (tmp_path / "there_already").mkdir()
    with pytest.raises(InvalidInput, match=message) as refused:
        write(tmp_path, key)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.rglob("*")) == [tmp_path / "there_already"]


def test_product_without_a_template_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no template for CREDIT_OFFER"):
        write(tmp_path, product=Product.CREDIT_OFFER)
    assert list(tmp_path.iterdir()) == []
