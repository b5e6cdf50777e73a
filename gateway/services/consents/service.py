"""Consents: grants, changes and revocations, and their history."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.change import Change, GrantAction
from gateway.domain.consents.consent import Consent, ConsentStatus
from gateway.domain.consents.request import Request
from gateway.domain.consents.version import ConsentAction, ConsentVersion
from gateway.domain.environment import Environment
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.events import Actor, Topic
from gateway.domain.notices.notice import NoticeKind
from gateway.kit.clock import BusinessTime
from gateway.kit.crypto import random_token
from gateway.kit.ids import Ids
from gateway.services.consents import completion
from gateway.services.query_unit import QueryUnit
from gateway.store.identity.clients import ClientRow
from gateway.store.merchants.merchants import MerchantRow
from gateway.store.outbox import message_of_consent
from gateway.store.unit import UnitOfWork
from merchants.registry import AdapterRegistry

_CHANGED = {GrantAction.MERGE: ConsentAction.MERGED, GrantAction.REPLACE: ConsentAction.REPLACED}


@dataclass(frozen=True, slots=True)
class ConsentOverview:
    """A consent as its person sees it: with the merchant's name, the merchant's business time, and all versions."""

    consent: Consent
    merchant_name: str
    now: BusinessTime
    history: tuple[ConsentVersion, ...]


class ConsentService:
    """Grants, changes, revokes and reads consents, in the caller's unit of work. Times of consents are business times
    of the merchant's partner; times of tokens are wall times."""

    def __init__(self, adapters: AdapterRegistry, ids: Ids, environment: Environment) -> None:
        self._adapters, self._ids = adapters, ids
        self._subject_prefix = f"usr_{environment.mark}"

    def complete_request(
        self,
        unit: UnitOfWork,
        merchant: MerchantRow,
        scopes: Sequence[str],
        details: Sequence[AuthorizationDetail],
    ) -> Request:
        """The complete request for `scopes` (user scopes) and `details`.

        Adds the scope of each detail. For a scope without a detail, adds details for the enabled products with their
        default purposes. Bounds all details by the contract. Raises InvalidInput, with the detail's index in its path,
        for a detail that the merchant may not ask for, and ScopesNotCovered if only a scope implies such a detail.
        """
        return completion.complete_request(unit, self._adapters, merchant, scopes, details)

    def grant(
        self,
        unit: UnitOfWork,
        client: ClientRow,
        user_id: str,
        request: Request,
        *,
        single_use: bool = False,
        max_duration: timedelta | None = None,
        asked: Request | None = None,
    ) -> Consent:
        """Records that the user has agreed to `request`, and adds a message to the merchant. Returns the consent.

        `asked` is what the user was shown, if that was more. A `single_use` consent allows one decision. No detail
        lasts longer than `max_duration`.
        """
        asked = asked or request
        if max_duration is not None:
            request, asked = request.limit_duration(max_duration), asked.limit_duration(max_duration)
        now = unit.business_time(client.merchant_id)
        subject = unit.users.ensure_pairwise_subject(user_id, client.merchant_id, random_token(self._subject_prefix))
        consent = Consent(
            id=self._ids.new("con"),
            merchant_id=client.merchant_id,
            client_id=client.id,
            user_id=user_id,
            subject=subject,
            scopes=request.scopes,
            details=tuple(replace(detail, optional=False) for detail in request.details),
            granted_at=now,
            expires_at=BusinessTime(now + request.duration),
            revoked_at=None,
            single_use=single_use,
        )
        unit.consents.insert(consent)
        self._append_version(unit, consent, ConsentAction.CREATED, Actor.USER, now, asked)
        return consent

    def change(self, unit: UnitOfWork, change: Change, user_id: str, granted: Request, *, asked: Request) -> Consent:
        """Merges `granted` into a consent of this user, or replaces the consent by it, and adds a message to the
        merchant. Returns the changed consent.

        `asked` is what the user was shown. A replacement revokes the tokens; a merge removes no permission and keeps
        them. Raises NotFound for a consent that belongs to another user, has ended, or has changed since `change` was
        read.
        """
        stored = unit.consents.lock(change.consent.id)
        now = unit.business_time(change.consent.merchant_id)
        if stored is None or stored.user_id != user_id or stored.status(now) is not ConsentStatus.ACTIVE:
            raise NotFound("There is no such consent.")
        if unit.consent_versions.load_latest_number(stored.id) != change.version:
            raise NotFound("The consent has changed in the meantime.")
        change = replace(change, consent=stored)
        try:
            consent = change.result(granted, now)
        except InvalidInput:  # a threshold inquiry has meanwhile bound the consent to another tier
            raise NotFound("The consent has changed in the meantime.") from None
        unit.consents.update(consent)
        if change.action is GrantAction.REPLACE:
            unit.consents.unbind_threshold(consent.id)
            unit.endings.end_consent(consent.id, unit.wall)
        topic = Topic.CONSENT_NARROWED if change.removes_permission(consent) else None
        self._append_version(unit, consent, _CHANGED[change.action], Actor.USER, now, asked, topic)
        return consent

    def revoke(self, unit: UnitOfWork, consent_id: str, user_id: str | None, *, actor: Actor = Actor.USER) -> Consent:
        """Revokes the consent and all its tokens. Does not change a revoked consent. Raises NotFound for an unknown
        consent and, with `user_id`, for a consent of another user."""
        consent = unit.consents.lock(consent_id)
        if consent is None or (user_id is not None and consent.user_id != user_id):
            raise NotFound("There is no such consent.")
        return self._revoke(unit, consent, actor)

    def revoke_for_client(self, unit: UnitOfWork, client: ClientRow, consent_id: str) -> Consent:
        """Revokes a consent of this client, as `revoke` does. Raises NotFound for a consent of another client."""
        consent = unit.consents.lock(consent_id)
        if consent is None or consent.client_id != client.id:
            raise NotFound("There is no such consent.")
        return self._revoke(unit, consent, Actor.MERCHANT)

    def revoke_of_client(self, unit: UnitOfWork, client_id: str, actor: Actor) -> int:
        """Revokes the consents of a disabled client, so that users do not see them as active. Returns how many were
        active."""
        ended = 0
        for consent_id in unit.consents.list_unrevoked(client_id):
            consent = unit.consents.lock(consent_id)
            if consent and consent.status(unit.business_time(consent.merchant_id)) is ConsentStatus.ACTIVE:
                self._revoke(unit, consent, actor)
                ended += 1
        return ended

    def revoke_of_user(self, unit: UnitOfWork, user_id: str, actor: Actor) -> int:
        """Revokes the consents of a disabled user. Returns how many were active."""
        active = [
            each.id
            for each in unit.consents.list_of_user(user_id)
            if each.status(unit.business_time(each.merchant_id)) is ConsentStatus.ACTIVE
        ]
        for consent_id in sorted(active):
            self.revoke(unit, consent_id, user_id, actor=actor)
        return len(active)

    def list_of_user(self, unit: UnitOfWork, user_id: str) -> tuple[ConsentOverview, ...]:
        """All consents of a person, newest first, including ended ones."""
        consents = unit.consents.list_of_user(user_id)
        merchants = unit.load_counterparts(consent.merchant_id for consent in consents)
        versions: defaultdict[str, list[ConsentVersion]] = defaultdict(list)
        for version in unit.consent_versions.list_of_user(user_id):
            versions[version.consent_id].append(version)
        return tuple(
            ConsentOverview(
                consent=consent,
                merchant_name=merchants[consent.merchant_id].name,
                now=unit.business_time(consent.merchant_id),
                history=tuple(versions[consent.id]),
            )
            for consent in consents
        )

    def find(self, query: QueryUnit, consent_id: str) -> Consent | None:
        """The consent with this id if the token may see it: the consent of a user token, or any consent of the merchant
        of a merchant token. None otherwise."""
        own = query.principal.consent
        if own is not None:
            return own if own.id == consent_id else None
        consent = query.read(lambda unit: unit.consents.load(consent_id))
        return consent if consent and consent.merchant_id == query.principal.merchant_id else None

    def list_page(
        self,
        query: QueryUnit,
        size: int,
        *,
        backward: bool = False,
        after: str | None = None,
        before: str | None = None,
    ) -> list[Consent]:
        """At most `size` consents to the token's merchant after and before these consent ids, in the order in which
        they were first given, from the newest or, if `backward`, from the oldest."""
        merchant_id = query.principal.merchant_id
        return query.read(
            lambda unit: unit.consents.list_page(merchant_id, size, backward=backward, after=after, before=before)
        )

    def _revoke(self, unit: UnitOfWork, consent: Consent, actor: Actor) -> Consent:
        now = unit.business_time(consent.merchant_id)
        if not unit.consents.revoke(consent.id, now):
            return consent
        unit.endings.end_consent(consent.id, unit.wall)
        self._append_version(unit, consent, ConsentAction.REVOKED, actor, now)
        return replace(consent, revoked_at=now)

    def _append_version(
        self,
        unit: UnitOfWork,
        consent: Consent,
        action: ConsentAction,
        actor: Actor,
        now: BusinessTime,
        asked: Request | None = None,
        topic: Topic | None = None,
    ) -> None:
        """Appends a version, and adds the message to the merchant and the notice to the person. The message has this
        topic, or that of the action. The consent must be new, or its row locked."""
        number = unit.consent_versions.load_latest_number(consent.id) + 1
        version = ConsentVersion(consent.id, number, action, actor, consent.scopes, consent.details, asked, now)
        unit.consent_versions.append(version)
        unit.outbox.add(message_of_consent(self._ids.new("msg"), consent, version, unit.wall, topic))
        if action is not ConsentAction.REVOKED:
            unit.notices.add(
                consent.user_id,
                NoticeKind.CONSENT_GRANTED,
                merchant_id=consent.merchant_id,
                subject_id=consent.id,
                business_at=now,
            )
