"""A merchant and one person whom it may ask about, in front of what they promise each other."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.support.partner import Partner, yuan
from tests.support.promise import TERMS, Promise, flat
from tests.support.server import Sandbox

PERSON = "threshold"
WHOLE = "30000.00"
"""The credit limit of the top tier, which PERSON just reaches."""
TENTH = Decimal("3000.00")
"""Exposure at other merchants counts in steps of this."""

PREVIEW = f"""query ($input: DecisionPreviewInput!) {{ decisionPreview(input: $input) {{
  eligible blockers {{ code }} likelyOutcome {{ ... on Approval {{ {TERMS} }} }} }} }}"""

Consent = Callable[[Partner], str]
"""How a merchant comes by the token under which it may ask."""


def allowed(product: str, ceiling: str) -> Consent:
    """PERSON allows exactly one product, up to an amount."""
    detail = {"type": "decision", "products": [product], "maximum_amount": yuan(ceiling)}
    return lambda partner: partner.token(PERSON, scope=None, authorization_details=[detail])


class Trade:
    """A merchant found by its adapter, with the token under which it may ask about one person."""

    def __init__(self, sandbox: Sandbox, adapter: str, consent: Consent) -> None:
        self.partner = Partner(sandbox, adapter)
        self.token = consent(self.partner)
        self._promises: list[Promise] = []

    def preview(self, ask: dict[str, Any]) -> dict[str, Any] | None:
        """The terms that a request would probably be granted; None where it would not be."""
        answer = self.partner.graphql(self.token, PREVIEW, input={"ask": ask}).data["decisionPreview"]
        assert answer["blockers"] == []
        terms: dict[str, Any] | None = flat(answer["likelyOutcome"]).get("terms")
        assert answer["eligible"] is (terms is not None)
        return terms

    def ask(self, ask: dict[str, Any], *reasons: str) -> Promise:
        """An ask that is approved, for exactly these reasons not in full; by the trade's own adapter."""
        began = datetime.now(UTC)
        answer = self.partner.request(self.token, ask)["decision"]
        assert answer["status"] == "APPROVED", answer
        promise = Promise(self.partner, answer["id"], began)
        self._promises.append(promise)
        read = promise.read()
        assert [reason["code"] for reason in read["outcome"]["reasons"]] == list(reasons)
        assert read["provenance"] == {"adapter": self.partner.merchant["adapter"]}
        return promise

    def decline(self, ask: dict[str, Any]) -> list[str]:
        """The reasons for which an ask is declined."""
        answer = self.partner.request(self.token, ask)["decision"]
        assert answer["status"] == "DECLINED", answer
        return [reason["code"] for reason in answer["outcome"]["reasons"]]

    def refusal(self, ask: dict[str, Any]) -> str:
        """The code of an ask that is not decided at all."""
        payload = self.partner.request(self.token, ask)
        assert payload["decision"] is None
        (error,) = payload["userErrors"]
        return str(error["code"])

    def close(self) -> None:
        for promise in self._promises:
            promise.end()
        self.partner.close()


Opened = Callable[[str, Consent], Trade]
"""Opens a merchant by its adapter; what it has been promised is ended with the test."""
Left = Callable[[str], bool]
"""Whether exactly this amount is PERSON's available limit, which a bank is offered in tenths."""
