"""The digests of the record log tell all values of a row apart."""

import pytest
from sqlalchemy import BigInteger, Boolean, Integer

from gateway.audit.records import RECORDS
from gateway.store.consents.consents import CONSENTS
from gateway.store.logs.record_log import digest_record, digested_columns


@pytest.mark.parametrize("noun", RECORDS)
def test_c3_no_number_or_flag_of_a_record_can_be_null(noun: str) -> None:
    numbers = [column for column in RECORDS[noun].c if isinstance(column.type, Integer | BigInteger | Boolean)]
    assert [column.name for column in numbers if column.nullable] == []


def test_digests_are_over_all_columns_but_the_first_use() -> None:
    left_out = {column for table in RECORDS.values() for column in {*table.c} - {*digested_columns(table)}}
    assert left_out == {CONSENTS.c.first_used_at}


def test_c3_digest_of_a_key_set_with_a_float() -> None:
    one, other = ({"id": "cli_1", "jwks": {"keys": [{"kid": "a", "weight": weight}]}} for weight in (1.5, 2.5))
    assert digest_record(one) != digest_record(other)
