"""Consents: what a request comes to once adapters and contract have filled its gaps, giving a consent, ending it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.domain import scope as registry_of_scopes
from gateway.domain.authorization_detail import LEVELS, MOST_DETAILS, AuthorizationDetail
from gateway.domain.consent import Consent
from gateway.domain.contract import Contract
from gateway.domain.errors import InvalidInput, Misconfigured, NotFound
from gateway.domain.event import Topic
from gateway.domain.product import Product
from gateway.domain.realm import Realm
from gateway.domain.scope import SCOPES
from gateway.kit.clock import business_time
from gateway.kit.crypto import random_token
from gateway.kit.ids import Ids
from gateway.services.reading import Reading
from gateway.store import consents, merchants, oauth_tokens, outbox, partners, users
from gateway.store.clients import ClientRow
from gateway.store.database import Session
from gateway.store.merchants import MerchantRow
from merchants.registry import AdapterRegistry

_REQUEST, _PREVIEW = "decisions:request", "decisions:preview"


@dataclass(frozen=True, slots=True)
class Request:
    """What a merchant asks a person for: scopes in registry order, and details with nothing left open."""

    scopes: tuple[str, ...]
    details: tuple[AuthorizationDetail, ...]


@dataclass(frozen=True, slots=True)
class GivenConsent:
    """A consent as its owner sees it: with the merchant's name and the business time it lives in."""

    consent: Consent
    merchant_name: str
    now: datetime


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
        purposes = self._purposes(session, merchant.id)
        wanted = {*scopes, *(detail.scope for detail in details)}
        complete: list[AuthorizationDetail] = []
        for index, detail in enumerate(details):
            try:
                complete += self._completed(detail, purposes, merchant.contract)
            except InvalidInput as error:
                raise error.under(str(index)) from None
        for detail in _shorthand(wanted, complete, purposes):
            complete += self._completed(detail, purposes, merchant.contract)
        complete = list(dict.fromkeys(complete))
        if len(complete) > MOST_DETAILS:
            raise InvalidInput("INVALID", f"Together these are more than {MOST_DETAILS} authorization details.")
        return Request(tuple(name for name in SCOPES if name in wanted), tuple(complete))

    def grant(self, session: Session, client: ClientRow, user_id: str, request: Request, now: datetime) -> Consent:
        """Records that the user has agreed to `request`, as shown to them, and tells the merchant."""
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
            details=request.details,
            granted_at=partner_now,
            expires_at=partner_now + max(detail.duration for detail in request.details if detail.duration),
            revoked_at=None,
        )
        consents.insert(session, consent)
        self._tell(session, consent, Topic.CONSENT_GRANTED, now)
        return consent

    def revoke(self, session: Session, consent_id: str, user_id: str | None, now: datetime) -> Consent:
        """Ends the consent and every token that hangs from it; once ended it stays as it is. With `user_id` only
        that user's own. Raises NotFound."""
        consent = consents.load(session, consent_id, lock=True)
        if consent is None or (user_id is not None and consent.user_id != user_id):
            raise NotFound("There is no such consent.")
        partner_now = self._business_now(session, consent.merchant_id, now)
        if not consents.revoke(session, consent_id, partner_now):
            return consent
        oauth_tokens.revoke_all(session, consent_id, partner_now)
        self._tell(session, consent, Topic.CONSENT_REVOKED, now)
        revoked = consents.load(session, consent_id)
        return revoked or consent

    def of_user(self, session: Session, user_id: str, now: datetime) -> tuple[GivenConsent, ...]:
        """A person's consents, newest first, those that have ended too."""
        given = []
        for consent in consents.of_user(session, user_id):
            merchant = merchants.load(session, consent.merchant_id)
            name = merchant.name if merchant else consent.merchant_id
            given.append(GivenConsent(consent, name, self._business_now(session, consent.merchant_id, now)))
        return tuple(given)

    def seen(self, reading: Reading, consent_id: str) -> Consent | None:
        """One consent as a token may see it: its own for a user token, its merchant's for a merchant token; None for
        any other."""
        own = reading.principal.consent
        if own is not None:
            return own if own.id == consent_id else None
        consent = consents.load(reading.session, consent_id)
        return consent if consent and consent.merchant_id == reading.principal.merchant_id else None

    def _purposes(self, session: Session, merchant_id: str) -> dict[Product, tuple[str, ...]]:
        """The default purposes of each enabled product, in the order of the adapters' keys."""
        purposes: dict[Product, tuple[str, ...]] = {}
        for key in merchants.enabled(session, merchant_id):
            adapter = self._adapters.get(key)
            if adapter is not None:
                known = purposes.get(adapter.product, ())
                purposes[adapter.product] = tuple(dict.fromkeys((*known, adapter.default_purpose)))
        return purposes

    def _completed(
        self, detail: AuthorizationDetail, purposes: dict[Product, tuple[str, ...]], contract: Contract
    ) -> Iterator[AuthorizationDetail]:
        """One detail or, where it leaves the purpose open and its products differ in theirs, one for each purpose."""
        _require_covered(detail, purposes, contract)
        for purpose, products in _by_purpose(detail, purposes):
            yield replace(detail, products=products).completed(
                purpose=purpose, duration=contract.consent_life, ceiling=contract.ceiling
            )

    def _business_now(self, session: Session, merchant_id: str, now: datetime) -> datetime:
        merchant = merchants.load(session, merchant_id)
        partner = partners.load(session, merchant.partner_id) if merchant else None
        if partner is None:
            raise Misconfigured(f"merchant {merchant_id} belongs to no partner")
        return business_time(now, partner.clock_offset_seconds)

    def _tell(self, session: Session, consent: Consent, topic: Topic, now: datetime) -> None:
        outbox.enqueue(
            session,
            message_id=self._ids.new("msg"),
            merchant_id=consent.merchant_id,
            aggregate_id=consent.id,
            topic=topic,
            payload={"consentId": consent.id, "subject": consent.subject},
            now=now,
        )


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


def _shorthand(
    wanted: set[str], details: Sequence[AuthorizationDetail], purposes: dict[Product, tuple[str, ...]]
) -> Iterator[AuthorizationDetail]:
    levels = [level for level in LEVELS if f"score:{level}" in wanted]
    covered = [LEVELS.index(detail.level) for detail in details if detail.level]
    if levels and LEVELS.index(levels[-1]) > max(covered, default=-1):
        yield AuthorizationDetail("score", level=levels[-1])
    if wanted & {_REQUEST, _PREVIEW} and not any(detail.type == "decision" for detail in details):
        if not purposes:
            raise InvalidInput("PRODUCT_NOT_ENABLED", "The merchant has no product enabled.")
        yield AuthorizationDetail("decision", products=tuple(p for p in Product if p in purposes))


def _require_covered(detail: AuthorizationDetail, purposes: dict[Product, tuple[str, ...]], contract: Contract) -> None:
    missing = [product for product in detail.products if product not in purposes]
    if missing:
        raise InvalidInput("PRODUCT_NOT_ENABLED", f"{missing[0]} is not enabled for this merchant.", ("products",))
    amount, ceiling = detail.maximum_amount, contract.ceiling
    if amount is not None and amount.currency != ceiling.currency:
        raise InvalidInput(
            "UNSUPPORTED_CURRENCY", f"The contract is in {ceiling.currency}.", ("maximum_amount", "currency")
        )
    if amount is not None and not amount <= ceiling:
        raise InvalidInput("INVALID_AMOUNT", f"The contract's ceiling is {ceiling}.", ("maximum_amount", "amount"))
    if detail.type == "score" and detail.purpose is None and not purposes:
        raise InvalidInput("INVALID", "Without an enabled product a purpose must be named.", ("purpose",))


def _by_purpose(
    detail: AuthorizationDetail, purposes: dict[Product, tuple[str, ...]]
) -> Iterator[tuple[str, tuple[Product, ...]]]:
    if detail.purpose is not None:
        yield detail.purpose, detail.products
    elif detail.type == "score":
        yield next(iter(purposes.values()))[0], ()
    else:
        for purpose in dict.fromkeys(name for product in detail.products for name in purposes[product]):
            yield purpose, tuple(product for product in detail.products if purpose in purposes[product])
