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


def install_boats(folder: Path) -> Path:
    """Writes a scaffolded adapter into `folder`. Its policy has REFER for the tier FAIR, and no rule about overdue
    obligations, so overdue persons are approved too. Returns the folder with the installed package, for PYTHONPATH."""
    scaffold(BOATS, Product.DEPOSIT_WAIVER, folder, today=date(2026, 11, 27), gateway_version=__version__, taken=())
    policy = folder / BOATS / BOATS / "policy.toml"
    _, excellent, rest = policy.read_text(encoding="utf-8").partition('[[rule]]\nid = "excellent"\n')
    approving, _, _ = rest.partition('[[rule]]\nid = "fair"\n')
    _, otherwise, last = rest.partition('[[rule]]\nid = "otherwise"\n')
    assert excellent
    assert otherwise
    policy.write_text(_POLICY_BEGINS + excellent + approving + otherwise + last, encoding="utf-8")
    site = folder / "site"
    install_package(folder / BOATS, site)
    return site


def boat(deposit: str = "1000.00", kept_for: str = "P2D") -> dict[str, Any]:
    """An ask for a boat, from now on."""
    return {"harbourBoats": {"deposit": yuan(deposit), "keptFor": kept_for}}
