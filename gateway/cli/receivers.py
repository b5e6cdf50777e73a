"""Receivers of webhooks, as commands of the sandbox reach them."""

import sys
from base64 import b64decode
from collections.abc import Mapping

from gateway.cli.console import fail, settings_for
from gateway.cli.sandbox import LOOPBACK
from gateway.kit.http import HttpClient
from gateway.kit.http_address import Reason, Unreachable, read_address
from gateway.kit.webhook_signatures import PREFIX

KEY_BYTES = range(24, 65)
"""The lengths of a secret that Standard Webhooks allows."""

NO_ANSWER: Mapping[Reason, str] = {
    "unresolved": "The host of the URL has no address.",
    "address_refused": "Connections to this address are not allowed. Plain http works at loopback addresses only. List "
    "other private networks in GATEWAY_OUTGOING_NETWORKS.",
    "connection": "The connection was refused or lost. Is the receiver running?",
    "tls": "The certificate is not valid for this host, or its authority is not trusted. Name a file with your "
    "authority in GATEWAY_OUTGOING_CA_FILE.",
    "timeout": "The receiver did not answer in time.",
    "protocol": "The receiver did not answer with HTTP.",
}
"""What to do about a receiver without a usable answer."""


def receiver_client(what: str) -> HttpClient:
    """The client of a sandbox, which may connect to loopback addresses unless the settings say otherwise. Ends the
    program in a live deployment; `what` begins its sentence."""
    settings = settings_for(None)
    if not settings.sandbox:
        fail(f"GATEWAY_ENVIRONMENT is live. {what} by a sandbox only.")
    networks = settings.outgoing_networks if "outgoing_networks" in settings.model_fields_set else LOOPBACK
    return HttpClient(networks, settings.outgoing_ca_file)


def require_secret(entered: str) -> str:
    """Returns the secret, which is read from standard input if a dash was entered. Ends the program if it is none."""
    secret = sys.stdin.readline().strip() if entered == "-" else entered
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in KEY_BYTES:
        fail(f"--secret must be whsec_ and base64 of {KEY_BYTES.start} to {KEY_BYTES.stop - 1} bytes.")
    return secret


def require_address(url: str, name: str, secret: str) -> str:
    """Returns the URL as it is shown: without the query and without the secret. Ends the program if it is no URL."""
    try:
        address = read_address(url)
    except Unreachable:
        fail(f"{name} must be an http or https URL without user name and fragment, such as https://shop.example/hooks.")
    shown = f"{address.scheme}://{address.authority}{address.path_and_query.partition('?')[0]}"
    return shown.replace(secret, "[secret]")
