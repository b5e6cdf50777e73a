"""The fixtures `chromium`, a browser, `axe`, the source of axe-core, and `partner`, a merchant's system at the shared
sandbox."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.merchant_client import MerchantClient
from tests.support.node import NodeProject
from tests.support.server import Sandbox

NODE = Path(__file__).parents[1] / "node"
CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("No Chromium here: on Debian, apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="No browser driver: make test-all installs it")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    project = NodeProject.install(
        tmp_path_factory.mktemp("axe") / "npm", [NODE / "package.json", NODE / "package-lock.json"]
    )
    return (project.folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def partner(sqlite_sandbox: Sandbox) -> Iterator[MerchantClient]:
    made = MerchantClient(sqlite_sandbox)
    yield made
    made.close()
