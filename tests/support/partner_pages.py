"""A partner's browser on the pages of a sandbox."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2

from gateway.domain.decisions.outcome import Decline
from gateway.domain.decisions.transitions import Status
from gateway.kit.clock import WallTime
from gateway.services.container import Container
from gateway.store.webhooks.delivery_rows import DeliveryStatus, WebhookAttemptRow
from tests.support.factories import make_decision
from tests.support.oauth import Browser, form_to
from tests.support.oauth_world import OAuthWorld
from tests.support.units import writing

SIGN_IN, SIGN_OUT = "/partners/sign-in", "/partners/sign-out"


def make_sign_in_token(container: Container, partner_id: str) -> str:
    """Returns the token of a new sign-in link."""
    with writing(container.database) as unit:
        return container.sandbox.partner_sessions.make_link(unit, partner_id).token


def signed_in_partner(world: OAuthWorld, partner_id: str | None = None) -> Browser:
    """Returns a browser with a session of the partner, by default of partner A."""
    browser = world.browser()
    token = make_sign_in_token(world.container, partner_id or world.partner_id)
    response = browser.get(f"{SIGN_IN}?token={token}")
    assert (response.status_code, response.headers["location"]) == (303, "/"), response.text
    return browser


def make_active_decision(world: OAuthWorld, due_in: timedelta) -> str:
    """Returns the id of a decision of `cars` about Mei that is due after this time."""
    tokens = world.tokens()
    with writing(world.database) as unit:
        consent = unit.consents.load(str(tokens["grant_id"]))
        assert consent is not None
        now = unit.business_time(consent.merchant_id)
        return make_decision(unit, consent, status=Status.ACTIVE, activated_at=now, due_at=now + due_in)


def make_declined_decision(world: OAuthWorld, reason: str) -> str:
    """Returns the id of a decision of `cars` about Mei that was declined for this reason."""
    tokens = world.tokens()
    with writing(world.database) as unit:
        consent = unit.consents.load(str(tokens["grant_id"]))
        assert consent is not None
        return make_decision(unit, consent, status=Status.DECLINED, outcome=Decline((reason,), None))


def end_attempt(world: OAuthWorld, endpoint_id: str, status: DeliveryStatus, **columns: Any) -> str:
    """Ends the first attempt of the only delivery to the endpoint, and returns the id of the delivery."""
    with writing(world.database) as unit:
        now = unit.wall
        (claimed,) = unit.webhook_deliveries.claim(endpoint_id, now, WallTime(now + timedelta(minutes=1)), 5)
        attempt = WebhookAttemptRow(delivery_id=claimed.id, number=1, started_at=now, duration_ms=17, **columns)
        unit.webhook_deliveries.insert_attempts([attempt])
        if status is DeliveryStatus.DELIVERED:
            unit.webhook_deliveries.end_delivered([attempt], now)
        else:
            unit.webhook_deliveries.end_failed(attempt, now, None)
        return str(claimed.id)


PAGES = (
    "/partners",
    *(f"/partners/{name}" for name in ("merchants", "personas", "webhooks", "clock", "requests")),
)
"""The pages of the desk that have no id in their address."""

_FORMS: dict[str, dict[str, str]] = {
    "/partners/merchants/{id}/token": {},
    "/partners/clock": {"move": "P1D"},
    "/partners/webhooks": {"merchant": "x", "url": "https://shop.example/", "topics": "all"},
    "/partners/webhooks/{id}/test": {"topic": "TEST", "variant": "NORMAL"},
    "/partners/webhooks/{id}/secret": {"overlap": "P1D"},
    "/partners/webhooks/{id}/switch": {},
    "/partners/webhooks/{id}/delete": {},
    "/partners/webhooks/deliveries/{id}/resend": {},
    SIGN_OUT: {},
}
"""The fields of a form of the desk besides its CSRF token, by the path of its route."""


def partner_requests(partner: Browser, first_page: str) -> dict[str, Callable[[], httpx2.Response]]:
    """Requests for the pages and forms of the desk, by method and path of the route. `first_page` is the text of a page
    of the session."""
    csrf = form_to(first_page, SIGN_OUT).fields
    return {
        **{
            f"GET {path}": lambda path=path: partner.get(path.replace("{id}", "x"))  # type: ignore[misc]
            for path in (*PAGES, "/partners/webhooks/{id}", "/partners/requests/{id}")
        },
        **{
            f"POST {path}": lambda path=path, form=form: partner.http.post(  # type: ignore[misc]
                path.replace("{id}", "x"), data={**csrf, **form}
            )
            for path, form in _FORMS.items()
        },
    }
