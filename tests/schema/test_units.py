"""The units of work of a document: one for what it reads, one for what is logged, and none more than once."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from gateway.domain.scoring.score import Measurement
from gateway.kit.clock import BusinessTime
from gateway.kit.json import decode
from gateway.services.merchants import MerchantService
from gateway.services.scoring.fetching import ScoreFetcher
from gateway.settings import Settings
from gateway.store.merchants.merchants import MERCHANTS
from tests.support.clock import MovableClock
from tests.support.graphql_world import REQUEST, GraphQLWorld, asked
from tests.support.units import reading, writing

SOURCE, DOCUMENT, LOG = "read", "read", "write"
"""The persona source reads the person's score in a unit of its own, before that of the document."""

PREVIEW = "query P($ask: DecisionAsk!) { decisionPreview(input: {ask: $ask}) { eligible blockers { code } } }"
ASK = asked("", "")["input"]["ask"]


@pytest.fixture
def units(world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of the units of work that have been run, in order."""
    run: list[str] = []

    def noted(kind: str) -> Callable[[Any], Any]:
        original = getattr(world.database, kind)

        def note(work: Any) -> Any:
            run.append(kind)
            return original(work)

        return note

    for kind in ("read", "write"):
        monkeypatch.setattr(world.database, kind, noted(kind))
    return run


@pytest.fixture
def inquiries(world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The persons about whom an inquiry has been counted, in order."""
    counted: list[str] = []

    def count(principal: Any) -> None:
        counted.append(principal.consent.user_id)

    monkeypatch.setattr(world.container.inquiries, "count", count)
    return counted


def accesses(world: GraphQLWorld) -> list[tuple[str, Any]]:
    """Kind and opened content of every entry of the access log, oldest first."""
    with reading(world.database) as unit:
        subject = unit.users.load_log_subject(world.consent.user_id)
        entries = unit.access_log.list_of_subject(subject, limit=100)[::-1]
        opened = unit.access_log.open_all(entries)
        return [
            (decode(entry.public)["kind"], (personal or {})["answered"])
            for entry, personal in zip(entries, opened, strict=True)
        ]


def test_a_document_is_one_unit(world: GraphQLWorld, units: list[str], inquiries: list[str]) -> None:
    document = """{ viewer { appName merchant { name } } merchant { decisions { totalCount nodes { id } } }
        decision(by: {merchantReference: "r"}) { id } sandboxPersonas { score } reasonCatalog { code } }"""
    world.data(document, by=world.merchant())
    assert units == [DOCUMENT]
    assert (accesses(world), inquiries) == ([], [])


def test_a_tier_is_one_unit_that_reads_and_one_that_logs(
    world: GraphQLWorld, units: list[str], inquiries: list[str]
) -> None:
    world.data("{ consentedUser { id scoreTier { tier } } }")
    assert units == [SOURCE, DOCUMENT, LOG]
    assert inquiries == []
    assert accesses(world) == [("SCORE_TIER", {"tier": "GOOD"})]


@pytest.mark.parametrize(
    ("document", "variables", "counted"),
    [
        ("{ consentedUser { score } }", {}, 0),
        ("{ consentedUser { meetsTier(minimum: GOOD) } }", {}, 1),
        (PREVIEW, {"ask": ASK}, 1),
        (
            "{ consentedUser { score a: meetsTier(minimum: GOOD) b: meetsTier(minimum: FAIR) scoreTier { tier } } }",
            {},
            2,
        ),
    ],
)
def test_a_score_is_fetched_before_the_document_and_each_inquiry_is_counted(
    world: GraphQLWorld,
    units: list[str],
    inquiries: list[str],
    document: str,
    variables: dict[str, Any],
    counted: int,
) -> None:
    world.data(document, variables)
    assert units == [SOURCE, DOCUMENT, LOG]
    assert inquiries == [world.consent.user_id] * counted


def test_all_accesses_of_a_document_are_logged_in_one_unit(world: GraphQLWorld, units: list[str]) -> None:
    world.data("{ consentedUser { scoreTier { tier } meetsTier(minimum: EXCELLENT) score } }")
    assert units == [SOURCE, DOCUMENT, LOG]
    assert accesses(world) == [
        ("SCORE_TIER", {"tier": "GOOD"}),
        ("SCORE_THRESHOLD", {"minimum": "EXCELLENT", "answer": "NO"}),
        ("SCORE_EXACT", {"score": 640}),
    ]


def test_a_field_that_runs_for_each_item_is_counted_for_each(
    world: GraphQLWorld, units: list[str], inquiries: list[str]
) -> None:
    document = "query N($ids: [ID!]!) { nodes(ids: $ids) { ... on ConsentedUser { meetsTier(minimum: GOOD) } } }"
    found = world.data(document, {"ids": [world.consent.subject, "dec_test_x", world.consent.subject]})["nodes"]
    assert found == [{"meetsTier": "YES"}, None, {"meetsTier": "YES"}]
    assert units == [SOURCE, DOCUMENT, LOG]
    assert len(inquiries) == 2
    assert [kind for kind, _ in accesses(world)] == ["SCORE_THRESHOLD"] * 2


def test_what_is_refused_or_left_out_fetches_and_counts_nothing(
    world: GraphQLWorld, units: list[str], inquiries: list[str]
) -> None:
    document = "query Q($on: Boolean = false) { consentedUser { id %s } }"
    meets = "meetsTier(minimum: GOOD)"
    assert "errors" in world.run(document % f"{meets} @skip(if: $on)", by=world.user("consents:read")).body
    world.data(document % f"{meets} @include(if: $on)")
    world.data("{ consentedUser { id } }", by=world.merchant())
    assert units == [DOCUMENT] * 3
    assert not world.run(PREVIEW, {"ask": {"carRental": {"deposit": 1}}}).ran
    assert not world.run("query A { consentedUser { score } } query B { __typename }").ran
    assert units == [DOCUMENT] * 3, "a request error runs nothing"
    assert inquiries == []


def test_an_inquiry_beyond_the_budget_costs_its_field_only(
    settings: Settings, sqlite_url: str, clock: MovableClock
) -> None:
    few = settings.model_copy(update={"database_url": sqlite_url, "inquiries_per_hour": 2})
    with closing(GraphQLWorld(few, clock)) as world:
        document = "{ consentedUser { a: meetsTier(minimum: GOOD) b: meetsTier(minimum: GOOD) %s score } }"
        executed = world.run(document % "c: meetsTier(minimum: GOOD)")
        assert executed.body["data"]["consentedUser"] == {"a": "YES", "b": "YES", "c": None, "score": 640}
        (error,) = executed.body["errors"]
        assert error["path"] == ["consentedUser", "c"]
        assert error["extensions"] == {"code": "TOO_MANY_INQUIRIES", "retryAfter": 3600}
        assert [kind for kind, _ in accesses(world)] == ["SCORE_THRESHOLD", "SCORE_THRESHOLD", "SCORE_EXACT"]
        (blocker,) = world.data(PREVIEW, {"ask": ASK})["decisionPreview"]["blockers"]
        assert blocker == {"code": "TOO_MANY_INQUIRIES"}
        clock.advance(hours=1)
        assert "errors" not in world.run(document % "").body


def test_a_document_reads_one_snapshot(world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    original = MerchantService.own
    names = iter(("Red Cars", "Blue Cars"))

    def renamed_meanwhile(self: MerchantService, query: Any) -> Any:
        merchant = original(self, query)
        with writing(world.database) as unit:
            rename = MERCHANTS.update().where(MERCHANTS.c.id == world.merchant_id)
            unit.connection.execute(rename.values(name=next(names)))
        return merchant

    monkeypatch.setattr(MerchantService, "own", renamed_meanwhile)
    assert world.data("{ a: merchant { name } b: merchant { name } }") == {
        "a": {"name": "Green Cars"},
        "b": {"name": "Green Cars"},
    }


def test_payloads_read_what_was_committed(world: GraphQLWorld) -> None:
    decision = world.request()["decision"]["id"]
    document = """mutation M($a: DecisionActivateInput!, $b: DecisionFulfillInput!) {
      a: decisionActivate(input: $a) { decision { ...F } } b: decisionFulfill(input: $b) { decision { ...F } } }
      fragment F on Decision {
        status receipt timeline { nodes { topic ... on DecisionEvent { decision { status } } } } }"""
    moves = {name: {"decisionId": decision, "idempotencyKey": name} for name in ("a", "b")}
    answered = world.data(document, moves, by=world.merchant())
    for name, status, topics in (
        ("a", "ACTIVE", ["DECISION_APPROVED", "DECISION_ACTIVATED"]),
        ("b", "FULFILLED", ["DECISION_APPROVED", "DECISION_ACTIVATED", "DECISION_FULFILLED"]),
    ):
        found = answered[name]["decision"]
        assert found["status"] == status
        assert [each["topic"] for each in found["timeline"]["nodes"]] == topics
        assert {each["decision"]["status"] for each in found["timeline"]["nodes"]} == {status}
    receipts = [answered[name]["decision"]["receipt"] for name in ("a", "b")]
    assert receipts[0] != receipts[1]
    shown = "query D($id: ID!) { decision(by: {id: $id}) { receipt } }"
    assert world.data(shown, {"id": decision})["decision"]["receipt"] == receipts[1]


def test_payloads_read_outside_the_unit_that_wrote(world: GraphQLWorld, units: list[str]) -> None:
    world.data(REQUEST, asked("k", "r"))
    written = units.index("write")
    assert units.count("write") == 1
    assert units[written + 1 :], "the payload reads consent and timeline"
    assert set(units[:written] + units[written + 1 :]) == {"read"}


def test_an_answer_that_cannot_be_logged_is_none(world: GraphQLWorld) -> None:
    with world.database.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON access_log BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(Exception, match="full"):
        world.run("{ consentedUser { scoreTier { tier } } }")


def test_a_score_source_that_breaks_costs_only_the_fields_that_need_it(
    world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def measure(self, user_id: str, now: BusinessTime) -> Measurement:
            raise RuntimeError("the provider's text, which may name a person")

    monkeypatch.setattr(world.container.queries, "_scores", ScoreFetcher(Broken()))
    executed = world.run("{ viewer { appName } consentedUser { id scoreTier { tier } } }")
    assert executed.body["data"] == {
        "viewer": {"appName": "Green Cars website"},
        "consentedUser": {"id": world.consent.subject, "scoreTier": None},
    }
    (error,) = executed.body["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["consentedUser", "scoreTier"], "INTERNAL_SERVER_ERROR")
    assert "provider" not in str(executed.body)
    assert accesses(world) == []
