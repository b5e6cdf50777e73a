"""Pushed requests and authorization codes: used once, also by concurrent requests, and not after they expire."""

from datetime import timedelta

import pytest

from gateway.kit.clock import WallTime
from gateway.kit.crypto import digest
from gateway.store.database import Database
from gateway.store.oauth.requests import AuthorizationCodeRow, PushedRequestRow
from tests.support.clock import NOON
from tests.support.factories import make_cast, make_code, make_pushed_request
from tests.support.race import race_writes
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

MINUTE = timedelta(minutes=1)


def test_only_one_of_concurrent_redemptions_succeeds(database: Database) -> None:
    with writing(database) as unit:
        code = make_code(unit, make_cast(unit).consent)
    won = race_writes(database, lambda unit, _: unit.authorization_requests.use_code(code, NOON))
    assert sorted(won) == [False] * 7 + [True]
    with reading(database) as unit:
        row = unit.authorization_requests.load_code(code)
        assert row is not None
        assert row.used_at == NOON


def test_only_one_of_concurrent_decisions_on_a_request_succeeds(database: Database) -> None:
    with writing(database) as unit:
        request = make_pushed_request(unit, make_cast(unit).client)
    won = race_writes(database, lambda unit, _: unit.authorization_requests.use_pushed_request(request, NOON, "usr_1"))
    assert sorted(won) == [False] * 7 + [True]


def test_an_expired_request_is_not_decided(database: Database) -> None:
    with writing(database) as unit:
        request = make_pushed_request(unit, make_cast(unit).client, expires_at=NOON)
        assert not unit.authorization_requests.use_pushed_request(request, NOON, "usr_1")
        assert unit.authorization_requests.use_pushed_request(request, NOON - timedelta(microseconds=1), "usr_1")


def test_unknown_digest_is_refused(database: Database) -> None:
    with writing(database) as unit:
        assert not unit.authorization_requests.use_code(digest("no"), NOON)
        assert not unit.authorization_requests.use_pushed_request(digest("no"), NOON, "usr_1")
        assert unit.authorization_requests.load_code(digest("no")) is None
        assert unit.authorization_requests.load_pushed_request(digest("no")) is None


def test_pushed_request_and_code_round_trip(database: Database) -> None:
    parameters = {"scope": "score:tier", "authorization_details": [{"type": "score", "note": "信用"}], "max_age": 0}
    with writing(database) as unit:
        cast = make_cast(unit)
        row = PushedRequestRow(digest=digest("r"), client_id=cast.client, parameters=parameters, expires_at=NOON)
        unit.authorization_requests.insert_pushed_request(row)
        code = AuthorizationCodeRow(
            digest=digest("c"),
            client_id=cast.client,
            consent_id=cast.consent.id,
            redirect_uri="https://client.example/callback?a=1",
            code_challenge="x",
            family="f",
            expires_at=NOON,
        )
        unit.authorization_requests.insert_code(code)
    with reading(database) as unit:
        pushed = unit.authorization_requests.load_pushed_request(digest("r"))
        assert pushed is not None
        assert pushed.parameters == parameters
        loaded = unit.authorization_requests.load_code(digest("c"))
        assert loaded is not None
        assert loaded.redirect_uri == "https://client.example/callback?a=1"


def test_opening_extends_a_request_once(database: Database) -> None:
    with writing(database) as unit:
        request = make_pushed_request(unit, make_cast(unit).client, expires_at=NOON + MINUTE)

        def opened(now: WallTime, until: WallTime) -> WallTime:
            unit.authorization_requests.open_pushed_request(request, now, NOON + MINUTE, until)
            row = unit.authorization_requests.load_pushed_request(request)
            assert row is not None
            return row.expires_at

        assert opened(NOON + MINUTE, NOON + 9 * MINUTE) == NOON + MINUTE  # too late
        assert opened(NOON, NOON + 10 * MINUTE) == NOON + 10 * MINUTE
        assert opened(NOON + MINUTE, NOON + 20 * MINUTE) == NOON + 10 * MINUTE  # opened before
