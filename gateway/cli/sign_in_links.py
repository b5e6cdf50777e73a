"""Sign-in links of a sandbox: one opens the pages of a partner in a browser, once."""

from collections.abc import Mapping
from typing import Any

from gateway.cli.console import console
from gateway.services.container import Container
from gateway.services.sandbox.partner_sessions import LINK_LIFE, SignInLink
from gateway.store.unit import UnitOfWork
from gateway.web.site.redirects import PARTNER_SIGN_IN, page_address


def describe_link(container: Container, issuer: str, partner_name: str) -> dict[str, Any]:
    """A new link for the partner, and the seconds within which it can be opened. Raises NotFound for an unknown
    partner."""

    def make(unit: UnitOfWork) -> SignInLink:
        partner = container.merchants.require_partner(unit, partner_name)
        return container.sandbox.partner_sessions.make_link(unit, partner.id)

    link = container.database.write(make)
    return {
        "sign_in_link": issuer + page_address(PARTNER_SIGN_IN, {"token": link.token}),
        "sign_in_link_expires_in": int(LINK_LIFE.total_seconds()),
    }


def print_link(described: Mapping[str, Any]) -> None:
    """Prints the link for people."""
    hours = described["sign_in_link_expires_in"] // 3600
    console.print(f"  Open this to begin (once, within {hours} hours; for a new one: gateway sandbox partner link):")
    console.print(f"    {described['sign_in_link']}")
    console.print()
