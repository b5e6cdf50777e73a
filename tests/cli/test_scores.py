"""`gateway scores`: scorecards, imports and scores."""

import json
from pathlib import Path

import pytest

from gateway.sources.scorecard.card_files import SHIPPED, load_card
from tests.support.operators import Gateway


@pytest.fixture
def gateway(sqlite_url: str, tmp_path: Path) -> Gateway:
    return Gateway(sqlite_url, tmp_path)


def test_card_is_checked(gateway: Gateway) -> None:
    shown = gateway.output("scores", "check", str(SHIPPED))
    card = load_card(SHIPPED)
    for words in (f"effective            {card.effective}", "range                350-950", card.hash):
        assert words in shown
    document = json.loads(gateway.output("scores", "check", str(SHIPPED), "--json"))
    assert (document["hash"], document["effective"], document["highest"]) == (card.hash, "2026-11-01", 950)


def test_faulty_card_is_refused_with_its_place(gateway: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "next.toml"
    file.write_text(SHIPPED.read_text(encoding="utf-8").replace("points = [0, 28", "points = [0, 99"), encoding="utf-8")
    assert "next.toml, characteristic kept_rentals: points must" in gateway.error_line("scores", "check", str(file))
