"""Statements that the driver runs return the same results as SQLAlchemy."""

from datetime import timedelta

import pytest
from sqlalchemy import bindparam, func, select, text
from sqlalchemy.exc import IntegrityError, InvalidRequestError, OperationalError, StatementError

from gateway.domain.decisions.transitions import Status
from gateway.store import statements
from gateway.store.database import Database
from gateway.store.decisions.decisions import DECISIONS
from gateway.store.identity.users import USERS
from gateway.store.merchants.partners import PARTNERS, PartnerRow
from gateway.store.repository import insert_into
from gateway.store.statements import run
from tests.support.clock import NOON
from tests.support.factories import make_cast, make_decision, make_partner
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

_PARTNER = select(PARTNERS).where(PARTNERS.c.id == bindparam("partner_id"))


def test_row_has_the_types_of_its_columns(database: Database) -> None:
    with writing(database) as unit:
        decision = make_decision(unit, make_cast(unit).consent)
        ours = run(unit.connection, select(DECISIONS), {}).rows[0]
        theirs = unit.connection.execute(select(DECISIONS)).one()
    assert ours._fields == theirs._fields
    assert list(ours) == list(theirs)
    assert ours.id == decision


def test_a_fixed_list_and_a_list_of_any_length(database: Database) -> None:
    fixed = select(func.count()).where(DECISIONS.c.status.in_([Status.APPROVED.value, Status.ACTIVE.value]))
    wanted = select(DECISIONS.c.id).where(DECISIONS.c.id.in_(bindparam("ids", expanding=True)))
    with writing(database) as unit:
        decision = make_decision(unit, make_cast(unit).consent)
        assert run(unit.connection, fixed.select_from(DECISIONS), {}).rows[0][0] == 1
        for ids in ([], [decision], [decision, "dec_other"]):
            found = [row.id for row in run(unit.connection, wanted, {"ids": ids}).rows]
            assert found == [each for each in ids if each == decision]


def test_engines_of_one_driver_share_a_compiled_statement(database: Database) -> None:
    statement = select(PARTNERS.c.name).where(PARTNERS.c.id == bindparam("id"))
    compiled = statements._compile.cache_info().misses
    with writing(database) as unit:
        run(unit.connection, statement, {"id": "prt_1"})
    with reading(database) as unit:
        run(unit.connection, statement, {"id": "prt_1"})
    assert statements._compile.cache_info().misses == compiled + 1


def test_changes_are_counted(database: Database) -> None:
    change = PARTNERS.update().where(PARTNERS.c.id == bindparam("partner_id")).values(clock_offset_seconds=7)
    with writing(database) as unit:
        partner = make_partner(unit)
        assert run(unit.connection, change, {"partner_id": partner}).changed == 1
        assert run(unit.connection, change, {"partner_id": "prt_nobody"}).changed == 0
        assert run(unit.connection, _PARTNER, {"partner_id": partner}).rows[0].clock_offset_seconds == 7


def test_missing_parameter_is_refused(database: Database) -> None:
    with reading(database) as unit, pytest.raises((StatementError, InvalidRequestError), match="partner_id"):
        run(unit.connection, _PARTNER, {})


def test_errors_are_those_of_sqlalchemy_without_values(database: Database) -> None:
    row = PartnerRow(id="prt_secret_value", name="A secret name", created_at=NOON)
    database.write(lambda unit: unit.partners.insert(row))
    with pytest.raises(IntegrityError) as raised, writing(database) as unit:
        run(unit.connection, insert_into(PARTNERS), dict(row))
    assert "A secret name" not in str(raised.value)


def test_a_lost_connection_is_replaced(database: Database) -> None:
    if database.sqlite:
        pytest.skip("its connection is a file")
    with reading(database) as unit:
        pid = run(unit.connection, select(func.pg_backend_pid()), {}).rows[0][0]
        with database.engine.begin() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        with pytest.raises(OperationalError) as raised:
            run(unit.connection, select(USERS.c.id), {})
        assert raised.value.connection_invalidated
    with reading(database) as unit:
        assert run(unit.connection, select(func.count()).select_from(USERS), {}).rows[0][0] == 0


def test_microseconds_of_a_time_are_kept(database: Database) -> None:
    precise = NOON + timedelta(microseconds=1)
    with writing(database) as unit:
        run(unit.connection, insert_into(PARTNERS), dict(PartnerRow(id="prt_1", name="Partner", created_at=precise)))
        assert run(unit.connection, _PARTNER, {"partner_id": "prt_1"}).rows[0].created_at == precise
