"""Initial access tokens: valid for one registration, until they expire."""

from datetime import timedelta

import pytest

from gateway.store.database import Database
from gateway.store.oauth.initial_access_tokens import InitialAccessTokenRow
from tests.support.clock import NOON
from tests.support.factories import make_merchant, make_partner
from tests.support.race import race_writes
from tests.support.units import writing

pytestmark = pytest.mark.postgresql


@pytest.fixture
def token(database: Database) -> str:
    """A token that expires an hour after noon."""
    with writing(database) as unit:
        merchant = make_merchant(unit, make_partner(unit))
        row = InitialAccessTokenRow(
            digest="invited",
            merchant_id=merchant,
            scopes=[],
            authorization_details_types=[],
            created_at=NOON,
            expires_at=NOON + timedelta(hours=1),
        )
        unit.initial_access_tokens.insert(row)
    return "invited"


def test_only_one_of_concurrent_uses_succeeds(database: Database, token: str) -> None:
    won = race_writes(database, lambda unit, _: unit.initial_access_tokens.use(token, NOON) is not None)
    assert sorted(won) == [False] * 7 + [True]


@pytest.mark.parametrize(("minutes", "good"), [(59, True), (60, False), (61, False)])
def test_token_is_usable_until_it_expires(database: Database, token: str, minutes: int, good: bool) -> None:
    at = NOON + timedelta(minutes=minutes)
    with writing(database) as unit:
        assert unit.initial_access_tokens.is_usable(token, at) is good
        assert (unit.initial_access_tokens.use(token, at) is not None) is good


def test_unknown_token_cannot_be_used(database: Database) -> None:
    with writing(database) as unit:
        assert unit.initial_access_tokens.use("unknown", NOON) is None
