"""`gateway merchants`: list and show."""

import json
from typing import Any

import pytest

from tests.support.operators import Gateway


@pytest.fixture
def gateway(database_url: str, tmp_path: Any) -> Gateway:
    return Gateway(database_url, tmp_path)


@pytest.fixture
def merchant(gateway: Gateway) -> str:
    """The id of a merchant with a contract, an adapter and a client."""
    merchant = gateway.output("merchants", "register", "Harbour Cars", "--partner", "harbour", "--create")
    options = ("--ceiling", "20000.00", "--tier", "EXCELLENT", "--tier", "GOOD", "--consent-days", "30")
    gateway.output("merchants", "contract", merchant, *options)
    gateway.output("merchants", "enable", merchant, "car_rental")
    return merchant


@pytest.fixture
def client(gateway: Gateway, merchant: str) -> str:
    """The id of the merchant's client."""
    redirect = ("--redirect-uri", "https://cars.example/callback")
    return gateway.output("clients", "register", merchant, "web shop", *redirect).split()[1]


def test_list_shows_partner_and_adapters(gateway: Gateway, merchant: str) -> None:
    second = gateway.output("merchants", "register", "Harbour Bikes", "--partner", "harbour")
    rows = [line.split("  ") for line in gateway.output("merchants", "list").splitlines()]
    cells = [[cell.strip() for cell in row if cell] for row in rows]
    assert cells == [
        ["merchant", "name", "partner", "enabled adapters"],
        [merchant, "Harbour Cars", "harbour", "car_rental"],
        [second, "Harbour Bikes", "harbour", "none"],
    ]


def test_list_marks_adapters_that_are_not_loaded(
    gateway: Gateway, merchant: str, database_url: str, tmp_path: Any
) -> None:
    other = Gateway(database_url, tmp_path, GATEWAY_ADAPTERS="online_shop")
    assert "car_rental (not loaded)" in other.output("merchants", "list")


def test_list_without_merchants_names_the_command_that_registers_one(gateway: Gateway) -> None:
    done = gateway("merchants", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "gateway merchants register" in done.stderr


def test_list_as_json(gateway: Gateway, merchant: str) -> None:
    (listed,) = json.loads(gateway.output("merchants", "list", "--json"))
    assert listed.pop("created_at").endswith("Z")
    assert listed.pop("partner")["name"] == "harbour"
    assert listed == {
        "id": merchant,
        "name": "Harbour Cars",
        "is_replaced": False,
        "contract": {
            "ceiling": {"amount": "20000.00", "currency": "CNY"},
            "consent_life": "P30D",
            "askable_tiers": ["GOOD", "EXCELLENT"],
        },
        "adapters": [{"key": "car_rental", "is_loaded": True}],
        "products": ["DEPOSIT_WAIVER"],
    }


def test_show_prints_contract_products_and_clients(gateway: Gateway, merchant: str, client: str) -> None:
    lines = gateway.output("merchants", "show", merchant).splitlines()
    values = dict(line.split("  ", 1) for line in lines)
    shown = {heading: value.strip() for heading, value in values.items()}
    assert shown["largest maximum amount of a consent"] == "20000.00 CNY"
    assert shown["maximum duration of a consent"] == "30 days"
    assert shown["tiers for threshold inquiries"] == "GOOD EXCELLENT"
    assert shown["products"] == "DEPOSIT_WAIVER"
    assert shown["clients"] == f"{client}  web shop (baseline, enabled)"


def test_show_as_json_has_the_clients(gateway: Gateway, merchant: str, client: str) -> None:
    shown = json.loads(gateway.output("merchants", "show", merchant, "--json"))
    assert [each["client_id"] for each in shown["clients"]] == [client]


def test_show_rejects_an_unknown_merchant(gateway: Gateway) -> None:
    assert gateway.error_line("merchants", "show", "mer_none") == "error: There is no merchant mer_none."


def test_f7_typo_in_a_partner_makes_no_partner(gateway: Gateway) -> None:
    gateway.output("merchants", "register", "Harbour Cars", "--partner", "harbour", "--create")
    line = gateway.error_line("merchants", "register", "Harbour Bikes", "--partner", "habour")
    assert line == "error: There is no partner habour. Did you mean harbour? To create it: --create"
    assert len(json.loads(gateway.output("merchants", "list", "--json"))) == 1
    line = gateway.error_line("merchants", "register", "Harbour Bikes", "--partner", "harbour", "--create")
    assert "already" in line


def test_f7_contract_that_cannot_work_is_warned_about(gateway: Gateway) -> None:
    merchant = gateway.output("merchants", "register", "Harbour Cars", "--partner", "harbour", "--create")
    gateway.output("merchants", "enable", merchant, "car_rental")
    done = gateway("merchants", "contract", merchant, "--ceiling", "100.00", "--currency", "USD")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "warning: The contract is in USD. These adapters decide in another currency: car_rental (CNY).",
        "warning: The merchant may ask threshold inquiries about no tier. To allow one: --tier EXCELLENT",
    ]
    done = gateway("merchants", "contract", merchant, "--ceiling", "100", "--tier", "GOOD")
    assert done.stderr == ""
    assert "at most 100.00 CNY and 90 days" in done.stdout
