"""The view of an access: which merchant asked what about the person, when and for which purpose."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.domain.scoring.score import ThresholdAnswer
from gateway.domain.scoring.tier import Tier
from gateway.services.access_log import LoggedAccess
from gateway.web.site.consent_parts import TIERS, describe_purpose
from gateway.web.texts import Texts, msgid

_THRESHOLD_ANSWERS = {
    ThresholdAnswer.YES: msgid("yes"),
    ThresholdAnswer.NO: msgid("no"),
    ThresholdAnswer.CANNOT_ASSESS: msgid("cannot be assessed"),
}
_TIER = msgid("saw your tier: %(tier)s")
_SCORE = msgid("saw your score: %(score)s")
_THRESHOLD = msgid("asked whether your tier is at least “%(minimum)s”: %(answer)s")
_WITHOUT_ANSWER = {
    "SCORE_TIER": msgid("saw your tier"),
    "SCORE_EXACT": msgid("saw your score"),
    "SCORE_THRESHOLD": msgid("asked whether your tier is high enough"),
    "PREVIEW": msgid("asked for a preview of a decision"),
    "REQUEST": msgid("asked for a decision"),
}
"""Sentences for accesses whose answer is not shown or can no longer be decrypted."""


@dataclass(frozen=True, slots=True)
class AccessView:
    """One access on the account page."""

    moment: str
    merchant: str
    sentence: str
    purpose: str


def describe_access(texts: Texts, access: LoggedAccess) -> AccessView:
    """The view of the access in the person's language."""
    return AccessView(
        moment=texts.moment(access.at),
        merchant=access.merchant_name,
        sentence=_describe_answer(texts, access.kind, access.answered or {}),
        purpose=describe_purpose(texts, access.merchant_name, access.purpose),
    )


def _describe_answer(texts: Texts, kind: str, answer: Mapping[str, Any]) -> str:
    if "minimum" in answer:
        minimum = texts.gettext(TIERS[Tier(answer["minimum"])])
        reply = texts.gettext(_THRESHOLD_ANSWERS[ThresholdAnswer(answer["answer"])])
        return texts.gettext(_THRESHOLD, minimum=minimum, answer=reply)
    if kind == "SCORE_TIER" and "tier" in answer:
        return texts.gettext(_TIER, tier=texts.gettext(TIERS[Tier(answer["tier"])]))
    if "score" in answer:
        score = answer["score"]
        return texts.gettext(_SCORE, score=texts.gettext(TIERS[Tier.UNSCORED]) if score is None else score)
    return texts.gettext(_WITHOUT_ANSWER[kind])
