"""The code of docs/adapters.md and merchants/README.md is executed: a field is added to a new adapter as the page says,
and the classes and policies that the reference shows meet the requirements on every adapter."""

import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.merchants import Product
from gateway.domain.money import Money
from merchants import harbour_bikes
from merchants.adapter import MerchantAdapter
from merchants.conformance.check import check_adapter
from merchants.harbour_bikes import adapter as harbour_bikes_adapter
from merchants.scaffold import scaffold
from tests.support.page_blocks import block

GOLDEN = """golden = (
        _case("good in full", "200.00", Tier.GOOD, "200.00"),
        _case("overdue", "200.00", Tier.GOOD, None, "OPEN_OVERDUE_OBLIGATION", overdue=1),
        _case("breach", "200.00", Tier.GOOD, None, "OPEN_BREACH", breaches=1),
    )"""


@pytest.fixture(params=["harbour_boats"])
def package(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the modules of a new adapter, which can be imported. Its key is the parameter."""
    key = str(request.param)
    scaffold(key, Product.DEPOSIT_WAIVER, tmp_path, today=date(2026, 11, 27), gateway_version="0.1.0", taken=())
    monkeypatch.syspath_prepend(tmp_path / key)
    yield tmp_path / key / key
    for name in [name for name in sys.modules if name.partition(".")[0] == key]:
        del sys.modules[name]


def insert_after(text: str, line: str, added: str, number: int = 0) -> str:
    """Inserts lines after one of the lines that are equal to `line` but for their indentation, and indents them in the
    same way."""
    found = list(re.finditer(rf"^( *){re.escape(line)}\n", text, re.MULTILINE))[number]
    indented = "".join(f"{found[1]}{each}\n" for each in added.splitlines())
    return text[: found.end()] + indented + text[found.end() :]


@pytest.mark.parametrize("has_samples", [True, False])
def test_field_is_added_to_an_adapter(package: Path, has_samples: bool) -> None:
    """Without the sample asks no ask reaches the new rule."""
    file, policy = package / "adapter.py", package / "policy.toml"
    text = file.read_text()
    field = 'kept_for: timedelta = ask_field("How long the customer keeps it, from now: PT1H to P30D.")'
    text = insert_after(text, field, block("docs/adapters.md", "with_skipper: bool"))
    column, fact = (block("docs/adapters.md", '"with_skipper": Col'), block("docs/adapters.md", '"with_skipper": ask'))
    text = insert_after(text, '"kept_for": ColumnKind.DURATION,', column)
    text = insert_after(text, '"kept_for": ask.kept_for,', fact)
    if has_samples:
        text = insert_after(text, "kept_for=kept_for,", block("docs/adapters.md", "with_skipper=with_skipper"))
        last = "for kept_for in (SHORTEST_LOAN, timedelta(days=2), LONGEST_LOAN)"
        text = insert_after(text, last, block("docs/adapters.md", "for with_skipper"))
    file.write_text(text)
    rules, very_good, lower_rules = policy.read_text().partition('[[rule]]\nid = "very-good"\n')
    rule = block("docs/adapters.md", '[[rule]]\nid = "with-skipper"')
    policy.write_text(f"{rules}{rule}\n{very_good}{lower_rules}".replace('version = "2026-11-27"', 'version = "2"'))
    adapter: MerchantAdapter[Any] = importlib.import_module("harbour_boats").HarbourBoats()
    found = [each for findings in check_adapter(adapter).values() for each in findings]
    if has_samples:
        assert found == []
        assert adapter.Ask(deposit=Money.parse("10.00", "CNY"), kept_for=timedelta(days=1)).with_skipper is False
    else:
        assert "with-skipper" in str(found)


def test_class_of_a_named_merchant_is_that_of_harbour_bikes() -> None:
    """The page shows a part of its words, and leaves the golden cases out."""
    real = harbour_bikes.HarbourBikes
    names: dict[str, Any] = {**vars(harbour_bikes_adapter), "__file__": harbour_bikes_adapter.__file__}
    exec(block("merchants/README.md", "class HarbourBikes(BikeShare):"), names)  # noqa: S102  # the page's own program
    shown = names["HarbourBikes"]
    assert (shown.key, shown.summary, shown.policy.hash) == (real.key, real.summary, real.policy.hash)
    assert (shown.wire.signature, shown.wire.header) == (real.wire.signature, real.wire.header)
    assert shown.wire.names.items() <= real.wire.names.items()
    assert shown.wire.words.items() <= real.wire.words.items()


@pytest.mark.parametrize("package", ["boat_hire"], indirect=True)
def test_ask_and_policy_of_the_reference_make_an_adapter(package: Path) -> None:
    """They take the places of those of a new adapter, which passes the contract suite of the page."""
    file, policy = (package / name for name in ("adapter.py", "policy.toml"))
    text = file.read_text()
    before, after = text.partition("@ask_type\n")[0], text.partition("\n\n\ndef _case")[2]
    text = f"{before}{block('merchants/README.md', '@ask_type')}\n\ndef _case{after}"
    for name, other in (("kept_for=", "longest_trip="), (".kept_for", ".longest_trip"), ("keptFor", "longestTrip")):
        text = text.replace(name, other)
    file.write_text(re.sub(r"golden = \(.*?\n    \)", GOLDEN, text, flags=re.DOTALL))
    policy.write_text(block("merchants/README.md", 'policy = "boat_hire"'))
    project = tomllib.loads((package.parent / "pyproject.toml").read_text())["project"]
    entry = tomllib.loads(block("merchants/README.md", "[project.entry-points"))["project"]
    assert project["entry-points"] == entry["entry-points"]
    names = {"BoatHire": importlib.import_module("boat_hire").BoatHire}
    exec(block("merchants/README.md", "from merchants.testing"), names)  # noqa: S102  # the page's own program
    suite: Any = names["TestBoatHire"]
    tests = [name for name in dir(suite) if name.startswith("test_")]
    assert tests
    for name in tests:
        getattr(suite(), name)()
