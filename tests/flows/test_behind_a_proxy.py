"""Behind a reverse proxy: limits count the person's address, and only a proxy that is trusted may say it."""

from pathlib import Path

import httpx2

from tests.support.oauth import Browser
from tests.support.server import Sandbox

HERE, THERE = "203.0.113.7", "2001:db8::1"


def sandbox_behind(proxies: str, folder: Path) -> Sandbox:
    database_url = f"sqlite:///{folder}/gateway.db"
    return Sandbox(database_url, folder, trusted_proxies=proxies, login_attempts_per_address="2")


def guesses(sandbox: Sandbox, *forwarded: str) -> list[int]:
    """The status of one wrong login from each address, as the proxy names it."""
    answers = []
    for number, address in enumerate(forwarded):
        headers = {"X-Forwarded-For": address}
        with httpx2.Client(base_url=sandbox.credentials["issuer"], headers=headers, timeout=30) as http:
            answers.append(Browser(http).sign_in(f"nobody-{number}", "a guess").status_code)
    return answers


def test_each_address_behind_a_trusted_proxy_has_its_own_limit(tmp_path: Path) -> None:
    with sandbox_behind("10.0.0.0/8, 127.0.0.0/30", tmp_path) as sandbox:
        assert guesses(sandbox, HERE, HERE, HERE, THERE) == [400, 400, 429, 400]
        # What a browser writes there itself stands to the left of what the proxy adds.
        assert guesses(sandbox, f"{THERE}, {HERE}", f"junk, {HERE}", f"{HERE}, {THERE}") == [429, 429, 400]


def test_who_is_not_trusted_names_no_address(tmp_path: Path) -> None:
    with sandbox_behind("127.0.0.2", tmp_path) as sandbox:
        assert guesses(sandbox, HERE, THERE, "203.0.113.8") == [400, 400, 429]
