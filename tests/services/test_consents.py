"""Consents: details of scopes, optional details, revocation and versions."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.consent import Consent, ConsentStatus
from gateway.domain.consents.request import AS_ASKED, Request, narrow
from gateway.domain.consents.version import ConsentAction, ConsentVersion
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.events import Actor
from gateway.store.identity.clients import ClientRow
from tests.services.asks import waiver
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld
from tests.support.units import reading, writing

EXACT = AuthorizationDetail("score", level="exact", optional=True)


def client_of(world: DemoWorld, adapter: str = "car_rental") -> ClientRow:
    with reading(world.database) as unit:
        row = unit.clients.load(world.client(adapter))
        assert row is not None
        return row


def complete(world: DemoWorld, scopes: tuple[str, ...], *details: AuthorizationDetail) -> Request:
    with reading(world.database) as unit:
        merchant = unit.merchants.load(world.merchant())
        assert merchant is not None
        return world.consents.complete_request(unit, merchant, scopes, details)


def history(world: DemoWorld, consent: Consent) -> tuple[ConsentVersion, ...]:
    with reading(world.database) as unit:
        return tuple(unit.consent_versions.list_of_consent(consent.id))


@pytest.mark.parametrize(
    ("scope", "detail", "levels", "kept"),
    [
        pytest.param("score:tier", EXACT, [("exact", True), ("tier", False)], ("score:tier",), id="lower-scope"),
        pytest.param("score:exact", EXACT, [("exact", True)], None, id="same-scope"),
        pytest.param(
            "score:tier",
            replace(EXACT, optional=False),
            [("exact", False)],
            ("score:tier", "score:exact"),
            id="lower-scope-with-required-detail",
        ),
        pytest.param(
            "score:exact",
            replace(EXACT, level="tier"),
            [("tier", True), ("exact", False)],
            ("score:tier", "score:exact"),
            id="higher-scope",
        ),
    ],
)
def test_optional_detail_covers_only_its_own_scope(
    world: DemoWorld,
    scope: str,
    detail: AuthorizationDetail,
    levels: list[tuple[str, bool]],
    kept: tuple[str, ...] | None,
) -> None:
    request = complete(world, (scope,), detail)
    assert [(each.level, each.optional) for each in request.details] == levels
    if kept is None:
        with pytest.raises(InvalidInput):
            narrow(request, AS_ASKED)
    else:
        assert narrow(request, AS_ASKED).scopes == kept


def test_optional_detail_covers_decision_scope(world: DemoWorld) -> None:
    request = complete(world, ("score:tier", "decisions:request"), replace(waiver("100.00"), optional=True))
    assert [(detail.type, detail.optional) for detail in request.details] == [("decision", True), ("score", False)]
    assert narrow(request, AS_ASKED).scopes == ("score:tier",)


def test_granted_details_are_not_optional(world: DemoWorld) -> None:
    consent = world.grant("excellent", replace(EXACT, level="tier"))
    with reading(world.database) as unit:
        stored = unit.consents.load(consent.id)
    assert stored == consent
    assert not any(detail.optional for detail in consent.details)


def test_version_has_granted_and_asked_details(world: DemoWorld) -> None:
    asked = complete(world, ("score:tier",), EXACT)
    granted = narrow(asked, AS_ASKED)
    user_id, client = world.user("excellent"), client_of(world)
    with writing(world.database) as unit:
        consent = world.consents.grant(unit, client, user_id, granted, asked=asked)
    (first,) = history(world, consent)
    assert first == ConsentVersion(
        consent.id, 1, ConsentAction.CREATED, Actor.USER, granted.scopes, granted.details, asked, consent.granted_at
    )
    assert first.narrowed


def test_version_granted_as_asked_is_not_narrowed(world: DemoWorld) -> None:
    (first,) = history(world, world.grant())
    assert first.asked is not None
    assert not first.narrowed


def test_version_with_shorter_life_is_not_narrowed(world: DemoWorld) -> None:
    asked, client, user_id = complete(world, ("score:tier",)), client_of(world), world.user("excellent")
    with writing(world.database) as unit:
        consent = world.consents.grant(unit, client, user_id, asked, max_duration=timedelta(minutes=1))
    assert consent.expires_at == consent.granted_at + timedelta(minutes=1)
    assert [version.narrowed for version in history(world, consent)] == [False]


@pytest.mark.parametrize("actor", [Actor.USER, Actor.OPERATOR])
def test_revoke_appends_a_version(world: DemoWorld, actor: Actor) -> None:
    consent = world.grant()
    world.clock.advance(hours=1)
    ended_at = world.now
    with writing(world.database) as unit:
        ended = world.consents.revoke(unit, consent.id, None, actor=actor)
    assert ended.status(ended_at) is ConsentStatus.REVOKED
    world.clock.advance(hours=1)
    world.revoke(consent)  # a second revocation changes nothing
    first, last = history(world, consent)
    assert (first.version, last.version, last.action, last.actor) == (1, 2, ConsentAction.REVOKED, actor)
    assert (last.scopes, last.details, last.asked, last.at) == (consent.scopes, consent.details, None, ended_at)


@pytest.mark.postgresql
def test_concurrent_revokes_append_one_version(world: DemoWorld) -> None:
    consent = world.grant()
    assert not [each for each in at_once([lambda: world.revoke(consent)] * 8) if each is not None]
    assert [version.action for version in history(world, consent)] == [ConsentAction.CREATED, ConsentAction.REVOKED]
    assert len(world.rows("SELECT id FROM outbox WHERE topic = 'CONSENT_REVOKED'")) == 1


def test_client_can_revoke_only_its_own_consent(world: DemoWorld) -> None:
    consent = world.grant()
    with writing(world.database) as unit, pytest.raises(NotFound):
        world.consents.revoke_for_client(unit, client_of(world, "online_shop"), consent.id)
    with writing(world.database) as unit, pytest.raises(NotFound):
        world.consents.revoke_for_client(unit, client_of(world), "con_test_unknown")
    assert len(history(world, consent)) == 1
    with writing(world.database) as unit:
        world.consents.revoke_for_client(unit, client_of(world), consent.id)
    assert [version.actor for version in history(world, consent)] == [Actor.USER, Actor.MERCHANT]


def test_consents_of_a_user_have_their_versions(world: DemoWorld) -> None:
    first, second = world.grant(), world.grant()
    world.grant("good")
    world.revoke(first)
    with reading(world.database) as unit:
        consents = world.consents.list_of_user(unit, first.user_id)
    assert [(each.consent.id, [version.version for version in each.history]) for each in consents] == [
        (second.id, [1]),
        (first.id, [1, 2]),
    ]


def test_unknown_consent_has_no_versions(world: DemoWorld) -> None:
    with reading(world.database) as unit:
        assert unit.consent_versions.list_of_consent("con_test_unknown") == []
