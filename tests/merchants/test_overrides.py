"""Reading overrides and bounds from TOML: each fault is reported with file and rule."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from gateway.domain.errors import Misconfigured
from gateway.domain.money import Money
from gateway.domain.policies.override import Change, Range
from merchants.car_rental import CarRental
from merchants.conformance.check import check_policy
from merchants.hotel import Hotel
from merchants.lender import Lender
from merchants.policies.overrides import read_bounds, read_override

OVERRIDE = """
policy = "lender"
version = "north-1"
effective = 2026-12-01
currency = "CNY"
[rule.good]
share = 60
maximum = "9000.00"
discount = "0.75"
longest = "P400D"
[rule.excellent]
share = 90
reasons = ["REDUCED_FOR_TIER"]
"""
BOUNDS = """
policy = "lender"
currency = "CNY"
[rule.good]
share = { at_least = 40, at_most = 70 }
maximum = { at_most = "10000.00" }
discount = { at_least = "0.25" }
longest = { at_most = "P500D" }
"""


def test_read_override() -> None:
    read = read_override(OVERRIDE, "north.toml", Lender())

    assert (read.policy, read.version, read.effective) == ("lender", "north-1", date(2026, 12, 1))
    assert read.changes == {
        "good": Change(
            share=60,
            maximum=Money(900000, "CNY"),
            benefits={"discount": Decimal("0.75"), "longest": timedelta(days=400)},
        ),
        "excellent": Change(share=90, reasons=("REDUCED_FOR_TIER",)),
    }
    overridden = read.apply_to(Lender.policy)
    assert overridden.version == "2026-11-29+north-1"
    assert list(check_policy(Lender(), overridden)) == []


def test_read_bounds() -> None:
    read = read_bounds(BOUNDS, "bounds.toml", Lender())

    assert read.ranges == {
        "good": {
            "share": Range(40, 70),
            "maximum": Range(at_most=Money(1000000, "CNY")),
            "discount": Range(at_least=Decimal("0.25")),
            "longest": Range(at_most=timedelta(days=500)),
        }
    }


def test_flag_in_bounds_can_be_overridden() -> None:
    text = 'policy = "hotel"\ncurrency = "CNY"\n[rule.excellent]\nskip_front_desk = { at_least = false }\n'
    header = 'policy = "hotel"\nversion = "1"\neffective = 2026-12-01\ncurrency = "CNY"\n'
    bounds = read_bounds(text, "bounds.toml", Hotel())
    bounds.require(read_override(f"{header}[rule.excellent]\nskip_front_desk = false\n", "mine.toml", Hotel()))
    with pytest.raises(Misconfigured, match="does not allow this merchant to override pay_at_check_out"):
        bounds.require(read_override(f"{header}[rule.excellent]\npay_at_check_out = false\n", "mine.toml", Hotel()))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('version = "north-1"', "version = 1", "version is missing or not a string"),
        ('version = "north-1"', "", "version is missing or not a string"),
        ("effective = 2026-12-01", 'effective = "2026-12-01"', "effective must be a date"),
        ('currency = "CNY"', 'currency = "EUR"', "the currency of lender is CNY, not EUR"),
        ('currency = "CNY"', "", "currency is missing or unknown"),
        ('policy = "lender"', 'policy = "car_rental"', "policy must be 'lender', the policy of lender"),
        ("[rule.good]", "[[rule]]\n[rule.good]", "not valid TOML|rules must be written"),
        ("[rule.good]", "[bonus]\n[rule.good]", "unknown key 'bonus'"),
        ("share = 60", "share = 60.5", "rule 'good': share: must be a whole number from 1 to 100"),
        ("share = 60", "share = true", "rule 'good': share: must be a whole number from 1 to 100"),
        ("share = 60", "share = 101", "rule 'good': share: must be a whole number from 1 to 100"),
        ("share = 60", "when = {}", "rule 'good': unknown key 'when'"),
        ("share = 60", "speed = 1", "rule 'good': unknown key 'speed'"),
        ('"9000.00"', "9000", "rule 'good': maximum: "),
        ('"9000.00"', '"-1.00"', "rule 'good': maximum: "),
        ('"0.75"', '"0.751"', "rule 'good': discount: needs a number"),
        ('"0.75"', "0.75", "rule 'good': discount: needs a number"),
        ('"P400D"', '"soon"', "rule 'good': longest: "),
        ('["REDUCED_FOR_TIER"]', '"REDUCED_FOR_TIER"', "rule 'excellent': reasons must be a list of words"),
        ("[rule.excellent]", "[rule.fair]\n[rule.excellent]", "rule 'fair': changes nothing"),
    ],
)
def test_invalid_override_is_rejected(old: str, new: str, message: str) -> None:
    assert old in OVERRIDE
    with pytest.raises(Misconfigured, match=f"^north.toml: ({message})"):
        read_override(OVERRIDE.replace(old, new, 1), "north.toml", Lender())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[rule.good]", "[rule.unscored]", "rule 'unscored': no version of lender's policy approves with this rule"),
        ("[rule.good]", "[rule.nobody]", "rule 'nobody': no version of lender's policy approves with this rule"),
        ("at_least = 40, at_most = 70", "at_least = 80, at_most = 70", "rule 'good': share: at_least is above"),
        ("at_least = 40, at_most = 70", "", "rule 'good': share needs at_least, at_most or both"),
        ("{ at_least = 40, at_most = 70 }", "70", r"rule 'good': share must be written as \{ ... \}"),
        ("at_least = 40", "more_than = 40", "rule 'good': unknown key 'more_than'"),
        ("at_least = 40", "at_least = 0", "rule 'good': at_least: must be a whole number from 1 to 100"),
        ('at_most = "10000.00"', "at_most = 10000", "rule 'good': at_most: "),
        ('"P500D"', '"P0D"', "rule 'good': at_most: needs a duration"),
        ("maximum =", "reasons =", "rule 'good': unknown key 'reasons'"),
        ('policy = "lender"', 'policy = "lender"\nversion = "1"', "unknown key 'version'"),
    ],
)
def test_invalid_bounds_are_rejected(old: str, new: str, message: str) -> None:
    assert old in BOUNDS
    with pytest.raises(Misconfigured, match=f"^bounds.toml: {message}"):
        read_bounds(BOUNDS.replace(old, new, 1), "bounds.toml", Lender())


@pytest.mark.parametrize(
    ("rules", "requirement"),
    [
        ("[rule.good]\nshare = 80", "better tier never gets worse outcome"),
        ('[rule.very-good]\nmaximum = "90000.00"', "better tier never gets worse outcome"),
        ('[rule.excellent]\nmaximum = "1.00"', "better tier never gets worse outcome"),
    ],
)
def test_override_that_violates_a_requirement_is_found(rules: str, requirement: str) -> None:
    text = f'policy = "car_rental"\nversion = "1"\neffective = 2026-12-01\ncurrency = "CNY"\n{rules}\n'
    overridden = read_override(text, "mine.toml", CarRental()).apply_to(CarRental.policy)
    assert requirement in [finding.requirement for finding in check_policy(CarRental(), overridden)]
