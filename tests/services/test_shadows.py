"""A shadow policy is evaluated for every request and changes no outcome."""

from collections.abc import Mapping
from typing import Any

import pytest
import structlog

from gateway.domain.decisions.transitions import Status
from gateway.domain.policies.column import Fact
from gateway.domain.policies.comparison import ResultComparison, SkipReason
from gateway.domain.policies.table import DecisionTable, PolicyResult
from gateway.domain.scoring.tier import Tier
from gateway.kit.json import decode
from gateway.services.decisions.shadows import ShadowPolicies
from gateway.services.policies.history import Shadow
from merchants.car_rental import CarRental
from merchants.policies.tables import read_table
from tests.services.asks import car, order, request_command
from tests.support.demo_world import DemoWorld
from tests.support.units import reading

TEXT = """
policy = "car_rental"
version = "strict"
effective = 2027-01-01
currency = "CNY"
[[rule]]
id = "only the best"
when.tier = { at_least = "EXCELLENT" }
approve = { share = 100, maximum = "1000.00" }
[[rule]]
id = "nobody else"
decline = { reasons = ["TIER_BELOW_REQUIRED"], retry_after = "P30D", alternatives = ["PAY_LATER"] }
"""
STRICT = read_table(TEXT, CarRental.columns, "strict.toml")


class Broken(DecisionTable):
    """Fails at every request, with facts about the person in the message."""

    def __init__(self) -> None:
        super().__init__(
            policy="car_rental",
            version="broken",
            effective=STRICT.effective,
            currency="CNY",
            columns=STRICT.columns,
            rules=STRICT.rules,
            source="broken.toml",
        )

    def decide(self, facts: Mapping[str, Fact]) -> PolicyResult:
        raise RuntimeError(f"hidden-word {facts}")


def with_shadow(world: DemoWorld, table: DecisionTable) -> DemoWorld:
    """The same deployment with this shadow policy."""
    return world.variant(shadows=ShadowPolicies({"car_rental": table}))


def first_entry(world: DemoWorld, decision_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The public and the personal part of a decision's first entry."""
    with reading(world.database) as unit:
        entry = unit.decision_log.list_of_decision(decision_id)[0]
        personal = unit.decision_log.open_personal(entry)
        assert personal is not None
        return decode(entry.public), personal


def shadowed(world: DemoWorld) -> list[tuple[Shadow | None, ResultComparison | SkipReason]]:
    return list(world.policies.compare_shadows(world.registry["car_rental"]))


def ask_all(world: DemoWorld, *handles: str) -> list[Any]:
    """Decisions about the same ask, one for each persona."""
    made = []
    for handle in handles:
        command = request_command(car(world.clock()), handle, handle)
        made.append(world.requester.request(world.user_token(world.grant(handle)), command).decision)
    return made


def test_shadow_policy_does_not_change_the_outcome(world: DemoWorld) -> None:
    decision = ask_all(with_shadow(world, STRICT), "just-below")[0]

    assert decision.status is Status.APPROVED
    assert decision.outcome.terms.exposed.amount == "2100.00"
    assert decision.provenance.policy_version == "2026-11-29"
    assert "strict" not in repr(decision)
    assert world.exposure("just-below") == 210_000


def test_shadow_result_is_only_in_the_sealed_part_of_the_first_entry(world: DemoWorld) -> None:
    decision = ask_all(with_shadow(world, STRICT), "just-below")[0]

    public, personal = first_entry(world, decision.id)
    assert "strict" not in repr(public)
    assert personal["ruling"]["policy_version"] == "2026-11-29"
    assert personal["shadow"] == {
        "policy": "car_rental",
        "policy_version": "strict",
        "policy_hash": STRICT.hash,
        "rule_id": "nobody else",
        "verdict": "DECLINE",
        "share": 0,
        "maximum": None,
        "benefits": {},
        "reasons": ["TIER_BELOW_REQUIRED"],
        "retry_after": "P30D",
        "alternatives": ["PAY_LATER"],
        "trace": [{"rule_id": "only the best", "failed": "tier"}, {"rule_id": "nobody else", "failed": None}],
    }
    assert not [name for name, rows in world.contents().items() if "strict" in repr(rows)]


def test_other_adapters_have_no_shadow_policy(world: DemoWorld) -> None:
    acting = world.user_token(world.grant("excellent", client=world.client("online_shop")))
    decision = with_shadow(world, STRICT).requester.request(acting, request_command(order())).decision
    assert "shadow" not in first_entry(world, decision.id)[1]


def test_preview_does_not_evaluate_the_shadow_policy(world: DemoWorld) -> None:
    other, ask = with_shadow(world, STRICT), car(world.clock())
    token = world.user_token(world.grant("just-below"))
    preview = other.query(token, lambda query: other.decisions.preview(query, "carRental", ask, None))

    assert preview.outcome is not None
    accesses = world.personal_parts("access_log")
    assert len(accesses) == 1
    assert "shadow" not in repr(accesses)
    assert "strict" not in repr((preview, accesses))


def test_failing_shadow_policy_fails_no_request_and_discloses_no_facts(world: DemoWorld) -> None:
    broken = with_shadow(world, Broken())
    with structlog.testing.capture_logs() as logs:
        decision = ask_all(broken, "good")[0]

    assert decision.status is Status.APPROVED
    document = first_entry(world, decision.id)[1]["shadow"]
    assert (document["policy_version"], document["error"]) == ("broken", "RuntimeError")
    assert [(each["event"], each["error"]) for each in logs] == [("shadow policy failed", "RuntimeError")]
    assert "hidden-word" not in repr((document, logs))
    assert [one for _, one in shadowed(world)] == [SkipReason.FAILED]


def test_shadow_comparison_counts_changed_outcomes(world: DemoWorld) -> None:
    ask_all(world, "unscored")  # without a shadow policy
    best, second, third = ask_all(with_shadow(world, STRICT), "excellent", "good", "building")

    by_id = {one.decision_id: one for _, one in shadowed(world) if isinstance(one, ResultComparison)}

    assert {version for version, _ in shadowed(world)} == {Shadow("car_rental", "strict", STRICT.hash)}
    assert set(by_id) == {best.id, second.id, third.id}
    assert (by_id[best.id].before.exposed.amount, by_id[best.id].after.exposed.amount) == (
        "3000.00",
        "1000.00",
    )
    assert (by_id[second.id].before.status, by_id[second.id].after.status) == (
        Status.APPROVED,
        Status.DECLINED,
    )
    assert [by_id[each.id].changed for each in (best, second, third)] == [True, True, False]
    assert {one.tier for one in by_id.values()} == {Tier.EXCELLENT, Tier.GOOD, Tier.BUILDING}


def test_policy_in_force_as_shadow_never_differs(world: DemoWorld) -> None:
    ask_all(with_shadow(world, CarRental.policy), "excellent", "good", "fair", "building", "overdue", "unscored")
    comparisons = [one for _, one in shadowed(world)]
    assert len(comparisons) == 6
    assert [one for one in comparisons if not isinstance(one, ResultComparison) or one.changed] == []


def test_decision_with_destroyed_key_is_compared_without_shadow(world: DemoWorld) -> None:
    ask_all(with_shadow(world, STRICT), "good")
    world.execute("DELETE FROM user_keys")
    assert shadowed(world) == [(None, SkipReason.SEALED)]


def test_unreadable_shadow_result_is_counted(world: DemoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    ask_all(with_shadow(world, STRICT), "good")
    monkeypatch.setattr(CarRental, "member", "carHire")
    assert [one for _, one in shadowed(world)] == [SkipReason.UNREADABLE]
