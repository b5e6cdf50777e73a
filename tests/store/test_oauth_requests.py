"""Pushed requests and codes: used once, whoever is quicker, and not after their time."""

from datetime import timedelta

from gateway.kit.crypto import digest
from gateway.store import oauth_requests
from gateway.store.database import Database
from gateway.store.oauth_requests import AuthorizationCodeRow, PushedRequestRow
from tests.support.clock import NOON
from tests.support.factories import make_cast, make_code, make_pushed_request
from tests.support.race import race_writes

MINUTE = timedelta(minutes=1)


def test_one_of_many_redeems_a_code(database: Database) -> None:
    with database.write() as session:
        code = make_code(session, make_cast(session).consent)
    won = race_writes(database, lambda session, _: oauth_requests.use_code(session, code, NOON))
    assert sorted(won) == [False] * 7 + [True]
    with database.read() as session:
        row = oauth_requests.code(session, code)
        assert row is not None
        assert row.used_at == NOON


def test_one_of_many_decides_a_pushed_request(database: Database) -> None:
    with database.write() as session:
        request = make_pushed_request(session, make_cast(session).client)
    won = race_writes(database, lambda session, _: oauth_requests.use_pushed_request(session, request, NOON))
    assert sorted(won) == [False] * 7 + [True]


def test_an_expired_request_is_not_decided(database: Database) -> None:
    with database.write() as session:
        request = make_pushed_request(session, make_cast(session).client, expires_at=NOON)
        assert not oauth_requests.use_pushed_request(session, request, NOON)
        assert oauth_requests.use_pushed_request(session, request, NOON - timedelta(microseconds=1))


def test_an_unknown_digest_is_nobodys(database: Database) -> None:
    with database.write() as session:
        assert not oauth_requests.use_code(session, digest("no"), NOON)
        assert not oauth_requests.use_pushed_request(session, digest("no"), NOON)
        assert oauth_requests.code(session, digest("no")) is None
        assert oauth_requests.pushed_request(session, digest("no")) is None


def test_what_was_pushed_comes_back_whole(database: Database) -> None:
    parameters = {"scope": "score:tier", "authorization_details": [{"type": "score", "note": "信用"}], "max_age": 0}
    with database.write() as session:
        cast = make_cast(session)
        row = PushedRequestRow(digest=digest("r"), client_id=cast.client, parameters=parameters, expires_at=NOON)
        oauth_requests.insert(session, row)
        code = AuthorizationCodeRow(
            digest=digest("c"),
            client_id=cast.client,
            consent_id=cast.consent.id,
            redirect_uri="https://client.example/callback?a=1",
            code_challenge="x",
            expires_at=NOON,
        )
        oauth_requests.insert(session, code)
    with database.read() as session:
        pushed = oauth_requests.pushed_request(session, digest("r"))
        assert pushed is not None
        assert pushed.parameters == parameters
        found = oauth_requests.code(session, digest("c"))
        assert found is not None
        assert found.redirect_uri == "https://client.example/callback?a=1"


def test_an_opened_request_lasts_longer_once(database: Database) -> None:
    with database.write() as session:
        request = make_pushed_request(session, make_cast(session).client, expires_at=NOON + MINUTE)

        def opened(now: object, until: object) -> object:
            oauth_requests.open_pushed_request(session, request, now, NOON + MINUTE, until)  # type: ignore[arg-type]
            session.expire_all()
            row = oauth_requests.pushed_request(session, request)
            assert row is not None
            return row.expires_at

        assert opened(NOON + MINUTE, NOON + 9 * MINUTE) == NOON + MINUTE  # too late
        assert opened(NOON, NOON + 10 * MINUTE) == NOON + 10 * MINUTE
        assert opened(NOON + MINUTE, NOON + 20 * MINUTE) == NOON + 10 * MINUTE  # opened before
