"""The score source that the settings name, and the checks of a remote provider at the start of a server."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.kit.clock import wall_clock
from gateway.settings import Settings, SettingsError, read_settings
from gateway.sources.remote.source import RemoteSource
from gateway.sources.scorecard.source import ScorecardSource
from gateway.startup import prepare_to_serve
from tests.support.deployments import changed, container_of, refusal
from tests.support.fapi import new_key
from tests.support.local_server import http_response
from tests.support.score_provider import JOSE, Provider, public_keys


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    folder = tmp_path / "provider"
    folder.mkdir()
    with Provider(folder, "http://127.0.0.1:8000", wall_clock) as provider:
        yield provider


@pytest.fixture
def remote(settings: Settings, sqlite_url: str, provider: Provider) -> Settings:
    """The settings of a sandbox that uses the provider."""
    loopback = read_settings(outgoing_networks="127.0.0.0/8").outgoing_networks
    return changed(settings, **{**provider.settings(), "outgoing_networks": loopback, "database_url": sqlite_url})


def start_error(settings: Settings) -> str:
    """The error of a server that does not start."""
    with container_of(settings) as container, pytest.raises(SettingsError) as refused:
        prepare_to_serve(container)
    return str(refused.value)


def test_the_scorecard_is_the_source_unless_the_settings_name_another(deployment: Settings) -> None:
    with container_of(deployment) as container:
        assert isinstance(container.source, ScorecardSource)


def test_remote_source_is_built_without_a_request(remote: Settings, provider: Provider) -> None:
    with container_of(remote) as container:
        assert isinstance(container.source, RemoteSource)
    assert provider.connections == 0


def test_server_fetches_the_catalogue_at_its_start(remote: Settings) -> None:
    with container_of(remote) as container:
        prepare_to_serve(container)
        assert isinstance(container.source, RemoteSource)
        assert container.source.provider.reasons["SHORT_HISTORY"].en == "Your history is short."


@pytest.mark.parametrize(
    ("reasons", "sentence"),
    [
        ({}, "it has no reason codes"),
        (None, "it has no reason codes"),
        (["FEW_PARTNERS"], "it has no reason codes"),
        ({"few": {"en": "a", "zh": "b"}}, "a code is not 1 to 64 of the characters A-Z, 0-9 and _"),
        ({"A": {"en": "a", "zh": "b"}, "B": {"en": "a"}}, "code number 2 does not have a text"),
        ({"A": {"en": " ", "zh": "b"}}, "code number 1 does not have a text"),
        ({"A": {"en": "a\0", "zh": "b"}}, "code number 1 does not have a text"),
        ({"A": {"en": "a" * 501, "zh": "b"}}, "code number 1 does not have a text"),
        ({"A": "text"}, "code number 1 does not have a text"),
    ],
)
def test_provider_without_usable_reasons_is_refused_at_start(
    remote: Settings, provider: Provider, reasons: Any, sentence: str
) -> None:
    provider.document["reasons"] = reasons
    error = start_error(remote)
    assert error.startswith(f"GATEWAY_SCORE_PROVIDER: its catalogue of reasons cannot be used: {sentence}")


@pytest.mark.parametrize(
    ("response", "cause"),
    [
        (http_response(b"", 404), "status"),
        (http_response(b"", 302, [("Location", "/")]), "status"),
        (http_response(b"{}"), "malformed"),
        (http_response(b"a" * 300_000, headers=JOSE), "too_large"),
    ],
)
def test_provider_with_another_contract_is_refused_at_start(
    remote: Settings, provider: Provider, response: bytes, cause: str
) -> None:
    provider.raw_catalogue = response
    assert f"cannot be fetched: {cause}." in start_error(remote)


def test_catalogue_of_another_key_is_refused_at_start(remote: Settings, provider: Provider) -> None:
    provider.signing_key = new_key("EdDSA", provider.key.kid)
    assert "cannot be fetched: signature." in start_error(remote)


def test_large_catalogue_is_accepted(remote: Settings, provider: Provider) -> None:
    text = {"en": "a" * 500, "zh": "长" * 100}
    provider.document["reasons"] = {f"CODE_{number}": text for number in range(100)}
    with container_of(remote) as container:
        prepare_to_serve(container)


def test_server_starts_while_the_provider_does_not_respond(remote: Settings, provider: Provider) -> None:
    provider.is_down = True
    with container_of(remote) as container, capture_logs() as lines:
        prepare_to_serve(container)
    assert [line for line in lines if line["event"] == "score_provider_not_responding"]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("score_provider", None, "is required if GATEWAY_SCORE_SOURCE is remote"),
        ("score_provider", "scores.example", "must be a URL such as"),
        ("score_provider", "https://scores.example/v1/", "must be a URL such as"),
        ("score_provider", "https://scores.example/v1?a=b", "must be a URL such as"),
        ("score_provider", "https://a:b@scores.example", "must be a URL such as"),
        ("score_provider_keys", None, "is required if GATEWAY_SCORE_SOURCE is remote"),
        ("score_provider_keys", Path("absent.json"), "the file cannot be read: No such file or directory"),
    ],
)
def test_incomplete_settings_are_refused(remote: Settings, name: str, value: Any, sentence: str) -> None:
    assert refusal(changed(remote, **{name: value})).startswith(f"GATEWAY_{name.upper()}: {sentence}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "the file is not JSON"),
        ("[]", 'A key set must be an object such as {"keys": [...]} with 1 to 10 keys.'),
        (public_keys(new_key("PS256")), "each key must be Ed25519 or EC P-256 and have a kid"),
        (public_keys(new_key("EdDSA", None)), "each key must be Ed25519 or EC P-256 and have a kid"),
        (json.dumps({"keys": [dict(new_key("EdDSA").as_dict(private=True))]}), "A key must not contain its private"),
    ],
    ids=["no JSON", "no set", "RSA", "no kid", "private"],
)
def test_unusable_keys_are_refused(remote: Settings, provider: Provider, text: str, sentence: str) -> None:
    provider.keys_file.write_text(text)
    assert refusal(remote).startswith(f"GATEWAY_SCORE_PROVIDER_KEYS: {sentence}")


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"score_source": "other"}, "GATEWAY_SCORE_SOURCE: must be scorecard or remote"),
        ({"score_fresh_for": timedelta(days=10)}, "GATEWAY_SCORE_STALE_FOR: must be at least GATEWAY_SCORE_FRESH_FOR"),
        (
            {"score_attempt_limit": timedelta(seconds=5)},
            "GATEWAY_SCORE_TIME_LIMIT: must be at least GATEWAY_SCORE_ATTEMPT_LIMIT",
        ),
        ({"score_retries": 3}, "GATEWAY_SCORE_RETRIES: must be at most 2"),
    ],
)
def test_limits_that_contradict_are_refused(values: dict[str, Any], error: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(**values)
    assert str(refused.value) == error
