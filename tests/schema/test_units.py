"""The units of work of a document: one reads its data, one writes its log entries."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from gateway.domain.error_examples import EXAMPLES
from gateway.domain.scoring.score import Measurement
from gateway.kit.clock import BusinessTime
from gateway.kit.json import decode
from gateway.services.merchants import MerchantService
from gateway.services.scoring.fetching import ScoreFetcher
from gateway.settings import Settings
from gateway.store.merchants.merchants import MERCHANTS
from tests.support.clock import MovableClock
from tests.support.examples import matches
from tests.support.graphql_world import REQUEST, GraphQLWorld, request_variables
from tests.support.units import reading, writing

SOURCE, DOCUMENT, LOG = "read", "read", "write"
"""The persona source reads the score in its own unit, before the unit of the document."""

PREVIEW = "query P($ask: DecisionAsk!) { decisionPreview(input: {ask: $ask}) { eligible blockers { code } } }"
ASK = request_variables("", "")["input"]["ask"]


@pytest.fixture
def units(world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of all units of work that have run, in order."""
    run: list[str] = []

    def recording(kind: str) -> Callable[[Any], Any]:
        original = getattr(world.database, kind)

        def note(work: Any) -> Any:
            run.append(kind)
            return original(work)

        return note

    for kind in ("read", "write"):
        monkeypatch.setattr(world.database, kind, recording(kind))
    return run


@pytest.fixture
def inquiries(world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The user id of each counted inquiry, in order."""
    counted: list[str] = []

    def count(principal: Any) -> None:
        counted.append(principal.consent.user_id)

    monkeypatch.setattr(world.container.inquiries, "count", count)
    return counted


def accesses(world: GraphQLWorld) -> list[tuple[str, Any]]:
    """Returns kind and decrypted content of each entry of the access log, oldest first."""
    with reading(world.database) as unit:
        subject = unit.users.load_log_subject(world.consent.user_id)
        entries = unit.access_log.list_of_subject(subject, limit=100)[::-1]
        opened = unit.access_log.open_all(entries)
        return [
            (decode(entry.public)["kind"], (personal or {})["answered"])
            for entry, personal in zip(entries, opened, strict=True)
        ]


def test_document_is_one_unit(world: GraphQLWorld, units: list[str], inquiries: list[str]) -> None:
    document = """{ viewer { appName merchant { name } } merchant { decisions { totalCount nodes { id } } }
        decision(by: {merchantReference: "r"}) { id } sandboxPersonas { score } reasonCatalog { code } }"""
    world.data(document, by=world.merchant())
    assert units == [DOCUMENT]
    assert (accesses(world), inquiries) == ([], [])


def test_tier_takes_one_reading_unit_and_one_that_logs(
    world: GraphQLWorld, units: list[str], inquiries: list[str]
) -> None:
    world.data("{ consentedUser { id scoreTier { tier } } }")
    assert units == [SOURCE, DOCUMENT, LOG]
    assert inquiries == [world.consent.user_id]
    assert accesses(world) == [("SCORE_TIER", {"tier": "GOOD"})]


@pytest.mark.parametrize(
    ("document", "variables", "counted"),
    [
        pytest.param("{ consentedUser { score } }", {}, 1, id="E3-score"),
        ("{ consentedUser { meetsTier(minimum: GOOD) } }", {}, 1),
        (PREVIEW, {"ask": ASK}, 1),
        (
            "{ consentedUser { score a: meetsTier(minimum: GOOD) b: meetsTier(minimum: FAIR) scoreTier { tier } } }",
            {},
            4,
        ),
    ],
)
def test_score_is_fetched_before_the_document_and_each_inquiry_is_counted(
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


def test_inquiries_of_list_items_are_counted_for_each_item(
    world: GraphQLWorld, units: list[str], inquiries: list[str]
) -> None:
    document = "query N($ids: [ID!]!) { nodes(ids: $ids) { ... on ConsentedUser { meetsTier(minimum: GOOD) } } }"
    found = world.data(document, {"ids": [world.consent.subject, "dec_test_x", world.consent.subject]})["nodes"]
    assert found == [{"meetsTier": "YES"}, None, {"meetsTier": "YES"}]
    assert units == [SOURCE, DOCUMENT, LOG]
    assert len(inquiries) == 2
    assert [kind for kind, _ in accesses(world)] == ["SCORE_THRESHOLD"] * 2


def test_forbidden_and_skipped_fields_fetch_and_count_nothing(
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


def test_inquiries_beyond_the_budget_fail_only_their_fields(
    settings: Settings, sqlite_url: str, clock: MovableClock
) -> None:
    few = settings.model_copy(update={"database_url": sqlite_url, "inquiries_per_hour": 2})
    with closing(GraphQLWorld(few, clock)) as world:
        document = "{ consentedUser { a: meetsTier(minimum: GOOD) b: meetsTier(minimum: GOOD) %s } }"
        executed = world.run(document % "c: meetsTier(minimum: GOOD) score")
        assert executed.body["data"]["consentedUser"] == {"a": "YES", "b": "YES", "c": None, "score": None}
        assert [error["path"][1:] for error in executed.body["errors"]] == [["c"], ["score"]]
        for error in executed.body["errors"]:
            assert error["extensions"] == {"code": "TOO_MANY_INQUIRIES", "retryAfter": 3600}
            assert matches(EXAMPLES["TOO_MANY_INQUIRIES"]["message"], error["message"])
        assert [kind for kind, _ in accesses(world)] == ["SCORE_THRESHOLD", "SCORE_THRESHOLD"]
        (blocker,) = world.data(PREVIEW, {"ask": ASK})["decisionPreview"]["blockers"]
        assert blocker == {"code": "TOO_MANY_INQUIRIES"}
        clock.advance(hours=1)
        assert "errors" not in world.run(document % "").body


def test_document_reads_one_snapshot(world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    original = MerchantService.load_own_name
    names = iter(("Red Cars", "Blue Cars"))

    def renamed_meanwhile(self: MerchantService, query: Any) -> Any:
        name = original(self, query)
        with writing(world.database) as unit:
            rename = MERCHANTS.update().where(MERCHANTS.c.id == world.merchant_id)
            unit.connection.execute(rename.values(name=next(names)))
        return name

    monkeypatch.setattr(MerchantService, "load_own_name", renamed_meanwhile)
    assert world.data("{ a: merchant { name } b: merchant { name } }") == {
        "a": {"name": "Green Cars"},
        "b": {"name": "Green Cars"},
    }


def test_payloads_read_the_committed_state(world: GraphQLWorld) -> None:
    decision = world.request()["decision"]["id"]
    document = """mutation M($a: DecisionActivateInput!, $b: DecisionFulfillInput!) {
      a: decisionActivate(input: $a) { decision { ...F } } b: decisionFulfill(input: $b) { decision { ...F } } }
      fragment F on Decision {
        status receipt timeline { nodes { topic ... on DecisionEvent { decision { status } } } } }"""
    moves = {name: {"decisionId": decision, "idempotencyKey": name} for name in ("a", "b")}
    payloads = world.data(document, moves, by=world.merchant())
    for name, status, topics in (
        ("a", "ACTIVE", ["DECISION_APPROVED", "DECISION_ACTIVATED"]),
        ("b", "FULFILLED", ["DECISION_APPROVED", "DECISION_ACTIVATED", "DECISION_FULFILLED"]),
    ):
        found = payloads[name]["decision"]
        assert found["status"] == status
        assert [each["topic"] for each in found["timeline"]["nodes"]] == topics
        assert {each["decision"]["status"] for each in found["timeline"]["nodes"]} == {status}
    receipts = [payloads[name]["decision"]["receipt"] for name in ("a", "b")]
    assert receipts[0] != receipts[1]
    shown = "query D($id: ID!) { decision(by: {id: $id}) { receipt } }"
    assert world.data(shown, {"id": decision})["decision"]["receipt"] == receipts[1]


def test_payloads_read_outside_the_writing_unit(world: GraphQLWorld, units: list[str]) -> None:
    world.data(REQUEST, request_variables("k", "r"))
    written = units.index("write")
    assert units.count("write") == 1
    assert units[written + 1 :], "the payload reads consent and timeline"
    assert set(units[:written] + units[written + 1 :]) == {"read"}


def test_no_response_is_returned_if_its_accesses_cannot_be_logged(world: GraphQLWorld) -> None:
    with world.database.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON access_log BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(Exception, match="full"):
        world.run("{ consentedUser { scoreTier { tier } } }")


def test_failing_score_source_fails_only_the_fields_that_need_it(
    world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FailingSource:
        def measure(self, user_id: str, now: BusinessTime) -> Measurement:
            raise RuntimeError("the provider's text, which may name a person")

    monkeypatch.setattr(world.container.queries, "_scores", ScoreFetcher(FailingSource()))
    executed = world.run("{ viewer { appName } consentedUser { id scoreTier { tier } } }")
    assert executed.body["data"] == {
        "viewer": {"appName": "Green Cars website"},
        "consentedUser": {"id": world.consent.subject, "scoreTier": None},
    }
    (error,) = executed.body["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["consentedUser", "scoreTier"], "INTERNAL_SERVER_ERROR")
    assert "provider" not in str(executed.body)
    assert accesses(world) == []
