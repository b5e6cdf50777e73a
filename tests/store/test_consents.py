"""Consents: they round-trip, are revoked once, and have one first use."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.consents.consent import ConsentStatus
from gateway.store.database import Database
from tests.support.clock import BUSINESS_NOON
from tests.support.factories import make_cast, make_consent, make_user
from tests.support.race import race_writes
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql


def test_consent_round_trips(database: Database) -> None:
    with writing(database) as unit:
        consent = make_cast(unit).consent
    with reading(database) as unit:
        assert unit.consents.load(consent.id) == consent
        assert unit.consents.load("con_no") is None


def test_consents_of_a_user_are_listed_newest_first(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        make_consent(unit, cast.client, make_user(unit, cast.partner))
        later = make_consent(unit, cast.client, cast.user)
    with reading(database) as unit:
        assert unit.consents.list_of_user(cast.user) == [later, cast.consent]


def test_only_one_of_concurrent_revocations_succeeds(database: Database) -> None:
    with writing(database) as unit:
        consent = make_cast(unit).consent
    moments = [BUSINESS_NOON + timedelta(seconds=number) for number in range(8)]
    won = race_writes(database, lambda unit, number: unit.consents.revoke(consent.id, moments[number]))
    assert sorted(won) == [False] * 7 + [True]
    with reading(database) as unit:
        ended = unit.consents.load(consent.id)
        assert ended is not None
        assert ended.revoked_at == moments[won.index(True)]
        assert ended.status(BUSINESS_NOON) is ConsentStatus.REVOKED


def test_only_one_of_concurrent_uses_is_the_first(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        consent = make_consent(unit, cast.client, cast.user, used=False)
        assert unit.consents.note_first_use(cast.consent.id, BUSINESS_NOON) is None
    moments = [BUSINESS_NOON + timedelta(seconds=number) for number in range(8)]
    won = race_writes(database, lambda unit, number: unit.consents.note_first_use(consent.id, moments[number]))
    (first,) = [each for each in won if each is not None]
    assert first == replace(consent, first_used_at=moments[won.index(first)])
    with reading(database) as unit:
        assert unit.consents.load(consent.id) == first


def test_locked_consent_cannot_be_revoked_until_the_unit_ends(database: Database) -> None:
    with writing(database) as unit:
        consent = make_cast(unit).consent
    ended = threading.Event()

    def revoke() -> bool:
        with writing(database) as unit:
            succeeded = unit.consents.revoke(consent.id, BUSINESS_NOON)
        ended.set()
        return succeeded

    with ThreadPoolExecutor(1) as pool:
        with writing(database) as unit:
            assert unit.consents.lock(consent.id) == consent
            revoking = pool.submit(revoke)
            assert not ended.wait(0.2)
        assert revoking.result(timeout=10)
