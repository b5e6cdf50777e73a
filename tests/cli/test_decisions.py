"""`gateway decisions`: list, show and manual reviews; `gateway database check --deep`."""

import json
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.cli.decisions import describe_limit
from gateway.domain.decisions.outcome import ManualReview
from gateway.domain.decisions.transitions import Status
from gateway.domain.money import Money
from gateway.domain.period import Period
from gateway.kit.clock import BusinessTime, business_time, wall_clock
from gateway.store.database import Database
from merchants.car_rental import CarRental, CarRentalAsk
from tests.support.factories import make_cast, make_consent, make_decision, make_user
from tests.support.operators import Gateway
from tests.support.records import write_persona_records
from tests.support.units import reading, writing


@pytest.fixture
def gateway(database_url: str, tmp_path: Path) -> Gateway:
    return Gateway(database_url, tmp_path)


def request_review(database_url: str) -> str:
    """The id of a new decision in manual review, about a person of the highest tier."""
    now = business_time(wall_clock(), 0)
    rental = Period(now + timedelta(days=1), now + timedelta(days=4))
    ask = CarRentalAsk(Money.parse("3000.00", "CNY"), Money.parse("180000.00", "CNY"), rental)
    with closing(Database(database_url)) as database, writing(database) as unit:
        cast = make_cast(unit)
        write_persona_records(unit, cast.user, "excellent", now)
        return make_decision(
            unit,
            cast.consent,
            status=Status.PENDING,
            ask={"carRental": CarRental().ask_document(ask)},
            outcome=ManualReview(("NOT_SCORED",)),
            valid_until=BusinessTime(now + timedelta(days=7)),
        )


def status(database_url: str, decision_id: str) -> str:
    with closing(Database(database_url)) as database, reading(database) as unit:
        decision = unit.decisions.load(decision_id)
        assert decision is not None
        return decision.status


def test_review_approves_on_the_terms_of_a_rule(gateway: Gateway, database_url: str) -> None:
    decision = request_review(database_url)
    output = gateway.output("decisions", "review", decision, "--approve", "--rule", "very-good")
    assert output.startswith(f"{decision} (order-")
    assert "is APPROVED. 2100.00 CNY until" in output
    assert "is APPROVED does not allow" in gateway.error_line("decisions", "review", decision, "--decline")


def test_review_declines_with_a_reason(gateway: Gateway, database_url: str) -> None:
    decision = request_review(database_url)
    output = gateway.output("decisions", "review", decision, "--decline", "--reason", "TIER_BELOW_REQUIRED")
    assert output.endswith("is DECLINED.")
    assert status(database_url, decision) == "DECLINED"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--approve or --decline"),
        (("--approve", "--decline"), "--approve or --decline"),
        (("--decline", "--rule", "good"), "--rule goes with --approve"),
        (("--approve", "--reason", "NOT_SCORED"), "--reason with --decline"),
        (("--approve", "--rule", "none"), "Rules that approve: excellent very-good good fair starter."),
        (("--decline", "--reason", "NONE"), "A decline needs reasons."),
    ],
)
def test_review_rejects_contradictory_options(
    gateway: Gateway, database_url: str, arguments: tuple[str, ...], message: str
) -> None:
    decision = request_review(database_url)
    assert message in gateway.error_line("decisions", "review", decision, *arguments)
    assert status(database_url, decision) == "PENDING"


def test_review_rejects_an_unknown_decision(gateway: Gateway) -> None:
    assert "There is no decision dec_none" in gateway.error_line("decisions", "review", "dec_none", "--approve")


def test_deep_check_finds_a_total_that_differs(gateway: Gateway, database_url: str) -> None:
    assert "is at the newest revision" in gateway.output("database", "check")
    assert "agree with each other" in gateway.output("database", "check", "--deep")
    with closing(Database(database_url)) as database, writing(database) as unit:
        cast = make_cast(unit)
        make_decision(unit, cast.consent)
        unit.exposures.change(cast.user, cast.merchant, Money(1, "CNY"))
    done = gateway("database", "check", "--deep")
    assert done.returncode == 1
    assert "is 300001, but its decisions add up to 300000" in done.stdout
    assert "found mismatches" in done.stderr


def test_list_has_the_newest_decision_first(gateway: Gateway, database_url: str) -> None:
    first, second = make_two(database_url)
    assert [line.split()[0] for line in gateway.output("decisions", "list").splitlines()] == ["decision", second, first]


def test_list_filters_by_status(gateway: Gateway, database_url: str) -> None:
    make_two(database_url)
    pending = request_review(database_url)
    assert list_ids(gateway, "--status", "pending") == [pending]


def test_list_filters_by_merchant(gateway: Gateway, database_url: str) -> None:
    make_two(database_url)
    pending = request_review(database_url)
    merchant = json.loads(gateway.output("decisions", "show", pending, "--json"))["merchant_id"]
    assert list_ids(gateway, "--merchant", merchant) == [pending]
    assert "There is no merchant mer_none" in gateway.error_line("decisions", "list", "--merchant", "mer_none")


def test_list_filters_by_person(gateway: Gateway, database_url: str) -> None:
    with closing(Database(database_url)) as database, writing(database) as unit:
        cast, person = make_cast(unit), make_user(unit)
        consent = make_consent(unit, cast.client, person)
        make_decision(unit, cast.consent)
        own = [make_decision(unit, consent) for _ in range(3)]
    make_two(database_url)
    assert list_ids(gateway, "--person", person) == own[::-1]
    assert list_ids(gateway, "--person", person, "--limit", "1") == own[:1:-1]
    assert list_ids(gateway, "--person", person, "--merchant", cast.merchant) == own[::-1]
    assert list_ids(gateway, "--person", person, "--status", "pending") == []
    assert json.loads(gateway.output("decisions", "show", own[0], "--json"))["user_id"] == person
    assert "There is no person nobody" in gateway.error_line("decisions", "list", "--person", "nobody")


def test_list_leaves_out_merchants_that_a_reset_has_replaced(gateway: Gateway, database_url: str) -> None:
    with closing(Database(database_url)) as database, writing(database) as unit:
        cast, person = make_cast(unit), make_user(unit)
        replaced = make_decision(unit, make_consent(unit, cast.client, person))
        unit.partners.retire(cast.partner, "replaced", unit.wall)
    others = make_two(database_url)
    assert set(list_ids(gateway)) == set(others)
    assert set(list_ids(gateway, "--all")) == {replaced, *others}
    for whose in (("--person", person), ("--merchant", cast.merchant)):
        assert list_ids(gateway, *whose) == [replaced]


def test_list_names_the_option_for_more_than_its_limit(gateway: Gateway, database_url: str) -> None:
    _, second = make_two(database_url)
    done = gateway("decisions", "list", "--limit", "1", "--json")
    assert [decision["id"] for decision in json.loads(done.stdout)] == [second]
    assert done.stderr == "These are the newest 1. For more: --limit 2\n"


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (6_000, "These are the newest 6000. For more: --limit 10000"),
        (10_000, "These are the newest 10000."),
    ],
)
def test_list_names_no_limit_above_the_largest(limit: int, text: str) -> None:
    assert describe_limit(limit) == text


def test_list_without_decisions_is_empty(gateway: Gateway) -> None:
    done = gateway("decisions", "list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "There is no decision.\n")
    assert json.loads(gateway.output("decisions", "list", "--json")) == []


def test_list_as_json_has_amounts_and_times(gateway: Gateway, database_url: str) -> None:
    request_review(database_url)
    (decision,) = json.loads(gateway.output("decisions", "list", "--json"))
    assert decision["status"] == "PENDING"
    assert decision["requested"] == {"amount": "3000.00", "currency": "CNY"}
    assert decision["created_at"].endswith("Z")
    assert datetime.fromisoformat(decision["valid_until"]) > datetime.fromisoformat(decision["created_at"])


def test_show_prints_the_rules_that_approve_a_manual_review(gateway: Gateway, database_url: str) -> None:
    lines = gateway.output("decisions", "show", request_review(database_url)).splitlines()
    assert "rules that approve  excellent very-good good fair starter" in lines


def test_show_needs_no_loaded_adapter(gateway: Gateway, database_url: str, tmp_path: Path) -> None:
    decision = request_review(database_url)
    done = Gateway(database_url, tmp_path, GATEWAY_ADAPTERS="online_shop")("decisions", "show", decision, "--json")
    assert (done.returncode, json.loads(done.stdout)["approving_rules"]) == (0, []), done.stderr
    assert done.stderr == "The adapter car_rental is not loaded.\n"


def test_show_as_json_has_the_timeline(gateway: Gateway, database_url: str) -> None:
    decision = request_review(database_url)
    gateway.output("decisions", "review", decision, "--decline", "--reason", "TIER_BELOW_REQUIRED")
    shown = json.loads(gateway.output("decisions", "show", decision, "--json"))
    assert (shown["status"], shown["reasons"], shown["approving_rules"]) == ("DECLINED", ["TIER_BELOW_REQUIRED"], [])
    assert [(event["from"], event["to"], event["actor"]) for event in shown["timeline"]][-1] == (
        "PENDING",
        "DECLINED",
        "OPERATOR",
    )


def test_show_rejects_an_unknown_decision(gateway: Gateway) -> None:
    assert gateway.error_line("decisions", "show", "dec_none") == "error: There is no decision dec_none."


def make_two(database_url: str) -> tuple[str, str]:
    """The ids of two new approvals of one merchant."""
    with closing(Database(database_url)) as database, writing(database) as unit:
        cast = make_cast(unit)
        return make_decision(unit, cast.consent), make_decision(unit, cast.consent)


def list_ids(gateway: Gateway, *options: str) -> list[str]:
    return [decision["id"] for decision in json.loads(gateway.output("decisions", "list", "--json", *options))]
