"""Consents of the merchant of a GraphQLWorld, with their messages, and the positions of messages."""

from dataclasses import replace

from tests.support import factories
from tests.support.graphql_webhooks import GraphQLHooks
from tests.support.graphql_world import DETAILS, USER_SCOPES, GraphQLWorld
from tests.support.units import writing


def place(world: GraphQLWorld) -> None:
    """Gives all messages their positions, as the worker does."""
    GraphQLHooks(world).worker.step()


def grant(world: GraphQLWorld) -> str:
    """Grants a consent of another person, and returns its id."""
    with writing(world.database) as unit:
        user = factories.make_user(unit, world.partner_id)
        client = unit.clients.load(world.client_id)
        assert client is not None
        merchant = unit.merchants.load(world.merchant_id)
        assert merchant is not None
        request = world.container.consents.complete_request(
            unit, merchant, USER_SCOPES, [replace(each, optional=False) for each in DETAILS]
        )
        return world.container.consents.grant(unit, client, user, request).id


def revoke(world: GraphQLWorld, consent_id: str) -> None:
    with writing(world.database) as unit:
        world.container.consents.revoke(unit, consent_id, None)
