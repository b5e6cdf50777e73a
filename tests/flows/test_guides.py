"""The product guides are executed, each as a partner of its own. The Chinese pages have the same commands."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.server import copy_seeded
from tests.support.checkout import ROOT
from tests.support.executed_page import BLOCK, ExecutedPage, assert_queries_are_shown
from tests.support.operators import Gateway
from tests.support.server import Sandbox

DOCS = ROOT / "docs"
ADAPTERS = {
    "car-deposit": "car_rental",
    "flat-deposit": "housing",
    "bike-deposit": "bike_share",
    "hotel-stay": "hotel",
    "pay-later": "online_shop",
    "point-of-sale": "retail_store",
    "credit-offer": "lender",
}
TRANSLATED = sorted(path.relative_to(DOCS / "zh").as_posix() for path in (DOCS / "zh").rglob("*.md"))


@pytest.fixture(scope="module")
def guide_sandbox(seeded_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("guides")
    with Sandbox(copy_seeded(seeded_folder, folder), folder) as sandbox:
        yield sandbox


def test_every_guide_is_executed() -> None:
    assert {path.stem for path in (DOCS / "guides").glob("*.md")} == set(ADAPTERS)


@pytest.mark.parametrize("name", ADAPTERS)
def test_guide_runs_as_written(guide_sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    issuer = str(guide_sandbox.credentials["issuer"])
    operator = Gateway(guide_sandbox.database_url, guide_sandbox.folder, GATEWAY_ISSUER=issuer)
    partner = json.loads(operator.output("sandbox", "partner", "new", name, "--json"))
    merchant = next(each for each in partner["merchants"] if each["adapter"] == ADAPTERS[name])
    client = next(each for each in merchant["clients"] if each["profile"] == "baseline")
    values = {
        "MERCHANT_TOKEN": merchant["merchant_token"],
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client["client_secret"],
    }
    path = DOCS / "guides" / f"{name}.md"
    page = ExecutedPage(path, tmp_path, replaced={"http://127.0.0.1:8000": issuer}, values=values)
    assert_queries_are_shown(page)
    page.run()


@pytest.mark.parametrize("name", TRANSLATED)
def test_chinese_page_has_the_commands_headings_and_links_of_the_english_one(name: str) -> None:
    chinese, english = ((folder / name).read_text(encoding="utf-8") for folder in (DOCS / "zh", DOCS))
    assert re.search(r"[\u4e00-\u9fff]", chinese)
    if name == "README.md":
        return
    assert BLOCK.findall(chinese) == BLOCK.findall(english)
    levels = [re.findall(r"^#+(?= )", text, re.MULTILINE) for text in (chinese, english)]
    assert levels[0] == levels[1]
