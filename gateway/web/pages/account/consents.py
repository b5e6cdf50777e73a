"""Consents: to whom, what they share, how long they last, and how they changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.consents.version import ConsentAction, ConsentVersion
from gateway.domain.events import Actor
from gateway.services.consents.service import ConsentOverview
from gateway.web.site.consent_parts import ConsentPart, describe_parts
from gateway.web.texts import Texts, msgid

_NARROWED = {
    ConsentAction.CREATED: msgid("You allowed it on %(date)s, and less of it than %(merchant)s asked for:"),
    ConsentAction.MERGED: msgid("You added to it on %(date)s, and less than %(merchant)s asked for:"),
    ConsentAction.REPLACED: msgid("You changed it on %(date)s, and allowed less than %(merchant)s asked for:"),
}
_CHANGES = {
    (ConsentAction.CREATED, Actor.USER): msgid("You allowed it on %(date)s, as %(merchant)s asked."),
    (ConsentAction.MERGED, Actor.USER): msgid("You added to it on %(date)s, as %(merchant)s asked."),
    (ConsentAction.REPLACED, Actor.USER): msgid("You changed it on %(date)s, as %(merchant)s asked."),
    (ConsentAction.REVOKED, Actor.USER): msgid("You ended it on %(date)s."),
    (ConsentAction.REVOKED, Actor.MERCHANT): msgid("%(merchant)s ended it on %(date)s."),
    (ConsentAction.REVOKED, Actor.OPERATOR): msgid("The operator of this service ended it on %(date)s."),
}


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """One version of a consent. `requested` is empty unless the person allowed less than was requested; `granted` is
    empty unless a later version changed it."""

    sentence: str
    requested: tuple[ConsentPart, ...]
    granted: tuple[ConsentPart, ...]


@dataclass(frozen=True, slots=True)
class ConsentView:
    """A consent on the account page. `status` is ACTIVE, EXPIRED or REVOKED; `single_use`: valid for one decision."""

    id: str
    merchant: str
    status: ConsentStatus
    parts: tuple[ConsentPart, ...]
    granted_on: str
    ends_on: str
    single_use: bool
    history: tuple[ConsentChange, ...]


def describe_consent(texts: Texts, given: ConsentOverview) -> ConsentView:
    """The consent in the person's language, at its partner's business time."""
    consent, merchant = given.consent, given.merchant_name
    return ConsentView(
        id=consent.id,
        merchant=merchant,
        status=consent.status(given.now),
        parts=describe_parts(texts, merchant, consent.scopes, consent.details, consent.granted_at),
        granted_on=texts.date(consent.granted_at),
        ends_on=texts.date(consent.revoked_at or consent.expires_at),
        single_use=consent.single_use,
        history=tuple(_describe_version(texts, merchant, given.history, index) for index in range(len(given.history))),
    )


def _describe_version(texts: Texts, merchant: str, history: Sequence[ConsentVersion], index: int) -> ConsentChange:
    version = history[index]
    sentence = _CHANGES[version.action, version.actor]
    requested: tuple[ConsentPart, ...] = ()
    granted: tuple[ConsentPart, ...] = ()
    if any(later.action in _NARROWED for later in history[index + 1 : index + 2]):
        granted = describe_parts(texts, merchant, version.scopes, version.details, version.at)
    if version.asked is not None and version.narrowed:
        sentence = _NARROWED[version.action]
        requested = describe_parts(texts, merchant, version.asked.scopes, version.asked.details, version.at)
    return ConsentChange(texts.gettext(sentence, date=texts.date(version.at), merchant=merchant), requested, granted)
