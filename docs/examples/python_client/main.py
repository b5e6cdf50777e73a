"""A typed client of Sesame Gateway in Python: consent, tier, decision. The types come from the schema.

In a copy of this folder, with schema/gateway.graphql and .sandbox/credentials.json:

    python -m venv environment
    environment/bin/pip install --require-hashes -r requirements.lock
    environment/bin/ariadne-codegen    # writes the package `generated`
    environment/bin/python main.py credentials.json
"""

import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from connection import Connection, GatewayError
from generated import Client
from generated.decisions import DecisionsMerchantDecisionsNodes as Decision
from generated.input_types import DecisionAsk, DecisionRequestInput, MoneyInput, OnlineOrderAsk
from generated.request import RequestDecisionRequestDecision

DETAILS: list[dict[str, Any]] = [
    {"type": "score", "level": "tier"},
    {"type": "decision", "products": ["PAY_LATER"], "maximum_amount": {"amount": "2000.00", "currency": "CNY"}},
]


def ask_for_consent(session: OAuth2Client, metadata: dict[str, Any], redirect_uri: str) -> None:
    """Prints a link, waits for the person's decision, and gives the session the tokens. Raises GatewayError."""
    state, verifier = token_urlsafe(), token_urlsafe(48)
    form = {
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "authorization_details": json.dumps(DETAILS),
        "state": state,
        "code_challenge": create_s256_code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    secret = (session.client_id, session.client_secret)
    pushed = session.post(metadata["pushed_authorization_request_endpoint"], data=form, auth=secret).json()
    if "request_uri" not in pushed:
        raise GatewayError(pushed["error"], pushed["error_description"])
    query = urlencode({"client_id": session.client_id, "request_uri": pushed["request_uri"]})
    callback = wait_at(redirect_uri, f"{metadata['authorization_endpoint']}?{query}")
    if callback.get("state") != state or callback.get("iss") != metadata["issuer"]:
        raise GatewayError("WRONG_CALLBACK", "The response is of another request or issuer.")
    if "error" in callback:
        raise GatewayError(callback["error"], "The person did not allow it.")
    grant = {"grant_type": "authorization_code", "code": callback["code"], "code_verifier": verifier}
    session.fetch_token(metadata["token_endpoint"], redirect_uri=redirect_uri, **grant)


def wait_at(redirect_uri: str, link: str) -> dict[str, str]:
    """Prints the link. Returns the parameters with which the browser comes back to the redirect URI."""
    parameters: dict[str, str] = {}

    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parameters.update({name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"Thank you. You can close this page.")

        def log_message(self, *_: Any) -> None:
            """Logs nothing, because the address contains the code."""

    address = urlsplit(redirect_uri)
    with HTTPServer((address.hostname or "", address.port or 80), Callback) as server:
        print(f"Open this link and decide:\n  {link}", flush=True)
        server.handle_request()
    return parameters


def request_decision(person: Client, order: str, amount: str) -> RequestDecisionRequestDecision:
    """Returns the decision about an order. With the same order it is the same decision. Raises GatewayError."""
    ask = DecisionAsk(online_order=OnlineOrderAsk(amount=MoneyInput(amount=amount, currency="CNY"), pay_within="P7D"))
    call = DecisionRequestInput(idempotency_key=f"{order}-request", merchant_reference=order, ask=ask)
    payload = person.request(call).decision_request
    assert payload is not None  # otherwise there was an error
    for error in payload.user_errors:
        raise GatewayError(error.code.value, error.message, error.field)
    assert payload.decision is not None
    return payload.decision


def all_decisions(own: Client) -> Iterator[Decision]:
    """Yields all decisions of the merchant, page by page."""
    after: str | None = None
    while True:
        page = own.decisions(after=after).merchant.decisions
        if page is None:
            return
        yield from page.nodes
        if not page.page_info.has_next_page:
            return
        after = page.page_info.end_cursor


def main(credentials: dict[str, Any], redirect_uri: str | None = None) -> None:
    merchant = next(each for each in credentials["merchants"] if each["adapter"] == "online_shop")
    registered = next(client for client in merchant["clients"] if client["profile"] == "baseline")
    metadata = httpx2.get(f"{credentials['issuer']}/.well-known/oauth-authorization-server").json()

    def session(**options: Any) -> OAuth2Client:
        endpoint, secret = metadata["token_endpoint"], registered["client_secret"]
        return OAuth2Client(registered["client_id"], secret, token_endpoint=endpoint, timeout=10, **options)

    consented = session()
    ask_for_consent(consented, metadata, redirect_uri or registered["loopback_redirect_uri"])
    with Client(credentials["graphql"], http_client=Connection(consented, lambda old: old.refresh_token())) as person:
        user = person.read_tier().consented_user
        print("Tier:", user.score_tier.tier.value if user and user.score_tier else "not allowed")
        decision = request_decision(person, f"order-{token_hex(4)}", "400.00")
    print("Decision:", decision.status.value)
    outcome = decision.outcome
    if outcome and outcome.typename__ == "Approval" and outcome.terms.typename__ == "PayLaterTerms":
        print("To be paid:", outcome.terms.amount.amount, "by", outcome.terms.due_at.date())
    if outcome and outcome.typename__ == "Decline":
        for reason in outcome.reasons:
            print("Reason:", reason.code, reason.message)

    def get_own_token(own: OAuth2Client) -> object:
        return own.fetch_token(grant_type="client_credentials", scope="decisions:read")

    back_office = session()
    get_own_token(back_office)
    with Client(credentials["graphql"], http_client=Connection(back_office, get_own_token)) as own:
        print("All decisions:", sum(1 for _ in all_decisions(own)))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), *sys.argv[2:])
