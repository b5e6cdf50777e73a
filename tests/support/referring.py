"""An installed adapter whose policy has the verdict REFER. No built-in adapter has it."""

from datetime import date
from pathlib import Path
from typing import Any

from gateway import __version__
from gateway.domain.merchants import Product
from merchants.scaffold import scaffold
from tests.support.installed import install_package
from tests.support.merchant_client import yuan

BOATS = "harbour_boats"
_POLICY_BEGINS = """policy = "harbour_boats"
version = "referring"
effective = 2026-11-01
currency = "CNY"

[[rule]]
id = "fair"
when.tier = { one_of = ["FAIR"] }
refer = { reasons = ["REDUCED_FOR_TIER"] }
"""
_POLICY_OF_AMOUNTS = """policy = "harbour_boats"
version = "amounts"
effective = 2026-11-01
currency = "CNY"

[[rule]]
id = "small"
when.deposit = { at_most = "9.99" }
refer = { reasons = ["REDUCED_FOR_TIER"] }

[[rule]]
id = "otherwise"
approve = { share = 100, maximum = "5000.00" }
"""
REVIEWED_DEPOSIT, APPROVED_DEPOSIT = "5.00", "10.00"
"""Deposits that the policy of amounts refers, and that it approves."""


def install_boats(folder: Path, *, by_amount: bool = False) -> Path:
    """Writes a scaffolded adapter into `folder`. Its policy has REFER for the tier FAIR, and no rule about overdue
    obligations, so overdue persons are approved too. With `by_amount` its policy depends on the amount only, so that
    it decides the same after the outcomes of many decisions have changed the tier. Returns the folder with the
    installed package, for PYTHONPATH."""
    scaffold(BOATS, Product.DEPOSIT_WAIVER, folder, today=date(2026, 11, 27), gateway_version=__version__, taken=())
    policy = folder / BOATS / BOATS / "policy.toml"
    _, excellent, rest = policy.read_text(encoding="utf-8").partition('[[rule]]\nid = "excellent"\n')
    approving, _, _ = rest.partition('[[rule]]\nid = "fair"\n')
    _, otherwise, last = rest.partition('[[rule]]\nid = "otherwise"\n')
    assert excellent
    assert otherwise
    by_tier = _POLICY_BEGINS + excellent + approving + otherwise + last
    policy.write_text(_POLICY_OF_AMOUNTS if by_amount else by_tier, encoding="utf-8")
    site = folder / "site"
    install_package(folder / BOATS, site)
    return site


def boat(deposit: str = "1000.00", kept_for: str = "P2D") -> dict[str, Any]:
    """An ask for a boat, from now on."""
    return {"harbourBoats": {"deposit": yuan(deposit), "keptFor": kept_for}}
