"""Reads what the score provider signed: answers about persons, and the catalogue of reasons.

Signatures, `iat` and `exp` are compared with wall time, `asOf` and `validUntil` by business time. Members that are not
named in docs/reference/score_provider.yaml are ignored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeGuard

from gateway.domain.scoring.tier import HIGHEST_SCORE, LOWEST_SCORE
from gateway.kit.clock import CLOCK_ALLOWANCE, BusinessTime, WallClock
from gateway.kit.jose import JoseRefused, candidate_keys, read_time_claim, read_unverified, verify
from gateway.sources.remote.failures import AnswerRefused, CatalogueRefused, Cause, ProviderFailed

SCORE_TYPE, REASONS_TYPE = "score+jwt", "score-reasons+jwt"
"""The `typ` of both kinds of JWS, so that one cannot be used as the other (RFC 8725 section 3.11)."""

LARGEST_ANSWER, LARGEST_CATALOGUE = 16 * 1024, 256 * 1024
MOST_REASONS, LONGEST_MODEL, LONGEST_TEXT, MOST_OVERDUE = 4, 64, 500, 10_000

_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")


@dataclass(frozen=True, slots=True)
class ScoreAnswer:
    """A verified answer about one person. `score` is None for an unscored person."""

    score: int | None
    as_of: BusinessTime
    valid_until: BusinessTime
    model: str
    reasons: tuple[str, ...]
    open_overdue: int
    document_identity: bool


@dataclass(frozen=True, slots=True)
class ReasonText:
    """The text of a reason code that a person reads, in English and Chinese."""

    en: str
    zh: str


class AnswerReader:
    """Reads answers of the provider `issuer` to this deployment, `audience`. `keys` is the provider's JWK Set."""

    def __init__(self, keys: Mapping[str, Any], *, issuer: str, audience: str, clock: WallClock) -> None:
        self._keys, self._issuer, self._audience, self._clock = keys, issuer, audience, clock

    def read_score(self, content: bytes, subject: str, nonce: str, now: BusinessTime) -> ScoreAnswer:
        """Returns the answer to the request with this subject and nonce. Its reason codes have the right form, and may
        be unknown. Raises ProviderFailed, and AnswerRefused for a signed answer to this request."""
        claims = self._read_claims(content, SCORE_TYPE, LARGEST_ANSWER)
        if claims.get("nonce") != nonce:
            raise ProviderFailed(Cause.NONCE)
        if claims.get("subject") != subject:
            raise AnswerRefused(Cause.SUBJECT)
        answer = _read_answer(claims)
        if not answer.as_of < answer.valid_until or answer.as_of > now + CLOCK_ALLOWANCE or answer.valid_until <= now:
            raise AnswerRefused(Cause.EXPIRED)
        return answer

    def read_reasons(self, content: bytes) -> dict[str, ReasonText]:
        """Returns the catalogue of reasons. Raises ProviderFailed, and CatalogueRefused for one without a code or
        with an unusable code or text."""
        reasons = self._read_claims(content, REASONS_TYPE, LARGEST_CATALOGUE).get("reasons")
        if not isinstance(reasons, dict) or not reasons:
            raise CatalogueRefused("it has no reason codes")
        if not all(_CODE.fullmatch(code) for code in reasons):
            raise CatalogueRefused("a code is not 1 to 64 of the characters A-Z, 0-9 and _")
        for number, text in enumerate(reasons.values(), 1):
            if not isinstance(text, dict) or not all(_is_text(text.get(language)) for language in ("en", "zh")):
                raise CatalogueRefused(
                    f"code number {number} does not have a text of 1 to {LONGEST_TEXT} printable characters in each of"
                    " en and zh"
                )
        return {code: ReasonText(text["en"], text["zh"]) for code, text in reasons.items()}

    def _read_claims(self, content: bytes, kind: str, longest: int) -> Mapping[str, Any]:
        try:
            token = read_unverified(content.decode("ascii"), longest)
            header = token.header
        except (JoseRefused, UnicodeDecodeError):
            raise ProviderFailed(Cause.MALFORMED) from None
        if not isinstance(header.get("kid"), str) or header.get("typ") != kind:
            raise ProviderFailed(Cause.SIGNATURE)
        try:
            (key,) = candidate_keys(self._keys, token)
            claims = verify(token, key).claims
        except (ValueError, JoseRefused):  # no key has this kid, or it has not signed this
            raise ProviderFailed(Cause.SIGNATURE) from None
        if claims.get("iss") != self._issuer:
            raise ProviderFailed(Cause.ISSUER)
        if claims.get("aud") != self._audience:
            raise ProviderFailed(Cause.AUDIENCE)
        self._require_time(claims)
        return claims

    def _require_time(self, claims: Mapping[str, Any]) -> None:
        try:
            issued, expires = read_time_claim(claims, "iat"), read_time_claim(claims, "exp")
        except JoseRefused:
            issued = expires = None
        if issued is None or expires is None:
            raise ProviderFailed(Cause.MALFORMED)
        now, allowance = self._clock().timestamp(), CLOCK_ALLOWANCE.total_seconds()
        if issued > now + allowance or expires <= now - allowance or expires <= issued:
            raise ProviderFailed(Cause.EXPIRED)


def _read_answer(claims: Mapping[str, Any]) -> ScoreAnswer:
    """Returns the answer. Raises AnswerRefused unless each member is valid, and a score below the highest one has a
    reason."""
    score, reasons, overdue = claims.get("score"), claims.get("reasons"), claims.get("openOverdue")
    is_valid = (
        "score" in claims
        and (score is None or (_is_int(score) and LOWEST_SCORE <= score <= HIGHEST_SCORE))
        and isinstance(reasons, list)
        and len(reasons) <= MOST_REASONS
        and all(isinstance(code, str) and _CODE.fullmatch(code) for code in reasons)
        and len(set(reasons)) == len(reasons)
        and (bool(reasons) or score in {None, HIGHEST_SCORE})
        and _is_int(overdue)
        and 0 <= overdue <= MOST_OVERDUE
        and isinstance(claims.get("documentIdentity"), bool)
        and _is_text(claims.get("model"), LONGEST_MODEL)
    )
    as_of, valid_until = _read_moment(claims.get("asOf")), _read_moment(claims.get("validUntil"))
    if not is_valid or as_of is None or valid_until is None:
        raise AnswerRefused(Cause.MALFORMED)
    return ScoreAnswer(
        score=score,
        as_of=as_of,
        valid_until=valid_until,
        model=claims["model"],
        reasons=tuple(claims["reasons"]),
        open_overdue=claims["openOverdue"],
        document_identity=claims["documentIdentity"],
    )


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: object, longest: int = LONGEST_TEXT) -> bool:
    return isinstance(value, str) and len(value) <= longest and bool(value.strip()) and value.isprintable()


def _read_moment(value: object) -> BusinessTime | None:
    """Returns a moment of RFC 3339, None for anything else."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return None
    try:
        return BusinessTime(datetime.fromisoformat(value).astimezone(UTC))
    except (ValueError, OverflowError):
        return None
