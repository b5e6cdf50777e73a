"""Builds the remote score source from the settings, and checks the provider at the start of a server."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.kit import json
from gateway.kit.circuit_breaker import CircuitBreaker
from gateway.kit.clock import WallClock
from gateway.kit.http import HttpClient
from gateway.kit.http_address import Unreachable, read_address
from gateway.kit.jose import JoseRefused, public_key_set
from gateway.kit.logging import get_announcer
from gateway.kit.switching import MOST_SUSPENDED
from gateway.settings import Settings, SettingsError
from gateway.sources.remote.answers import AnswerReader
from gateway.sources.remote.failures import TRANSIENT, CatalogueRefused, ProviderFailed
from gateway.sources.remote.provider import Address, Limits, ScoreProvider
from gateway.sources.remote.source import Freshness, RemoteSource
from gateway.store.database import Database

_KINDS = {"OKP", "EC"}


def make_remote_source(settings: Settings, database: Database, clock: WallClock, http: HttpClient) -> RemoteSource:
    """The remote score source with these settings. It sends no request yet. Raises SettingsError."""
    base = _require_base(settings.score_provider)
    token = settings.score_provider_token
    reader = AnswerReader(_read_keys(settings.score_provider_keys), issuer=base, audience=settings.issuer, clock=clock)
    provider = ScoreProvider(
        http,
        Address(base, token.get_secret_value() if token else None),
        reader,
        CircuitBreaker(settings.score_circuit_failures, settings.score_circuit_pause.total_seconds()),
        Limits(
            settings.score_attempt_limit.total_seconds(),
            settings.score_time_limit.total_seconds(),
            settings.score_retries,
        ),
    )
    # Half of the documents that a thread can suspend: the others go on while the provider is slow.
    most_waiting = settings.documents_at_once * MOST_SUSPENDED // 2
    freshness = Freshness(settings.score_fresh_for, settings.score_stale_for)
    return RemoteSource(database, provider, freshness, most_waiting=most_waiting)


def require_reasons(source: RemoteSource) -> None:
    """Fetches the provider's catalogue of reasons at the start of a server. Raises SettingsError for a provider without
    reason codes, and for one that does not keep to the contract. If the provider does not respond now, this logs a
    warning: the last answers about persons can still be used, and the catalogue is fetched before the next one."""
    try:
        source.provider.load_reasons()
    except CatalogueRefused as refused:
        raise SettingsError(f"GATEWAY_SCORE_PROVIDER: its catalogue of reasons cannot be used: {refused}.") from None
    except ProviderFailed as failure:
        if failure.cause not in TRANSIENT:
            raise SettingsError(
                f"GATEWAY_SCORE_PROVIDER: its catalogue of reasons cannot be fetched: {failure.cause}. The causes are"
                " explained in docs/score-provider.md."
            ) from None
        get_announcer(__name__).warning("score_provider_not_responding", cause=failure.cause)


def _require_base(base: str | None) -> str:
    if base is None:
        raise SettingsError("GATEWAY_SCORE_PROVIDER: is required if GATEWAY_SCORE_SOURCE is remote")
    try:
        address = read_address(base)
    except Unreachable:
        address = None
    if address is None or base.endswith("/") or "?" in base:
        raise SettingsError(
            "GATEWAY_SCORE_PROVIDER: must be a URL such as https://scores.example/v1, without / at its end"
        )
    return base


def _read_keys(file: Path | None) -> Mapping[str, Any]:
    """The JWK Set in the file. Raises SettingsError unless each key has a kid and can sign as the contract says."""
    name = "GATEWAY_SCORE_PROVIDER_KEYS"
    if file is None:
        raise SettingsError(f"{name}: is required if GATEWAY_SCORE_SOURCE is remote")
    try:
        keys = public_key_set(json.decode_unique(file.read_bytes()))
    except OSError as error:
        raise SettingsError(f"{name}: the file cannot be read: {error.strerror}") from None
    except ValueError:
        raise SettingsError(f"{name}: the file is not JSON in UTF-8, or it repeats a member") from None
    except JoseRefused as refused:
        raise SettingsError(f"{name}: {refused}") from None
    if not all("kid" in key and key["kty"] in _KINDS for key in keys["keys"]):
        raise SettingsError(f"{name}: each key must be Ed25519 or EC P-256 and have a kid")
    return keys
