"""The GraphQL API of a sandbox over ASGI with its token check and its request log."""

import json
from datetime import timedelta
from typing import Any

import httpx2
from starlette.routing import Route
from starlette.testclient import TestClient

from gateway.domain.consents.consent import Consent
from gateway.domain.scope import SCOPES
from gateway.kit.clock import WallTime
from gateway.kit.crypto import digest
from gateway.oauth.token_check import TokenCheck
from gateway.services.sandbox.request_log import list_requests
from gateway.services.sandbox.request_log_writer import RequestLogWriter
from gateway.settings import Settings
from gateway.store.oauth.tokens import AccessTokenRow
from gateway.store.sandbox.request_log import RequestFilter, RequestLogRow
from gateway.web.application import build_application
from gateway.web.request_log import LogRequests
from gateway.web.site.site import build_site
from schema.guard import read_limits
from schema.redaction.exchanges import Describer
from tests.support.clock import MovableClock
from tests.support.graphql_world import MERCHANT_SCOPES, USER_SCOPES, GraphQLWorld, built
from tests.support.units import reading, writing

VIEWER = "query Who { viewer { appName } }"


class LoggedWorld(GraphQLWorld):
    """`token` is a merchant token, `user_token` one for the consent. `counted` are the numbers of written and dropped
    requests."""

    def __init__(self, settings: Settings, clock: MovableClock) -> None:
        super().__init__(settings, clock)
        container = self.container
        describer = Describer(built().schema, read_limits(container.settings))
        self.writer = RequestLogWriter(self.database, container.ids, describer.describe, flush=60)
        self.counted = [0, 0]
        self.writer.observer = self._count
        site = build_site(container)
        logged = LogRequests(TokenCheck(self.endpoint(), container), self.writer.put, clock)
        self.http = TestClient(build_application(site, [Route("/graphql", logged)]), raise_server_exceptions=False)
        self.execute(f"UPDATE oauth_clients SET scopes = '{json.dumps(list(SCOPES))}'")
        self.token = self.make_token(*MERCHANT_SCOPES, "webhooks:manage", "disputes:write")
        self.user_token = self.make_token(*USER_SCOPES, consent=self.consent)

    def make_token(self, *scopes: str, consent: Consent | None = None, client_id: str | None = None) -> str:
        """The text of a new access token, valid for an hour."""
        text = f"sgw_test_at_{self.container.ids.new('tok')}"
        now = self.clock()
        row = AccessTokenRow(
            digest=digest(text),
            client_id=client_id or (consent.client_id if consent else self.client_id),
            consent_id=consent.id if consent else None,
            scopes=list(scopes),
            issued_at=now,
            expires_at=WallTime(now + timedelta(hours=1)),
        )
        with writing(self.database) as unit:
            unit.tokens.insert_access_token(row)
        return text

    def post(
        self, query: str, variables: dict[str, Any] | None = None, *, token: str | None = None, **members: Any
    ) -> httpx2.Response:
        """Sends a request with the merchant token, or with another one."""
        body = {"query": query, **({"variables": variables} if variables is not None else {}), **members}
        return self.send(json.dumps(body).encode(), token=token)

    def send(self, body: bytes, *, token: str | None = None, **headers: str) -> httpx2.Response:
        return self.http.post(
            "/graphql",
            content=body,
            headers={
                "Authorization": f"Bearer {token or self.token}",
                "Content-Type": "application/json",
                "Accept": "application/graphql-response+json",
                **headers,
            },
        )

    def flush(self) -> list[RequestLogRow]:
        """Writes what waits. Returns the entries of all partners, oldest first."""
        self.writer.stop()
        self.writer.run()
        with reading(self.database) as unit:
            partners = [each.id for each in unit.partners.list_partners()]
            rows = [row for each in partners for row in list_requests(unit, each, RequestFilter(), 500)]
        return sorted(rows, key=lambda row: row.id)

    def entry(self) -> RequestLogRow:
        """The only entry."""
        (row,) = self.flush()
        return row

    def log_text(self) -> str:
        """Everything in the table."""
        return "\n".join(map(repr, self.rows("SELECT * FROM request_log")))

    def _count(self, written: int, dropped: int) -> None:
        self.counted[0] += written
        self.counted[1] += dropped
