"""Partners against the shared sandboxes, over HTTP only."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.support.asks import credit
from tests.support.partner import Partner
from tests.support.server import Sandbox
from tests.support.trade import WHOLE, Consent, Left, Opened, Trade, allowed


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
    """A lender who may ask for as much as a line of trust can hold, and so sees what it has left."""
    made = Trade(narrow_sandbox, "lender", allowed("CREDIT_OFFER", WHOLE))
    yield made
    made.close()


@pytest.fixture
def left(bank: Trade) -> Iterator[Left]:
    """The line is whole before a story and after it."""

    def left(amount: str) -> bool:
        more = str(Decimal(amount) + Decimal("0.01"))
        return bank.preview(credit(amount)) is not None and (amount == WHOLE or bank.preview(credit(more)) is None)

    assert left(WHOLE)
    yield left
    assert left(WHOLE)
