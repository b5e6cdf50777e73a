"""The migration for people: users of an older database keep their digests, and people cannot be lost by a downgrade."""

from contextlib import closing
from typing import Any

import pytest

from gateway.audit.log_verification import verify_logs
from gateway.audit.records import compare_records
from gateway.kit.clock import WallTime
from gateway.store.database import Database
from gateway.store.identity.invitations import InvitationRow
from gateway.store.identity.users import UserRow, new_log_subject
from gateway.store.logs.keys import Keyring
from gateway.store.logs.record_log import digest_record
from migrations import runner
from tests.fixtures.settings import MASTER
from tests.support.clock import NOON
from tests.support.factories import ids, make_cast, make_persona
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

BEFORE, REVISION = "2026_11_29_2000", "2026_11_29_2100"
COLUMNS = {"external_id", "email", "language"}


def opened(database_url: str) -> "closing[Database]":
    return closing(Database(database_url, keyring=Keyring(MASTER, ids)))


def test_users_of_an_older_database_agree_with_the_record_log(database_url: str) -> None:
    with opened(database_url) as database, writing(database) as unit:
        cast = make_cast(unit)
        make_persona(unit, cast.partner, cast.user)
        before = unit.users.load(cast.user)
        assert before is not None
    runner.downgrade(database_url, BEFORE)
    runner.upgrade(database_url)
    with opened(database_url) as database, reading(database) as unit:
        assert unit.users.load(cast.user) == before
        assert [finding for _, finding in compare_records(unit, 100) if finding is not None] == []
        assert verify_logs(unit).intact


def test_new_columns_do_not_change_the_digest_of_an_older_user() -> None:
    """Also of a persona whose language is not known: a default would change the digest."""
    row = vars(UserRow(id="usr_1", username="mei", display_name="Mei", log_subject="sub_1", created_at=NOON))
    old = {name: value for name, value in row.items() if name not in COLUMNS}
    assert len(old) == len(row) - len(COLUMNS)
    assert digest_record(row) == digest_record(old)
    for name in COLUMNS:
        assert digest_record({**row, name: "en"}) != digest_record(old)


@pytest.mark.parametrize("columns", [{}, {"email": "mei@shop.example", "password_hash": "x"}], ids=["new", "email"])
def test_downgrade_with_people_changes_nothing(database_url: str, columns: dict[str, Any]) -> None:
    with opened(database_url) as database:
        with writing(database) as unit:
            user = UserRow(
                id="usr_1",
                username="mei",
                display_name="Mei",
                log_subject=new_log_subject(),
                created_at=NOON,
                **columns,
            )
            unit.users.insert(user)
            unit.invitations.insert(
                InvitationRow(digest="d", user_id=user.id, created_at=NOON, expires_at=WallTime(NOON))
            )
        database.engine.dispose()
        with pytest.raises(RuntimeError, match=f"{REVISION} is forward only"):
            runner.downgrade(database_url, BEFORE)
        with reading(database) as unit:
            assert unit.users.load("usr_1") == user
            assert unit.invitations.load("d") is not None
