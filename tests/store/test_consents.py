"""Consents: what was agreed comes back as it was, and ends once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from gateway.domain.consent import ConsentStatus
from gateway.store import consents
from gateway.store.database import Database
from tests.support.clock import NOON
from tests.support.factories import make_cast, make_consent, make_user
from tests.support.race import race_writes


def test_a_consent_comes_back_as_it_was_given(database: Database) -> None:
    with database.write() as session:
        consent = make_cast(session).consent
    with database.read() as session:
        assert consents.load(session, consent.id) == consent
        assert consents.load(session, "con_no") is None


def test_a_persons_consents_come_newest_first(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
        make_consent(session, cast.client, make_user(session, cast.partner))
        later = make_consent(session, cast.client, cast.user)
    with database.read() as session:
        assert consents.of_user(session, cast.user) == [later, cast.consent]


def test_one_of_many_ends_a_consent(database: Database) -> None:
    with database.write() as session:
        consent = make_cast(session).consent
    moments = [NOON + timedelta(seconds=number) for number in range(8)]
    won = race_writes(database, lambda session, number: consents.revoke(session, consent.id, moments[number]))
    assert sorted(won) == [False] * 7 + [True]
    with database.read() as session:
        ended = consents.load(session, consent.id)
        assert ended is not None
        assert ended.revoked_at == moments[won.index(True)]
        assert ended.status(NOON) is ConsentStatus.REVOKED


def test_a_locked_consent_does_not_end_before_the_unit_that_holds_it(database: Database) -> None:
    with database.write() as session:
        consent = make_cast(session).consent
    ended = threading.Event()

    def revoke() -> bool:
        with database.write() as session:
            answer = consents.revoke(session, consent.id, NOON)
        ended.set()
        return answer

    with ThreadPoolExecutor(1) as pool:
        with database.write() as session:
            assert consents.load(session, consent.id, lock=True) == consent
            revoking = pool.submit(revoke)
            assert not ended.wait(0.2)
        assert revoking.result(timeout=10)
