"""Consents of personas without a browser, for the tests of a partner: given, narrowed, denied, and ended on demand.

A consent that is made here is the same as one that a person gives on the consent page: the same request, completed and
bounded in the same way, the same event to the merchant, and the same notice to the person.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.domain.consents.authorization_detail import AuthorizationDetail, parse_details
from gateway.domain.consents.consent import Consent, ConsentStatus
from gateway.domain.consents.request import Choice, Request, can_lower_maximum_amount, narrow
from gateway.domain.duration import format_duration
from gateway.domain.environment import Environment
from gateway.domain.errors import ConsentRefused, InvalidInput, NotFound
from gateway.domain.events import Topic
from gateway.domain.identity.client_rights import usable_scopes
from gateway.domain.identity.principal import Principal
from gateway.domain.money import Money
from gateway.domain.scope import SCOPES, TokenKind, restrict
from gateway.domain.webhooks.snapshot import snapshot_consent_end
from gateway.kit import json
from gateway.kit.ids import Ids
from gateway.services.consents.completion import ScopesNotCovered
from gateway.services.consents.service import ConsentService
from gateway.services.identity.access_tokens import AccessToken, issue_access_token
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.identity.clients import ClientRow
from gateway.store.identity.users import PersonaRow
from gateway.store.outbox import OutboxRow
from gateway.store.unit import UnitOfWork
from gateway.store.webhooks.announcements import Announcement

LONGEST_DETAILS = 8_192
_UNKNOWN_PERSONA = (
    "This partner has no persona with this handle. The handle is the part of the username before @, such as excellent."
)
"""The largest number of characters of authorization details."""


class ConsentAnswer(StrEnum):
    """What the persona answers. ALLOW: everything, also the optional parts. NARROW: as little as the consent page lets
    a person allow: no optional part, half of each maximum amount, the shortest duration. DENY: nothing."""

    ALLOW = "ALLOW"
    NARROW = "NARROW"
    DENY = "DENY"


@dataclass(frozen=True, slots=True)
class SandboxGrant:
    """A consent with an access token of the calling client for it."""

    consent: Consent
    token: AccessToken


class SandboxConsentService:
    """Gives and ends consents of the personas of the caller's partner."""

    def __init__(
        self, database: Database, consents: ConsentService, environment: Environment, settings: Settings, ids: Ids
    ) -> None:
        self._database, self._consents, self._ids = database, consents, ids
        self._environment, self._settings = environment, settings

    def grant(
        self,
        principal: Principal,
        handle: str,
        scopes: Sequence[str] | None,
        details: str | None,
        answer: ConsentAnswer,
    ) -> SandboxGrant:
        """Gives a consent of a persona to the caller's client, and returns it with a token. `details` are authorization
        details as JSON (RFC 9396). With neither scopes nor details, the client asks for all its scopes for users. The
        token is bound to the key of the caller's own token, if that has one.

        Raises NotFound for an unknown persona, ConsentRefused with CONSENT_DENIED if the answer is DENY, and
        InvalidInput for what the client may not ask for. Field paths begin with persona, scopes or
        authorizationDetails."""
        parsed = () if details is None else _parse(details)
        caller = (principal.partner_id, principal.client_id)
        return self._database.write(
            lambda unit: self.grant_within(unit, *caller, handle, scopes, parsed, answer, jkt=principal.jkt)
        )

    def end(self, principal: Principal, consent_id: str, status: ConsentStatus) -> Consent:
        """Revokes a consent to the caller's merchant as its person would, or lets it expire now. Returns it. Raises
        NotFound for the consent of another merchant, and InvalidInput for the status ACTIVE, and for EXPIRED if the
        consent is revoked."""
        if status is ConsentStatus.ACTIVE:
            raise InvalidInput("INVALID", "A consent cannot be made active. Give a new one.", ("as",))
        return self._database.write(lambda unit: self._end(unit, principal, consent_id, status))

    def expire_tokens(self, principal: Principal, consent_id: str) -> int:
        """Lets all access tokens for a consent to the caller's merchant expire now. Refresh tokens stay valid. Returns
        how many were valid. Raises NotFound for the consent of another merchant."""

        def expire(unit: UnitOfWork) -> int:
            consent = unit.consents.load(consent_id)
            if consent is None or consent.merchant_id != principal.merchant_id:
                raise NotFound("There is no such consent.", ("consentId",))
            return unit.endings.expire_access_tokens(consent.id, unit.wall)

        return self._database.write(expire)

    def grant_within(
        self,
        unit: UnitOfWork,
        partner_id: str,
        client_id: str,
        handle: str,
        scopes: Sequence[str] | None = None,
        details: tuple[AuthorizationDetail, ...] = (),
        answer: ConsentAnswer = ConsentAnswer.ALLOW,
        *,
        jkt: str | None = None,
    ) -> SandboxGrant:
        """As `grant`, in the caller's unit of work, for a client of this partner. The token is bound to the key with
        the thumbprint `jkt`, if there is one."""
        persona = find_persona(unit, partner_id, handle)
        client = unit.clients.load(client_id)
        assert client is not None  # the caller has it from a token or a row
        merchant = unit.merchants.load(client.merchant_id)
        assert merchant is not None  # a foreign key ensures it
        names = self._require_allowed(client, scopes, details)
        try:
            asked = self._consents.complete_request(unit, merchant, names, details)
        except ScopesNotCovered as error:
            raise InvalidInput(error.code, error.message, ("scopes",)) from None
        except InvalidInput as error:
            raise error.with_prefix("authorizationDetails") from None
        if answer is ConsentAnswer.DENY:
            raise ConsentRefused("CONSENT_DENIED", f"{handle} has denied the request.")
        if not unit.clients.hold(client.id) or not unit.users.hold(persona.user_id):
            raise NotFound("The persona was replaced in the meantime.", ("persona",))
        at_point_of_sale = any(detail.point_of_sale for detail in asked.details)
        consent = self._consents.grant(
            unit,
            client,
            persona.user_id,
            narrow(asked, _choose(asked, answer)),
            single_use=at_point_of_sale,
            max_duration=self._settings.till_consent_life if at_point_of_sale else None,
            asked=asked,
        )
        usable = usable_scopes(client.scopes, client.authorization_details_types)
        token = issue_access_token(
            unit,
            self._environment,
            self._settings,
            client,
            restrict(consent.scopes_in_force(consent.granted_at), usable),
            consent=consent,
            family=None,
            jkt=jkt,
        )
        return SandboxGrant(consent, token)

    def _require_allowed(
        self, client: ClientRow, scopes: Sequence[str] | None, details: tuple[AuthorizationDetail, ...]
    ) -> tuple[str, ...]:
        """Returns the scopes of the request. Raises InvalidInput for a scope or a detail that the client may not ask
        for."""
        allowed = _allowed_scopes(client)
        if scopes is None and not details:
            if not allowed:
                raise InvalidInput("INVALID", "The client has no scope for users.", ("scopes",))
            return requestable_scopes(client)
        if not scopes and not details:
            raise InvalidInput("INVALID", "is empty, and there are no authorization details", ("scopes",))
        for index, name in enumerate(scopes or ()):
            if name not in allowed:
                message = (
                    f"The client may not ask for this scope. Its scopes for users: {', '.join(allowed) or 'none'}."
                )
                raise InvalidInput("INVALID", message, ("scopes", str(index)))
        types = client.authorization_details_types
        for index, detail in enumerate(details):
            if detail.scope not in allowed or (types is not None and detail.type not in types):
                field = ("authorizationDetails", str(index))
                raise InvalidInput("INVALID", "The client may not ask for this permission.", field)
        return tuple(dict.fromkeys(scopes or ()))

    def _end(self, unit: UnitOfWork, principal: Principal, consent_id: str, status: ConsentStatus) -> Consent:
        consent = unit.consents.lock(consent_id)
        if consent is None or consent.merchant_id != principal.merchant_id:
            raise NotFound("There is no such consent.", ("consentId",))
        if status is ConsentStatus.REVOKED:
            return self._consents.revoke(unit, consent_id, consent.user_id)
        if consent.revoked_at is not None:
            raise InvalidInput("INVALID", "The consent is revoked.", ("as",))
        now = unit.business_time(consent.merchant_id)
        if consent.status(now) is ConsentStatus.EXPIRED:
            return consent
        ended = replace(consent, expires_at=now)
        unit.consents.update(ended)
        unit.endings.end_consent(consent.id, unit.wall)
        unit.announcements.add(Announcement(consent.id, Topic.CONSENT_EXPIRED, now))
        unit.outbox.add(
            OutboxRow(
                id=self._ids.new("msg"),
                merchant_id=consent.merchant_id,
                aggregate_id=consent.id,
                topic=Topic.CONSENT_EXPIRED,
                payload=snapshot_consent_end(ended, ConsentStatus.EXPIRED, now),
                created_at=unit.wall,
            )
        )
        return ended


def find_persona(unit: UnitOfWork, partner_id: str, handle: str) -> PersonaRow:
    """Returns the persona of a partner. Raises NotFound if the partner has none with this handle."""
    personas = unit.users.list_personas(partner_id)
    persona = next((each for each in personas if each.handle == handle), None)
    if persona is None:
        raise NotFound(_UNKNOWN_PERSONA, ("persona",))
    return persona


def requestable_scopes(client: ClientRow) -> tuple[str, ...]:
    """Returns the scopes for users that a client asks for if it asks for all, without those that others imply."""
    allowed = _allowed_scopes(client)
    return tuple(name for name in allowed if not any(name in SCOPES[other].implies for other in allowed))


def _allowed_scopes(client: ClientRow) -> tuple[str, ...]:
    usable = usable_scopes(client.scopes, client.authorization_details_types)
    return tuple(name for name in SCOPES if name in usable and SCOPES[name].kind is TokenKind.USER)


def _parse(text: str) -> tuple[AuthorizationDetail, ...]:
    if len(text) > LONGEST_DETAILS:
        raise InvalidInput("INVALID", f"is longer than {LONGEST_DETAILS} characters", ("authorizationDetails",))
    try:
        return parse_details(json.decode_unique(text))
    except ValueError:
        message = "is not JSON, or has a member twice"
        raise InvalidInput("INVALID", message, ("authorizationDetails",)) from None
    except InvalidInput as error:
        raise error.with_prefix("authorizationDetails") from None


def _choose(asked: Request, answer: ConsentAnswer) -> Choice:
    """Returns what the person chooses on the consent page."""
    optional = frozenset(index for index, detail in enumerate(asked.details) if detail.optional)
    if answer is ConsentAnswer.ALLOW:
        return Choice(included=optional)
    needed = optional and all(detail.optional for detail in asked.details)
    amounts = {
        index: Money(max(1, detail.maximum_amount.minor // 2), detail.maximum_amount.currency).document()["amount"]
        for index, detail in enumerate(asked.details)
        if detail.maximum_amount is not None and can_lower_maximum_amount(detail)
    }
    included = frozenset({min(optional)}) if needed else frozenset[int]()
    return Choice(included=included, amounts=amounts, duration=format_duration(asked.durations[-1]))
