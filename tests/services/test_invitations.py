"""Invitations: used once, also by concurrent uses, replaced by newer ones, and limited per address."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from gateway.domain.errors import InvalidInput
from gateway.kit.crypto import digest
from gateway.kit.limits import TooManyAttempts
from gateway.services.identity.accounts import SHORTEST_PASSWORD
from gateway.services.identity.invitations import Problem, UnusableInvitation
from gateway.services.identity.logins import Attempt
from tests.support.clock import MovableClock
from tests.support.live_world import LiveWorld
from tests.support.people import MAIL, invite, person
from tests.support.race import race
from tests.support.units import reading, writing

PASSWORD, OTHER = "open sesame, please", "another long password"
HERE, LIMIT = "192.0.2.1", 20


@pytest.fixture
def live(database_url: str, clock: MovableClock) -> Iterator[LiveWorld]:
    """A live deployment on each kind of database in turn."""
    with closing(LiveWorld(database_url, clock, login_attempts_per_address=LIMIT)) as opened:
        yield opened


def attempt(live: LiveWorld, token: str, password: str = PASSWORD) -> str:
    """Uses the invitation. Returns "in", or what is wrong."""
    try:
        live.container.invitations.accept(None, token, password, HERE)
    except UnusableInvitation as unusable:
        return unusable.problem
    return "in"


def can_sign_in(live: LiveWorld, password: str) -> bool:
    return live.container.logins.sign_in(None, Attempt(MAIL, password, HERE)) is not None


def test_invitation_sets_the_password_once(live: LiveWorld) -> None:
    token = invite(live.container)
    assert live.container.invitations.find_person(token, HERE).username == MAIL.lower()
    assert [attempt(live, token), attempt(live, token, OTHER)] == ["in", Problem.USED]
    assert (can_sign_in(live, PASSWORD), can_sign_in(live, OTHER)) == (True, False)


def test_only_one_of_eight_concurrent_uses_succeeds(live: LiveWorld) -> None:
    token = invite(live.container)
    results = race(lambda number: attempt(live, token, f"{PASSWORD} {number}"))
    assert sorted(results) == sorted(["in", *[Problem.USED] * 7])
    assert can_sign_in(live, f"{PASSWORD} {results.index('in')}")
    assert live.rows("SELECT count(*) FROM sessions WHERE ended_at IS NULL")[0][0] == 2


def test_concurrent_invitations_leave_one_open(live: LiveWorld) -> None:
    invite(live.container)
    tokens = race(lambda _: invite(live.container))
    assert sorted(attempt(live, token) for token in tokens) == sorted(["in", *[Problem.EXPIRED] * 7])


def test_use_ends_all_sessions_of_the_person_and_that_of_the_browser(live: LiveWorld) -> None:
    invitations, accounts = live.container.invitations, live.container.accounts
    first = invitations.accept(None, invite(live.container), PASSWORD, HERE).session
    invite(live.container, "bo@shop.example")
    with writing(live.database) as unit:
        bo = accounts.sign_in(unit, None, person(live.container, "bo@shop.example").id)
    second = invitations.accept(bo, invite(live.container), OTHER, HERE).session
    with reading(live.database) as unit:
        live_ones = [each.secret for each in (first, bo, second) if accounts.find_session(unit, each.secret)]
    assert live_ones == [second.secret]


def test_invitation_expires(live: LiveWorld, clock: MovableClock) -> None:
    token = invite(live.container)
    clock.advance(timedelta(days=7) - timedelta(microseconds=1))
    assert live.container.invitations.find_person(token, HERE).email == MAIL
    clock.advance(timedelta(microseconds=1))
    assert attempt(live, token) == Problem.EXPIRED


def test_unusable_password_leaves_the_invitation_open(live: LiveWorld) -> None:
    token = invite(live.container)
    with pytest.raises(InvalidInput):
        attempt(live, token, "x" * (SHORTEST_PASSWORD - 1))
    assert attempt(live, token) == "in"


def test_only_the_digest_is_stored(live: LiveWorld) -> None:
    token = invite(live.container)
    assert token.startswith("sgw_iv_")
    assert [row[0] for row in live.rows("SELECT digest FROM invitations")] == [digest(token)]
    assert not [rows for rows in live.contents().values() if any(token in row for row in rows)]


@pytest.mark.parametrize("token", ["", "sgw_iv_x", "é", "x" * 10_000])
def test_unknown_tokens_are_counted_per_address(live: LiveWorld, token: str) -> None:
    valid = invite(live.container)
    for _ in range(LIMIT):
        assert attempt(live, token) == Problem.UNKNOWN
    with pytest.raises(TooManyAttempts):
        attempt(live, valid)
    assert live.container.invitations.find_person(valid, "192.0.2.2").email == MAIL


def test_restored_backup_revives_no_invitation(live: LiveWorld) -> None:
    token = invite(live.container)
    ended = live.database.write(lambda unit: unit.endings.end_all(unit.wall))
    assert ended["invitations"] == 1
    assert attempt(live, token) == Problem.USED
