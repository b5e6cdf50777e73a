"""The signing keys: one is in force, any process can rotate it at any time, and public keys are kept."""

from contextlib import closing
from datetime import timedelta

import pytest

from gateway.audit.log_verification import verify_logs
from gateway.kit.crypto import SealBroken, SigningKey, verifies
from gateway.services.checkpoints import CheckpointService
from gateway.store.database import Database
from gateway.store.logs.keys import Keyring
from tests.fixtures.settings import MASTER
from tests.support.clock import NOON, MovableClock
from tests.support.factories import ids, make_cast
from tests.support.logs import ISSUER, find_in_logs, log_decision, sign_checkpoints
from tests.support.race import race
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

DAY = timedelta(days=1)


def ensure(database: Database) -> SigningKey:
    return database.write(lambda unit: unit.keys.ensure_signing_key())


def rotate(database: Database) -> str:
    return database.write(lambda unit: unit.keys.rotate())


def test_rotation_by_another_process_takes_effect_at_once(database: Database, database_url: str) -> None:
    with closing(Database(database_url, keyring=Keyring(MASTER, ids))) as there:
        first = ensure(database)
        assert ensure(database).kid == first.kid
        second = rotate(there)
        assert ensure(database).kid == second != first.kid


def test_failed_rotation_keeps_the_key_in_force(database: Database) -> None:
    first = ensure(database)

    def fail_after_rotating() -> None:
        with writing(database) as unit:
            unit.keys.rotate()
            assert unit.keys.ensure_signing_key().kid != first.kid
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_rotating()
    assert ensure(database).kid == first.kid


def test_first_rotation_creates_the_first_key(database: Database) -> None:
    with reading(database) as unit:
        assert unit.keys.load_signing_key() is None
    kid = rotate(database)
    with reading(database) as unit:
        (row,) = unit.keys.list_signing_keys()
        assert (row.kid, row.created_at, row.retired_at) == (kid, NOON, None)
        key = unit.keys.load_signing_key()
        assert key is not None
        assert key.kid == kid


def test_checkpoints_signed_by_retired_keys_verify(database: Database, clock: MovableClock) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
    for _ in range(3):
        with writing(database) as unit:
            log_decision(unit, cast)
        sign_checkpoints(database)
        rotate(database)
        clock.advance(DAY)
    with reading(database) as unit:
        report = verify_logs(unit)
        assert report.finding is None
        assert report.checkpoints == 3 + 3 + 1  # of the decision and the access log, and of the record log
        assert [row.retired_at is None for row in unit.keys.list_signing_keys()] == [False, False, False, True]


def test_retired_keys_are_published_for_a_while(database: Database, clock: MovableClock) -> None:
    kids = []
    for _ in range(3):
        kids.append(rotate(database))
        clock.advance(DAY)
    with reading(database) as unit:
        # Retired at noon of day 1 and of day 2; the last is in force.
        for since, expected in ((0, kids), (1, kids[1:]), (2, kids[2:]), (99, kids[2:])):
            assert [row.kid for row in unit.keys.list_published(NOON + since * DAY)] == expected


def test_keys_open_with_the_master_key_only(database: Database, database_url: str) -> None:
    key = ensure(database)
    with reading(database) as unit:
        (row,) = unit.keys.list_signing_keys()
    assert key.private not in row.private_sealed
    assert verifies(row.public, b"m", key.sign(b"m"))
    assert SigningKey(key.private).kid == row.kid
    with closing(Database(database_url, keyring=Keyring(MASTER[::-1], ids))) as other, pytest.raises(SealBroken):
        ensure(other)
    with closing(Database(database_url)) as without, pytest.raises(RuntimeError, match="without the master key"):
        ensure(without)


def test_checkpoints_continue_during_key_rotations(database: Database) -> None:
    """Four threads write, a fifth rotates, a sixth signs. All entries and checkpoints verify."""
    rounds = 8
    with writing(database) as unit:
        casts = [make_cast(unit) for _ in range(4)]
        log_decision(unit, casts[0])
    service, kept = CheckpointService(database, ISSUER, None), []

    def act(number: int) -> None:
        for _ in range(rounds):
            if number < 4:
                database.write(lambda unit: log_decision(unit, casts[number]))
            elif number == 4:
                rotate(database)
            else:
                kept.append(service.sign())

    race(act, 6)
    kept.append(service.sign())
    assert find_in_logs(database, *kept) is None
    with reading(database) as unit:
        assert verify_logs(unit).entries["decision"] == 4 * rounds + 1
        assert sum(row.retired_at is None for row in unit.keys.list_signing_keys()) == 1


def test_concurrent_rotations_leave_one_key_in_force(database: Database) -> None:
    made = race(lambda _: rotate(database), 6)
    with reading(database) as unit:
        rows = unit.keys.list_signing_keys()
    assert sorted(row.kid for row in rows) == sorted(made)
    assert sum(row.retired_at is None for row in rows) == 1
