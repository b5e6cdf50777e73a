"""Consents of test users without a browser, on both databases."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.audit.consents import find_mismatches
from gateway.domain.consents.version import ConsentAction
from gateway.domain.errors import Unauthenticated
from gateway.domain.identity.principal import Principal
from gateway.domain.notices.notice import NoticeKind
from gateway.oauth.token_check import check_token
from gateway.services.webhooks.announcements import AnnouncementService
from gateway.store.events import MessageWindow
from tests.support import factories
from tests.support.graphql_world import GraphQLWorld
from tests.support.units import reading, writing

GRANT = """mutation Grant($persona: String!, $scopes: [String!], $details: String, $answer: SandboxConsentAnswer) {
  sandboxConsentGrant(persona: $persona, scopes: $scopes, authorizationDetails: $details, answer: $answer) {
    consent { id status scopes subject grantedAt expiresAt
      authorizationDetails { type level products purpose duration maximumAmount { amount } } }
    accessToken userErrors { code message field } } }"""
END = """mutation End($id: ID!, $as: ConsentStatus!) { sandboxConsentEnd(consentId: $id, as: $as) {
  consent { id status expiresAt revokedAt } userErrors { code message field } } }"""
EXPIRE = """mutation Expire($id: ID!) { sandboxTokenExpire(consentId: $id) {
  expiredCount userErrors { code field } } }"""
WAIVER: dict[str, Any] = {
    "type": "decision",
    "products": ["DEPOSIT_WAIVER"],
    "purpose": "CAR_RENTAL",
    "maximum_amount": {"amount": "3000.00", "currency": "CNY"},
}
TIER = {"type": "score", "level": "tier", "duration": "P30D"}


@pytest.fixture
def world(each_world: GraphQLWorld) -> GraphQLWorld:
    return each_world


def grant(world: GraphQLWorld, *, by: Principal | None = None, **variables: Any) -> Any:
    """The payload of sandboxConsentGrant for the persona good. `details` are encoded as JSON."""
    if isinstance(variables.get("details"), list):
        variables["details"] = json.dumps(variables["details"])
    given = {"persona": "good", **variables}
    return world.data(GRANT, given, by=by or world.merchant("sandbox", "consents:read"))["sandboxConsentGrant"]


def end(world: GraphQLWorld, consent_id: str, status: str, *, by: Principal | None = None) -> Any:
    by = by or world.merchant("sandbox", "consents:read")
    return world.data(END, {"id": consent_id, "as": status}, by=by)["sandboxConsentEnd"]


def principal_of(world: GraphQLWorld, token: str, jkt: str | None = None) -> Principal:
    """The principal of a token, as each request gets it. Raises Unauthenticated."""
    with reading(world.database) as unit:
        return check_token(unit, token, jkt, world.container.environment)


def topics(world: GraphQLWorld, consent_id: str) -> list[str]:
    with reading(world.database) as unit:
        return [row.topic for row in unit.events.list_of_subject(consent_id, MessageWindow(50))]


def error(payload: Any) -> tuple[str, list[str] | None]:
    assert payload["consent"] is None
    (each,) = payload["userErrors"]
    return each["code"], each["field"]


def test_token_of_a_new_consent_reads_the_tier(world: GraphQLWorld) -> None:
    payload = grant(world, scopes=["score:tier"])
    assert payload["userErrors"] == []
    assert (payload["consent"]["status"], payload["consent"]["scopes"]) == ("ACTIVE", ["score:tier"])
    principal = principal_of(world, payload["accessToken"])
    assert (principal.scopes, principal.client_id) == (("score:tier",), world.client_id)
    read = world.data("{ consentedUser { id scoreTier { tier } } }", by=principal)["consentedUser"]
    assert read == {"id": payload["consent"]["subject"], "scoreTier": {"tier": "GOOD"}}


def test_details_are_completed_like_those_of_the_authorization_endpoint(world: GraphQLWorld) -> None:
    consent = grant(world, details=[WAIVER, TIER])["consent"]
    waiver, tier = consent["authorizationDetails"]
    assert waiver["maximumAmount"] == {"amount": "3000.00"}
    assert (waiver["duration"], tier["duration"], tier["level"]) == ("P90D", "P30D", "tier")
    assert consent["scopes"] == ["score:tier", "decisions:request"]


def test_without_scopes_and_details_the_app_asks_for_all_its_scopes(world: GraphQLWorld) -> None:
    assert grant(world)["consent"]["scopes"] == ["score:tier", "decisions:request"]


def test_grant_has_the_event_the_notice_and_the_version_of_a_grant_on_the_page(world: GraphQLWorld) -> None:
    consent = grant(world, scopes=["score:tier"])["consent"]["id"]
    assert topics(world, consent) == ["CONSENT_GRANTED"]
    with reading(world.database) as unit:
        (version,) = unit.consent_versions.list_of_consent(consent)
        stored = unit.consents.load(consent)
        assert stored is not None
        kinds = [notice.kind for notice in unit.notices.list_page(stored.user_id, 9)]
    assert version.action == ConsentAction.CREATED
    assert kinds == [NoticeKind.CONSENT_GRANTED]


def test_answer_narrow_allows_as_little_as_possible(world: GraphQLWorld) -> None:
    details = [WAIVER, {**TIER, "optional": True}]
    narrowed = grant(world, details=details, answer="NARROW")["consent"]
    (waiver,) = narrowed["authorizationDetails"]
    assert (waiver["maximumAmount"]["amount"], waiver["duration"]) == ("1500.00", "P1D")
    assert narrowed["scopes"] == ["decisions:request"]
    allowed = grant(world, details=details)["consent"]
    assert [each["type"] for each in allowed["authorizationDetails"]] == ["decision", "score"]


def test_narrowed_request_of_optional_details_only_keeps_one(world: GraphQLWorld) -> None:
    optional = [{**TIER, "optional": True}, {**WAIVER, "optional": True}]
    (kept,) = grant(world, details=optional, answer="NARROW")["consent"]["authorizationDetails"]
    assert kept["type"] == "score"


def test_denied_request_leaves_nothing(world: GraphQLWorld) -> None:
    before = world.counts()
    assert error(grant(world, scopes=["score:tier"], answer="DENY")) == ("CONSENT_DENIED", None)
    assert world.counts() == before


def test_detail_with_a_point_of_sale_gives_a_consent_for_one_decision(world: GraphQLWorld) -> None:
    details = [{**WAIVER, "store_id": "store-1", "terminal_id": "terminal-1"}]
    consent = grant(world, details=details)["consent"]["id"]
    with reading(world.database) as unit:
        stored = unit.consents.load(consent)
    assert stored is not None
    assert stored.single_use
    assert stored.expires_at - stored.granted_at <= timedelta(minutes=30)


def test_token_is_bound_to_the_key_of_the_caller(world: GraphQLWorld) -> None:
    caller = replace(world.merchant("sandbox", "consents:read"), jkt="thumbprint")
    token = grant(world, scopes=["score:tier"], by=caller)["accessToken"]
    assert principal_of(world, token, "thumbprint").jkt == "thumbprint"
    for other in (None, "another"):
        with pytest.raises(Unauthenticated):
            principal_of(world, token, other)


def test_persona_of_another_partner_is_not_found(world: GraphQLWorld) -> None:
    with reading(world.database) as unit:
        (foreign,) = [
            each
            for partner in unit.partners.list_partners()
            for each in unit.users.list_personas(partner.id)
            if each.id == world.foreign_persona
        ]
    assert error(grant(world, persona=foreign.handle)) == ("NOT_FOUND", ["persona"])


@pytest.mark.parametrize(("status", "topic"), [("REVOKED", "CONSENT_REVOKED"), ("EXPIRED", "CONSENT_EXPIRED")])
def test_ended_consent_ends_its_tokens_and_tells_the_merchant(status: str, topic: str, world: GraphQLWorld) -> None:
    granted = grant(world, scopes=["score:tier"])
    consent = granted["consent"]["id"]
    world.clock.advance(seconds=5)
    ended = end(world, consent, status)
    assert (ended["userErrors"], ended["consent"]["status"]) == ([], status)
    with pytest.raises(Unauthenticated):
        principal_of(world, granted["accessToken"])
    assert topics(world, consent) == ["CONSENT_GRANTED", topic]
    assert end(world, consent, status)["consent"] == ended["consent"]
    assert topics(world, consent) == ["CONSENT_GRANTED", topic]


def test_expired_consent_is_announced_once(world: GraphQLWorld) -> None:
    consent = grant(world, scopes=["score:tier"])["consent"]["id"]
    world.clock.advance(timedelta(days=2))
    end(world, consent, "EXPIRED")
    world.clock.advance(seconds=1)
    AnnouncementService(world.database, world.container.ids).write_due()
    assert topics(world, consent).count("CONSENT_EXPIRED") == 1


def test_expired_consent_can_be_revoked_but_not_the_other_way(world: GraphQLWorld) -> None:
    consent = grant(world, scopes=["score:tier"])["consent"]["id"]
    end(world, consent, "EXPIRED")
    assert end(world, consent, "REVOKED")["consent"]["status"] == "REVOKED"
    assert error(end(world, consent, "EXPIRED")) == ("INVALID", ["as"])


def test_consent_cannot_be_made_active(world: GraphQLWorld) -> None:
    consent = grant(world, scopes=["score:tier"])["consent"]["id"]
    assert error(end(world, consent, "ACTIVE")) == ("INVALID", ["as"])


@pytest.mark.parametrize("identifier", ["con_unknown", "junk\0", ""])
def test_unknown_consent_is_not_found(identifier: str, world: GraphQLWorld) -> None:
    assert error(end(world, identifier, "REVOKED")) == ("NOT_FOUND", ["consentId"])


def test_consent_to_another_merchant_is_not_found(world: GraphQLWorld) -> None:
    assert error(end(world, world.foreign_consent.id, "REVOKED")) == ("NOT_FOUND", ["consentId"])
    with reading(world.database) as unit:
        foreign = unit.consents.load(world.foreign_consent.id)
    assert foreign == world.foreign_consent


def expire(world: GraphQLWorld, consent_id: str) -> Any:
    return world.data(EXPIRE, {"id": consent_id}, by=world.merchant("sandbox"))["sandboxTokenExpire"]


def test_expired_tokens_are_refused_and_the_consent_goes_on(world: GraphQLWorld) -> None:
    granted = grant(world, scopes=["score:tier"])
    other = grant(world, scopes=["score:tier"])
    assert expire(world, granted["consent"]["id"]) == {"expiredCount": 1, "userErrors": []}
    with pytest.raises(Unauthenticated):
        principal_of(world, granted["accessToken"])
    assert principal_of(world, other["accessToken"]).consent is not None
    assert expire(world, granted["consent"]["id"]) == {"expiredCount": 0, "userErrors": []}
    assert topics(world, granted["consent"]["id"]) == ["CONSENT_GRANTED"]


def test_refresh_token_of_a_consent_with_expired_tokens_stays(world: GraphQLWorld) -> None:
    with writing(world.database) as unit:
        refresh_token = factories.make_refresh_token(unit, world.consent)
    expire(world, world.consent.id)
    with reading(world.database) as unit:
        stored = unit.tokens.load_refresh_token(refresh_token)
    assert stored is not None
    assert (stored.revoked_at, stored.expires_at > world.clock()) == (None, True)


@pytest.mark.parametrize("identifier", ["con_unknown", "junk\0", None])
def test_tokens_of_an_unknown_consent_are_not_found(identifier: str | None, world: GraphQLWorld) -> None:
    payload = expire(world, identifier or world.foreign_consent.id)
    (each,) = payload["userErrors"]
    assert (payload["expiredCount"], each["code"], each["field"]) == (0, "NOT_FOUND", ["consentId"])


@pytest.mark.parametrize("document", [GRANT, END])
def test_token_without_the_scope_sandbox_is_refused(document: str, world: GraphQLWorld) -> None:
    variables = {"persona": "good"} if document is GRANT else {"id": world.consent.id, "as": "REVOKED"}
    executed = world.run(document, variables, by=world.merchant("consents:read"))
    (problem,) = executed.body["errors"]
    assert problem["extensions"]["code"] == "FORBIDDEN"


def test_reconciliation_accepts_what_was_forced(world: GraphQLWorld) -> None:
    kept = grant(world, scopes=["score:tier"])["consent"]["id"]
    end(world, kept, "EXPIRED")
    end(world, grant(world, details=[WAIVER], answer="NARROW")["consent"]["id"], "REVOKED")
    with writing(world.database) as unit:
        assert list(find_mismatches(unit, 100)) == []
