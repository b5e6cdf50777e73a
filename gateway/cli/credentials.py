"""The credentials file of a sandbox: merchants with their clients and a token, and personas with their passwords."""

from typing import Any

import httpx2

from gateway.services.seeding import DEMO_ADAPTER, LOOPBACK_URI, Seed, SeededClient


def describe_credentials(issuer: str, listener: str, seed: Seed) -> dict[str, Any]:
    """The content of the credentials file. Requests a merchant token for each merchant from the server at `listener`,
    the base address of this process: behind the issuer there may be another process, or none yet. Raises
    httpx2.HTTPError."""
    return {
        "issuer": issuer,
        "graphql": f"{issuer}/graphql",
        "merchants": [
            {
                "id": merchant.id,
                "name": merchant.name,
                "adapter": merchant.adapter,
                "clients": [_client(merchant.client), _client(merchant.backend)],
                **_merchant_token(listener, merchant.client),
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


def _merchant_token(listener: str, client: SeededClient) -> dict[str, Any]:
    """A new merchant token and its lifetime in seconds."""
    assert client.client_secret is not None  # a client of the profile baseline
    response = httpx2.post(
        f"{listener}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(client.client_id, client.client_secret),
        timeout=20,
    )
    response.raise_for_status()
    token = response.json()
    return {"merchant_token": token["access_token"], "merchant_token_expires_in": token["expires_in"]}


def demo_merchant(credentials: dict[str, Any]) -> dict[str, Any]:
    """The credentials of the demo's merchant, or of the first merchant if the deployment does not load its adapter."""
    merchants: list[dict[str, Any]] = credentials["merchants"]
    return next((merchant for merchant in merchants if merchant["adapter"] == DEMO_ADAPTER), merchants[0])
