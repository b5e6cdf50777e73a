"""The outcomes that the API and the desk show for personas: they are the same, and those of decisions."""

from dataclasses import replace
from functools import partial

import pytest

from gateway.domain.decisions.exposure import CreditLimits
from gateway.domain.decisions.transitions import Status, first_status
from gateway.domain.merchants import Product
from gateway.domain.policies.outcome_override import OutcomeOverride
from gateway.domain.scoring.tier import Tier
from gateway.services.identity.persona_records import CATALOGUE, blueprint_of_tier
from gateway.services.policies.ordinary_asks import OrdinaryAskService, OrdinaryOutcome
from gateway.services.sandbox.persona_outcomes import DescribedPersona, PersonaOutcomeService
from gateway.settings import Settings
from merchants.car_rental import CarRental
from merchants.online_shop import OnlineShop
from merchants.policies.tables import read_table
from merchants.registry import AdapterRegistry
from tests.services.asks import car, request_command
from tests.services.policy_overrides import override_text, register_override, set_bounds
from tests.support.demo_world import DemoWorld
from tests.support.units import writing

APPROVED, DECLINED = Status.APPROVED, Status.DECLINED
Decided = tuple[Status, tuple[str, ...]]
EXPECTED: dict[str, tuple[Decided, Decided]] = {
    "excellent": ((APPROVED, ()), (APPROVED, ())),
    "threshold": ((APPROVED, ()), (APPROVED, ())),
    "just-below": ((APPROVED, ("REDUCED_FOR_TIER",)), (APPROVED, ())),
    "good": ((APPROVED, ("REDUCED_FOR_TIER",)), (APPROVED, ())),
    "fair": ((APPROVED, ("REDUCED_FOR_TIER",)), (APPROVED, ())),
    "building": ((DECLINED, ("TIER_BELOW_REQUIRED",)), (DECLINED, ("TIER_BELOW_REQUIRED",))),
    "unscored": ((DECLINED, ("NOT_SCORED",)), (DECLINED, ("NOT_SCORED",))),
    "overdue": ((DECLINED, ("OPEN_OVERDUE_OBLIGATION",)), (DECLINED, ("OPEN_OVERDUE_OBLIGATION",))),
}
"""Handle to the outcomes of the ordinary asks of the car rental and the online shop."""
CREDIT_LIMITS = Settings.model_fields["credit_limits"].default
TIGHT = "FAIR 100.00 CNY, GOOD 500.00 CNY, VERY_GOOD 1000.00 CNY, EXCELLENT 2000.00 CNY"


def list_by_product(world: DemoWorld, adapter: str = "car_rental") -> list[DescribedPersona]:
    """The personas as the API lists them for the merchant with this adapter."""
    return world.query(world.merchant_token(world.client(adapter)), world.container.persona_outcomes.list_by_product)


def list_at_merchants(world: DemoWorld) -> list[DescribedPersona]:
    """The personas as the desk lists them."""
    service, partner_id = world.container.persona_outcomes, world.partner_id
    return world.database.read(lambda unit: service.list_at_merchants(unit, partner_id))


def outcome_at(persona: DescribedPersona, adapter: str) -> OrdinaryOutcome:
    (ordinary,) = (each.ordinary for each in persona.outcomes if each.ordinary.adapter == adapter)
    return ordinary


def decided(persona: DescribedPersona) -> tuple[Decided, ...]:
    outcomes = [each.ordinary.outcome for each in persona.outcomes]
    return tuple((first_status(outcome), outcome.reasons) for outcome in outcomes)


def test_personas_are_listed_with_expected_outcomes(world: DemoWorld) -> None:
    listed = list_by_product(world)
    assert [persona.handle for persona in listed] == [each.handle for each in CATALOGUE]
    assert {persona.handle: decided(persona) for persona in listed} == EXPECTED
    products = [each.ordinary.product for each in listed[0].outcomes]
    assert products == [Product.DEPOSIT_WAIVER, Product.PAY_LATER]
    assert [each.merchant_name for each in listed[0].outcomes] == ["Demo Car Rental", None]


def prepare(world: DemoWorld) -> None:
    """Overrides the policy of the car rental, and adds a persona of each tier whose requests for a deposit are approved
    whatever the policy says."""
    set_bounds(world)
    register_override(world, override_text())
    fixed = OutcomeOverride(Product.DEPOSIT_WAIVER, APPROVED)
    with writing(world.database) as unit:
        partner = unit.partners.load(world.partner_id)
        assert partner is not None
        for tier in Tier:
            handle = f"fixed-{tier.lower().replace('_', '-')}"
            world.personas.add(unit, partner, blueprint_of_tier(tier, handle), "no password", [fixed])


@pytest.mark.parametrize("limits", [CREDIT_LIMITS, TIGHT])
def test_api_and_desk_show_the_same_outcomes(world: DemoWorld, limits: str) -> None:
    """With fixed outcomes, credit limits that reduce approvals, and an override of the merchant's policy."""
    prepare(world)
    deployment = world.variant(credit_limits=limits)
    deployment.partner_id = world.partner_id
    at_merchants = list_at_merchants(deployment)
    assert len(at_merchants) == len(CATALOGUE) + len(Tier)
    for adapter in ("car_rental", "online_shop"):
        by_product = list_by_product(deployment, adapter)
        assert [replace(each, outcomes=()) for each in by_product] == [
            replace(each, outcomes=()) for each in at_merchants
        ]
        shown = [outcome_at(each, adapter) for each in by_product]
        assert shown == [outcome_at(each, adapter) for each in at_merchants]


@pytest.mark.parametrize("limits", [CREDIT_LIMITS, TIGHT])
@pytest.mark.parametrize("handle", ["good", "just-below", "fixed-building", "fixed-excellent"])
def test_shown_outcome_is_that_of_a_decision(world: DemoWorld, handle: str, limits: str) -> None:
    prepare(world)
    deployment = world.variant(credit_limits=limits)
    (persona,) = (each for each in list_by_product(deployment) if each.handle == handle)
    acting = deployment.user_token(deployment.grant(handle))
    ask = replace(car(acting.now), deposit=CarRental().ordinary_case.ask.deposit)
    outcome = deployment.requester.request(acting, request_command(ask, "key", "order")).decision.outcome
    shown = outcome_at(persona, "car_rental").outcome
    assert (first_status(outcome), outcome.reasons) == (first_status(shown), shown.reasons)


class DeclinesAll(CarRental):
    """A second adapter with the car rental's product that declines all asks. Its key sorts first."""

    key = "a_rental"
    member = "aRental"
    ask_type_name = "ARentalAsk"
    policy = read_table(
        """
        policy = "a_rental"
        version = "1"
        effective = 2026-11-01
        currency = "CNY"
        [[rule]]
        id = "nobody"
        decline = { reasons = ["NOT_SCORED"] }
        """,
        CarRental.columns,
        "a_rental.toml",
    )


def service_of(world: DemoWorld, *adapters: type[CarRental] | type[OnlineShop]) -> PersonaOutcomeService:
    """The service of a deployment with these adapters."""
    limits = CreditLimits.parse(CREDIT_LIMITS)
    return PersonaOutcomeService(OrdinaryAskService(AdapterRegistry(adapters), world.overrides, limits))


def test_outcome_of_a_product_is_that_of_the_merchants_own_adapter(world: DemoWorld) -> None:
    service = service_of(world, DeclinesAll, CarRental, OnlineShop)
    answers = {}
    for adapter in ("car_rental", "online_shop"):
        token = world.merchant_token(world.client(adapter))
        first = world.query(token, service.list_by_product)[0]
        assert world.query(token, partial(service.find, persona_id=first.id)) == first
        assert [each.ordinary.product for each in first.outcomes] == [Product.DEPOSIT_WAIVER, Product.PAY_LATER]
        answers[adapter] = decided(first)[0][0]
    assert answers == {"car_rental": APPROVED, "online_shop": DECLINED}


def test_outcomes_are_those_of_the_policy_version_in_force(world: DemoWorld) -> None:
    text = """
    policy = "car_rental"
    version = "closed"
    effective = 2026-11-24
    currency = "CNY"
    [[rule]]
    id = "everybody"
    decline = { reasons = ["TERM_TOO_LONG"] }
    """

    class Closing(CarRental):
        _, *later = CarRental.policy, read_table(text, CarRental.columns, "closed.toml")

    service = service_of(world, Closing)

    def shown_reasons() -> set[tuple[str, ...]]:
        listed = world.query(world.merchant_token(), service.list_by_product)
        return {reasons for persona in listed for _, reasons in decided(persona)}

    assert ("TERM_TOO_LONG",) not in shown_reasons()
    world.clock.advance(days=1)
    assert shown_reasons() == {("TERM_TOO_LONG",)}
