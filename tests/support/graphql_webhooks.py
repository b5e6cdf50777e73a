"""Webhook endpoints of the merchant of a GraphQLWorld, with a worker that is stepped by the test."""

from typing import Any

from gateway.domain.events import Topic
from gateway.domain.identity.principal import Principal
from tests.support.graphql_world import GraphQLWorld
from tests.support.webhook_world import Receiver, WebhookWorld

MANAGE = "webhooks:manage"
URL = "https://shop.example/hooks"
ERRORS = "userErrors { __typename code message field documentation }"
ENDPOINT = "id url topics enabled apiVersion createdAt disabledAt disabledReason failingSince"
CREATE = f"""mutation C($input: WebhookEndpointCreateInput!) {{
  webhookEndpointCreate(input: $input) {{ webhookEndpoint {{ {ENDPOINT} }} signingSecret {ERRORS} }} }}"""
UPDATE = f"""mutation U($id: ID!, $input: WebhookEndpointUpdateInput!) {{
  webhookEndpointUpdate(id: $id, input: $input) {{ webhookEndpoint {{ {ENDPOINT} }} {ERRORS} }} }}"""
DELETE = f"mutation D($id: ID!) {{ webhookEndpointDelete(id: $id) {{ deletedId {ERRORS} }} }}"
ROTATE = f"""mutation R($id: ID!, $overlap: Duration = "P1D") {{
  webhookSecretRotate(endpointId: $id, overlap: $overlap) {{
  webhookEndpoint {{ {ENDPOINT} }} signingSecret oldSecretValidUntil {ERRORS} }} }}"""
RESEND = f"""mutation S($id: ID!) {{ webhookDeliveryResend(deliveryId: $id) {{
  delivery {{ id status attemptCount nextAttemptAt event {{ id }} attempts {{ number }} }} {ERRORS} }} }}"""
REPLAY = f"""mutation P($id: ID!, $since: DateTime!) {{ webhookReplay(endpointId: $id, since: $since) {{
  events nextSince {ERRORS} }} }}"""
DELIVERIES = """query D($id: ID!, $first: Int, $after: String, $last: Int, $before: String, $failed: Boolean = false) {
  node(id: $id) { ... on WebhookEndpoint {
    deliveries(first: $first, after: $after, last: $last, before: $before, onlyFailed: $failed) {
      edges { cursor node { id status attemptCount createdAt nextAttemptAt requestBody event { id topic sequence }
        attempts { number startedAt durationMs responseStatus responseBody error } } }
      pageInfo { hasNextPage hasPreviousPage } } } } }"""


class GraphQLHooks(WebhookWorld):
    """The endpoints of the merchant of `world`. `settle` delivers what is due."""

    def __init__(self, world: GraphQLWorld) -> None:
        super().__init__(world.database, world.clock)
        self.world, self.merchant_id = world, world.merchant_id

    @property
    def manager(self) -> Principal:
        """A token that may manage endpoints, and nothing else."""
        return self.world.merchant(MANAGE)

    def call(self, document: str, **variables: Any) -> Any:
        """Executes a document with one root field as the manager, and returns the field."""
        (field,) = self.world.data(document, variables, by=self.manager).values()
        return field

    def create(self, **changes: Any) -> Any:
        """Creates an endpoint and returns the payload."""
        return self.call(CREATE, input={"url": URL, "topics": ["DECISION_APPROVED"], **changes})

    def page(self, endpoint: str, **arguments: Any) -> Any:
        """Returns a page of the deliveries to an endpoint."""
        return self.call(DELIVERIES, id=endpoint, **arguments)["deliveries"]


def deliver(hooks: GraphQLHooks, receiver: Receiver, events: int = 1) -> str:
    """Sends the messages about decisions to the receiver, and returns the id of its endpoint."""
    endpoint = hooks.endpoint(receiver.url(), [Topic.DECISION_APPROVED])
    small = {"deposit": {"amount": "1.00", "currency": "CNY"}}
    for number in range(events):
        assert hooks.world.request(f"k{number}", f"r{number}", **small)["decision"]["status"] == "APPROVED"
    hooks.settle()
    return endpoint
