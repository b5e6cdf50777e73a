"""The GraphQL engine over real services and a database, with two merchants of different partners."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.domain.consents.consent import Consent
from gateway.domain.errors import Unauthenticated
from gateway.domain.identity.principal import Principal
from gateway.domain.scope import TokenKind, expand
from gateway.kit.clock import WallTime, business_time
from gateway.settings import Settings
from gateway.sources.contract import ScoreSource
from gateway.web.document_queue import DocumentQueue
from gateway.web.graphql import GraphQLEndpoint
from gateway.web.worker_threads import share_threads
from schema.build import BuiltSchema, build_schema
from schema.engine import Engine, Executed, GraphQLRequest
from tests.support import factories
from tests.support.clock import BUSINESS_NOON, NOON, MovableClock
from tests.support.records import write_persona_records
from tests.support.units import writing
from tests.support.world import World, installed_adapters

ISSUER = "https://gateway.example"
REQUEST_ID = "req_test_1"
USER_SCOPES = ("score:exact", "decisions:request")
DETAILS = (replace(factories.DETAILS[0], level="exact"), factories.DETAILS[1])
MERCHANT_SCOPES = ("decisions:read", "decisions:write", "consents:read", "sandbox")

CAR_RENTAL = {
    "deposit": {"amount": "3000.00", "currency": "CNY"},
    "vehicleValue": {"amount": "180000.00", "currency": "CNY"},
    "rental": {"start": "2026-11-24T09:00:00Z", "end": "2026-11-27T09:00:00Z"},
}
REQUEST = """
mutation Request($input: DecisionRequestInput!) {
  decisionRequest(input: $input) {
    decision {
      id merchantReference status product availableTransitions purpose subject
      outcome {
        ... on Approval { validUntil terms { ... on DepositTerms { waivedAmount { amount currency } returnGrace } } }
        ... on Decline { reasons { code message } noticeText(locale: "zh") }
      }
      provenance { adapter ruleId }
      consent { id status }
      timeline { nodes { topic ... on DecisionEvent { from to actor decision { id } } } }
    }
    userErrors { __typename code message field documentation ... on IdempotencyError { differingFields } }
    replayed
  }
}
"""


@cache
def built(*, sandbox: bool = True) -> BuiltSchema:
    """The schema of the installed adapters, built once per process."""
    return build_schema(installed_adapters(), sandbox=sandbox)


def request_variables(key: str, reference: str, **changed: Any) -> dict[str, Any]:
    """The variables of REQUEST for a car. `changed` replaces members of the ask."""
    ask = {"carRental": {**CAR_RENTAL, **changed}}
    return {"input": {"idempotencyKey": key, "merchantReference": reference, "ask": ask}}


class GraphQLWorld(World):
    """The GraphQL engine of a deployment, which compiles operations when they are first used. `consent` is a user's
    (score 640) to `merchant_id`; `foreign_consent` belongs to another partner's merchant. `source` replaces the
    scorecard, `parts` replace other arguments of `build`."""

    clock: MovableClock

    def __init__(
        self, settings: Settings, clock: MovableClock, source: ScoreSource | None = None, **parts: Any
    ) -> None:
        super().__init__(settings.model_copy(update={"issuer": ISSUER}), clock, source=source, **parts)
        with writing(self.database) as unit:
            unit.keys.ensure_signing_key()
            self.partner_id = factories.make_partner(unit)
            self.merchant_id = factories.make_merchant(unit, self.partner_id)
            for adapter in self.container.registry:
                unit.merchants.enable_adapter(self.merchant_id, adapter, NOON)
            self.client_id = factories.make_client(unit, self.merchant_id)
            user = factories.make_user(unit, self.partner_id)
            self.persona_id = factories.make_persona(unit, self.partner_id, user, score=640, handle="good")
            write_persona_records(unit, user, "good")
            self.container.scorecard.compute(unit, user, BUSINESS_NOON)
            self.consent = factories.make_consent(unit, self.client_id, user, scopes=USER_SCOPES, details=DETAILS)
            foreign_partner = factories.make_partner(unit)
            foreign_merchant = factories.make_merchant(unit, foreign_partner, name="Far Away")
            foreign_client = factories.make_client(unit, foreign_merchant)
            foreign_user = factories.make_user(unit, foreign_partner)
            self.foreign_persona = factories.make_persona(unit, foreign_partner, foreign_user)
            self.foreign_consent = factories.make_consent(unit, foreign_client, foreign_user)
            self.foreign_decision = factories.make_decision(unit, self.foreign_consent)
        self.engine = Engine(built(), self.container)
        self.engine.executor.operations.at_first_use = True
        self._queues: list[DocumentQueue] = []

    def close(self) -> None:
        for queue in self._queues:
            queue.close()
        super().close()

    def user(self, *scopes: str, consent: Consent | None = None) -> Principal:
        """A user token's principal. The default scopes are USER_SCOPES."""
        return self._principal(TokenKind.USER, scopes or USER_SCOPES, consent or self.consent)

    def merchant(self, *scopes: str) -> Principal:
        """A merchant token's principal. The default scopes are MERCHANT_SCOPES."""
        return self._principal(TokenKind.MERCHANT, scopes or MERCHANT_SCOPES, None)

    def _principal(self, kind: TokenKind, scopes: tuple[str, ...], consent: Consent | None) -> Principal:
        return Principal(
            kind=kind,
            partner_id=self.partner_id,
            merchant_id=consent.merchant_id if consent else self.merchant_id,
            client_id=self.client_id,
            client_name="Green Cars website",
            scopes=scopes,
            allowed=expand(scopes),
            token_expires_at=WallTime(NOON + timedelta(minutes=5)),
            now=business_time(self.clock(), 0),
            consent=consent,
        )

    def run(
        self,
        document: str,
        variables: dict[str, Any] | None = None,
        *,
        by: Principal | None = None,
        operation: str | None = None,
    ) -> Executed:
        """Executes a document for `by`, by default the principal of the consented user token."""
        return self.engine.execute(GraphQLRequest(document, variables, operation), by or self.user(), REQUEST_ID)

    def data(self, document: str, variables: dict[str, Any] | None = None, *, by: Principal | None = None) -> Any:
        """Executes a document and returns the data. The response must have no errors."""
        executed = self.run(document, variables, by=by)
        assert executed.ran, executed.body
        assert "errors" not in executed.body, executed.body["errors"]
        return executed.body["data"]

    def request(self, key: str = "key-1", reference: str = "order-1", **changed: Any) -> Any:
        """Executes decisionRequest with the user token and returns its payload."""
        return self.data(REQUEST, request_variables(key, reference, **changed))["decisionRequest"]

    def endpoint(self, queue: DocumentQueue | None = None) -> GraphQLEndpoint:
        """The endpoint, by default with a queue in which 100 documents can wait. Its threads end with this world."""
        queue = queue or DocumentQueue(at_once=2, waiting=100, waiting_per_client=100)
        self._queues.append(queue)
        settings = self.container.settings
        return GraphQLEndpoint(self.engine, queue, share_threads(settings), largest_body=settings.query_maximum_body)


class AsPrincipal:
    """Replaces the token check: every request has the principal `principal`."""

    def __init__(self, app: ASGIApp, principal: Principal | None) -> None:
        self._app, self.principal = app, principal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            authenticate = _Authenticated(self.principal)
            scope.setdefault("state", {}).update({"authenticate": authenticate, "request_id": REQUEST_ID})
        await self._app(scope, receive, send)


class _Authenticated:
    """Returns the principal when called, as an Authentication does. Raises Unauthenticated if it is None."""

    def __init__(self, principal: Principal | None) -> None:
        self._principal = principal
        self.client_id = principal and principal.client_id

    def __call__(self) -> Principal:
        if self._principal is None:
            raise Unauthenticated("There is no token.")
        return self._principal
