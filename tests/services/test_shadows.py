"""A shadow policy sees every request and changes nothing about any of them."""

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
from tests.services.asks import asking, car, order
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
    """Fails at every request, with what it knows about the person in the text."""

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


def beside(world: DemoWorld, table: DecisionTable) -> DemoWorld:
    """The same deployment with that shadow."""
    return world.variant(shadows=ShadowPolicies({"car_rental": table}))


def first_entry(world: DemoWorld, decision_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The public and the personal part."""
    with reading(world.database) as unit:
        entry = unit.decision_log.list_of_decision(decision_id)[0]
        personal = unit.decision_log.open_personal(entry)
        assert personal is not None
        return decode(entry.public), personal


def shadowed(world: DemoWorld) -> list[tuple[Shadow | None, ResultComparison | SkipReason]]:
    return list(world.policies.compare_shadows(world.registry["car_rental"]))


def ask_all(world: DemoWorld, *handles: str) -> list[Any]:
    """A decision for each, with the same ask."""
    made = []
    for handle in handles:
        given = asking(car(world.clock()), handle, handle)
        made.append(world.requester.request(world.acting(world.grant(handle)), given).decision)
    return made


def test_the_answer_is_the_live_policys(world: DemoWorld) -> None:
    decision = ask_all(beside(world, STRICT), "just-below")[0]

    assert decision.status is Status.APPROVED
    assert decision.outcome.terms.exposed.amount == "2100.00"
    assert decision.provenance.policy_version == "2026-11-01"
    assert "strict" not in repr(decision)
    assert world.exposure("just-below") == 210_000


def test_its_ruling_is_in_the_sealed_part_of_the_first_entry_alone(world: DemoWorld) -> None:
    decision = ask_all(beside(world, STRICT), "just-below")[0]

    public, personal = first_entry(world, decision.id)
    assert "strict" not in repr(public)
    assert personal["ruling"]["policy_version"] == "2026-11-01"
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


def test_other_adapters_have_none(world: DemoWorld) -> None:
    acting = world.acting(world.grant("excellent", client=world.client("online_shop")))
    decision = beside(world, STRICT).requester.request(acting, asking(order())).decision
    assert "shadow" not in first_entry(world, decision.id)[1]


def test_a_preview_knows_nothing_of_it(world: DemoWorld) -> None:
    other, ask = beside(world, STRICT), car(world.clock())
    token = world.acting(world.grant("just-below"))
    preview = other.query(token, lambda query: other.decisions.preview(query, "carRental", ask, None))

    assert preview.outcome is not None
    accesses = world.personal("access_log")
    assert len(accesses) == 1
    assert "shadow" not in repr(accesses)
    assert "strict" not in repr((preview, accesses))


def test_a_shadow_that_fails_breaks_no_request_and_tells_nobody_what_it_knew(world: DemoWorld) -> None:
    broken = beside(world, Broken())
    with structlog.testing.capture_logs() as logs:
        decision = ask_all(broken, "good")[0]

    assert decision.status is Status.APPROVED
    document = first_entry(world, decision.id)[1]["shadow"]
    assert (document["policy_version"], document["error"]) == ("broken", "RuntimeError")
    assert [(each["event"], each["error"]) for each in logs] == [("shadow policy failed", "RuntimeError")]
    assert "hidden-word" not in repr((document, logs))
    assert [one for _, one in shadowed(world)] == [SkipReason.FAILED]


def test_how_often_it_differed(world: DemoWorld) -> None:
    ask_all(world, "unscored")  # before there was one
    best, second, third = ask_all(beside(world, STRICT), "excellent", "good", "building")

    found = {one.decision_id: one for _, one in shadowed(world) if isinstance(one, ResultComparison)}

    assert {version for version, _ in shadowed(world)} == {Shadow("car_rental", "strict", STRICT.hash)}
    assert set(found) == {best.id, second.id, third.id}
    assert (found[best.id].before.exposed.amount, found[best.id].after.exposed.amount) == ("3000.00", "1000.00")
    assert (found[second.id].before.status, found[second.id].after.status) == (Status.APPROVED, Status.DECLINED)
    assert [found[each.id].changed for each in (best, second, third)] == [True, True, False]
    assert {one.tier for one in found.values()} == {Tier.EXCELLENT, Tier.GOOD, Tier.BUILDING}


def test_the_live_policy_as_its_own_shadow_never_differs(world: DemoWorld) -> None:
    ask_all(beside(world, CarRental.policy), "excellent", "good", "fair", "building", "overdue", "unscored")
    found = [one for _, one in shadowed(world)]
    assert len(found) == 6
    assert [one for one in found if not isinstance(one, ResultComparison) or one.changed] == []


def test_what_is_sealed_for_ever_comes_without_its_shadow(world: DemoWorld) -> None:
    ask_all(beside(world, STRICT), "good")
    world.execute("DELETE FROM user_keys")
    assert shadowed(world) == [(None, SkipReason.SEALED)]


def test_a_ruling_that_is_no_longer_understood_is_counted(world: DemoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    ask_all(beside(world, STRICT), "good")
    monkeypatch.setattr(CarRental, "member", "carHire")
    assert [one for _, one in shadowed(world)] == [SkipReason.UNREADABLE]
