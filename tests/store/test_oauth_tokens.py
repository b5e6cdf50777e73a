"""Tokens: found with all they stand for, rotated once, and ended by family, by consent or alone."""

from datetime import timedelta

from sqlmodel import select

from gateway.kit.crypto import digest
from gateway.store import consents, oauth_tokens
from gateway.store.database import Database, Session
from gateway.store.oauth_tokens import AccessTokenRow, RefreshTokenRow
from tests.support.clock import NOON
from tests.support.factories import Cast, make_access_token, make_cast, make_consent, make_refresh_token, make_user
from tests.support.race import race_writes

LATER = NOON + timedelta(minutes=1)


def ended(session: Session) -> set[str]:
    """Digests of all revoked tokens."""
    session.expire_all()
    rows = [*session.exec(select(AccessTokenRow)), *session.exec(select(RefreshTokenRow))]
    return {row.digest for row in rows if row.revoked_at is not None}


def test_a_user_token_is_found_with_client_partner_and_consent(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
        token = make_access_token(session, cast.client, cast.consent)
    with database.read() as session:
        bearer = oauth_tokens.bearer(session, token)
    assert bearer is not None
    assert (bearer.client.id, bearer.partner.id, bearer.consent) == (cast.client, cast.partner, cast.consent)
    assert bearer.token.scopes == ["score:tier", "decisions:request"]


def test_a_merchant_token_has_no_consent(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
        token = make_access_token(session, cast.client)
    with database.read() as session:
        bearer = oauth_tokens.bearer(session, token)
        assert bearer is not None
        assert bearer.consent is None
        assert oauth_tokens.bearer(session, digest("unknown")) is None


def test_a_withdrawn_consent_shows_at_the_next_look(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
        token = make_access_token(session, cast.client, cast.consent)
    with database.write() as session:
        assert consents.revoke(session, cast.consent.id, LATER)
    with database.read() as session:
        bearer = oauth_tokens.bearer(session, token)
        assert bearer is not None
        assert bearer.consent is not None
        assert bearer.consent.revoked_at == LATER


def test_one_of_many_rotates_a_refresh_token(database: Database) -> None:
    with database.write() as session:
        token = make_refresh_token(session, make_cast(session).consent)

    def rotate(session: Session, number: int) -> bool:
        return oauth_tokens.use_refresh_token(session, token, digest(f"successor {number}"), NOON)

    won = race_writes(database, rotate)
    assert sorted(won) == [False] * 7 + [True]
    with database.read() as session:
        row = oauth_tokens.refresh_token(session, token)
        assert row is not None
        assert row.successor == digest(f"successor {won.index(True)}")


def test_a_revoked_refresh_token_does_not_rotate(database: Database) -> None:
    with database.write() as session:
        token = make_refresh_token(session, make_cast(session).consent, family="f")
        oauth_tokens.revoke_family(session, "f", NOON)
        assert not oauth_tokens.use_refresh_token(session, token, digest("next"), NOON)


def test_one_of_many_retries_gets_a_new_successor(database: Database) -> None:
    with database.write() as session:
        consent = make_cast(session).consent
        used, successor = make_refresh_token(session, consent), make_refresh_token(session, consent)
        assert oauth_tokens.use_refresh_token(session, used, successor, NOON)

    def retry(session: Session, number: int) -> bool:
        return oauth_tokens.replace_successor(session, used, successor, digest(f"new {number}"), LATER)

    won = race_writes(database, retry)
    assert sorted(won) == [False] * 7 + [True]
    with database.read() as session:
        first, second = oauth_tokens.refresh_token(session, used), oauth_tokens.refresh_token(session, successor)
        assert first is not None
        assert second is not None
        assert (first.successor, second.revoked_at) == (digest(f"new {won.index(True)}"), LATER)


def test_a_used_successor_is_not_replaced(database: Database) -> None:
    with database.write() as session:
        consent = make_cast(session).consent
        used, successor = make_refresh_token(session, consent), make_refresh_token(session, consent)
        assert oauth_tokens.use_refresh_token(session, used, successor, NOON)
        assert oauth_tokens.use_refresh_token(session, successor, digest("third"), NOON)
        assert not oauth_tokens.replace_successor(session, used, successor, digest("new"), NOON)


def tokens(session: Session, cast: Cast) -> tuple[str, str, str, str]:
    """Access and refresh token of family "one", then of family "two"."""
    return (
        make_access_token(session, cast.client, cast.consent, family="one"),
        make_refresh_token(session, cast.consent, family="one"),
        make_access_token(session, cast.client, cast.consent, family="two"),
        make_refresh_token(session, cast.consent, family="two"),
    )


def test_ending_a_family_ends_its_tokens_and_no_others(database: Database) -> None:
    with database.write() as session:
        one, two, *_ = tokens(session, make_cast(session))
        oauth_tokens.revoke_family(session, "one", NOON)
        assert ended(session) == {one, two}


def test_ending_a_consent_ends_its_tokens_and_no_others(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
        other = make_consent(session, cast.client, make_user(session, cast.partner))
        make_access_token(session, cast.client, other)
        make_access_token(session, cast.client)
        all_four = tokens(session, cast)
        oauth_tokens.revoke_all(session, cast.consent.id, NOON)
        assert ended(session) == set(all_four)


def test_the_time_of_the_first_end_stays(database: Database) -> None:
    with database.write() as session:
        token = make_access_token(session, make_cast(session).client)
        oauth_tokens.revoke_access_token(session, token, NOON)
        oauth_tokens.revoke_access_token(session, token, LATER)
        session.expire_all()
        row = oauth_tokens.access_token(session, token)
        assert row is not None
        assert row.revoked_at == NOON
