"""The settings for notices outside of the inbox, and a server that sends them."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.domain.notices.notice import NoticeKind
from gateway.kit.clock import wall_clock
from gateway.kit.webhook_signatures import new_secret
from gateway.services.notices.configuration import make_outward
from gateway.settings import Settings, SettingsError, read_settings
from tests.support.deployments import changed, container_of, refusal
from tests.support.local_server import LocalServer, http_response
from tests.support.mail_server import MailServer
from tests.support.oauth_world import OAuthWorld
from tests.support.outgoing import respond_with
from tests.support.units import writing

MAIL = {"smtp_url": SecretStr("smtps://user:hidden@mail.example"), "smtp_from": "notices@gateway.example"}
HOOK = {"notice_hook": "https://hook.example/notices", "notice_hook_secret": SecretStr(new_secret())}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({**MAIL, "smtp_from": None}, "GATEWAY_SMTP_FROM: is required with GATEWAY_SMTP_URL"),
        ({**MAIL, "smtp_url": None}, "GATEWAY_SMTP_FROM: has no effect without GATEWAY_SMTP_URL"),
        ({**MAIL, "smtp_from": "hidden"}, "GATEWAY_SMTP_FROM: must be an ASCII email address"),
        ({**MAIL, "smtp_url": SecretStr("smtp://hidden@x")}, "GATEWAY_SMTP_URL: must have a user name and a password"),
        ({**MAIL, **HOOK}, "GATEWAY_NOTICE_HOOK: cannot be used together with GATEWAY_SMTP_URL"),
        ({**HOOK, "notice_hook": None}, "GATEWAY_NOTICE_HOOK_SECRET: has no effect without GATEWAY_NOTICE_HOOK"),
        ({**HOOK, "notice_hook_secret": None}, "GATEWAY_NOTICE_HOOK_SECRET: must be whsec_"),
        ({**HOOK, "notice_hook_secret": SecretStr("hidden")}, "GATEWAY_NOTICE_HOOK_SECRET: must be whsec_"),
        ({**HOOK, "notice_hook_secret": SecretStr("whsec_aGlkZGVu")}, "GATEWAY_NOTICE_HOOK_SECRET: must be whsec_"),
        ({**HOOK, "notice_hook": "ftp://hidden"}, "GATEWAY_NOTICE_HOOK: must be an http or https URL"),
        ({**MAIL, "outgoing_ca_file": Path("/none.pem")}, "GATEWAY_OUTGOING_CA_FILE: cannot be used"),
    ],
)
def test_deployment_refuses_settings_that_cannot_work(deployment: Settings, values: Any, sentence: str) -> None:
    message = refusal(changed(deployment, **values))
    assert message.startswith(sentence)
    assert "hidden" not in message


def test_other_scheme_is_refused_when_settings_are_read(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.sandbox
    monkeypatch.setenv("GATEWAY_SMTP_URL", "http://hidden")
    with pytest.raises(SettingsError, match=r"^GATEWAY_SMTP_URL: must begin with smtps:// or smtp://$"):
        read_settings()


def test_secrets_are_not_shown(settings: Settings) -> None:
    shown = repr(changed(settings, **MAIL, **HOOK))
    assert "hidden" not in shown
    assert HOOK["notice_hook_secret"].get_secret_value() not in shown  # type: ignore[attr-defined]


@pytest.mark.parametrize(("values", "needs_address"), [(MAIL, True), (HOOK, False)])
def test_nothing_is_sent_when_a_deployment_is_built(deployment: Settings, values: Any, needs_address: bool) -> None:
    with container_of(changed(deployment, **values)) as container:
        sender = container.notice_sender
        assert (sender.is_configured, sender.sends_mail) == (True, needs_address)


def test_deployment_sends_nothing_by_default(deployment: Settings) -> None:
    with container_of(deployment) as container:
        assert not container.notice_sender.is_configured
        assert make_outward(deployment, container.environment, None, wall_clock) is None  # type: ignore[arg-type]


def serve_until(world: OAuthWorld, is_done: Callable[[], object]) -> None:
    """Serves the application until the condition holds."""
    with TestClient(create_app(world.container)):
        end = time.monotonic() + 20
        while not is_done():
            assert time.monotonic() < end
            time.sleep(0.02)


def add_notice(world: OAuthWorld) -> None:
    world.execute("UPDATE users SET email = 'mei@example.com' WHERE username = 'mei'")
    with writing(world.database) as unit:
        unit.notices.add(world.rows("SELECT id FROM users WHERE username = 'mei'")[0][0], NoticeKind.SIGN_IN)


@pytest.mark.slow
def test_server_sends_notices_by_mail(sqlite_url: str, settings: Settings) -> None:
    with MailServer(login=("user", "p:w")) as server:
        values = {"smtp_url": SecretStr(server.url("user:p%3Aw@")), "smtp_from": "Sesame <notices@gateway.example>"}
        with closing(OAuthWorld(sqlite_url, changed(settings, **values), wall_clock)) as world:
            add_notice(world)
            serve_until(world, lambda: world.rows("SELECT id FROM notices WHERE sent_at IS NOT NULL"))
            issuer = world.container.settings.issuer
    ((sender, recipients, message),) = server.received
    assert (sender, recipients) == ("notices@gateway.example", ["mei@example.com"])
    assert f"{issuer}/account/inbox\n" in message.get_content().replace("\r\n", "\n")


@pytest.mark.slow
def test_server_sends_notices_to_the_hook(sqlite_url: str, settings: Settings) -> None:
    loopback = read_settings(outgoing_networks="127.0.0.0/8").outgoing_networks
    with LocalServer(respond_with(http_response())) as server:
        values = {**HOOK, "notice_hook": server.url("/notices"), "outgoing_networks": loopback}
        with closing(OAuthWorld(sqlite_url, changed(settings, **values), wall_clock)) as world:
            add_notice(world)
            serve_until(world, lambda: world.rows("SELECT id FROM notices WHERE sent_at IS NOT NULL"))
    assert len(server.requests) == 1
    assert server.requests[0].startswith(b"POST /notices ")
