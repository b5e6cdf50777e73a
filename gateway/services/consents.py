"""Consents: giving one, changing it, ending it, and what became of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.domain import scope as registry_of_scopes
from gateway.domain.authorization_detail import LEVELS, AuthorizationDetail
from gateway.domain.consent import Consent, ConsentStatus
from gateway.domain.consent_change import Change, GrantAction
from gateway.domain.consent_request import Request
from gateway.domain.consent_version import ConsentAction, ConsentVersion
from gateway.domain.errors import Misconfigured, NotFound
from gateway.domain.event import Actor
from gateway.domain.realm import Realm
from gateway.kit.clock import business_time
from gateway.kit.crypto import random_token
from gateway.kit.ids import Ids
from gateway.services import consent_requests
from gateway.services.reading import Reading
from gateway.store import consent_versions, consents, merchants, oauth_tokens, outbox, partners, users
from gateway.store.clients import ClientRow
from gateway.store.database import Session
from gateway.store.merchants import MerchantRow
from merchants.registry import AdapterRegistry

_PREVIEW = "decisions:preview"
_CHANGED = {GrantAction.MERGE: ConsentAction.MERGED, GrantAction.REPLACE: ConsentAction.REPLACED}


@dataclass(frozen=True, slots=True)
class GivenConsent:
    """A consent as its owner sees it: with the merchant's name, the business time it lives in, and its history."""

    consent: Consent
    merchant_name: str
    now: datetime
    history: tuple[ConsentVersion, ...]


class ConsentService:
    """Changes happen in the caller's writing unit. `now` is wall time; consents live in the partner's own time."""

    def __init__(self, adapters: AdapterRegistry, ids: Ids, realm: Realm) -> None:
        self._adapters, self._ids = adapters, ids
        self._subject_prefix = f"usr_{realm.mark}"

    def complete(
        self,
        session: Session,
        merchant: MerchantRow,
        scopes: Sequence[str],
        details: Sequence[AuthorizationDetail],
    ) -> Request:
        """The whole request that `scopes` (user scopes) and `details` stand for: a detail gives its scope, a scope
        without a detail gives one over the enabled products, default purposes and the contract's bounds.

        Raises InvalidInput, with the detail's index in its path, for what the merchant may not ask.
        """
        return consent_requests.complete(session, self._adapters, merchant, scopes, details)

    def grant(
        self,
        session: Session,
        client: ClientRow,
        user_id: str,
        request: Request,
        now: datetime,
        *,
        single_use: bool = False,
        life: timedelta | None = None,
        asked: Request | None = None,
    ) -> Consent:
        """Records that the user has agreed to `request`, and tells the merchant. `asked` is what they were shown, if
        that was more. A `single_use` consent allows one decision; no part of it lasts longer than `life`."""
        asked = asked or request
        if life is not None:
            request, asked = request.lasting(life), asked.lasting(life)
        partner_now = self._business_now(session, client.merchant_id, now)
        subject = users.ensure_pairwise_subject(
            session, user_id, client.merchant_id, random_token(self._subject_prefix)
        )
        consent = Consent(
            id=self._ids.new("con"),
            merchant_id=client.merchant_id,
            client_id=client.id,
            user_id=user_id,
            subject=subject,
            scopes=request.scopes,
            details=tuple(replace(detail, optional=False) for detail in request.details),
            granted_at=partner_now,
            expires_at=partner_now + request.duration,
            revoked_at=None,
            single_use=single_use,
        )
        consents.insert(session, consent)
        self._remember(session, consent, ConsentAction.CREATED, Actor.USER, partner_now, asked)
        self._tell(session, consent, ConsentAction.CREATED, now)
        return consent

    def change(
        self, session: Session, change: Change, user_id: str, granted: Request, now: datetime, *, asked: Request
    ) -> Consent:
        """Merges `granted` into a consent of this user, or puts it in its place, and tells the merchant; `asked` is
        what they were shown. Tokens live on after a merge, which takes nothing away, and end with a replacement.
        Raises NotFound for a consent that is not theirs, has ended, or has changed since `change` was read."""
        held = consents.load(session, change.consent.id, lock=True)
        partner_now = self._business_now(session, change.consent.merchant_id, now)
        if held is None or held.user_id != user_id or held.status(partner_now) is not ConsentStatus.ACTIVE:
            raise NotFound("There is no such consent.")
        if consent_versions.latest(session, held.id) != change.version:
            raise NotFound("The consent has changed meanwhile.")
        consent = change.result(granted, partner_now)
        consents.change(session, consent)
        if change.action is GrantAction.REPLACE:
            oauth_tokens.revoke_all(session, consent.id, partner_now)
        self._remember(session, consent, _CHANGED[change.action], Actor.USER, partner_now, asked)
        self._tell(session, consent, _CHANGED[change.action], now)
        return consent

    def revoke(
        self, session: Session, consent_id: str, user_id: str | None, now: datetime, *, actor: Actor = Actor.USER
    ) -> Consent:
        """Ends the consent and every token that hangs from it; once ended it stays as it is. With `user_id` only
        that user's own. Raises NotFound."""
        consent = consents.load(session, consent_id, lock=True)
        if consent is None or (user_id is not None and consent.user_id != user_id):
            raise NotFound("There is no such consent.")
        return self._end(session, consent, actor, now)

    def revoke_for_client(self, session: Session, client: ClientRow, consent_id: str, now: datetime) -> Consent:
        """The same, by the client to which it was given. Raises NotFound for any other's."""
        consent = consents.load(session, consent_id, lock=True)
        if consent is None or consent.client_id != client.id:
            raise NotFound("There is no such consent.")
        return self._end(session, consent, Actor.MERCHANT, now)

    def end_all(self, session: Session, client_id: str, now: datetime, actor: Actor) -> int:
        """Ends what people have consented to towards a client that is gone, and answers how many consents were in
        force: nothing could be done under them any more, and their people should not be told otherwise."""
        ended = 0
        for consent_id in consents.unended(session, client_id):
            consent = consents.load(session, consent_id, lock=True)
            there = self._business_now(session, consent.merchant_id, now) if consent else now
            if consent is not None and consent.status(there) is ConsentStatus.ACTIVE:
                self._end(session, consent, actor, now)
                ended += 1
        return ended

    def history(self, session: Session, consent_id: str) -> tuple[ConsentVersion, ...]:
        """What the consent came to at each change, oldest first; empty for an unknown one."""
        return tuple(consent_versions.of_consent(session, consent_id))

    def of_user(self, session: Session, user_id: str, now: datetime) -> tuple[GivenConsent, ...]:
        """A person's consents, newest first, those that have ended too."""
        given, versions = consents.of_user(session, user_id), consent_versions.of_user(session, user_id)
        met = merchants.counterparts(session, (consent.merchant_id for consent in given))
        seen = []
        for consent in given:
            merchant = met[consent.merchant_id]
            history = tuple(version for version in versions if version.consent_id == consent.id)
            there = business_time(now, merchant.clock_offset_seconds)
            seen.append(GivenConsent(consent, merchant.name, there, history))
        return tuple(seen)

    def seen(self, reading: Reading, consent_id: str) -> Consent | None:
        """One consent as a token may see it: its own for a user token, its merchant's for a merchant token; None for
        any other."""
        own = reading.principal.consent
        if own is not None:
            return own if own.id == consent_id else None
        consent = consents.load(reading.session, consent_id)
        return consent if consent and consent.merchant_id == reading.principal.merchant_id else None

    def _business_now(self, session: Session, merchant_id: str, now: datetime) -> datetime:
        merchant = merchants.load(session, merchant_id)
        partner = partners.load(session, merchant.partner_id) if merchant else None
        if partner is None:
            raise Misconfigured(f"merchant {merchant_id} belongs to no partner")
        return business_time(now, partner.clock_offset_seconds)

    def _end(self, session: Session, consent: Consent, actor: Actor, now: datetime) -> Consent:
        partner_now = self._business_now(session, consent.merchant_id, now)
        if not consents.revoke(session, consent.id, partner_now):
            return consent
        oauth_tokens.revoke_all(session, consent.id, partner_now)
        self._remember(session, consent, ConsentAction.REVOKED, actor, partner_now)
        self._tell(session, consent, ConsentAction.REVOKED, now)
        return replace(consent, revoked_at=partner_now)

    def _remember(
        self,
        session: Session,
        consent: Consent,
        action: ConsentAction,
        actor: Actor,
        at: datetime,
        asked: Request | None = None,
    ) -> None:
        """Appends a version. The consent is new, or its row is locked."""
        number = consent_versions.latest(session, consent.id) + 1
        version = ConsentVersion(consent.id, number, action, actor, consent.scopes, consent.details, asked, at)
        consent_versions.append(session, version)

    def _tell(self, session: Session, consent: Consent, action: ConsentAction, now: datetime) -> None:
        outbox.enqueue(session, outbox.of_consent(self._ids.new("msg"), consent, action.topic, now))


def details_within(details: Iterable[AuthorizationDetail], scopes: Iterable[str]) -> list[AuthorizationDetail]:
    """The part of a consent's details that a token with these scopes can use: levels are lowered to the token's."""
    held = registry_of_scopes.expand(scopes)
    levels = [level for level in LEVELS if f"score:{level}" in held]
    within = []
    for detail in details:
        if detail.type == "decision" and _PREVIEW in held:
            within.append(detail)
        if detail.level is not None and levels:
            level = min(detail.level, levels[-1], key=LEVELS.index)
            within.append(AuthorizationDetail("score", level=level, purpose=detail.purpose, duration=detail.duration))
    return within
