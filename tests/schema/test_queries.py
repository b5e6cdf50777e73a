"""Queries: viewer, consented user, reasons, previews and personas."""

from contextlib import closing

import pytest

from gateway.domain.errors import Unavailable
from gateway.domain.merchants import Product
from gateway.domain.scoring.record import Dimension, RecordKind
from gateway.domain.scoring.score import Measurement
from gateway.kit.clock import BusinessTime
from gateway.services.scores import ScoreService
from gateway.settings import Settings
from gateway.store.scoring.records import new_record_row
from tests.support.clock import BUSINESS_NOON, MovableClock
from tests.support.graphql_world import ISSUER, GraphQLWorld, request_variables
from tests.support.records import months_before, record
from tests.support.units import writing

VIEWER = """{
  viewer { appName scopes tokenExpiresAt environment merchant { id name products }
           apiVersion { handle latestStable supportedUntil } }
}"""


def test_viewer_describes_the_token(world: GraphQLWorld) -> None:
    viewer = world.data(VIEWER, by=world.merchant("decisions:read"))["viewer"]
    assert viewer == {
        "appName": "Green Cars website",
        "scopes": ["decisions:read"],
        "tokenExpiresAt": "2026-11-23T12:05:00Z",
        "environment": "SANDBOX",
        "merchant": {"id": world.merchant_id, "name": "Green Cars", "products": list(Product)},
        "apiVersion": {"handle": "2026-11", "latestStable": "2026-11", "supportedUntil": None},
    }


def test_consented_user_with_consent_and_score(world: GraphQLWorld) -> None:
    found = world.data(
        """{ consentedUser { id score meetsTier(minimum: EXCELLENT) scoreTier { tier rank asOf validUntil }
             consent { id subject status scopes purpose grantedAt expiresAt revokedAt
                       authorizationDetails { type level purpose duration products maximumAmount { amount currency } }
             } } }""",
        by=world.user("score:exact"),
    )["consentedUser"]
    assert found["id"] == found["consent"]["subject"] == world.consent.subject
    assert (found["score"], found["meetsTier"], found["scoreTier"]["rank"]) == (640, "NO", 3)
    assert found["consent"]["status"] == "ACTIVE"
    assert found["consent"]["authorizationDetails"][1] == {
        "type": "decision",
        "level": None,
        "purpose": "CAR_RENTAL",
        "duration": "P90D",
        "products": ["DEPOSIT_WAIVER", "PAY_LATER"],
        "maximumAmount": {"amount": "50000.00", "currency": "CNY"},
    }


def test_tier_and_threshold(world: GraphQLWorld) -> None:
    user = world.data("{ consentedUser { scoreTier { tier rank } yes: meetsTier(minimum: GOOD) } }")["consentedUser"]
    assert user == {"scoreTier": {"tier": "GOOD", "rank": 3}, "yes": "YES"}


def test_held_tier_shows_until_when_it_is_held(world: GraphQLWorld) -> None:
    """A person with exactly 700 points ages to 699, because one kept record becomes older than 24 months."""
    user = world.consent.user_id
    kept = [record(at=months_before(BUSINESS_NOON, age), partner=f"partner-{age % 5}") for age in (0, 1, 2, 3, 4, 24)]
    assessed = {Dimension.SHOPPING: 11, Dimension.FINANCIAL_CAPACITY: 12}
    others = [
        record(RecordKind.MONTHS, at=BUSINESS_NOON, dimension=dimension, amount=None, months=months)
        for dimension, months in assessed.items()
    ]
    liveness = record(RecordKind.LIVENESS, at=BUSINESS_NOON, dimension=Dimension.IDENTITY, amount=None)
    world.execute(*(f"DELETE FROM {table}" for table in ("behaviour_records", "score_snapshots", "person_scores")))
    with writing(world.database) as unit:
        rows = [new_record_row(each, user, source="tests", reference=each.id) for each in (*kept, *others, liveness)]
        unit.behaviour_records.insert_all(rows)

    def read() -> tuple[int, str, str | None]:
        document = "{ consentedUser { score scoreTier { tier heldUntil } } }"
        read = world.data(document, by=world.user("score:exact"))["consentedUser"]
        return read["score"], read["scoreTier"]["tier"], read["scoreTier"]["heldUntil"]

    assert read() == (700, "EXCELLENT", None)
    world.clock.advance(days=10)
    assert read() == (699, "EXCELLENT", "2027-01-01T00:00:00Z")
    world.clock.advance(days=31)
    assert read() == (699, "VERY_GOOD", None)


def test_merchant_token_has_no_user(world: GraphQLWorld) -> None:
    assert world.data("{ consentedUser { id } }", by=world.merchant()) == {"consentedUser": None}


def test_reasons_in_both_languages(world: GraphQLWorld) -> None:
    catalogue = world.data('{ reasonCatalog { code meaning zh: meaning(locale: "zh-CN") } }')["reasonCatalog"]
    (not_scored,) = (each for each in catalogue if each["code"] == "NOT_SCORED")
    assert not_scored["meaning"] == "The person has no score yet."
    assert not_scored["zh"] == "该用户尚无信用分。"


class UnavailableSource:
    """A score source that does not respond."""

    def measure(self, user_id: str, now: BusinessTime) -> Measurement:
        raise Unavailable("SCORE_UNAVAILABLE", "The provider is unavailable.")


def test_unavailable_score_source_fails_only_the_field(
    settings: Settings, sqlite_url: str, clock: MovableClock
) -> None:
    deployment = settings.model_copy(update={"database_url": sqlite_url})
    with closing(GraphQLWorld(deployment, clock, source=UnavailableSource())) as world:
        executed = world.run("{ viewer { appName } consentedUser { scoreTier { tier } } }")
    assert executed.ran
    assert executed.body["data"] == {"viewer": {"appName": "Green Cars website"}, "consentedUser": {"scoreTier": None}}
    (error,) = executed.body["errors"]
    assert error["extensions"] == {"code": "SCORE_UNAVAILABLE"}
    assert error["path"] == ["consentedUser", "scoreTier"]


def test_unexpected_errors_are_masked(world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(ScoreService, "load_measurement", broken)
    executed = world.run("{ consentedUser { id scoreTier { tier } } }")
    (error,) = executed.body["errors"]
    assert error["message"] == "Internal server error"
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR", "requestId": "req_test_1"}
    assert executed.body["data"]["consentedUser"]["id"] == world.consent.subject


def test_preview_of_an_ordinary_ask(world: GraphQLWorld) -> None:
    document = """query P($ask: DecisionAsk!) { decisionPreview(input: {ask: $ask}) { eligible
        likelyOutcome { __typename ... on Approval { reasons { code } } }
        blockers { __typename code field documentation } } }"""
    ask = request_variables("", "")["input"]["ask"]
    assert world.data(document, {"ask": ask})["decisionPreview"] == {
        "eligible": True,
        "likelyOutcome": {"__typename": "Approval", "reasons": [{"code": "REDUCED_FOR_TIER"}]},
        "blockers": [],
    }
    ask["carRental"] = {**ask["carRental"], "deposit": {"amount": "0.001", "currency": "CNY"}}
    assert world.data(document, {"ask": ask})["decisionPreview"] == {
        "eligible": False,
        "likelyOutcome": None,
        "blockers": [
            {
                "__typename": "InvalidInputError",
                "code": "INVALID_AMOUNT",
                "field": ["input", "ask", "carRental", "deposit", "amount"],
                "documentation": f"{ISSUER}/docs/errors/INVALID_AMOUNT",
            }
        ],
    }


def test_preview_of_an_amount_beyond_the_consent(world: GraphQLWorld) -> None:
    ask = request_variables("", "", deposit={"amount": "90000.00", "currency": "CNY"})["input"]["ask"]
    document = """query P($ask: DecisionAsk!) { decisionPreview(input: {ask: $ask}) { eligible
        likelyOutcome { __typename } blockers { code ... on ConsentError { covered { type } } } } }"""
    preview = world.data(document, {"ask": ask})["decisionPreview"]
    assert (preview["eligible"], preview["likelyOutcome"]) == (False, None)
    assert preview["blockers"][0]["code"] == "CONSENT_AMOUNT_EXCEEDED"
    assert {"type": "decision"} in preview["blockers"][0]["covered"]


def test_personas_belong_to_the_partner(world: GraphQLWorld) -> None:
    document = "{ sandboxPersonas { id handle tier score expectedOutcomes { product status reasonCodes } } }"
    (persona,) = world.data(document, by=world.merchant())["sandboxPersonas"]
    assert (persona["id"], persona["handle"], persona["tier"]) == (world.persona_id, "good", "GOOD")
    assert [each["product"] for each in persona["expectedOutcomes"]] == list(Product), "one per product"
