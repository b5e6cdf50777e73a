"""Sign-in links of partners: used once, also by concurrent uses, on each kind of database."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.services.sandbox.partner_sessions import LinkProblem, UnusableLink
from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.oauth_world import OAuthWorld
from tests.support.partner_pages import make_sign_in_token
from tests.support.race import race

pytestmark = pytest.mark.postgresql


@pytest.fixture
def each_world(database_url: str, settings: Settings, clock: MovableClock) -> Iterator[OAuthWorld]:
    with closing(OAuthWorld(database_url, settings, clock)) as opened:
        yield opened


def open_link(world: OAuthWorld, token: str) -> str:
    """Opens the link in a new browser. Returns the secret of the session, or what is wrong."""
    try:
        return world.container.sandbox.partner_sessions.open_link(token, None).secret
    except UnusableLink as unusable:
        return unusable.problem


def test_only_one_of_eight_concurrent_uses_succeeds(each_world: OAuthWorld) -> None:
    token = make_sign_in_token(each_world.container, each_world.partner_id)
    results = race(lambda _: open_link(each_world, token))
    (secret,) = [each for each in results if each != LinkProblem.USED]
    session = each_world.container.sandbox.partner_sessions.find(secret)
    assert session is not None
    assert session.partner_id == each_world.partner_id
    assert each_world.rows("SELECT count(*) FROM partner_sessions")[0][0] == 1
