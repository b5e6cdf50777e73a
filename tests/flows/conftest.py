"""Partners against the shared sandboxes, over HTTP only."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.support.asks import credit
from tests.support.exposure import read_exposure
from tests.support.partner import Partner
from tests.support.server import Sandbox
from tests.support.trade import PERSON, TENTH, WHOLE, Consent, Left, Opened, Trade, allowed


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


@pytest.fixture
def opened(narrow_sandbox: Sandbox) -> Iterator[Opened]:
    trades: list[Trade] = []

    def opened(adapter: str, consent: Consent) -> Trade:
        trades.append(Trade(narrow_sandbox, adapter, consent))
        return trades[-1]

    yield opened
    for trade in trades:
        trade.close()


@pytest.fixture(scope="session")
def bank(narrow_sandbox: Sandbox) -> Iterator[Trade]:
    """A lender who may ask for as much as a whole credit limit, and so sees the available limit."""
    made = Trade(narrow_sandbox, "lender", allowed("CREDIT_OFFER", WHOLE))
    yield made
    made.close()


@pytest.fixture
def left(bank: Trade, narrow_sandbox: Sandbox) -> Iterator[Left]:
    """The whole limit is available before a scenario and after it. The database has the exact amount; the bank is
    offered all of it where only its own decisions use the limit, and its whole tenths where others' do."""
    username = bank.partner.persona(PERSON)["username"]

    def left(amount: str) -> bool:
        free = Decimal(WHOLE) - Decimal(read_exposure(narrow_sandbox.database_url, username).amount)
        offered = bank.preview(credit(WHOLE)) or {"limit": "0.00"}
        return free == Decimal(amount) and Decimal(offered["limit"]) in {free, free // TENTH * TENTH}

    assert left(WHOLE)
    yield left
    assert left(WHOLE)
