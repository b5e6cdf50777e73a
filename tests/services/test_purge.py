"""The purge: expired rows are deleted in small units of work, and used codes and refresh tokens stay as long as a token
of their family is valid."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from gateway.domain.notices.notice import NoticeKind
from gateway.kit.clock import WallTime
from gateway.services.purge import CLOCK_MARGIN, PurgeService
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.decisions.idempotency import IdempotencyRow
from gateway.store.identity.invitations import InvitationRow
from gateway.store.identity.sessions import SessionRow
from gateway.store.merchants.partner_sessions import PartnerSessionRepository, PartnerSessionRow, SignInLinkRow
from gateway.store.oauth.device_codes import DeviceCodeRow
from gateway.store.oauth.initial_access_tokens import InitialAccessTokenRow
from gateway.store.oauth.tokens import REFRESH_TOKENS
from gateway.store.purge import PURGED
from gateway.store.tables import metadata
from gateway.store.unit import UnitOfWork
from tests.support.clock import NOON, MovableClock
from tests.support.factories import (
    Cast,
    make_access_token,
    make_cast,
    make_code,
    make_pushed_request,
    make_refresh_token,
)
from tests.support.race import race
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

HOUR = timedelta(hours=1)


def make_device_code(unit: UnitOfWork, cast: Cast) -> None:
    row = DeviceCodeRow(
        digest="d", user_code_mac="m", client_id=cast.client, parameters={}, interval_seconds=5, expires_at=NOON
    )
    assert unit.device_codes.insert(row)


def make_invitation(unit: UnitOfWork, cast: Cast) -> None:
    row = InitialAccessTokenRow(
        digest="i",
        merchant_id=cast.merchant,
        scopes=[],
        authorization_details_types=[],
        created_at=NOON - HOUR,
        expires_at=NOON,
    )
    unit.initial_access_tokens.insert(row)


def make_person_invitation(unit: UnitOfWork, cast: Cast) -> None:
    unit.invitations.insert(
        InvitationRow(digest="i", user_id=cast.user, created_at=WallTime(NOON - HOUR), expires_at=NOON)
    )


def make_idempotency_record(unit: UnitOfWork, cast: Cast) -> None:
    row = IdempotencyRow(
        partner_id=cast.partner,
        client_id=cast.client,
        mutation="decisionCancel",
        key="k",
        input={},
        decision_id="dec_1",
        expires_at=NOON,
    )
    assert unit.idempotency.claim(row, NOON)


def make_sign_in_link(unit: UnitOfWork, cast: Cast) -> None:
    PartnerSessionRepository(unit.connection).insert_link(
        SignInLinkRow(digest="l", partner_id=cast.partner, created_at=WallTime(NOON - HOUR), expires_at=NOON)
    )


def make_partner_session(unit: UnitOfWork, cast: Cast) -> None:
    PartnerSessionRepository(unit.connection).insert(
        PartnerSessionRow(digest="p", partner_id=cast.partner, created_at=WallTime(NOON - HOUR), expires_at=NOON)
    )


def make_session(unit: UnitOfWork, cast: Cast) -> None:
    unit.sessions.insert(
        SessionRow(digest="s", user_id=cast.user, created_at=NOON - timedelta(hours=12), last_seen_at=NOON)
    )


ROWS: dict[str, tuple[Callable[[UnitOfWork, Cast], object], timedelta]] = {
    "oauth_pushed_requests": (lambda unit, cast: make_pushed_request(unit, cast.client, expires_at=NOON), HOUR),
    "oauth_codes": (lambda unit, cast: make_code(unit, cast.consent, expires_at=NOON), HOUR),
    "oauth_access_tokens": (
        lambda unit, cast: make_access_token(unit, cast.client),
        HOUR + timedelta(minutes=5),
    ),
    "oauth_refresh_tokens": (lambda unit, cast: make_refresh_token(unit, cast.consent), HOUR + timedelta(days=90)),
    "oauth_device_codes": (make_device_code, HOUR),
    "oauth_initial_access_tokens": (make_invitation, HOUR),
    "invitations": (make_person_invitation, HOUR),
    "sign_in_links": (make_sign_in_link, HOUR),
    "partner_sessions": (make_partner_session, HOUR),
    "oauth_replays": (lambda unit, _: unit.replays.record_use("r", NOON, NOON), CLOCK_MARGIN),
    "idempotency_records": (make_idempotency_record, CLOCK_MARGIN),
    "sessions": (make_session, timedelta(0)),
    "notices": (lambda unit, cast: unit.notices.add(cast.user, NoticeKind.SIGN_IN), timedelta(days=365)),
}
"""By table: a function that inserts a row, and how long after NOON the row stays."""

WEBHOOKS = {"webhook_attempts", "webhook_deliveries", "webhook_messages"}
"""Their rows refer to each other: tests/services/webhooks purges them."""

OF_SANDBOX = {"request_log"}
"""Purged by tests/services/test_request_log_writer.py."""


def count(database: Database, table: str) -> int:
    with reading(database) as unit:
        return unit.connection.execute(select(func.count()).select_from(metadata.tables[table])).scalar_one()


def test_b2_every_table_with_an_expiry_is_purged() -> None:
    expiring = {name for name, table in metadata.tables.items() if "expires_at" in table.c}
    # Consents are the record of what a person has allowed.
    assert expiring - {"consents"} <= set(PURGED) == {*ROWS, *WEBHOOKS, *OF_SANDBOX}


@pytest.mark.parametrize("table", ROWS)
def test_b2_an_expired_row_is_deleted_after_its_time(
    database: Database, settings: Settings, clock: MovableClock, table: str
) -> None:
    make, stays = ROWS[table]
    with writing(database) as unit:
        make(unit, make_cast(unit))
    purges = PurgeService(database, settings)
    clock.advance(stays)
    assert purges.purge()[table] == 0
    clock.advance(timedelta(microseconds=1))
    assert {name: rows for name, rows in purges.purge().items() if rows} == {table: 1}
    assert count(database, table) == 0


@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_b2_a_family_stays_until_its_last_token_has_expired(
    database: Database, settings: Settings, clock: MovableClock, kind: str
) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        make_code(unit, cast.consent, family="f")
        old = make_refresh_token(unit, cast.consent, family="f")
        unit.connection.execute(REFRESH_TOKENS.update().values(expires_at=NOON))
        if kind == "access":
            make_access_token(unit, cast.client, cast.consent, family="f")
        else:
            make_refresh_token(unit, cast.consent, family="f")
        last = NOON + (timedelta(minutes=5) if kind == "access" else timedelta(days=90))
    purges = PurgeService(database, settings)
    clock.advance(last - NOON + HOUR)
    assert not any(purges.purge().values())
    with reading(database) as unit:
        assert unit.tokens.load_refresh_token(old) is not None  # its reuse would be noticed
    clock.advance(timedelta(microseconds=1))
    purges.purge()
    purges.purge()  # the access token is deleted after the rows that waited for it
    assert [count(database, table) for table in ("oauth_codes", "oauth_refresh_tokens", "oauth_access_tokens")] == [
        0
    ] * 3


def test_b2_a_purge_deletes_in_batches_and_stops(database: Database, settings: Settings, clock: MovableClock) -> None:
    with writing(database) as unit:
        for number in range(25):
            unit.replays.record_use(f"r{number}", NOON, WallTime(NOON + timedelta(seconds=number)))
    clock.advance(HOUR)
    purges = PurgeService(database, settings, batch=5)
    assert purges.purge(most_batches=2)["oauth_replays"] == 10
    with reading(database) as unit:
        kept = unit.connection.execute(select(metadata.tables["oauth_replays"].c.digest)).scalars()
        assert set(kept) == {f"r{number}" for number in range(10, 25)}  # the oldest go first
    assert purges.purge()["oauth_replays"] == 15


def test_b2_concurrent_purges_delete_each_row_once(database: Database, settings: Settings, clock: MovableClock) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        for number in range(60):
            unit.replays.record_use(f"r{number}", NOON, NOON)
            make_refresh_token(unit, cast.consent, family=f"f{number % 6}")
    clock.advance(timedelta(days=100))
    deleted = race(lambda _: PurgeService(database, settings, batch=5).purge())
    for table in ("oauth_replays", "oauth_refresh_tokens"):
        assert sum(each[table] for each in deleted) == 60 - count(database, table)
    PurgeService(database, settings).purge()
    assert count(database, "oauth_replays") == count(database, "oauth_refresh_tokens") == 0
