"""The view of a consent: its merchant, its parts, its duration and its history."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.consents.consent import Consent, ConsentStatus
from gateway.domain.consents.version import ConsentAction, ConsentVersion
from gateway.domain.events import Actor
from gateway.services.consents.service import ConsentOverview
from gateway.web.site.consent_parts import ConsentPart, describe_parts
from gateway.web.texts import Texts, msgid

_NARROWED = {
    ConsentAction.CREATED: msgid("On %(date)s you allowed less than the merchant asked for. The request was:"),
    ConsentAction.MERGED: msgid("On %(date)s you added less than the merchant asked for. The request was:"),
    ConsentAction.REPLACED: msgid("On %(date)s you changed it to less than the merchant asked for. The request was:"),
}
_CHANGES = {
    (ConsentAction.CREATED, Actor.USER): msgid("On %(date)s you allowed what the merchant asked for."),
    (ConsentAction.MERGED, Actor.USER): msgid("On %(date)s you added what the merchant asked for."),
    (ConsentAction.REPLACED, Actor.USER): msgid("On %(date)s you changed it to what the merchant asked for."),
    (ConsentAction.REVOKED, Actor.USER): msgid("On %(date)s you ended it."),
    (ConsentAction.REVOKED, Actor.MERCHANT): msgid("On %(date)s the merchant ended it."),
    (ConsentAction.REVOKED, Actor.OPERATOR): msgid("On %(date)s the operator of this service ended it."),
}


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """One version of a consent. `requested` is empty unless the person allowed less than the request. `granted` is
    empty unless the next version changed it."""

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


def describe_consent(texts: Texts, overview: ConsentOverview) -> ConsentView:
    """The view of the consent in the person's language, at the business time of its partner."""
    consent = overview.consent
    return ConsentView(
        id=consent.id,
        merchant=overview.merchant_name,
        status=consent.status(overview.now),
        parts=describe_parts(texts, consent.scopes, consent.details, consent.granted_at),
        granted_on=texts.date(consent.granted_at),
        ends_on=_describe_end(texts, consent),
        single_use=consent.single_use,
        history=tuple(_describe_version(texts, overview.history, index) for index in range(len(overview.history))),
    )


def _describe_end(texts: Texts, consent: Consent) -> str:
    """The day on which the consent ends or ended; with the time of day if it lasts less than two days."""
    if consent.revoked_at is not None:
        return texts.date(consent.revoked_at)
    return texts.until(consent.granted_at, consent.expires_at - consent.granted_at)


def _describe_version(texts: Texts, history: Sequence[ConsentVersion], index: int) -> ConsentChange:
    version = history[index]
    sentence = _CHANGES[version.action, version.actor]
    requested: tuple[ConsentPart, ...] = ()
    granted: tuple[ConsentPart, ...] = ()
    if any(later.action in _NARROWED for later in history[index + 1 : index + 2]):
        granted = describe_parts(texts, version.scopes, version.details, version.at)
    if version.asked is not None and version.narrowed:
        sentence = _NARROWED[version.action]
        requested = describe_parts(texts, version.asked.scopes, version.asked.details, version.at)
    return ConsentChange(texts.gettext(sentence, date=texts.date(version.at)), requested, granted)
