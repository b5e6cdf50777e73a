"""Every input of the type DateTime, at the first and the last moment that the scalar has."""

from collections.abc import Callable
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_named_type

from tests.support.graphql_world import REQUEST, GraphQLWorld, built, request_variables
from tests.support.transitions import PREVIEW, TRANSITIONS, transition_input

FIRST, LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"
DECISIONS = "query ($filter: DecisionFilter) { merchant { decisions(filter: $filter) { nodes { id } totalCount } } }"
DISPUTES = "query ($filter: DisputeFilter) { merchant { disputes(filter: $filter) { nodes { id } } } }"
STAY = {"deposit": {"amount": "800.00", "currency": "CNY"}, "roomRate": {"amount": "100.00", "currency": "CNY"}}
HOME = {"deposit": {"amount": "800.00", "currency": "CNY"}, "monthlyRent": {"amount": "900.00", "currency": "CNY"}}
SOON = "2026-11-24T09:00:00Z"


def moved(world: GraphQLWorld, name: str, field: str, moment: str) -> Any:
    """The payload of a transition with this moment."""
    decision = world.request()["decision"]["id"]
    names = [name] if name == "activate" else ["activate", name]
    for each in names:
        given: dict[str, Any] = {field: moment} if each == name else {}
        variables = {"input": transition_input(each, decision, **given)}
        (payload,) = world.data(TRANSITIONS[each].document, variables, by=world.merchant()).values()
    return payload


def errors_of_period(world: GraphQLWorld, **period: str) -> list[Any]:
    """The fields of the user errors of a request and of previews for each industry that has a period."""
    given = {"start": SOON, "end": "2026-11-27T09:00:00Z", **period}
    found = [world.data(REQUEST, request_variables("k", "r", rental=given))["decisionRequest"]["userErrors"]]
    for ask in ({"hotelStay": {**STAY, "stay": given}}, {"houseRental": {**HOME, "lease": given}}):
        found.append(world.data(PREVIEW, {"input": {"ask": ask}})["decisionPreview"]["blockers"])
    return [[(error["code"], error["field"][-1]) for error in errors] for errors in found]


def filtered(world: GraphQLWorld, **moments: str) -> int:
    found = world.data(DECISIONS, {"filter": moments}, by=world.merchant())["merchant"]["decisions"]
    assert len(found["nodes"]) == found["totalCount"]
    return int(found["totalCount"])


CHECKS: dict[str, Callable[[GraphQLWorld, str], None]] = {}


def check(*names: str) -> Callable[[Callable[[GraphQLWorld, str], None]], None]:
    """Registers a check of these inputs."""
    return lambda function: CHECKS.update(dict.fromkeys(names, function))


@check("DecisionActivateInput.handedOverAt")
def check_handed_over_at(world: GraphQLWorld, moment: str) -> None:
    (error,) = moved(world, "activate", "handedOverAt", moment)["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID_PERIOD", ["input", "handedOverAt"])


@check("RequestLogFilter.since")
def check_since(world: GraphQLWorld, moment: str) -> None:
    log = "query ($since: DateTime!) { requestLog(filter: {since: $since}) { nodes { id } } }"
    assert world.data(log, {"since": moment}, by=world.merchant())["requestLog"] == {"nodes": []}


@check("SandboxClockMove.setTo")
def check_set_to(world: GraphQLWorld, moment: str) -> None:
    document = "mutation ($to: DateTime!) { sandboxClockMove(move: {setTo: $to}) { userErrors { code field } } }"
    payload = world.data(document, {"to": moment}, by=world.merchant())["sandboxClockMove"]
    assert payload["userErrors"] == [{"code": "INVALID_PERIOD", "field": ["move", "setTo"]}]


@check("DecisionFulfillInput.settledAt")
def check_settled_at(world: GraphQLWorld, moment: str) -> None:
    (error,) = moved(world, "fulfill", "settledAt", moment)["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID_PERIOD", ["input", "settledAt"])


@check("DecisionExtendInput.dueAt")
def check_due_at(world: GraphQLWorld, moment: str) -> None:
    (error,) = moved(world, "extend", "dueAt", moment)["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID_PERIOD", ["input", "dueAt"])


@check("PeriodInput.start")
def check_start(world: GraphQLWorld, moment: str) -> None:
    field = "start" if moment == FIRST else "end"  # a period that starts last ends before it starts
    assert errors_of_period(world, start=moment) == [[("INVALID_PERIOD", field)]] * 3


@check("PeriodInput.end")
def check_end(world: GraphQLWorld, moment: str) -> None:
    assert errors_of_period(world, end=moment) == [[("INVALID_PERIOD", "end")]] * 3


@check("DecisionFilter.createdAfter", "DecisionFilter.createdBefore")
def check_filter(world: GraphQLWorld, moment: str) -> None:
    world.request()
    assert filtered(world, createdAfter=moment) == int(moment == FIRST)
    assert filtered(world, createdBefore=moment) == int(moment == LAST)


@check("DisputeFilter.openedAfter", "DisputeFilter.openedBefore")
def check_dispute_filter(world: GraphQLWorld, moment: str) -> None:
    decision = world.request()["decision"]["id"]
    for move in ("activate", "breach"):
        world.data(TRANSITIONS[move].document, {"input": transition_input(move, decision)}, by=world.merchant())
    world.container.disputes.open(world.consent.user_id, decision, "It came back on time.")
    for name, expected in (("openedAfter", moment == FIRST), ("openedBefore", moment == LAST)):
        found = world.data(DISPUTES, {"filter": {name: moment}}, by=world.merchant())["merchant"]["disputes"]
        assert len(found["nodes"]) == int(expected), name


@pytest.mark.postgresql
@pytest.mark.parametrize("moment", [FIRST, LAST])
@pytest.mark.parametrize("name", [pytest.param(name, id=f"E7-{name}") for name in CHECKS])
def test_extreme_moment_is_an_error_of_its_field_or_a_bound(each_world: GraphQLWorld, name: str, moment: str) -> None:
    CHECKS[name](each_world, moment)


def test_e7_every_input_of_a_moment_is_checked() -> None:
    inputs = {
        f"{type_.name}.{name}"
        for type_ in built(sandbox=True).schema.type_map.values()
        if isinstance(type_, GraphQLInputObjectType)
        for name, field in type_.fields.items()
        if get_named_type(field.type).name == "DateTime"
    }
    assert inputs == CHECKS.keys()
