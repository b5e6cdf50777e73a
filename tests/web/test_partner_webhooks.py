"""The pages about webhook endpoints: new ones, their secrets, test messages and deliveries."""

import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from gateway.domain.events import Topic
from gateway.store.webhooks.delivery_rows import DeliveryStatus
from gateway.store.webhooks.endpoints import WebhookEndpointRow
from tests.support.oauth import Browser, forms
from tests.support.oauth_world import OAuthWorld
from tests.support.partner_pages import end_attempt, signed_in_partner
from tests.support.units import reading

WEBHOOKS = "/partners/webhooks"
URL = "https://shop.example/hooks"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")


@pytest.fixture
def partner(world: OAuthWorld) -> Browser:
    return signed_in_partner(world)


@pytest.fixture
def other(world: OAuthWorld) -> Browser:
    """A browser of partner B."""
    (row,) = world.rows(f"SELECT id FROM partners WHERE id <> '{world.partner_id}'")
    return signed_in_partner(world, row[0])


def add(world: OAuthWorld, partner: Browser, **changes: str) -> httpx2.Response:
    """Submits the form for a new endpoint of the merchant `cars`."""
    form = {"merchant": world.cars_id, "url": URL, "topics": "all", **changes}
    return partner.submit(partner.get(WEBHOOKS), WEBHOOKS, **form)


def load(world: OAuthWorld) -> WebhookEndpointRow:
    """The only endpoint of the merchant `cars`."""
    with reading(world.database) as unit:
        (endpoint,) = unit.webhook_endpoints.list_of_merchant(world.cars_id)
        return endpoint


@pytest.fixture
def endpoint(world: OAuthWorld, partner: Browser) -> str:
    """The address of the page of an endpoint of the merchant `cars`."""
    assert add(world, partner).status_code == 200
    return f"{WEBHOOKS}/{load(world).id}"


def send_test(partner: Browser, endpoint: str, **form: str) -> httpx2.Response:
    return partner.submit(partner.get(endpoint), f"{endpoint}/test", **{"topic": "TEST", "variant": "NORMAL", **form})


def test_new_endpoint_shows_its_secret_once(world: OAuthWorld, partner: Browser) -> None:
    response = add(world, partner)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    (secret,) = SECRET.findall(response.text)
    created = load(world)
    assert (created.url, set(created.topics)) == (URL, set(Topic))
    with reading(world.database) as unit:
        assert secret in str(unit.webhook_endpoints.open_secrets(created, unit.wall))
    for page in (WEBHOOKS, f"{WEBHOOKS}/{created.id}"):
        text = partner.get(page).text
        assert URL in text
        assert secret not in text


@pytest.mark.parametrize(
    ("choice", "has", "lacks"),
    [
        ("decisions", Topic.DISPUTE_OPENED, Topic.CONSENT_REVOKED),
        ("consents", Topic.CONSENT_REVOKED, Topic.DECISION_APPROVED),
    ],
)
def test_new_endpoint_gets_the_chosen_topics(
    world: OAuthWorld, partner: Browser, choice: str, has: Topic, lacks: Topic
) -> None:
    add(world, partner, topics=choice)
    assert has in load(world).topics
    assert lacks not in load(world).topics


def test_address_that_cannot_be_used_is_explained_in_the_form(world: OAuthWorld, partner: Browser) -> None:
    response = add(world, partner, url="http://shop.example/hooks?<b>")
    assert response.status_code == 422
    assert "The address cannot be used" in response.text
    (form,) = [each for each in forms(response.text) if each.action == WEBHOOKS]
    assert form.fields["url"] == "http://shop.example/hooks?<b>"


def test_too_many_endpoints_are_explained(world: OAuthWorld, partner: Browser) -> None:
    for _ in range(20):
        add(world, partner)
    response = add(world, partner)
    assert response.status_code == 422
    assert "as many endpoints as it may have" in response.text


def test_test_message_becomes_a_delivery(world: OAuthWorld, partner: Browser, endpoint: str) -> None:
    sent = send_test(partner, endpoint, topic="DECISION_OVERDUE", variant="DUPLICATE")
    assert sent.headers["location"] == f"{endpoint}?sent=1"
    page = partner.get(sent.headers["location"]).text
    assert "It is being sent" in page
    assert page.count('<span class="badge">waits</span>') == 1
    assert "decision.overdue</code> <span" in page


@pytest.mark.parametrize(
    ("status", "columns", "text"),
    [
        (DeliveryStatus.DELIVERED, {"response_status": 200}, "1. HTTP 200 after 17 ms"),
        (DeliveryStatus.FAILED, {"response_status": 500}, "1. HTTP 500 after 17 ms"),
        (DeliveryStatus.FAILED, {"error": "TIMEOUT"}, "1. no response after 17 ms: TIMEOUT"),
    ],
)
def test_attempts_are_shown_and_a_delivery_can_be_sent_again(
    world: OAuthWorld, partner: Browser, endpoint: str, status: DeliveryStatus, columns: dict[str, Any], text: str
) -> None:
    send_test(partner, endpoint)
    delivery = end_attempt(world, load(world).id, status, **columns)
    page = partner.get(endpoint)
    assert text in page.text
    assert f'<span class="badge">{status.lower()}</span>' in page.text
    again = partner.submit(page, f"{WEBHOOKS}/deliveries/{delivery}/resend")
    assert again.headers["location"] == f"{endpoint}?sent=1"
    assert '<span class="badge">waits</span>' in partner.get(endpoint).text


def test_new_secret_is_shown_once_and_the_old_one_stays_valid(
    world: OAuthWorld, partner: Browser, endpoint: str
) -> None:
    before = load(world)
    response = partner.submit(partner.get(endpoint), f"{endpoint}/secret", overlap="P7D")
    assert len(SECRET.findall(response.text)) == 1
    after = load(world)
    assert after.old_secret_sealed == before.secret_sealed
    assert after.old_secret_until == world.container.clock() + timedelta(days=7)
    assert not SECRET.search(partner.get(endpoint).text)


def test_endpoint_is_disabled_enabled_and_deleted(world: OAuthWorld, partner: Browser, endpoint: str) -> None:
    send_test(partner, endpoint)
    delivery = end_attempt(world, load(world).id, DeliveryStatus.FAILED, response_status=500)
    assert partner.submit(partner.get(endpoint), f"{endpoint}/switch").headers["location"] == endpoint
    assert not load(world).enabled
    assert partner.submit(partner.get(endpoint), f"{WEBHOOKS}/deliveries/{delivery}/resend").status_code == 422
    partner.submit(partner.get(endpoint), f"{endpoint}/switch")
    assert load(world).enabled
    assert partner.submit(partner.get(endpoint), f"{endpoint}/delete").headers["location"] == WEBHOOKS
    assert partner.get(endpoint).status_code == 404


def csrf(partner: Browser) -> str:
    (token,) = {form.fields["csrf_token"] for form in forms(partner.get(WEBHOOKS).text)}
    return token


@pytest.mark.parametrize("path", ["test", "secret", "switch", "delete"])
def test_endpoint_of_another_partner_is_not_found(world: OAuthWorld, endpoint: str, other: Browser, path: str) -> None:
    form = {"csrf_token": csrf(other), "topic": "TEST", "variant": "NORMAL", "overlap": "PT0S"}
    before = load(world)
    assert other.http.post(f"{endpoint}/{path}", data=form).status_code == 404
    assert load(world) == before
    assert world.rows("SELECT count(*) FROM webhook_deliveries") == [(0,)]


def test_pages_show_nothing_of_another_partner(
    world: OAuthWorld, partner: Browser, endpoint: str, other: Browser
) -> None:
    send_test(partner, endpoint)
    (delivery,) = world.rows("SELECT id FROM webhook_deliveries")[0]
    assert URL not in other.get(WEBHOOKS).text
    assert other.get(endpoint).status_code == 404
    form = {"csrf_token": csrf(other)}
    assert other.http.post(f"{WEBHOOKS}/deliveries/{delivery}/resend", data=form).status_code == 404
    assert add(world, other, merchant=world.cars_id).status_code == 404


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("test", {"topic": "NOTHING"}),
        ("test", {"variant": "NOTHING"}),
        ("secret", {"overlap": "P8D"}),
    ],
)
def test_value_that_the_form_does_not_have_changes_nothing(
    world: OAuthWorld, partner: Browser, endpoint: str, path: str, form: dict[str, str]
) -> None:
    before = load(world)
    assert partner.submit(partner.get(endpoint), f"{endpoint}/{path}", **form).status_code == 422
    assert load(world) == before


@pytest.mark.parametrize("identifier", ["whe_test_unknown", "%00", "x" * 300])
def test_unknown_endpoint_is_not_found(partner: Browser, identifier: str) -> None:
    assert partner.get(f"{WEBHOOKS}/{identifier}").status_code == 404
    form = {"csrf_token": csrf(partner)}
    assert partner.http.post(f"{WEBHOOKS}/{identifier}/delete", data=form).status_code == 404
    assert partner.http.post(f"{WEBHOOKS}/deliveries/{identifier}/resend", data=form).status_code == 404
