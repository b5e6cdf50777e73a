"""The reasons of a score."""

import pytest

from gateway.domain.scoring.evaluation import evaluate
from gateway.domain.scoring.reasons import describe_reason, find_reasons
from gateway.domain.scoring.record import BehaviourRecord, Dimension, RecordKind
from gateway.services.identity.persona_records import CATALOGUE, PersonaBlueprint
from tests.support.clock import BUSINESS_NOON as NOON
from tests.support.records import CARDS, history, record

CARD = CARDS.at(NOON)


def reasons(records: list[BehaviourRecord]) -> list[tuple[str, int]]:
    found = find_reasons(CARD, evaluate(CARD, records, NOON, frozenset(Dimension)))
    return [(reason.code, reason.points) for reason in found]


def test_losses_come_first_and_then_shortfalls_by_their_points() -> None:
    records = [*history(NOON, 6, partners=3), record(RecordKind.BROKEN, at=NOON), record(RecordKind.LATE, at=NOON)]
    codes = [code for code, _ in reasons(records)]
    assert codes[:2] == ["BROKEN", "LATE"]
    assert codes[2:] == ["IDENTITY_UNKNOWN", "PAID_ORDERS_UNKNOWN"]


def test_shortfall_is_against_the_next_tier() -> None:
    """For GOOD that is VERY_GOOD: the best value of a characteristic does not matter."""
    persona = next(each for each in CATALOGUE if each.handle == "good")
    found = reasons(list(persona.records("p", NOON)))
    typical = CARD.typical[next(tier for tier in CARD.typical if tier == "VERY_GOOD")]
    assert found == [("KEPT_PAYMENTS", typical["kept_payments"] - 4)]


@pytest.mark.parametrize("persona", CATALOGUE, ids=lambda persona: persona.handle)
def test_at_most_four_reasons_of_five_points_or_more_with_texts(persona: PersonaBlueprint) -> None:
    found = reasons(list(persona.records("p", NOON)))
    assert len(found) <= 4
    for code, points in found:
        assert points >= 5 or code == "TOO_FEW_RECORDS"
        reason, advice = describe_reason(CARD, code)
        assert reason.en
        assert advice.zh


def test_unknown_code_has_no_text() -> None:
    with pytest.raises(KeyError):
        describe_reason(CARD, "NOTHING")


def test_every_code_of_the_card_has_a_text_in_both_languages() -> None:
    for each in CARD.characteristics:
        for code in (each.id.upper(), f"{each.id.upper()}_UNKNOWN"):
            for text in describe_reason(CARD, code):
                assert text.en != text.zh
