"""The example on the page of each error code is what a client really gets. Each is caused over HTTP."""

import json
from typing import Any

import pytest

from gateway.domain.error_catalogue import ERRORS
from gateway.domain.error_examples import EXAMPLES
from tests.support.checkout import ROOT
from tests.support.examples import matches
from tests.support.merchant_client import car, order, request_input, yuan
from tests.support.sandbox_partner import SandboxPartner
from tests.support.transitions import transition_input

ERROR = """code message field documentation
  ... on ConsentError { covered { type purpose products maximumAmount { amount currency } } }
  ... on IdempotencyError { differingFields }
  ... on StateConflictError { currentStatus availableTransitions }
  ... on TooEarlyError { possibleFrom }"""
REQUEST = f"""mutation ($input: DecisionRequestInput!) {{ decisionRequest(input: $input) {{
  decision {{ id status }} userErrors {{ {ERROR} }} }} }}"""
GRANT = f"""mutation ($persona: String!, $details: String!, $answer: SandboxConsentAnswer) {{
  sandboxConsentGrant(persona: $persona, authorizationDetails: $details, answer: $answer) {{
    consent {{ id }} accessToken userErrors {{ {ERROR} }} }} }}"""
END = """mutation ($id: ID!, $end: ConsentStatus!) { sandboxConsentEnd(consentId: $id, as: $end) {
  userErrors { code } } }"""
APPROVE = f"""mutation ($id: ID!) {{ sandboxDecisionSimulate(decisionId: $id, event: APPROVE_PENDING) {{
  userErrors {{ {ERROR} }} }} }}"""
NAME = "{ viewer { appName } }"
PAY_LATER = {"type": "decision", "products": ["PAY_LATER"], "maximum_amount": yuan("300.00")}
REVERSED = {"start": "2027-01-03T00:00:00Z", "end": "2027-01-01T00:00:00Z"}
ELSEWHERE = {
    "DEADLINE_EXCEEDED": "tests/flows/test_operator_errors.py",
    "DOCUMENT_ID_REQUIRED": "tests/flows/test_operator_errors.py",
    "INTERNAL_SERVER_ERROR": "tests/flows/test_operator_errors.py",
    "RECORD_MISMATCH": "tests/schema/test_inclusion_proof.py",
    "TOO_MANY_INQUIRIES": "tests/schema/test_units.py",
    "UNAVAILABLE": "tests/flows/test_operator_errors.py",
}
"""Codes that no partner of a sandbox can cause, with the tests of their examples."""


class Causes:
    """Causes each error. A method has the name of the code in lower case, and returns the user error or the body."""

    def __init__(self, partner: SandboxPartner) -> None:
        self.partner = partner

    def send(self, token: str, command: dict[str, Any], merchant: SandboxPartner | None = None) -> Any:
        """The first user error of a request, or else the decision."""
        payload = (merchant or self.partner).data(REQUEST, token, input=command)
        return payload["userErrors"][0] if payload["userErrors"] else payload["decision"]

    def request(self, ask: dict[str, Any] | None = None, **fields: Any) -> Any:
        """As `send`, under a new consent."""
        return self.send(self.partner.token(), request_input(ask or order("100.00"), **fields))

    def grant(self, details: list[Any], merchant: SandboxPartner | None = None, **answer: str) -> Any:
        variables = {"persona": "excellent", "details": json.dumps(details), **answer}
        return (merchant or self.partner).data(GRANT, **variables)

    def transit(self, field: str, command: dict[str, Any]) -> Any:
        """The first user error of a transition, if there is one."""
        kind = f"{field[0].upper()}{field[1:]}Input"
        document = f"mutation ($input: {kind}!) {{ {field}(input: $input) {{ userErrors {{ {ERROR} }} }} }}"
        return next(iter(self.partner.data(document, input=command)["userErrors"]), None)

    def cancel(self, decision_id: str, key: str) -> Any:
        return self.transit("decisionCancel", {"decisionId": decision_id, "idempotencyKey": key, "reason": None})

    def approve_after(self, end: str) -> Any:
        """The error of an approval after the consent has ended like this."""
        consent = self.grant([PAY_LATER])
        command = request_input(order("100.00"), merchantReference=f"force-pending-{end}")
        decision = self.send(consent["accessToken"], command)
        self.partner.data(END, id=consent["consent"]["id"], end=end)
        return self.partner.data(APPROVE, id=decision["id"])["userErrors"][0]

    def post(self, content: Any) -> Any:
        """The body of the response to any JSON."""
        headers = {"Authorization": f"Bearer {self.partner.merchant_token}"}
        return self.partner.http.post("/graphql", json=content, headers=headers).json()

    def query(self, document: str, token: str | None = None) -> Any:
        return self.partner.post(document, token).json()

    def invalid(self) -> Any:
        return self.request(idempotencyKey="")

    def invalid_amount(self) -> Any:
        return self.request(order("0.00"))

    def invalid_period(self) -> Any:
        cars = self.partner.as_merchant("car_rental")
        return self.send(cars.token(), request_input(car(rental=REVERSED)), cars)

    def too_early(self) -> Any:
        decision = self.request()
        assert self.transit("decisionActivate", transition_input("activate", decision["id"])) is None
        return self.transit("decisionReportBreach", transition_input("breach", decision["id"], kind="NOT_PAID"))

    def unsupported_currency(self) -> Any:
        return self.request({"onlineOrder": {"amount": {"amount": "9.00", "currency": "EUR"}, "payWithin": "P7D"}})

    def not_found(self) -> Any:
        return self.cancel("dec_test_01m8nsnzzae0087gdr874faaw4", "key")

    def product_not_enabled(self) -> Any:
        return self.request(car())

    def consent_revoked(self) -> Any:
        return self.approve_after("REVOKED")

    def consent_expired(self) -> Any:
        return self.approve_after("EXPIRED")

    def consent_product_not_covered(self) -> Any:
        store = self.partner.as_merchant("retail_store")
        token = self.grant([{**PAY_LATER, "store_id": "Store 17", "terminal_id": "T-3"}], store)["accessToken"]
        purchase = {"amount": yuan("300.00"), "payWithin": "P7D", "storeId": "Store 18", "terminalId": "T-3"}
        return self.send(token, request_input({"storePurchase": purchase}), store)

    def consent_purpose_mismatch(self) -> Any:
        return self.send(self.grant([PAY_LATER])["accessToken"], request_input(order("100.00"), purpose="LENDING"))

    def consent_amount_exceeded(self) -> Any:
        return self.send(self.grant([PAY_LATER])["accessToken"], request_input(order("400.00")))

    def consent_denied(self) -> Any:
        return self.grant([PAY_LATER], answer="DENY")["userErrors"][0]

    def invalid_transition(self) -> Any:
        decision = self.request()
        assert self.cancel(decision["id"], "first") is None
        return self.cancel(decision["id"], "second")

    def decision_expired(self) -> Any:
        decision = self.request()
        self.partner.move("P40D")
        return self.transit("decisionActivate", transition_input("activate", decision["id"]))

    def idempotency_key_reused(self) -> Any:
        token, command = self.partner.token(), request_input(order("100.00"))
        self.send(token, command)
        return self.send(token, {**command, "ask": order("120.00")})

    def idempotency_in_progress(self) -> Any:
        token = self.partner.token()
        self.partner.inject(idempotencyInProgress=True)
        return self.send(token, request_input(order()))

    def duplicate_reference(self) -> Any:
        token, command = self.partner.token(), request_input(order("100.00"))
        self.send(token, command)
        return self.send(token, {**command, "idempotencyKey": "another"})

    def score_unavailable(self) -> Any:
        token = self.partner.token()
        self.partner.inject(scoreServiceDown=True)
        return self.send(token, request_input(order()))

    def unauthenticated(self) -> Any:
        return self.query(NAME, "sgw_test_at_unknown")

    def forbidden(self) -> Any:
        return self.query("{ consentedUser { score } }", self.partner.token())

    def bad_user_input(self) -> Any:
        return self.query("{ merchant { decisions(first: 101) { totalCount } } }")

    def bad_request(self) -> Any:
        return self.post([])

    def persisted_query_not_supported(self) -> Any:
        return self.post({"query": NAME, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}})

    def document_not_found(self) -> Any:
        return self.post({"documentId": "tier"})

    def graphql_parse_failed(self) -> Any:
        return self.query("{ viewer { appName }")

    def graphql_validation_failed(self) -> Any:
        return self.query("{ viewer { name } }")

    def max_cost_exceeded(self) -> Any:
        return self.query("{ merchant { decisions(first: 100) { nodes { timeline(first: 100) { nodes { id } } } } } }")

    def throttled(self) -> Any:
        self.partner.inject(throttle=True)
        return self.query(NAME)


@pytest.fixture(scope="module")
def causes(shared_partner: SandboxPartner) -> Causes:
    return Causes(shared_partner)


@pytest.mark.parametrize("code", [code for code in EXAMPLES if code not in ELSEWHERE])
def test_example_is_what_a_client_gets(causes: Causes, code: str) -> None:
    received = getattr(causes, code.lower())()
    assert matches(ERRORS[code].example(str(causes.partner.credentials["issuer"])), received), received


@pytest.mark.parametrize(("code", "file"), ELSEWHERE.items())
def test_other_example_has_a_test(code: str, file: str) -> None:
    assert f'"{code}"' in (ROOT / file).read_text(encoding="utf-8")


def test_every_code_has_an_example_unless_it_is_reserved() -> None:
    reserved = {code for code, error in ERRORS.items() if "Reserved:" in error.meaning}
    assert EXAMPLES.keys() == ERRORS.keys() - reserved
