"""Demo merchants and scenarios at the shared sandboxes, over HTTP only."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from gateway.domain.decisions.exposure import rounded_exposure
from gateway.domain.money import Money
from tests.support.asks import credit
from tests.support.merchant_client import MerchantClient
from tests.support.sandbox_partner import SandboxPartner
from tests.support.scenario import (
    CREDIT_LIMIT,
    PERSONA,
    AvailableIs,
    GiveConsent,
    OpenScenario,
    Scenario,
    product_consent,
)
from tests.support.server import Sandbox


@pytest.fixture
def cars(sandbox: Sandbox) -> Iterator[MerchantClient]:
    """The demo car rental, on each database in turn."""
    partner = MerchantClient(sandbox)
    yield partner
    partner.close()


@pytest.fixture
def store(sandbox: Sandbox) -> Iterator[MerchantClient]:
    """The demo retail store, on each database in turn."""
    partner = MerchantClient(sandbox, "retail_store")
    yield partner
    partner.close()


@pytest.fixture
def shop(sandbox: Sandbox) -> Iterator[MerchantClient]:
    """The demo online shop, on each database in turn."""
    partner = MerchantClient(sandbox, "online_shop")
    yield partner
    partner.close()


@pytest.fixture(scope="module")
def shared_partner(sqlite_sandbox: Sandbox) -> Iterator[SandboxPartner]:
    """The online shop of a partner that the tests of this file share."""
    opened = SandboxPartner(sqlite_sandbox)
    yield opened
    opened.close()


@pytest.fixture
def partner(shared_partner: SandboxPartner) -> SandboxPartner:
    """The online shop, as on its first day."""
    shared_partner.reset()
    return shared_partner


@pytest.fixture
def open_scenario(default_limits_sandbox: Sandbox) -> Iterator[OpenScenario]:
    """A function that opens scenarios. Their decisions are ended after the test."""
    scenarios: list[Scenario] = []

    def open_scenario(adapter: str, consent: GiveConsent) -> Scenario:
        scenarios.append(Scenario(default_limits_sandbox, PERSONA, adapter, consent))
        return scenarios[-1]

    yield open_scenario
    for scenario in scenarios:
        scenario.close()


@pytest.fixture(scope="session")
def bank(default_limits_sandbox: Sandbox) -> Iterator[Scenario]:
    """A lender that may request the whole credit limit, so that a preview shows the available limit."""
    scenario = Scenario(default_limits_sandbox, PERSONA, "lender", product_consent("CREDIT_OFFER", CREDIT_LIMIT))
    yield scenario
    scenario.close()


@pytest.fixture
def available_is(bank: Scenario) -> Iterator[AvailableIs]:
    """Checks the available limit in the database and in a preview of the bank. The preview has the exact amount if all
    exposure is the bank's, else the limit less the rounded exposure of the other merchant. Before and after a test the
    whole limit must be available."""

    def available_is(amount: str) -> bool:
        available = Decimal(CREDIT_LIMIT) - Decimal(bank.exposure)
        offered = Decimal((bank.preview(credit(CREDIT_LIMIT)) or {"limit": "0.00"})["limit"])
        limit, elsewhere = Money.parse(CREDIT_LIMIT, "CNY"), Money.parse(bank.exposure, "CNY")
        rounded = Decimal((limit - rounded_exposure(limit, elsewhere)).amount)
        return available == Decimal(amount) and offered in {available, rounded}

    assert available_is(CREDIT_LIMIT)
    yield available_is
    assert available_is(CREDIT_LIMIT)
