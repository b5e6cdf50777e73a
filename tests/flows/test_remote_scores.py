"""A sandbox whose scores come from the example provider, which is a process of its own: it ends, and it comes back."""

import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.browser import Browser as DemoBrowser
from gateway.kit.clock import wall_clock
from gateway.store.database import Database
from tests.support.http_server import wait_until
from tests.support.merchant_client import REQUEST, TIER, MerchantClient, car, request_input
from tests.support.metrics import scrape
from tests.support.operators import Gateway
from tests.support.page_blocks import block
from tests.support.partner_time import PartnerTime, until
from tests.support.score_provider import Provider, ProviderProcess, person
from tests.support.server import Sandbox, free_port

TOKEN = "a token for the provider"


@dataclass
class Deployment:
    """The sandbox, its provider, and the car rental with a token of the persona `excellent`."""

    provider: ProviderProcess
    merchant: MerchantClient
    time: PartnerTime
    token: str
    database_url: str
    metrics: str

    def count_outcome(self, outcome: str) -> float:
        """The number of requests for a score with this outcome, of all causes."""
        labels = f'outcome="{outcome}"'
        return sum(number for (_, label), number in scrape(self.metrics).items() if labels in label)

    def tier(self) -> str:
        """The tier of the persona, or the code of the error."""
        response = self.merchant.graphql(self.token, TIER)
        if "errors" in response.body:
            return response.code
        return str(response.data["consentedUser"]["scoreTier"]["tier"])

    def request(self, command: dict[str, Any]) -> str:
        """The status of the decision that a request makes, or the code of its error."""
        payload = self.merchant.graphql(self.token, REQUEST, input=command).data["decisionRequest"]
        return str(payload["decision"]["status"] if payload["decision"] else payload["userErrors"][0]["code"])

    def command(self) -> dict[str, Any]:
        return request_input(car("3000.00", self.time.now))

    def count(self) -> int:
        """The number of decisions, log entries of decisions, and idempotency records."""
        with closing(Database(self.database_url)) as database, database.engine.connect() as connection:
            tables = ("decisions", "decision_log", "idempotency_records")
            return sum(connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in tables)


def set_external_ids(url: str) -> None:
    """Gives each persona its username as external id."""
    with closing(Database(url)) as database, database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE users SET external_id = username")


def documented_settings(provider: ProviderProcess) -> dict[str, str]:
    """The settings of the page, with the places and the token of this provider. The trial on one machine has the same
    without the token."""
    lines = shlex.split(block("docs/score-provider.md", "GATEWAY_SCORE_SOURCE"), comments=True)
    *started, program, group, name = shlex.split(block("docs/score-provider.md", "export PATH").splitlines()[2])
    stated = dict(line.split("=", 1) for line in lines)
    assert (program, group, name) == ("gateway", "sandbox", "up")
    assert {each.partition("=")[0] for each in started} == stated.keys() - {"GATEWAY_SCORE_PROVIDER_TOKEN"}
    own = {"": provider.base, "_KEYS": str(provider.keys_file), "_TOKEN": TOKEN}
    values = {**stated, **{f"GATEWAY_SCORE_PROVIDER{name}": value for name, value in own.items()}}
    return {name.removeprefix("GATEWAY_").lower(): value for name, value in values.items()}


@pytest.fixture
def remote(seeded_state: tuple[str, Path], tmp_path: Path) -> Iterator[Deployment]:
    (url, state), port, folder = seeded_state, free_port(), tmp_path / "provider"
    folder.mkdir()
    set_external_ids(url)
    provider = ProviderProcess(folder, f"http://127.0.0.1:{port}", TOKEN)
    provider.people["excellent@demo"] = person(702)
    with provider:
        settings = {
            **documented_settings(provider),
            "score_circuit_pause": "PT0.2S",
            "metrics_address": f"127.0.0.1:{free_port()}",
        }
        with Sandbox(url, state, port, **settings) as sandbox:
            merchant = MerchantClient(sandbox)
            yield Deployment(provider, merchant, PartnerTime(url), merchant.token(), url, settings["metrics_address"])
            merchant.close()


def test_scores_of_a_provider_that_ends_and_comes_back(remote: Deployment) -> None:
    assert (remote.tier(), remote.request(remote.command())) == ("EXCELLENT", "APPROVED")

    remote.provider.kill()
    assert (remote.tier(), remote.request(remote.command())) == ("EXCELLENT", "APPROVED")
    remote.time.forward(timedelta(hours=13))  # the answer is no longer fresh
    assert (remote.tier(), remote.request(remote.command())) == ("EXCELLENT", "APPROVED")

    remote.time.forward(timedelta(days=3))  # and now too old
    command, before = remote.command(), remote.count()
    assert (remote.tier(), remote.request(command)) == ("SCORE_UNAVAILABLE", "SCORE_UNAVAILABLE")
    assert remote.count() == before, "nothing is recorded"

    remote.provider.people = {each: person(660) for each in remote.provider.people}
    with remote.provider:
        until(remote.tier, lambda tier: tier == "VERY_GOOD")  # when the circuit is closed again
        assert remote.request(command) == "APPROVED"
    assert remote.request(command) == "APPROVED", "the same key is replayed"
    assert remote.count() > before
    assert (remote.count_outcome("fetched"), remote.count_outcome("stale")) == (2, 2)
    assert remote.count_outcome("unavailable") >= 2


def test_person_reads_the_score_of_the_provider_with_its_reasons(
    seeded_state: tuple[str, Path], tmp_path: Path
) -> None:
    """The commands of docs/score-provider.md. The reasons have texts although the gateway has started again while the
    provider was away: the catalogue is fetched with the next answer."""
    (url, state), port, folder = seeded_state, free_port(), tmp_path / "provider"
    folder.mkdir()
    issuer = f"http://127.0.0.1:{port}"
    provider = ProviderProcess(folder, issuer)
    provider.people["person-1"] = person(702, reasons=["FEW_PARTNERS", "SHORT_HISTORY"], openOverdue=1)
    with provider:
        settings = {
            "score_source": "remote",
            "score_provider": provider.base,
            "score_provider_keys": str(provider.keys_file),
            "score_fresh_for": "PT1S",
            "score_circuit_pause": "PT0.2S",
        }
        operator = Gateway(url, state, GATEWAY_ISSUER=issuer)
        with Sandbox(url, state, port, **settings), DemoBrowser() as browser:
            added, invited = map(shlex.split, block("docs/score-provider.md", "printf").splitlines())
            assert (added[0], added[2:4]) == ("printf", ["|", "gateway"])
            operator.output(*added[4:], stdin=added[1].replace("\\n", "\n"))
            link = operator.output(*invited[1:]).splitlines()[-1]
            browser.submit(browser.open(link), {"password": "open sesame, please"}, action="/invitation")
            page = browser.open(f"{issuer}/account/score?lang=en").text
            for expected in ("702", "You have few partners.", "Your history is short.", "no what-if", "is overdue"):
                assert expected in page, expected
            assert "您的合作商家较少。" in browser.open(f"{issuer}/account/score?lang=zh").text
        provider.kill()
        with Sandbox(url, state, port, **settings), DemoBrowser() as browser:
            login = browser.open(f"{issuer}/login?lang=en")
            browser.submit(login, {"username": "mei@example.com", "password": "open sesame, please"})
            page = browser.open(f"{issuer}/account/score?lang=en").text
            assert "702" in page, "the last answer"
            assert "The text of this reason cannot be read now." in page
            with provider:
                until(
                    lambda: browser.open(f"{issuer}/account/score?lang=en").text,
                    lambda text: "You have few partners." in text,
                )


def read_tier(sandbox: Sandbox, token: str) -> str:
    """Reads the tier over a connection of its own."""
    with closing(MerchantClient(sandbox)) as merchant:
        return str(merchant.graphql(token, TIER).data["consentedUser"]["scoreTier"]["tier"])


def test_slow_provider_does_not_stop_other_requests(seeded_state: tuple[str, Path], tmp_path: Path) -> None:
    """More documents wait for the provider than threads execute documents."""
    (url, state), port, handles = seeded_state, free_port(), ("excellent", "good", "fair", "building", "threshold")
    (folder := tmp_path / "provider").mkdir()
    set_external_ids(url)
    with Provider(folder, f"http://127.0.0.1:{port}", wall_clock) as provider:
        limits = {"score_attempt_limit": "PT20S", "score_time_limit": "PT20S", "request_deadline": "PT40S"}
        settings = {name: str(value) for name, value in provider.settings(**limits).items()}
        with Sandbox(url, state, port, **settings) as sandbox, closing(MerchantClient(sandbox)) as merchant:
            tokens = [merchant.token(handle) for handle in handles]
            provider.may_respond.clear()
            before = provider.connections
            with ThreadPoolExecutor(len(tokens)) as threads:
                answers = [threads.submit(read_tier, sandbox, token) for token in tokens]
                wait_until(lambda: provider.connections == before + len(handles))
                assert merchant.graphql(merchant.merchant_token, "{ viewer { appName } }").data
                assert merchant.graphql(tokens[0], "{ viewer { appName } }").data
                assert not any(answer.done() for answer in answers)
                provider.may_respond.set()
                tiers = {answer.result(30) for answer in answers}
    assert tiers == {"UNSCORED"}
