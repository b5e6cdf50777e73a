"""docs/score.md agrees with the scorecard that ships: its numbers come from the card, and each key is explained."""

import re
import tomllib

from gateway.domain.decisions.settlement import CLAIM_SILENCE
from gateway.domain.money import Money
from gateway.domain.scoring.tier import HIGHEST_SCORE, LOWEST_SCORE, Tier
from gateway.domain.scoring.what_if import MOST_KEPT
from gateway.services.identity.persona_records import CATALOGUE
from gateway.services.scoring.purge import KEPT_MONTHS
from gateway.sources.scorecard.card_files import SHIPPED
from tests.support.checkout import ROOT
from tests.support.page_blocks import block
from tools.score_tables import CARD, points_of_one_partner, score_after

TEXT = (ROOT / "docs" / "score.md").read_text(encoding="utf-8")
RULES, FULL = CARD.rules, CARD.rules.bands["CNY"][0]
KEPT, NEGATIVE = RULES.kept_fade, RULES.negative_fade
JUST_BELOW = next(each for each in CATALOGUE if each.handle == "just-below")
LATE, BROKEN = (next(each for each in CARD.characteristics if each.id == name) for name in ("late", "broken"))
WHOLE_UNIT = f"{Money(FULL.minor, 'CNY').amount} CNY"
SENTENCES = (
    f"a number from {LOWEST_SCORE} to {HIGHEST_SCORE}.",
    "is worth 0 points",
    f"does not contradict that for {CLAIM_SILENCE.days} days",
    f"Everybody begins with {RULES.base} points.",
    f"a large one {FULL.units} unit",
    f"From {WHOLE_UNIT} on it is a whole unit",
    f"at most {RULES.most_a_month} kept records a month and {RULES.most_a_year} a calendar year count",
    f"at most {points_of_one_partner()} points a year",
    f"Kept records have full weight for {KEPT.full} months and none from month {KEPT.zero} on.",
    f"Late and broken ones have full weight for {NEGATIVE.full} months and none from month {NEGATIVE.zero} on.",
    f"needs {RULES.minimum_records} records of finished obligations, of which the oldest is at least"
    f" {RULES.minimum_age.days} days old",
    f"The first late obligation costs {-LATE.points[1]} points, the first broken one"
    f" {-LATE.points[1] - BROKEN.points[1]}.",
    f"has {JUST_BELOW.score} points; two kept obligations of {WHOLE_UNIT} or more make it"
    f" {score_after(JUST_BELOW, Money(FULL.minor, 'CNY'))}.",
    f"FAIR begins at {CARD.cut_off(Tier.FAIR)},",
    *(f"{tier} at {CARD.cut_off(tier)}" for tier in (Tier.GOOD, Tier.VERY_GOOD, Tier.EXCELLENT)),
    f"for at most {RULES.longest_hold.days} days",
    f"At {RULES.drop_at} points below the cut-off it is lost at once.",
    f"is reserved, has {sum(CARD.characteristics[-1].points)} points",
    f"more than {RULES.upheld_percent} % of at least {RULES.least_disputes} decided disputes",
    f"deleted {KEPT_MONTHS} months after its time, a broken one {KEPT_MONTHS} months after its write-off",
    f"at most {RULES.most_reasons} reasons",
    f"A reason below {RULES.least_points} points is left out.",
    f"up to {MOST_KEPT} further agreements",
    f"is kept for {KEPT_MONTHS} months with its time",
    f"less than {RULES.drop_at} points below the cut-off",
    f"do not reach {HIGHEST_SCORE} exactly",
)


def test_each_number_of_the_page_comes_from_the_card() -> None:
    """Not the numbers of the section about law and of steps. The code block is compared below."""
    text, _, law = TEXT.partition("\n## Law and conventions")
    assert law
    text = " ".join(re.sub(r"```.*?```|^\d\. ", "", text, flags=re.DOTALL | re.MULTILINE).split())
    for sentence in SENTENCES:
        assert sentence in text
        text = text.replace(sentence, "")
    assert re.findall(r".{0,40}\d.{0,20}", text) == []


def test_example_of_the_format_is_a_part_of_the_file_that_ships() -> None:
    text = block("docs/score.md", "scorecard =")
    lines = set(SHIPPED.read_text(encoding="utf-8").splitlines())
    assert [line for line in text.splitlines() if line not in lines] == []
    tomllib.loads(text)


def test_each_key_of_the_file_is_explained() -> None:
    card = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))
    nested = [key for each in card.values() if isinstance(each, dict) for key in each]
    keys = {*card, *card["characteristic"][0], *(key for key in nested if key.islower())}
    assert {key for key in keys if f"`{key}`" not in TEXT} == set()
