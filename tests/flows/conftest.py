"""Partners against the shared sandboxes, over HTTP only."""

from collections.abc import Iterator

import pytest

from tests.support.partner import Partner
from tests.support.server import Sandbox


@pytest.fixture
def cars(sandbox: Sandbox) -> Iterator[Partner]:
    """The demo car rental, on each database in turn."""
    partner = Partner(sandbox)
    yield partner
    partner.close()


@pytest.fixture
def store(sandbox: Sandbox) -> Iterator[Partner]:
    """The demo retail store, on each database in turn."""
    partner = Partner(sandbox, "retail_store")
    yield partner
    partner.close()


@pytest.fixture
def shop(sandbox: Sandbox) -> Iterator[Partner]:
    """The demo online shop, on each database in turn."""
    partner = Partner(sandbox, "online_shop")
    yield partner
    partner.close()
