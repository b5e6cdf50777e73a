"""The responses of the compared servers as dictionaries, and the formats of ids, amounts and times."""

import sqlite3
import time
from typing import Any

import store

DOCUMENTATION = "https://gateway.example/errors"


def amount(minor: int) -> str:
    """Returns an amount with two digits."""
    return f"{minor // 100}.{minor % 100:02}"


def money(minor: int) -> dict[str, str]:
    """Returns an amount with its currency."""
    return {"amount": amount(minor), "currency": "CNY"}


def moment(seconds: int) -> str:
    """Returns a time in UTC by ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def decision_id(number: int) -> str:
    """Returns the global id of a decision."""
    return f"dec_{number}"


def answer(connection: sqlite3.Connection, authorization: str, request: dict[str, Any]) -> dict[str, Any]:
    """Returns the response to one of the measured requests, without parsing its document. Raises Unauthorized,
    ValueError for another request."""
    caller = store.find_caller(connection, authorization)
    query = request["query"]
    if "scoreTier" in query:
        tier, rank = store.read_tier(connection, caller)
        return {"data": {"consentedUser": {"scoreTier": {"tier": tier, "rank": rank}}}}
    if "decisionRequest" in query:
        return {
            "data": {"decisionRequest": _requested(*store.decide(connection, caller, request["variables"]["input"]))}
        }
    if "decisions(first: 50)" in query:
        decisions, more = store.read_page(connection, caller, 50)
        nodes = [_node(decision) for decision in decisions]
        end = f"cursor_{decisions[-1].id}" if decisions else None
        return {
            "data": {"merchant": {"decisions": {"nodes": nodes, "pageInfo": {"hasNextPage": more, "endCursor": end}}}}
        }
    raise ValueError(query)


def writes(request: dict[str, Any]) -> bool:
    """Whether the request writes."""
    return "decisions(first" not in request["query"]


def _node(decision: store.Decision) -> dict[str, Any]:
    return {
        "id": decision_id(decision.id),
        "status": decision.status,
        "merchantReference": decision.reference,
        "createdAt": moment(decision.created_at),
        "product": decision.product,
        "outcome": {"__typename": "Approval" if "terms" in decision.outcome else "Decline"},
        "settlement": None if decision.due is None else {"due": {"amount": amount(decision.due)}},
    }


def _requested(decision: store.Decision | None, replayed: bool, errors: list[store.UserError]) -> dict[str, Any]:
    problems = [{"code": error.code, "message": error.message, "field": error.field} for error in errors]
    if decision is None:
        return {"decision": None, "userErrors": problems}
    outcome: dict[str, Any] = {"__typename": "Decline"}
    if "terms" in decision.outcome:
        terms = decision.outcome["terms"]
        outcome = {
            "__typename": "Approval",
            "validUntil": moment(decision.outcome["validUntil"]),
            "terms": {
                "waivedAmount": {"amount": amount(terms["waivedAmount"])},
                "depositDue": {"amount": amount(terms["depositDue"])},
            },
        }
    content = {"id": decision_id(decision.id), "status": decision.status, "outcome": outcome}
    return {"decision": content, "userErrors": problems}
