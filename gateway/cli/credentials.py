"""The credentials file of a sandbox: a sign-in link, merchants with their clients and a token, and personas with their
passwords."""

from typing import Any

from gateway.cli.sign_in_links import describe_link
from gateway.domain.scope import TokenKind
from gateway.services.container import Container
from gateway.services.identity.access_tokens import AccessToken, issue_access_token
from gateway.services.seeding import DEMO_ADAPTER, LOOPBACK_URI, Seed, SeededClient
from gateway.store.unit import UnitOfWork


def describe_credentials(container: Container, issuer: str, partner_name: str, seed: Seed) -> dict[str, Any]:
    """The content of the credentials file of a partner, with a new sign-in link, and a new merchant token for each
    merchant."""
    return {
        "issuer": issuer,
        "graphql": f"{issuer}/graphql",
        **describe_link(container, issuer, partner_name),
        "merchants": [
            {
                "id": merchant.id,
                "name": merchant.name,
                "adapter": merchant.adapter,
                "clients": [_client(merchant.client), _client(merchant.backend)],
                **_merchant_token(container, merchant.client),
            }
            for merchant in seed.merchants
        ],
        "personas": [
            {
                "handle": persona.handle,
                "username": persona.username,
                "password": persona.password,
                "tier": persona.tier,
                "score": persona.score,
                "summary": persona.summary,
            }
            for persona in seed.personas
        ],
    }


def _client(client: SeededClient) -> dict[str, Any]:
    secret = {"private_jwk": client.private_jwk} if client.private_jwk else {"client_secret": client.client_secret}
    return {
        "client_id": client.client_id,
        "profile": client.profile,
        **secret,
        "redirect_uri": client.redirect_uri,
        "loopback_redirect_uri": LOOPBACK_URI,
        "scopes": list(client.scopes),
    }


def _merchant_token(container: Container, client: SeededClient) -> dict[str, Any]:
    """A new bearer token with all scopes of the client for merchants, and its lifetime in seconds."""

    def issue(unit: UnitOfWork) -> AccessToken:
        row = unit.clients.load(client.client_id)
        assert row is not None  # it was seeded
        offered = container.environment.offered(TokenKind.MERCHANT)
        scopes = tuple(name for name in offered if name in row.scopes)
        return issue_access_token(
            unit, container.environment, container.settings, row, scopes, consent=None, family=None, jkt=None
        )

    token = container.database.write(issue)
    seconds = int((token.expires_at - token.issued_at).total_seconds())
    return {"merchant_token": token.text, "merchant_token_expires_in": seconds}


def demo_merchant(credentials: dict[str, Any]) -> dict[str, Any]:
    """The credentials of the demo's merchant, or of the first merchant if the deployment does not load its adapter."""
    merchants: list[dict[str, Any]] = credentials["merchants"]
    return next((merchant for merchant in merchants if merchant["adapter"] == DEMO_ADAPTER), merchants[0])
