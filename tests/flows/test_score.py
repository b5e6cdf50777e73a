"""The score over HTTP: what a merchant reports moves it, and with it the tier and the next request.

Each test uses a persona of its own, except where it compares a score with an earlier one of the same persona. The tests
share the partner's business time, which only moves forward. The scores of personas do not age within a year.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NamedTuple

import pytest

from tests.support.merchant_client import MerchantClient, car, yuan
from tests.support.merchant_decision import MerchantDecision, fulfilled
from tests.support.oauth import Browser, PartnerApp
from tests.support.plain_http import plain_client
from tests.support.scenario import Scenario
from tests.support.server import Sandbox

SCOPE = "score:exact decisions:request"
SCORE = "{ consentedUser { score scoreTier { tier heldUntil } } }"
PERSONAS = "{ sandboxPersonas { handle score tier } }"
STATEMENT = "I brought it back on Tuesday."
LATE, BROKEN = 18, 100
"""The points that one late or broken obligation of at least 100 yuan takes away."""


class Score(NamedTuple):
    """A person's score and tier, as a merchant with a consent reads them."""

    points: int
    tier: str


def read_score(merchant: MerchantClient, token: str) -> Score:
    """The score of the token's user. No tier is held."""
    user = merchant.graphql(token, SCORE).data["consentedUser"]
    assert user["scoreTier"]["heldUntil"] is None
    return Score(user["score"], user["scoreTier"]["tier"])


class ScoredScenario(Scenario):
    """A scenario whose car rental may read the exact score."""

    def __init__(self, sandbox: Sandbox, handle: str) -> None:
        self.token = ""
        super().__init__(sandbox, handle, consent=self._consent)

    def _consent(self, merchant: MerchantClient, handle: str) -> str:
        self.token = merchant.token(handle, scope=SCOPE)
        return self.token

    @property
    def score(self) -> Score:
        return read_score(self.merchant, self.token)

    def keep(self, deposit: str) -> MerchantDecision:
        """An obligation that is kept at once."""
        decision = self.rental(deposit)
        decision.transition("fulfill")
        return decision


OpenScenario = Callable[[str], ScoredScenario]


@pytest.fixture
def open_scenario(moving_sandbox: Sandbox) -> Iterator[OpenScenario]:
    """Opens the scenario of a persona. After the test, asserts that decisions, totals, logs and messages agree."""
    scenarios: list[ScoredScenario] = []

    def open_scenario(handle: str) -> ScoredScenario:
        scenarios.append(ScoredScenario(moving_sandbox, handle))
        return scenarios[-1]

    yield open_scenario
    for scenario in scenarios:
        scenario.close()
    if scenarios:
        scenarios[-1].assert_reconciled()


def test_two_kept_obligations_reach_the_top_tier_and_full_approvals(open_scenario: OpenScenario) -> None:
    """Fails if outcomes write no records, if a stored score is read although it is due, or if requests use another."""
    scenario = open_scenario("just-below")
    assert scenario.score == (699, "VERY_GOOD")
    reduced = scenario.approve(car("1000.00", scenario.time.now), "REDUCED_FOR_TIER")
    assert (reduced.terms["waivedAmount"], reduced.terms["depositDue"]) == ("700.00", "300.00")
    reduced.end()

    scenario.keep("300.00")
    scenario.keep("300.00")

    points, tier = scenario.score
    assert (points > 700, tier) == (True, "EXCELLENT")
    full = scenario.approve(car("1000.00", scenario.time.now))
    assert (full.terms["waivedAmount"], full.terms["depositDue"]) == ("1000.00", "0.00")


def test_breach_lowers_the_tier_only_after_its_dispute_window(open_scenario: OpenScenario) -> None:
    """Fails if a breach counts at once, never, or only after the next month's start."""
    scenario = open_scenario("threshold")
    decision = scenario.rental("500.00")
    decision.transition("breach")
    assert scenario.score == (700, "EXCELLENT")
    scenario.advance(days=13, hours=23)
    assert scenario.score == (700, "EXCELLENT")
    scenario.advance(hours=1)
    assert scenario.score == (700 - BROKEN, "GOOD")
    decision.transition("fulfill")
    assert scenario.score == (700 - LATE, "VERY_GOOD")


def test_dispute_holds_a_breach_until_it_is_rejected(open_scenario: OpenScenario) -> None:
    """Fails if a contested record counts after its window, or if a rejected dispute leaves it contested."""
    scenario = open_scenario("excellent")
    decision = scenario.rental("500.00")
    decision.transition("breach")
    dispute = scenario.contest(decision, STATEMENT)
    scenario.respond(dispute, accept=False)
    scenario.advance(days=20)
    assert scenario.score == (780, "EXCELLENT")
    scenario.operator.output("disputes", "resolve", dispute, "--reject", "--note", "The photo is clear.")
    assert scenario.score == (780 - BROKEN, "VERY_GOOD")
    decision.transition("fulfill")


def test_accepted_dispute_leaves_the_score(open_scenario: OpenScenario) -> None:
    """Fails if the record of a void breach stays, or if the obligation cannot count as kept any more."""
    scenario = open_scenario("fair")
    decision = scenario.rental("1000.00")
    decision.transition("breach")
    dispute = scenario.contest(decision, STATEMENT)
    assert scenario.respond(dispute, accept=True)["dispute"]["status"] == "UPHELD"
    assert scenario.score == (570, "FAIR")
    decision.transition("fulfill")
    points, tier = scenario.score
    assert (points > 570, tier) == (True, "FAIR")
    scenario.advance(days=15)
    assert scenario.score.points >= points


def test_kept_obligation_counts_by_its_reduced_amount(open_scenario: OpenScenario) -> None:
    """Fails if a returned obligation counts, or if a record has the amount that was approved: then a reduced obligation
    adds 4 points, as another whole one would."""
    scenario = open_scenario("good")
    returned = scenario.rental("300.00")
    assert returned.transition("reduce", amount=yuan("0.00")) == fulfilled("0.00")
    assert scenario.score == (640, "GOOD")

    assert scenario.keep("300.00").summary == fulfilled("150.00")
    whole = scenario.score.points
    reduced = scenario.rental("300.00")
    reduced.transition("reduce", amount=yuan("50.00"))
    assert scenario.score.points == whole, "an open obligation does not count"
    assert reduced.transition("fulfill") == fulfilled("50.00")
    assert scenario.score.points == whole + 2


def test_late_settlement_counts_after_its_window(open_scenario: OpenScenario) -> None:
    """Fails if a late settlement counts as kept, at once, or never. The flag itself must not count either."""
    scenario = open_scenario("fair")
    before = scenario.score.points
    decision = scenario.rental("1000.00")
    scenario.advance(days=5)
    scenario.wait_for(decision, "OVERDUE")
    assert scenario.score.points == before
    decision.transition("fulfill")
    assert scenario.score.points == before
    scenario.advance(days=13, hours=23)
    assert scenario.score.points == before
    scenario.advance(hours=1)
    assert scenario.score.points == before - LATE


@pytest.fixture
def harbour(moving_sandbox: Sandbox) -> Iterator[Callable[[str], Score]]:
    """Reads the score of a persona of another partner, by handle, over HTTP."""
    callback = "https://harbour.example/callback"
    with closing(Scenario(moving_sandbox, "good")) as scenario:
        command = scenario.operator.output
        merchant = command("merchants", "register", "Harbour Cars", "--partner", "harbour", "--create")
        command("merchants", "enable", merchant, "car_rental")
        registered = command("clients", "register", merchant, "website", "--redirect-uri", callback).split()
        client_id = next(word for word in registered if word.startswith("cli_"))
        secret = next(word for word in registered if word.startswith("sgw_test_cs_"))
        personas = json.loads(command("sandbox", "personas", "harbour", "--json"))
        with plain_client(moving_sandbox.credentials["issuer"]) as http:
            app = PartnerApp(http, client_id, secret, callback)

            def read(handle: str) -> Score:
                persona = next(each for each in personas if each["handle"] == handle)
                with closing(plain_client(moving_sandbox.credentials["issuer"])) as own:
                    tokens = app.tokens(Browser(own), persona["username"], persona["password"], scope=SCOPE)
                return read_score(scenario.merchant, tokens["access_token"])

            yield read


def test_partner_moves_only_its_own_copy_until_a_reset(
    open_scenario: OpenScenario, harbour: Callable[[str], Score]
) -> None:
    """Fails if records are written for another copy, if a reset keeps them, or if the listed values follow a copy."""
    operator = open_scenario("just-below").operator
    operator.output("sandbox", "reset", "--yes")
    scenario = open_scenario("just-below")
    new = (699, "VERY_GOOD")
    assert scenario.score == harbour("just-below") == listed_score(scenario) == new

    scenario.keep("300.00")
    scenario.keep("300.00")
    assert scenario.score.tier == "EXCELLENT"
    assert harbour("just-below") == listed_score(scenario) == new

    operator.output("sandbox", "reset", "--yes")
    assert scenario.merchant.graphql(scenario.token, SCORE).status == 401
    assert open_scenario("just-below").score == new


def listed_score(scenario: ScoredScenario) -> Score:
    """The score of the scenario's persona as `sandboxPersonas` lists it."""
    merchant = scenario.merchant
    personas = merchant.graphql(merchant.merchant_token, PERSONAS).data["sandboxPersonas"]
    return next(Score(each["score"], each["tier"]) for each in personas if each["handle"] == scenario.person["handle"])
