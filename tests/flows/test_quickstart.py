"""The quickstart, the page about the sandbox and the README are executed: each response is compared."""

import sys
from io import StringIO
from pathlib import Path

from rich.console import Console

from gateway.demo.browser import Browser
from gateway.demo.narrator import Narrator
from gateway.demo.website import WebsiteDemo
from tests.support.checkout import ROOT
from tests.support.executed_page import ExecutedPage, assert_queries_are_shown, fits
from tests.support.merchant_client import MerchantClient
from tests.support.page_blocks import block
from tests.support.server import Sandbox, free_port

README = ROOT / "README.md"
STATED_ADDRESS = "http://127.0.0.1:8000"


def open_page(path: Path, sandbox: Sandbox, values: dict[str, str], folder: Path) -> ExecutedPage:
    """The page with the address of this sandbox. `values` are what a reader copies from the output of `make run`."""
    issuer = str(sandbox.credentials["issuer"])
    replaced = {STATED_ADDRESS: issuer, _quoted(STATED_ADDRESS): _quoted(issuer)}
    return ExecutedPage(path, folder, replaced=replaced, values=values)


def _quoted(address: str) -> str:
    return address.replace(":", "%3A").replace("/", "%2F")


def test_quickstart_runs_as_written(sandbox: Sandbox, tmp_path: Path) -> None:
    merchant = next(one for one in sandbox.credentials["merchants"] if one["adapter"] == "online_shop")
    client = next(one for one in merchant["clients"] if one["profile"] == "baseline")
    person = next(one for one in sandbox.credentials["personas"] if one["username"] == "excellent@demo")
    values = {
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client["client_secret"],
        "PASSWORD": person["password"],
    }
    page = open_page(ROOT / "docs" / "quickstart.md", sandbox, values, tmp_path)
    assert_queries_are_shown(page)
    page.run()


def test_sandbox_page_runs_as_written(own_sandbox: Sandbox, tmp_path: Path) -> None:
    """On a sandbox of its own, because it moves the time."""
    shop = MerchantClient(own_sandbox, "online_shop")
    values = {
        "MERCHANT_TOKEN": shop.merchant_token,
        "CLIENT_ID": shop.app.client_id,
        "CLIENT_SECRET": shop.app.secret,
        "FIRST": shop.tokens()["refresh_token"],
    }
    shop.close()
    page = open_page(ROOT / "docs" / "sandbox.md", own_sandbox, values, tmp_path)
    assert_queries_are_shown(page)
    page.run()


def test_readme_excerpt_and_first_request_are_real(own_sandbox: Sandbox, tmp_path: Path) -> None:
    output = StringIO()
    WebsiteDemo(own_sandbox.credentials, Narrator(Console(file=output))).run()
    excerpt = block("README.md", " 3. The person signs in")
    assert [line for line in excerpt.splitlines() if not fits(line, output.getvalue())] == []

    merchant = next(one for one in own_sandbox.credentials["merchants"] if one["adapter"] == "car_rental")
    page = open_page(README, own_sandbox, {"MERCHANT_TOKEN": merchant["merchant_token"]}, tmp_path)
    assert len(list(page.blocks("graphql"))) == 1
    assert_queries_are_shown(page)
    page.run()


def test_quickstart_with_a_private_key_runs_as_written(sqlite_sandbox: Sandbox, tmp_path: Path) -> None:
    issuer = str(sqlite_sandbox.credentials["issuer"])
    person = next(one for one in sqlite_sandbox.credentials["personas"] if one["username"] == "excellent@demo")

    def allow(line: str) -> None:
        if "/oauth/authorize?" in line:
            with Browser() as browser:
                page = browser.submit(
                    browser.open(line.strip()), {"username": person["username"], "password": person["password"]}
                )
                assert "Thank you" in browser.submit(page, {"decision": "allow"}).text

    page = ExecutedPage(
        ROOT / "docs" / "quickstart-fapi2.md",
        tmp_path,
        replaced={
            STATED_ADDRESS: issuer,
            "127.0.0.1:9000": f"127.0.0.1:{free_port()}",
            ".sandbox/credentials.json": str(sqlite_sandbox.folder / "credentials.json"),
            ".venv/bin/python docs": f"{sys.executable} {ROOT / 'docs'}",
        },
        environment={"PYTHONUNBUFFERED": "1"},
        watch=allow,
    )
    page.run()
