"""Endings: of one access token, a family, a consent and a client. What has ended keeps the time of its end."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway.store.database import Database
from gateway.store.oauth.requests import AUTHORIZATION_CODES
from gateway.store.oauth.tokens import ACCESS_TOKENS, REFRESH_TOKENS
from gateway.store.unit import UnitOfWork
from tests.support.clock import NOON
from tests.support.factories import (
    Cast,
    make_access_token,
    make_cast,
    make_client,
    make_code,
    make_consent,
    make_pushed_request,
    make_refresh_token,
    make_user,
)
from tests.support.units import writing

pytestmark = pytest.mark.postgresql

LATER = NOON + timedelta(minutes=1)


def revoked(unit: UnitOfWork) -> set[str]:
    """Returns the digests of all revoked tokens."""
    return {
        each
        for table in (ACCESS_TOKENS, REFRESH_TOKENS)
        for each in unit.connection.execute(select(table.c.digest).where(table.c.revoked_at.is_not(None))).scalars()
    }


def ended_codes(unit: UnitOfWork) -> set[str]:
    """Returns the digests of all codes that have ended."""
    ended = select(AUTHORIZATION_CODES.c.digest).where(AUTHORIZATION_CODES.c.ended_at.is_not(None))
    return set(unit.connection.execute(ended).scalars())


def two_families(unit: UnitOfWork, cast: Cast) -> tuple[str, str, str, str]:
    """Creates access and refresh tokens of family "one", then of family "two"."""
    return (
        make_access_token(unit, cast.client, cast.consent, family="one"),
        make_refresh_token(unit, cast.consent, family="one"),
        make_access_token(unit, cast.client, cast.consent, family="two"),
        make_refresh_token(unit, cast.consent, family="two"),
    )


def test_ending_a_family_revokes_only_its_tokens(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        one, two, *_ = two_families(unit, cast)
        unit.endings.end_family(cast.consent.id, "one", NOON)
        assert revoked(unit) == {one, two}


def test_ending_a_consent_revokes_only_its_tokens(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        other = make_consent(unit, cast.client, make_user(unit, cast.partner))
        make_access_token(unit, cast.client, other)
        make_access_token(unit, cast.client)
        all_four = two_families(unit, cast)
        unit.endings.end_consent(cast.consent.id, NOON)
        assert revoked(unit) == set(all_four)


def test_first_revocation_time_is_kept(database: Database) -> None:
    with writing(database) as unit:
        token = make_access_token(unit, make_cast(unit).client)
        unit.endings.end_access_token(token, NOON)
        unit.endings.end_access_token(token, LATER)
        row = unit.tokens.load_access_token(token)
        assert row is not None
        assert row.revoked_at == NOON


def test_b1_a_family_ends_with_its_code(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        code = make_code(unit, cast.consent, family="one")
        make_code(unit, cast.consent, family="two")
        unit.endings.end_family(cast.consent.id, "one", NOON)
        assert ended_codes(unit) == {code}
        assert not unit.authorization_requests.use_code(code, NOON)


def test_b1_a_consent_ends_with_its_waiting_codes(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        used, waiting = make_code(unit, cast.consent), make_code(unit, cast.consent)
        make_code(unit, make_consent(unit, cast.client, make_user(unit, cast.partner)))
        assert unit.authorization_requests.use_code(used, NOON)
        unit.endings.end_consent(cast.consent.id, LATER)
        assert ended_codes(unit) == {waiting}


def test_b1_a_client_ends_with_all_that_it_waits_for(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        other = make_client(unit, cast.merchant)
        merchant_token, kept = make_access_token(unit, cast.client), make_access_token(unit, other)
        code, request = make_code(unit, cast.consent), make_pushed_request(unit, cast.client)
        of_other = make_pushed_request(unit, other)
        unit.endings.end_client(cast.client, NOON)
        assert (revoked(unit), ended_codes(unit)) == ({merchant_token}, {code})
        assert kept not in revoked(unit)
        assert not unit.authorization_requests.use_pushed_request(request, NOON, cast.user)
        assert unit.authorization_requests.use_pushed_request(of_other, NOON, cast.user)


def test_b1_a_disabled_client_cannot_be_held(database: Database) -> None:
    with writing(database) as unit:
        client_id = make_cast(unit).client
        assert unit.clients.hold(client_id)
        client = unit.clients.lock(client_id)
        assert client is not None
        unit.clients.update(client.model_copy(update={"disabled_at": NOON}))
        assert not unit.clients.hold(client_id)
