"""The log signing keys: one in force, rotated at any moment, by any process, and never forgotten."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from gateway.kit.crypto import SigningKey, verifies
from gateway.store import keys, log_check
from gateway.store.database import Database
from gateway.store.keys import Keyring
from tests.support.clock import NOON
from tests.support.factories import ids, make_cast
from tests.support.logs import MASTER, Logs
from tests.support.race import race

DAY = timedelta(days=1)


def test_a_rotation_by_another_process_is_noticed_at_once(database: Database) -> None:
    here, there = Keyring(MASTER, ids), Keyring(MASTER, ids)
    with database.write() as session:
        first = here.signing_key(session, NOON)
    with database.write() as session:
        assert here.signing_key(session, NOON).kid == first.kid
    with database.write() as session:
        second = there.rotate(session, NOON)
    with database.write() as session:
        assert here.signing_key(session, NOON).kid == second != first.kid


def test_a_rotation_that_failed_leaves_the_key_in_force(database: Database) -> None:
    keyring = Keyring(MASTER, ids)
    with database.write() as session:
        first = keyring.signing_key(session, NOON)

    def fail_after_rotating() -> None:
        with database.write() as session:
            keyring.rotate(session, NOON)
            assert keyring.signing_key(session, NOON).kid != first.kid
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_rotating()
    with database.write() as session:
        assert keyring.signing_key(session, NOON).kid == first.kid


def test_the_first_rotation_makes_the_first_key(database: Database) -> None:
    with database.write() as session:
        kid = Keyring(MASTER, ids).rotate(session, NOON)
    with database.read() as session:
        (row,) = keys.listed(session)
        assert (row.kid, row.retired_at) == (kid, None)


def test_what_a_retired_key_signed_verifies_for_ever(database: Database) -> None:
    logs = Logs()
    with database.write() as session:
        cast = make_cast(session)
        logs.decide(session, cast)
    for day in range(1, 4):
        with database.write() as session:
            logs.keyring.rotate(session, NOON + day * DAY)
        with database.write() as session:
            logs.decide(session, cast)
    with database.read() as session:
        report = log_check.check(session)
        assert (report.finding, report.entries["decision"]) == (None, 4)
        assert len(keys.public_keys(session)) == 4
        assert [row.retired_at is None for row in keys.listed(session)] == [False, False, False, True]


def test_retired_keys_are_published_for_a_while(database: Database) -> None:
    keyring, kids = Keyring(MASTER, ids), []
    for day in range(3):
        with database.write() as session:
            kids.append(keyring.rotate(session, NOON + day * DAY))
    with database.read() as session:
        # Retired at noon of day 1 and of day 2; the last is in force.
        for since, expected in ((0, kids), (1, kids[1:]), (2, kids[2:]), (99, kids[2:])):
            assert [row.kid for row in keys.published(session, NOON + since * DAY)] == expected


def test_keys_open_with_the_master_key_only(database: Database) -> None:
    with database.write() as session:
        key = Keyring(MASTER, ids).signing_key(session, NOON)
        (row,) = keys.listed(session)
        assert key.private not in row.private_sealed
        assert verifies(row.public, b"m", key.sign(b"m"))
        assert SigningKey(key.private).kid == row.kid


def test_writers_go_on_while_keys_are_rotated(database: Database) -> None:
    """Four threads write, a fifth rotates: every entry is there and verifies."""
    logs, rounds = Logs(), 8
    with database.write() as session:
        casts = [make_cast(session) for _ in range(4)]
        logs.decide(session, casts[0])

    def write(number: int) -> None:
        for _ in range(rounds):
            with database.write() as session:
                logs.decide(session, casts[number])

    def rotate(_: int) -> None:
        keyring = Keyring(MASTER, ids)
        for _ in range(rounds):
            with database.write() as session:
                keyring.rotate(session, NOON)

    def act(number: int) -> None:
        (write if number < 4 else rotate)(number)

    race(act, 5)
    write(0)
    with database.read() as session:
        report = log_check.check(session)
        assert len({kid for (kid,) in session.execute(text("SELECT kid FROM decision_log"))}) > 1
        assert (report.finding, report.entries["decision"]) == (None, 5 * rounds + 1)
        assert sum(row.retired_at is None for row in keys.listed(session)) == 1


def test_rotations_at_once_leave_one_key_in_force(database: Database) -> None:
    def rotate(_: int) -> str:
        with database.write() as session:
            return Keyring(MASTER, ids).rotate(session, NOON)

    made = race(rotate, 6)
    with database.read() as session:
        rows = keys.listed(session)
    assert sorted(row.kid for row in rows) == sorted(made)
    assert sum(row.retired_at is None for row in rows) == 1
