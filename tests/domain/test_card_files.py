"""The files of scorecards: every fault has its sentence, and versions are in force by their effective dates."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.domain.errors import Misconfigured
from gateway.kit.clock import BusinessTime
from gateway.sources.scorecard.card_files import SHIPPED, load_card, load_cards, read_card

TEXT = SHIPPED.read_text(encoding="utf-8")


def changed(old: str, new: str) -> str:
    """The shipped card with one change, at the first place."""
    assert old in TEXT
    return TEXT.replace(old, new, 1)


def moment(day: str) -> BusinessTime:
    return BusinessTime(datetime.fromisoformat(f"{day}T00:00:00Z"))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('scorecard = "sesame"', 'scorecard = "sesame', "not valid TOML"),
        ("base = 400", "basis = 400", "the card has no base"),
        ("base = 400", "base = 400\nbonus = 1", "the card has the unknown key bonus"),
        ("base = 400", 'base = "400"', "base must be a whole number"),
        ("base = 400", "base = true", "base must be a whole number"),
        ("base = 400", "base = 401", "its points reach from 151 to 951; they must reach 950 exactly"),
        ("effective = 2026-11-01", 'effective = "2026-11-01"', "effective must be a date"),
        ("effective = 2026-11-01", "effective = 2026-11-01T00:00:00Z", "effective must be a date"),
        ('version = "2026-11-29"', 'version = ""', "scorecard and version must be words"),
        ('version = "2026-11-29"', "version = 2", "version must be a word"),
        ('version = "2026-11-29"', 'version = "a\\nb"', "version: Must have printable characters only, not U+000A"),
        ('scorecard = "sesame"', 'scorecard = "a\\u202eb"', "scorecard: Must have printable characters only"),
        ("records = 3", "records = 1000001", "minimum.records must be at most 1000000"),
        ("base = 400", "base = -1000001", "base must be at least -1000000"),
        ("a_year = 4", "a_week = 4", "caps has no a_year"),
        ("a_month = 2", "a_month = 0", "must be at least 1"),
        ('age = "P30D"', 'age = "30 days"', "minimum.age: "),
        ("full = 24, none = 60", "full = 60, none = 60", "a fade must end after it begins"),
        ("none = 36", "none = 1201", "a fade must end within 1200 months"),
        ("assessment_life = 24", "assessment_life = 0", "must be at least 1"),
        ("drop_at = 6", "drop_at = 0", "must be at least 1"),
        ("at_least = 10", "at_least = 0", "must be at least 1"),
        ("least_points = 5", "least_points = 0", "must be at least 1"),
        ("most = 4", "most = 5", "reasons.most must be at most 4"),
        ('longest = "P60D"', 'longest = "PT0S"', "hold.longest must be longer than zero"),
        ('with_deposit = "0.5"', 'with_deposit = "1.5"', "deposit_share and upheld_percent are parts of a whole"),
        ('smallest = "0.25"', "smallest = 0.25", "units.smallest: must be a plain decimal string"),
        ("VERY_GOOD = 650", "VERY_GOOD = 700", "the cut-offs must grow with the tier"),
        ("VERY_GOOD = 650", "VERY_GOOD = 720", "the cut-offs must grow with the tier"),
        ("VERY_GOOD = 650\n", "", "tiers must have a cut-off for each tier from FAIR to EXCELLENT"),
        ("VERY_GOOD = 650", "BEST = 650", "tiers: 'BEST' is none of"),
        ("CNY = {", "XXX = {", "unknown currency XXX"),
        ('"20.00" = "0.5"', '"20.00" = "0.1"', "the units of CNY must begin at zero and grow with the amount"),
        ('"0.00" = "0.25"', '"1.00" = "0.25"', "the units of CNY must begin at zero and grow with the amount"),
        ('"20.00" = "0.5"', '"20.001" = "0.5"', "bands.CNY: amount may have at most 2 decimals"),
        ("points = [0, 28, 54", "points = [0, 55, 54", "characteristic kept_rentals: points must begin at 0"),
        ("points = [0, 28, 54", "points = [1, 28, 54", "characteristic kept_rentals: points must begin at 0"),
        ("knots = [0, 6, 12", "knots = [0, 12, 12", "characteristic kept_rentals: knots must begin at 0 and grow"),
        ("knots = [0, 6, 12", "knots = [6, 12", "characteristic kept_rentals: knots must begin at 0 and grow"),
        ("knots = [0, 6, 12", "knots = [0.5, 12", "kept_rentals.knots must be a whole number"),
        ('measure = "PARTNERS"', 'measure = "FRIENDS"', "partners: 'FRIENDS' is none of"),
        ('dimensions = ["SHOPPING"]', 'dimensions = ["IDENTITY"]', "IDENTITY has no records for ASSESSED_MONTHS"),
        ('dimensions = ["IDENTITY"]', 'dimensions = ["SHOPPING"]', "SHOPPING has no records for IDENTITY_LEVEL"),
        ('dimensions = ["FULFILMENT"]', 'dimensions = ["SHOPPING"]', "SHOPPING has no records for KEPT_UNITS"),
        ('dimensions = ["FULFILMENT"]', 'dimensions = ["FULFILMENT", "FULFILMENT"]', "has a dimension twice"),
        ("knots = [0, 12]", "knots = [0, 13]", "characteristic paid_orders: no value is above 12"),
        ("knots = [0, 24]", "knots = [0, 37]", "characteristic kept_months: no value is above 36"),
        ("knots = [0]\npoints = [0]", "knots = [0, 1]\npoints = [0, 9]", "social_relations: no value is above 0"),
        ('dimensions = ["FULFILMENT"]', "dimensions = []", "characteristic kept_rentals: has no dimension"),
        ('dimensions = ["FULFILMENT"]', 'dimensions = "FULFILMENT"', "dimensions must be a list"),
        ('id = "partners"', 'id = "kept_rentals"', "two characteristics have the same id"),
        ('id = "partners"', 'id = "two words"', "the id of a characteristic must be a word"),
        ('zh = "不同的合作方"', 'fr = "Partenaires"', "partners.name has no zh"),
        ('zh = "不同的合作方"', 'zh = " "', "partners.name needs a text in each language"),
        ("[typical.GOOD]", "[typical.GOOD]\nfriends = 1", "the typical points of GOOD are not points"),
        ("kept_rentals = 23", "kept_rentals = 131", "the typical points of GOOD are not points"),
        ("kept_rentals = 23", "kept_rentals = 1", "the typical points of GOOD do not reach its cut-off"),
        ("[typical.GOOD]", "[typical.BEST]", "typical: 'BEST' is none of"),
    ],
)
def test_fault_has_its_sentence(old: str, new: str, sentence: str) -> None:
    with pytest.raises(Misconfigured, match=re.escape(sentence)) as raised:
        read_card(changed(old, new), "next.toml")
    assert str(raised.value).startswith("next.toml")


def test_losses_must_not_shrink_with_more_of_the_bad() -> None:
    late = re.search(r'measure = "LATE_UNITS"\n.*?points = (\[.*?\])', TEXT, re.DOTALL)
    assert late is not None
    with pytest.raises(Misconfigured, match="must not fall with a better value"):
        read_card(changed(late[0], late[0].replace(late[1], "[0, -34, -18, -60]")), "next.toml")


def with_social_relations(points: int) -> str:
    """The shipped card with points for social relations, which everybody typically has."""
    reserved = 'measure = "NOTHING"\ndimensions = ["SOCIAL_RELATIONS"]\nknots = [0]\npoints = [0]'
    used = f'measure = "ASSESSED_MONTHS"\ndimensions = ["SOCIAL_RELATIONS"]\nknots = [0, 12]\npoints = [0, {points}]'
    text = changed("base = 400", f"base = {400 - points}")
    assert reserved in text
    return re.sub(r"(\[typical\..*\])", rf"\1\nsocial_relations = {points}", text.replace(reserved, used))


def test_social_relations_give_at_most_10_points() -> None:
    assert read_card(with_social_relations(10), "next.toml").rules.base == 390
    with pytest.raises(Misconfigured, match="SOCIAL_RELATIONS can give at most 10 points"):
        read_card(with_social_relations(11), "next.toml")


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    missing, binary = tmp_path / "missing.toml", tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    for file, why in ((missing, "No such file or directory"), (tmp_path, "Is a directory"), (binary, "UTF-8")):
        with pytest.raises(Misconfigured, match=f"{file.name}: cannot be read: .*{why}"):
            load_card(file)


def test_versions_are_in_force_by_their_effective_dates(tmp_path: Path) -> None:
    newer = tmp_path / "newer.toml"
    newer.write_text(changed("effective = 2026-11-01", "effective = 2027-01-01").replace("2026-11-29", "2027"))
    cards = load_cards((newer, SHIPPED))
    days = ("2026-10-01", "2026-11-01", "2026-12-31", "2027-01-01")
    assert [cards.at(moment(day)).version for day in days] == ["2026-11-29", "2026-11-29", "2026-11-29", "2027"]
    assert cards.next_change(moment("2026-11-02")) == datetime(2027, 1, 1, tzinfo=UTC)
    assert cards.next_change(moment("2027-01-01")) is None
    with pytest.raises(Misconfigured, match="is effective from 2026-11-01, and there is no earlier version"):
        cards.require_effective(moment("2026-10-31"))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("base = 400", "base = 400", "has the same effective date 2026-11-01 as"),
        ('scorecard = "sesame"', 'scorecard = "poppy"', "is another card than"),
        ("effective = 2026-11-01", "effective = 2026-12-01", "has the same version 2026-11-29 as"),
    ],
)
def test_versions_that_do_not_fit_together_are_refused(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    other = tmp_path / "other.toml"
    other.write_text(changed(old, new))
    with pytest.raises(Misconfigured, match=sentence):
        load_cards((SHIPPED, other))


def test_hash_depends_on_the_content_and_not_on_comments_and_layout() -> None:
    card = read_card(TEXT, "card.toml")
    assert read_card(changed("base = 400", "base    = 400 # everybody"), "other.toml").hash == card.hash
    assert read_card(changed("at_least = 10", "at_least = 11"), "card.toml").hash != card.hash
