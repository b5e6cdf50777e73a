"""The view of accesses: which merchant asked what about the person, how often, when and for which purpose."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.domain.scoring.score import ThresholdAnswer
from gateway.domain.scoring.tier import Tier
from gateway.services.access_log import AccessGroup
from gateway.web.site.consent_parts import TIERS, describe_purpose
from gateway.web.site.redirects import ACCOUNT, page_address
from gateway.web.texts import Texts, msgid

ACCESSES = f"{ACCOUNT}/accesses"
_THRESHOLD_ANSWERS = {
    ThresholdAnswer.YES: msgid("yes"),
    ThresholdAnswer.NO: msgid("no"),
    ThresholdAnswer.CANNOT_ASSESS: msgid("cannot be assessed"),
}
_TIMES = msgid("%(times)s times between %(first)s and %(last)s.")
KIND_NAMES = {
    "SCORE_EXACT": msgid("Your score"),
    "SCORE_TIER": msgid("Your tier"),
    "SCORE_THRESHOLD": msgid("Whether your tier is high enough"),
    "REQUEST": msgid("Decisions"),
    "PREVIEW": msgid("Previews of decisions"),
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
    """Equal accesses, or all of one kind by one merchant. `sentence` is about the newest of them, `moment` when they
    were. `more` is the address of the list of them, "" for a single one."""

    moment: str
    merchant: str
    sentence: str
    purpose: str
    more: str


def describe_group(texts: Texts, group: AccessGroup) -> AccessView:
    """The view of the accesses in the person's language."""
    access, moment = group.newest, texts.moment(group.newest.at)
    if group.times > 1:
        moment = texts.gettext(_TIMES, times=group.times, first=texts.moment(group.first), last=moment)
    return AccessView(
        moment=moment,
        merchant=access.merchant_name,
        sentence=_describe_answer(texts, access.kind, access.answered or {}),
        purpose=describe_purpose(texts, access.purpose),
        more=page_address(ACCESSES, {"kind": access.kind, "merchant": access.merchant_id}) if group.times > 1 else "",
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
