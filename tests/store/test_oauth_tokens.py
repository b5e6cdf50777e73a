"""Tokens: loaded with client, partner and consent, and rotated once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.kit.crypto import digest
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork
from tests.support.clock import BUSINESS_NOON, NOON
from tests.support.factories import make_access_token, make_cast, make_consent, make_refresh_token
from tests.support.race import race_writes
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

LATER = NOON + timedelta(minutes=1)


def test_a_user_token_is_found_with_client_partner_and_consent(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        token = make_access_token(unit, cast.client, cast.consent)
    with reading(database) as unit:
        loaded = unit.tokens.load_with_client(token)
    assert loaded is not None
    assert (loaded.client.id, loaded.partner.id, loaded.consent) == (cast.client, cast.partner, cast.consent)
    assert loaded.token.scopes == ["score:tier", "decisions:request"]


def test_a_merchant_token_has_no_consent(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        token = make_access_token(unit, cast.client)
    with reading(database) as unit:
        loaded = unit.tokens.load_with_client(token)
        assert loaded is not None
        assert loaded.consent is None
        assert unit.tokens.load_with_client(digest("unknown")) is None


def test_token_whose_row_has_not_changed_is_not_made_again(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        token = make_access_token(unit, cast.client, cast.consent)
    with reading(database) as unit:
        first = unit.tokens.load_with_client(token)
    with reading(database) as unit:
        assert unit.tokens.load_with_client(token) is first
    with writing(database) as unit:
        unit.partners.move_clock(cast.partner, 60)
    with reading(database) as unit:
        changed = unit.tokens.load_with_client(token)
    assert first is not None
    assert changed is not None
    assert (first.partner.clock_offset_seconds, changed.partner.clock_offset_seconds) == (0, 60)


def test_equal_parts_of_two_tokens_are_made_once(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        tokens = [make_access_token(unit, cast.client, cast.consent) for _ in range(2)]
    with reading(database) as unit:
        first, second = (unit.tokens.load_with_client(token) for token in tokens)
    with writing(database) as unit:
        locked = unit.consents.lock(cast.consent.id)
    assert first is not None
    assert second is not None
    assert first.token.digest != second.token.digest
    assert first.client is second.client
    assert first.consent is second.consent is locked


def test_revoked_consent_is_seen_by_the_next_unit(database: Database) -> None:
    revoked_at = BUSINESS_NOON + timedelta(minutes=1)
    with writing(database) as unit:
        cast = make_cast(unit)
        token = make_access_token(unit, cast.client, cast.consent)
    with writing(database) as unit:
        assert unit.consents.revoke(cast.consent.id, revoked_at)
    with reading(database) as unit:
        loaded = unit.tokens.load_with_client(token)
        assert loaded is not None
        assert loaded.consent is not None
        assert loaded.consent.revoked_at == revoked_at


def test_first_use_is_seen_by_the_next_unit(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        consent = make_consent(unit, cast.client, cast.user, used=False)
        token = make_access_token(unit, cast.client, consent)
    for first_used_at in (None, BUSINESS_NOON):
        with reading(database) as unit:
            loaded = unit.tokens.load_with_client(token)
        assert loaded is not None
        assert loaded.consent == replace(consent, first_used_at=first_used_at)
        with writing(database) as unit:
            unit.consents.note_first_use(consent.id, BUSINESS_NOON)


def test_locked_refresh_token_comes_with_consent_and_user(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        token = make_refresh_token(unit, cast.consent)
        locked = unit.tokens.lock_refresh_token(token, cast.client)
        assert locked is not None
        assert (locked.token.digest, locked.consent, locked.user_disabled_at) == (token, cast.consent, None)
        assert unit.tokens.lock_refresh_token(token, "cli_other") is None
        assert unit.tokens.lock_refresh_token(digest("unknown"), cast.client) is None


def test_changes_of_a_refresh_token_are_seen_under_its_lock(database: Database) -> None:
    revoked_at = BUSINESS_NOON + timedelta(minutes=1)
    with writing(database) as unit:
        cast = make_cast(unit)
        token = make_refresh_token(unit, cast.consent)
        assert unit.tokens.lock_refresh_token(token, cast.client) is not None
    with writing(database) as unit:
        assert unit.tokens.use_refresh_token(token, digest("next"), NOON)
        assert unit.consents.revoke(cast.consent.id, revoked_at)
        unit.users.disable(cast.user, LATER)
    with writing(database) as unit:
        locked = unit.tokens.lock_refresh_token(token, cast.client)
        assert locked is not None
        assert (locked.token.used_at, locked.consent.revoked_at, locked.user_disabled_at) == (NOON, revoked_at, LATER)


def test_only_one_of_concurrent_rotations_succeeds(database: Database) -> None:
    with writing(database) as unit:
        token = make_refresh_token(unit, make_cast(unit).consent)

    def rotate(unit: UnitOfWork, number: int) -> bool:
        return unit.tokens.use_refresh_token(token, digest(f"successor {number}"), NOON)

    won = race_writes(database, rotate)
    assert sorted(won) == [False] * 7 + [True]
    with reading(database) as unit:
        row = unit.tokens.load_refresh_token(token)
        assert row is not None
        assert row.successor == digest(f"successor {won.index(True)}")


def test_a_revoked_refresh_token_does_not_rotate(database: Database) -> None:
    with writing(database) as unit:
        consent = make_cast(unit).consent
        token = make_refresh_token(unit, consent, family="f")
        unit.endings.end_family(consent.id, "f", NOON)
        assert not unit.tokens.use_refresh_token(token, digest("next"), NOON)


def test_only_one_of_concurrent_retries_gets_a_new_successor(database: Database) -> None:
    with writing(database) as unit:
        consent = make_cast(unit).consent
        used, successor = make_refresh_token(unit, consent), make_refresh_token(unit, consent)
        assert unit.tokens.use_refresh_token(used, successor, NOON)

    def retry(unit: UnitOfWork, number: int) -> bool:
        return unit.tokens.replace_successor(used, successor, digest(f"new {number}"), LATER)

    won = race_writes(database, retry)
    assert sorted(won) == [False] * 7 + [True]
    with reading(database) as unit:
        first, second = unit.tokens.load_refresh_token(used), unit.tokens.load_refresh_token(successor)
        assert first is not None
        assert second is not None
        assert (first.successor, second.revoked_at) == (digest(f"new {won.index(True)}"), LATER)


def test_a_used_successor_is_not_replaced(database: Database) -> None:
    with writing(database) as unit:
        consent = make_cast(unit).consent
        used, successor = make_refresh_token(unit, consent), make_refresh_token(unit, consent)
        assert unit.tokens.use_refresh_token(used, successor, NOON)
        assert unit.tokens.use_refresh_token(successor, digest("third"), NOON)
        assert not unit.tokens.replace_successor(used, successor, digest("new"), NOON)
