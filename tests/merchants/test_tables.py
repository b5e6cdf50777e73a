"""Reading policy.toml: all kinds of values, and faults with file, rule and column."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.domain.errors import Misconfigured
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.policies.benefit import BenefitKind
from gateway.domain.policies.column import ColumnKind
from gateway.domain.policies.rule import Verdict
from gateway.domain.policies.table import DecisionTable
from gateway.domain.scoring.tier import Tier
from merchants.policies.tables import load_table, read_table

COLUMNS = {
    "tier": ColumnKind.TIER,
    "amount": ColumnKind.AMOUNT,
    "overdue": ColumnKind.COUNT,
    "wait": ColumnKind.DURATION,
    "member": ColumnKind.FLAG,
    "category": ColumnKind.WORD,
}
HEADER = """
policy = "test"
version = "7"
effective = 2026-11-01
currency = "CNY"
"""
RULE = """
[[rule]]
id = "it"
when.overdue = { at_least = 1 }
decline = { reasons = ["OPEN_OVERDUE_OBLIGATION"] }
"""
LAST = """
[[rule]]
id = "last"
decline = { reasons = ["TIER_BELOW_REQUIRED"], retry_after = "P30D", alternatives = ["PAY_LATER"] }
"""


BENEFITS = {"discount": BenefitKind.NUMBER, "longest": BenefitKind.DURATION, "at_home": BenefitKind.FLAG}
GENEROUS = """
[[rule]]
id = "it"
when.tier = { at_least = "GOOD" }
approve = { share = 100, discount = "1.50", longest = "P30D", at_home = true }
"""


def read(text: str) -> DecisionTable:
    return read_table(text, COLUMNS, "shop/policy.toml")


def test_read_table_with_all_kinds_of_values() -> None:
    rule = """
[[rule]]
id = "rich"
when.tier = { at_least = "GOOD", at_most = "VERY_GOOD" }
when.amount = { at_most = "500.00" }
when.overdue = { one_of = [0, 1] }
when.wait = { at_least = "PT1H" }
when.member = { is = false }
when.category = { one_of = ["shoes"] }
approve = { share = 50, maximum = "200.00", reasons = ["REDUCED_FOR_TIER"] }
[[rule]]
id = "unsure"
when.tier = { one_of = ["UNSCORED"] }
refer = {}
"""
    table = read(HEADER + rule + LAST)
    assert (table.policy, table.version, table.effective, table.currency) == ("test", "7", date(2026, 11, 1), "CNY")
    rich, unsure, last = table.rules
    assert (rich.verdict, rich.share, rich.maximum) == (Verdict.APPROVE, 50, Money(20000, "CNY"))
    assert {cell.column: cell.tests for cell in rich.when} == {
        "tier": {"at_least": Tier.GOOD, "at_most": Tier.VERY_GOOD},
        "amount": {"at_most": Money(50000, "CNY")},
        "overdue": {"one_of": (0, 1)},
        "wait": {"at_least": timedelta(hours=1)},
        "member": {"is": False},
        "category": {"one_of": ("shoes",)},
    }
    assert unsure.verdict is Verdict.REFER
    assert (last.retry_after, last.alternatives) == (timedelta(days=30), (Product.PAY_LATER,))


def test_hash_depends_on_content_and_not_on_layout() -> None:
    plain = read(HEADER + RULE + LAST)
    assert read("# a note\n" + HEADER + RULE.replace(" = ", "=") + LAST).hash == plain.hash
    assert read(HEADER + RULE.replace("at_least = 1", "at_least = 2") + LAST).hash != plain.hash


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("when.overdue", "when.colour", "column 'colour': unknown column"),
        ("{ at_least = 1 }", "{ more_than = 1 }", "column 'overdue': unknown key 'more_than'"),
        ("{ at_least = 1 }", "{ is = true }", "column 'overdue': is does not fit"),
        ("{ at_least = 1 }", '{ at_least = "1" }', "column 'overdue': needs a whole number"),
        ("{ at_least = 1 }", "{ at_least = 1.5 }", "column 'overdue': needs a whole number"),
        ("{ at_least = 1 }", "{ at_least = true }", "column 'overdue': needs a whole number"),
        ("{ at_least = 1 }", "{ at_least = 3, at_most = 2 }", "column 'overdue': at_least is above"),
        ("{ at_least = 1 }", "{ one_of = 1 }", "column 'overdue': one_of must be a list"),
        ("{ at_least = 1 }", "{}", "column 'overdue': a cell needs a test"),
        ("{ at_least = 1 }", "1", "column 'overdue': a test must be written as"),
        ("when.overdue = { at_least = 1 }", 'when.tier = { at_least = "GREAT" }', "column 'tier': at_least: 'GREAT'"),
        ("when.overdue = { at_least = 1 }", "when.tier = { at_least = 3 }", "column 'tier': at_least: 3 is not"),
        ("when.overdue = { at_least = 1 }", "when.amount = { at_most = 500 }", "column 'amount': at_most: amount"),
        ("when.overdue = { at_least = 1 }", 'when.amount = { at_most = "5.001" }', "column 'amount': at_most"),
        ("when.overdue = { at_least = 1 }", 'when.wait = { at_most = "P1M" }', "column 'wait': at_most: years"),
        ("when.overdue = { at_least = 1 }", "when.wait = { at_most = 7 }", "column 'wait': at_most: a duration"),
        ("when.overdue = { at_least = 1 }", "when = 3", "when must be written as"),
        ("when.overdue = { at_least = 1 }", "", "rule 'last': is unreachable"),
        ("OPEN_OVERDUE_OBLIGATION", "BAD_HAIR", "rule 'it': unknown reason code 'BAD_HAIR'"),
        ('["OPEN_OVERDUE_OBLIGATION"]', '"OPEN_OVERDUE_OBLIGATION"', "rule 'it': reasons must be a list"),
        ('["OPEN_OVERDUE_OBLIGATION"]', "[]", "rule 'it': a decline"),
        ("decline = {", "decline = { share = 50,", "rule 'it': share and maximum belong"),
        ("decline = {", "decline = { colour = 1,", "rule 'it': unknown key 'colour'"),
        ("decline = {", 'decline = { retry_after = "soon",', "rule 'it': retry_after"),
        ("decline = {", 'decline = { alternatives = ["A_PONY"],', "rule 'it': alternatives"),
        ("decline = {", 'decline = { maximum = "x",', "rule 'it': maximum"),
        ("decline = {", "approve = {", "rule 'it': share must be"),
        ("decline = {", "approve = { share = true,", "rule 'it': share must be"),
        ("decline = {", 'approve = { share = "50",', "rule 'it': share must be"),
        ("decline = {", "approve = { share = 101,", "rule 'it': share must be"),
        ("decline = {", "aprove = {", "rule 'it': unknown key 'aprove'"),
        ("decline = {", "refer = {}\ndecline = {", "rule 'it': must have exactly one"),
        ('decline = { reasons = ["OPEN_OVERDUE_OBLIGATION"] }', "", "rule 'it': must have exactly one"),
        ('id = "it"', "", "rule number 1 has no id"),
        ('id = "it"', 'id = "last"', "rule 'last': the id is used twice"),
        ('version = "7"', "", "version is missing"),
        ('version = "7"', "version = 7", "version is missing"),
        ("effective = 2026-11-01", "", "effective must be a date"),
        ("effective = 2026-11-01", "effective = 2026-11-01T00:00:00Z", "effective must be a date"),
        ("effective = 2026-11-01", 'effective = "2026-11-01"', "effective must be a date"),
        ('currency = "CNY"', 'currency = "XYZ"', "currency is missing or unknown"),
        ('currency = "CNY"', "currency = []", "currency is missing or unknown"),
        ('currency = "CNY"', "", "currency is missing or unknown"),
        ('policy = "test"', 'policy = "test"\ncolour = 1', "unknown key 'colour'"),
        ('policy = "test"', "policy =", "not valid TOML"),
    ],
)
def test_fault_is_reported_with_rule_and_column(old: str, new: str, message: str) -> None:
    text = HEADER + RULE + LAST
    assert old in text
    with pytest.raises(Misconfigured) as refused:
        read(text.replace(old, new, 1))
    assert refused.value.message.startswith("shop/policy.toml: ")
    assert message in refused.value.message


def test_benefits_are_read_by_kind() -> None:
    table = read_table(HEADER + GENEROUS + LAST, COLUMNS, "shop/policy.toml", BENEFITS)
    assert table.rules[0].benefits == {"discount": Decimal("1.50"), "longest": timedelta(days=30), "at_home": True}
    assert table.rules[0].document()["benefits"] == {"discount": "1.50", "longest": "P30D", "at_home": True}
    other = read_table(HEADER + GENEROUS.replace("1.50", "1.51") + LAST, COLUMNS, "shop/policy.toml", BENEFITS)
    assert other.hash != table.hash
    with pytest.raises(Misconfigured, match="unknown key 'at_home'"):
        read(HEADER + GENEROUS + LAST)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('discount = "1.50", ', "", "must have all benefits: discount"),
        ('"1.50"', "1.50", "discount: needs a number"),
        ('"1.50"', '"-0.01"', "discount: needs a number"),
        ('"1.50"', '"1.505"', "discount: needs a number"),
        ('"1.50"', '"1000"', "discount: needs a number"),
        ('"1.50"', '"much"', "discount: needs a number"),
        ('"1.50"', '"NaN"', "discount: needs a number"),
        ('"P30D"', '"P1M"', "longest: years and months"),
        ('"P30D"', '"PT0S"', "longest: needs a duration longer than zero"),
        ("true", '"true"', "at_home: needs true or false"),
        ("true", "1", "at_home: needs true or false"),
        ("true }", "true, colour = 1 }", "unknown key 'colour'"),
    ],
)
def test_fault_of_a_benefit_is_reported_with_its_rule(old: str, new: str, message: str) -> None:
    text = HEADER + GENEROUS.replace(old, new, 1) + LAST
    with pytest.raises(Misconfigured) as refused:
        read_table(text, COLUMNS, "shop/policy.toml", BENEFITS)
    assert refused.value.message.startswith("shop/policy.toml: rule 'it': ")
    assert message in refused.value.message


def test_benefits_of_a_decline_and_reserved_names_are_rejected() -> None:
    generous_decline = LAST.replace("decline = {", "decline = { at_home = true,")
    with pytest.raises(Misconfigured, match="'last': every approval, and no other rule, must have all benefits"):
        read_table(HEADER + generous_decline, COLUMNS, "shop/policy.toml", BENEFITS)
    with pytest.raises(Misconfigured, match="cannot be called maximum"):
        read_table(HEADER + LAST, COLUMNS, "shop/policy.toml", {"maximum": BenefitKind.NUMBER})


@pytest.mark.parametrize("text", [HEADER, HEADER + RULE, HEADER + "rule = 3", HEADER + "rule = [3]", ""])
def test_table_without_a_last_rule_is_rejected(text: str) -> None:
    with pytest.raises(Misconfigured):
        read(text)


def test_unreadable_file_is_reported_by_name(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=rf"{tmp_path.name}/policy\.toml: cannot be read"):
        load_table(tmp_path / "policy.toml", COLUMNS)
    (tmp_path / "policy.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(Misconfigured, match="cannot be read"):
        load_table(tmp_path / "policy.toml", COLUMNS)


def test_e14_byte_order_mark_before_a_policy_is_ignored(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_bytes(b"\xef\xbb\xbf" + (HEADER + LAST).encode())
    assert load_table(file, COLUMNS).hash == read(HEADER + LAST).hash
