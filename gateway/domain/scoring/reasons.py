"""The reasons of a score: what lowers it, then what people of the next tier typically have and this person does not.

Only the person sees them. Characteristics are compared with the next tier and not with the best value, because
against the best value everybody would get the same reasons.
"""

from dataclasses import dataclass

from gateway.domain.scoring.card import Scorecard
from gateway.domain.scoring.card_rules import Characteristic
from gateway.domain.scoring.evaluation import Evaluation, Measured
from gateway.domain.text import Texts

TOO_FEW_RECORDS = "TOO_FEW_RECORDS"
"""The reason of a person without a score."""
_ABSENT = "_UNKNOWN"
_TOO_FEW = (
    Texts(
        "We know of too few completed agreements, or only of very recent ones, to compute a score.",
        "我们掌握的已完成约定太少，或都发生在近期，尚不足以计算信用分。",
    ),
    Texts(
        "Complete small agreements on time. One for which you paid the deposit counts too. Verify an identity document:"
        " then some merchants approve a first small amount without a score.",
        "请按时完成小额约定，付了押金的约定也会计入。请验证身份证件：之后部分商家可在没有信用分时先批准一笔小额申请。",
    ),
)


@dataclass(frozen=True, slots=True)
class ScoreReason:
    """One reason. `points` are lost points, or those missing to what people of the next tier typically have; 0 without
    a score."""

    code: str
    points: int


def find_reasons(card: Scorecard, evaluation: Evaluation) -> tuple[ScoreReason, ...]:
    """Returns the reasons of a score, most important first: losses, largest first, then shortfalls, largest first, ties
    in the order of the card. Reasons below the card's least points are left out, and no more are returned than the card
    allows."""
    if evaluation.score is None:
        return (ScoreReason(TOO_FEW_RECORDS, 0),)
    tier = card.tier_of(evaluation.score)
    typical = card.typical[card.next_tier(tier) or tier]
    losses, shortfalls = [], []
    for each in evaluation.measured:
        characteristic = each.characteristic
        if characteristic.is_negative:
            losses.append(ScoreReason(_code(each), -each.points))
        else:
            shortfalls.append(ScoreReason(_code(each), typical.get(characteristic.id, 0) - each.points))
    ordered = [*sorted(losses, key=_by_points), *sorted(shortfalls, key=_by_points)]
    return tuple(each for each in ordered if each.points >= card.rules.least_points)[: card.rules.most_reasons]


def describe_reason(card: Scorecard, code: str) -> tuple[Texts, Texts]:
    """Returns the text of a reason and the advice for it. Raises KeyError for a code that the card does not have."""
    if code == TOO_FEW_RECORDS:
        return _TOO_FEW
    for each in card.characteristics:
        if code == _code_of(each):
            return each.reason, each.advice
        if code == _code_of(each) + _ABSENT:
            return each.absent, each.advice
    raise KeyError(code)


def _by_points(reason: ScoreReason) -> int:
    return -reason.points


def _code(measured: Measured) -> str:
    return _code_of(measured.characteristic) + ("" if measured.value else _ABSENT)


def _code_of(characteristic: Characteristic) -> str:
    return characteristic.id.upper()
