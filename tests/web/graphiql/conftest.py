"""The fixtures `seed`, the demo partner, `browser`, a browser with its session, and `page`, the GraphiQL page in it."""

import pytest

from gateway.services.seeding import Seed
from tests.support.graphiql import GraphiqlPage
from tests.support.oauth import Browser
from tests.support.oauth_world import OAuthWorld
from tests.support.partner_pages import signed_in_partner
from tests.support.units import reading


@pytest.fixture
def seed(world: OAuthWorld) -> Seed:
    return world.container.seeding.seed_demo()


@pytest.fixture
def browser(world: OAuthWorld, seed: Seed) -> Browser:
    """A browser with a session of the demo partner."""
    with reading(world.database) as unit:
        partner = unit.partners.load_by_name("demo")
    assert partner is not None
    return signed_in_partner(world, partner.id)


@pytest.fixture
def page(browser: Browser) -> GraphiqlPage:
    return GraphiqlPage(browser.http)
