"""Behind a reverse proxy: rate limits use the person's address, but only if a trusted proxy reports it."""

from pathlib import Path

import httpx2
import pytest

from tests.support.oauth import Browser
from tests.support.server import Sandbox

pytestmark = pytest.mark.slow

FIRST, SECOND = "203.0.113.7", "2001:db8::1"


def sandbox_behind(proxies: str, folder: Path) -> Sandbox:
    database_url = f"sqlite:///{folder}/gateway.db"
    return Sandbox(database_url, folder, trusted_proxies=proxies, login_attempts_per_address="2")


def login_statuses(sandbox: Sandbox, *forwarded: str) -> list[int]:
    """Returns the status of one failed login per address, which the proxy reports in X-Forwarded-For."""
    statuses = []
    for number, address in enumerate(forwarded):
        headers = {"X-Forwarded-For": address}
        with httpx2.Client(base_url=sandbox.credentials["issuer"], headers=headers, timeout=30) as http:
            statuses.append(Browser(http).sign_in(f"nobody-{number}", "a guess").status_code)
    return statuses


def test_each_address_behind_a_trusted_proxy_has_its_own_limit(tmp_path: Path) -> None:
    with sandbox_behind("10.0.0.0/8, 127.0.0.0/30", tmp_path) as sandbox:
        assert login_statuses(sandbox, FIRST, FIRST, FIRST, SECOND) == [400, 400, 429, 400]
        # Addresses that a browser sends itself are to the left of the one that the proxy adds.
        assert login_statuses(sandbox, f"{SECOND}, {FIRST}", f"junk, {FIRST}", f"{FIRST}, {SECOND}") == [429, 429, 400]


def test_forwarded_address_of_an_untrusted_proxy_is_ignored(tmp_path: Path) -> None:
    with sandbox_behind("127.0.0.2", tmp_path) as sandbox:
        assert login_statuses(sandbox, FIRST, SECOND, "203.0.113.8") == [400, 400, 429]
