"""The commands and files of docs/policies.md are executed, over the decisions that the page describes: eight personas
asked for deposits of four sizes."""

import tomllib
from pathlib import Path

from gateway.domain.decisions.state import DecisionState
from gateway.services.decisions.shadows import ShadowPolicies
from gateway.services.identity.persona_records import CATALOGUE
from gateway.services.policies.overrides import apply_override
from merchants.car_rental import CarRental
from merchants.policies.overrides import read_override
from tests.cli.policies import CAR_RENTAL, request_decision
from tests.support.demo_world import DemoWorld
from tests.support.operators import Gateway
from tests.support.page_blocks import PageCommands, block, masked

DEPOSITS = ("200.00", "2000.00", "5000.00", "8000.00")
EXPLAINED = "dec_test_01m8fzc4kme009yew9qjbk0w9x"
MERCHANT = "mer_test_01m8g9rpeve008c0brmgngn311"
BEGINS = "2026-12-01"
"""The date of the page's override, which must not be in the past."""


def write_policies(folder: Path) -> None:
    """Writes the files of the page: the policy in force with its changes, one with an error, bounds and an override."""
    changed, text = block("docs/policies.md", 'policy = "car_rental"\nversion = "2027'), CAR_RENTAL.read_text()
    header, *rules = changed.split("\n[[rule]]\n")
    _, *old_rules = text.split("\n[[rule]]\n")
    new_rules = {tomllib.loads(rule)["id"]: rule for rule in rules}
    ids = [tomllib.loads(rule)["id"] for rule in old_rules]
    assert set(new_rules) <= set(ids)
    parts = [header, *(new_rules.get(name, rule) for name, rule in zip(ids, old_rules, strict=True))]
    currency = f'{header}currency = "CNY"\n'
    (folder / "policies").mkdir()
    files = {
        "next": "\n[[rule]]\n".join([currency, *parts[1:]]),
        "wrong": text.replace("share = 70", "share = 700"),
        "bounds": block("docs/policies.md", 'policy = "car_rental"\ncurrency'),
        "north": block("docs/policies.md", 'policy = "car_rental"\nversion = "north'),
    }
    for name, content in files.items():
        (folder / "policies" / f"{name}.toml").write_text(content)


def ask_all(world: DemoWorld) -> dict[tuple[str, str], DecisionState]:
    """The decisions by persona and deposit. The key of one person is destroyed afterwards."""
    decisions = {
        (persona.handle, deposit): request_decision(world, persona.handle, deposit, number)
        for number, deposit in enumerate(DEPOSITS)
        for persona in CATALOGUE
    }
    assert len(decisions) == 8 * len(DEPOSITS)
    world.execute(f"DELETE FROM user_keys WHERE user_id = '{world.user('unscored')}'")
    return decisions


def hash_of_override(file: Path) -> str:
    """The hash of the car rental's policy with the override in this file. It depends on the date in the file."""
    adapter = CarRental()
    return apply_override(read_override(file.read_text(), file.name, adapter), adapter.policy).hash


def test_new_policy_is_checked_explained_and_tried(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    write_policies(tmp_path)
    explained = ask_all(world)["just-below", "5000.00"]
    today = world.clock.now.date().isoformat()
    north = tmp_path / "policies" / "north.toml"
    stated_hash = hash_of_override(north)
    north.write_text(north.read_text().replace(BEGINS, today))
    replaced = {
        MERCHANT: world.merchant(),
        EXPLAINED: explained.id,
        BEGINS: today,
        stated_hash: hash_of_override(north),
    }
    page = PageCommands(gateway, tmp_path, replaced=replaced)
    page.run_transcript(block("docs/policies.md", "$ gateway policy check"))
    page.run_transcript(block("docs/policies.md", "$ gateway policy explain"))
    page.run_transcript(block("docs/policies.md", "$ gateway policy backtest"))
    written = masked((tmp_path / "changed.csv").read_text()).splitlines()
    stated = masked(block("docs/policies.md", "decision,tier")).splitlines()
    assert written[0] == stated[0]
    assert [line for line in stated if line not in written] == []
    page.run_transcript(block("docs/policies.md", "$ gateway policy bounds"))


def test_shadow_is_counted(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    write_policies(tmp_path)
    table = CarRental().load_policy(tmp_path / "policies" / "next.toml")
    ask_all(world.variant(shadows=ShadowPolicies({"car_rental": table})))
    PageCommands(gateway, tmp_path).run_transcript(block("docs/policies.md", "$ gateway policy shadow"))
