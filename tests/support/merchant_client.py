"""A merchant's system at a live sandbox: tokens by the authorization flow, and GraphQL over HTTP."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

from tests.support.oauth import Browser, PartnerApp
from tests.support.plain_http import plain_client
from tests.support.server import HasCredentials

DECISION = """id status merchantReference product purpose availableTransitions subject
  outcome { __typename
    ... on Approval { validUntil reasons { code } terms { __typename
      ... on DepositTerms { originalDeposit { amount } waivedAmount { amount } depositDue { amount } }
      ... on PayLaterTerms { amount { amount currency } dueAt }
      ... on CheckInTerms { stay { start end } depositDue { amount } incidentalsLimit { amount }
        skipFrontDesk payAtCheckOut }
      ... on CreditOfferTerms { limit { amount currency } baseAprPercent aprPercent discountPercent term } } }
    ... on Decline { reasons { code message } retryAfter alternatives noticeText } }"""
REQUEST = f"""mutation ($input: DecisionRequestInput!) {{ decisionRequest(input: $input) {{
  replayed decision {{ {DECISION} }}
  userErrors {{ __typename code message field documentation
    ... on ConsentError {{ covered {{ type purpose products maximumAmount {{ amount currency }} }} }}
    ... on IdempotencyError {{ differingFields }} }} }} }}"""
CANCEL = """mutation ($input: DecisionCancelInput!) { decisionCancel(input: $input) {
  decision { id status } userErrors { __typename code field
    ... on StateConflictError { currentStatus availableTransitions } } } }"""
TIER = "{ consentedUser { scoreTier { tier rank } } }"


@dataclass
class GraphQLResponse:
    """A GraphQL response: HTTP status and body."""

    status: int
    body: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        """The data. The response must be 200 without errors."""
        assert self.status == 200, self.body
        assert "errors" not in self.body, self.body
        data: dict[str, Any] = self.body["data"]
        return data

    @property
    def code(self) -> str:
        """The code of the first top-level error."""
        return str(self.body["errors"][0]["extensions"]["code"])


class MerchantClient:
    """The merchant of the demo partner with this adapter, and its first client."""

    def __init__(self, sandbox: HasCredentials, adapter: str = "car_rental") -> None:
        self.credentials = sandbox.credentials
        self.merchant = next(m for m in self.credentials["merchants"] if m["adapter"] == adapter)
        client = self.merchant["clients"][0]
        self.http = plain_client(self.credentials["issuer"])
        self.app = PartnerApp(self.http, client["client_id"], client["client_secret"], client["redirect_uri"])
        self.merchant_token = str(self.merchant["merchant_token"])
        self._browsers: list[Browser] = []

    def persona(self, handle: str) -> dict[str, Any]:
        entry: dict[str, Any] = next(p for p in self.credentials["personas"] if p["handle"] == handle)
        return entry

    def browser(self) -> Browser:
        """A browser without cookies. `close` closes it."""
        browser = Browser(plain_client(self.credentials["issuer"]))
        self._browsers.append(browser)
        return browser

    def tokens(self, handle: str = "excellent", browser: Browser | None = None, **changed: Any) -> dict[str, Any]:
        """Returns the token response after the persona has allowed the request."""
        person = self.persona(handle)
        changed.setdefault("scope", "score:tier decisions:request")
        used = browser or self.browser()
        try:
            return self.app.tokens(used, person["username"], person["password"], **changed)
        finally:
            if browser is None:
                used.http.close()

    def token(self, handle: str = "excellent", **changed: Any) -> str:
        return str(self.tokens(handle, **changed)["access_token"])

    def graphql(self, token: str, document: str, **variables: Any) -> GraphQLResponse:
        response = self.http.post(
            "/graphql",
            json={"query": document, "variables": variables},
            headers={"Authorization": f"Bearer {token}", "Accept": "application/graphql-response+json"},
        )
        return GraphQLResponse(response.status_code, response.json())

    def request(self, token: str, ask: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Sends decisionRequest with this ask and returns its payload. `fields` replace fields of the input."""
        payload: dict[str, Any] = self.graphql(token, REQUEST, input=request_input(ask, **fields)).data[
            "decisionRequest"
        ]
        return payload

    def release(self, decision: dict[str, Any]) -> None:
        """Cancels an approved decision: tests share the personas, and the decision uses the credit limit."""
        if decision["status"] == "APPROVED":
            command = {"decisionId": decision["id"], "idempotencyKey": token_hex(8), "reason": None}
            cancelled = self.graphql(self.merchant_token, CANCEL, input=command).data["decisionCancel"]["decision"]
            assert cancelled["status"] == "CANCELLED"

    def close(self) -> None:
        for http in (self.http, *(browser.http for browser in self._browsers)):
            http.close()


def request_input(ask: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"idempotencyKey": token_hex(8), "merchantReference": f"order-{token_hex(8)}", "ask": ask, **fields}


def yuan(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


def car(deposit: str = "3000.00", now: datetime | None = None, **changed: Any) -> dict[str, Any]:
    """An ask for a car worth 180,000 yuan, from tomorrow on, for three days. `now` is the partner's business time, by
    default the wall time."""
    start = (now or datetime.now(UTC)) + timedelta(days=1)
    period = {"start": start.isoformat(), "end": (start + timedelta(days=3)).isoformat()}
    return {"carRental": {"deposit": yuan(deposit), "vehicleValue": yuan("180000.00"), "rental": period, **changed}}


def order(amount: str = "400.00", pay_within: str = "P7D", **changed: Any) -> dict[str, Any]:
    """An ask for an online order, paid later."""
    return {"onlineOrder": {"amount": yuan(amount), "payWithin": pay_within, **changed}}
