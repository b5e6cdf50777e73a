"""ariadne with peer.graphql, as its documentation shows it: resolvers return dictionaries and objects."""

from pathlib import Path
from typing import Any

import answers
import serving
import store
from ariadne import (
    InterfaceType,
    MutationType,
    ObjectType,
    QueryType,
    UnionType,
    load_schema_from_path,
    make_executable_schema,
)
from ariadne.asgi import GraphQL
from starlette.requests import Request
from starlette.responses import Response

options = serving.arguments()
units = store.Each(options.database)
query, mutation, merchant, decision = QueryType(), MutationType(), ObjectType("Merchant"), ObjectType("Decision")


@query.field("consentedUser")
def consented_user(_: Any, info: Any) -> Any:
    caller = info.context["caller"]
    return None if caller.user is None else {"id": f"usr_{caller.user}", "caller": caller}


user = ObjectType("ConsentedUser")


@user.field("scoreTier")
def score_tier(parent: dict[str, Any], _: Any) -> dict[str, Any]:
    tier, rank = units.run_now(lambda connection: store.read_tier(connection, parent["caller"]))
    return {"tier": tier, "rank": rank}


@query.field("merchant")
def own_merchant(_: Any, info: Any) -> dict[str, Any]:
    return {"id": f"mer_{info.context['caller'].merchant}", "name": "", "caller": info.context["caller"]}


@merchant.field("decisions")
def decisions(parent: dict[str, Any], _: Any, first: int = 20) -> dict[str, Any]:
    found, more = store.read_page(units.connection, parent["caller"], first)
    end = f"cursor_{found[-1].id}" if found else None
    return {"nodes": found, "pageInfo": {"hasNextPage": more, "endCursor": end}}


@decision.field("id")
def global_id(parent: store.Decision, _: Any) -> str:
    return answers.decision_id(parent.id)


@decision.field("merchantReference")
def reference(parent: store.Decision, _: Any) -> str:
    return parent.reference


@decision.field("createdAt")
def created_at(parent: store.Decision, _: Any) -> str:
    return answers.moment(parent.created_at)


@decision.field("settlement")
def settlement(parent: store.Decision, _: Any) -> dict[str, Any] | None:
    return None if parent.due is None else {"due": answers.money(parent.due)}


@decision.field("outcome")
def outcome(parent: store.Decision, _: Any) -> dict[str, Any]:
    reasons = [{"code": code} for code in parent.outcome["reasons"]]
    terms = parent.outcome.get("terms")
    if terms is None:
        return {"__typename": "Decline", "reasons": reasons}
    amounts = {name: answers.money(terms[name]) for name in ("originalDeposit", "waivedAmount", "depositDue")}
    deposit = {"__typename": "DepositTerms", **amounts, "returnBy": terms["returnBy"]}
    valid_until = answers.moment(parent.outcome["validUntil"])
    return {"__typename": "Approval", "terms": deposit, "validUntil": valid_until, "reasons": reasons}


@mutation.field("decisionRequest")
def decision_request(_: Any, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
    caller = info.context["caller"]
    made, replayed, errors = units.run_now(lambda connection: store.decide(connection, caller, input))
    problems = [
        {"code": e.code, "message": e.message, "field": e.field, "documentation": answers.DOCUMENTATION} for e in errors
    ]
    return {"decision": made, "userErrors": problems, "replayed": replayed}


def type_name(value: Any, *_: Any) -> str:
    return str(value["__typename"])


error_type = InterfaceType(
    "UserError", lambda e, *_: "IdempotencyError" if e["code"] == "IDEMPOTENCY_KEY_REUSED" else "InvalidInputError"
)
schema = make_executable_schema(
    load_schema_from_path(str(Path(__file__).parent / "peer.graphql")),
    *(query, mutation, merchant, user, decision, error_type),
    InterfaceType("Node"),
    UnionType("DecisionOutcome", type_name),
    UnionType("DecisionTerms", type_name),
)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Checks the token, then lets ariadne answer."""
    request = Request(scope, receive)
    try:
        caller = store.find_caller(units.connection, request.headers.get("authorization", ""))
    except store.Unauthorized:
        await Response(status_code=401)(scope, receive, send)
        return
    scope.setdefault("state", {})["caller"] = caller
    await graphql(scope, receive, send)


graphql = GraphQL(schema, context_value=lambda request, _: {"caller": request.scope["state"]["caller"]})
serving.serve(application, options.port)
