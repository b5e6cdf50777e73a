"""The fixtures `chromium`, a browser, and `partner`, a merchant's system at the shared sandbox."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.merchant_client import MerchantClient
from tests.support.server import Sandbox

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


@pytest.fixture
def partner(sqlite_sandbox: Sandbox) -> Iterator[MerchantClient]:
    made = MerchantClient(sqlite_sandbox)
    yield made
    made.close()
