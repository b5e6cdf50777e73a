"""Builds the way out for notices from the settings."""

import base64
import binascii

from gateway.domain.environment import Environment
from gateway.kit.clock import WallClock
from gateway.kit.http import HttpClient
from gateway.kit.http_address import Unreachable, read_address
from gateway.kit.smtp import SmtpClient
from gateway.kit.smtp_address import read_mailbox, read_smtp_url
from gateway.services.notices.hook import HookOutward
from gateway.services.notices.mail import MailOutward
from gateway.services.notices.outward import Outward
from gateway.settings import Settings, SettingsError

_SECRET_BYTES = range(24, 65)


def make_outward(settings: Settings, environment: Environment, http: HttpClient, clock: WallClock) -> Outward | None:
    """The way out with these settings, or None if there is none. It sends nothing yet. Raises SettingsError."""
    if settings.smtp_url is not None and settings.notice_hook is not None:
        raise SettingsError("GATEWAY_NOTICE_HOOK: cannot be used together with GATEWAY_SMTP_URL")
    if settings.smtp_url is not None:
        return _make_mail(settings)
    if settings.smtp_from is not None:
        raise SettingsError("GATEWAY_SMTP_FROM: has no effect without GATEWAY_SMTP_URL")
    if settings.notice_hook is not None:
        url, secret = _require_hook(settings.notice_hook), _require_secret(settings)
        return HookOutward(http, url, secret, environment.label, clock)
    if settings.notice_hook_secret is not None:
        raise SettingsError("GATEWAY_NOTICE_HOOK_SECRET: has no effect without GATEWAY_NOTICE_HOOK")
    return None


def _make_mail(settings: Settings) -> MailOutward:
    assert settings.smtp_url is not None  # the caller has checked it
    if settings.smtp_from is None:
        raise SettingsError("GATEWAY_SMTP_FROM: is required with GATEWAY_SMTP_URL")
    try:
        server = read_smtp_url(settings.smtp_url.get_secret_value())
    except ValueError as error:
        raise SettingsError(f"GATEWAY_SMTP_URL: {error}") from None
    try:
        sender = read_mailbox(settings.smtp_from)
    except ValueError as error:
        raise SettingsError(f"GATEWAY_SMTP_FROM: {error}") from None
    try:
        return MailOutward(SmtpClient(server, sender, settings.outgoing_ca_file), sender.domain)
    except OSError as error:
        raise SettingsError(f"GATEWAY_OUTGOING_CA_FILE: cannot be used: {error.strerror or error}") from None


def _require_hook(url: str) -> str:
    try:
        read_address(url)
    except Unreachable:
        raise SettingsError("GATEWAY_NOTICE_HOOK: must be an http or https URL without user name or fragment") from None
    return url


def _require_secret(settings: Settings) -> str:
    secret = settings.notice_hook_secret.get_secret_value() if settings.notice_hook_secret is not None else ""
    prefix, _, encoded = secret.partition("_")
    try:
        size = len(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if prefix != "whsec" or size not in _SECRET_BYTES:
        raise SettingsError(
            "GATEWAY_NOTICE_HOOK_SECRET: must be whsec_ and the base64 of 24 to 64 random bytes, such as"
            ' "whsec_$(openssl rand -base64 32)"'
        )
    return secret
