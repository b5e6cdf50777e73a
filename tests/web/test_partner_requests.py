"""The pages about the GraphQL requests of a partner: the list with its filters, and one request."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from gateway.kit.clock import WallTime
from tests.support.clock import NOON
from tests.support.logged_requests import add_request
from tests.support.oauth import Browser
from tests.support.oauth_world import OAuthWorld
from tests.support.partner_pages import make_active_decision, make_declined_decision, signed_in_partner

REQUESTS = "/partners/requests"


@pytest.fixture
def partner(world: OAuthWorld) -> Browser:
    return signed_in_partner(world)


def add(world: OAuthWorld, number: int = 0, **columns: Any) -> str:
    """Writes an entry of a client of `cars` that was received `number` seconds after noon. Returns its id."""
    return add_request(
        world.container,
        world.partner_id,
        world.cars_id,
        world.cars.client_id,
        received_at=WallTime(NOON + timedelta(seconds=number)),
        **columns,
    ).id


def shown(partner: Browser, query: str = "") -> list[str]:
    """The ids of the entries on a page of the list, in its order."""
    page = partner.get(f"{REQUESTS}{query}").text
    return [part.split('"')[0] for part in page.split(f'href="{REQUESTS}/')[1:]]


def test_requests_are_listed_newest_first(world: OAuthWorld, partner: Browser) -> None:
    entries = [add(world, number) for number in range(3)]
    assert shown(partner) == entries[::-1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?operation=Who", [0, 1]),
        ("?code=NOT_FOUND", [1]),
        ("?request=req_test_2", [2]),
        ("?failed=yes", [1, 2]),
        ("?failed=yes&operation=Who", [1]),
        ("?operation=%20Who%20", [0, 1]),
        ("?operation=Nothing", []),
        ("?operation=%00", [0, 1, 2]),
        (f"?operation={'x' * 201}", [0, 1, 2]),
        ("?after=unknown", [0, 1, 2]),
    ],
)
def test_list_is_filtered(world: OAuthWorld, partner: Browser, query: str, expected: list[int]) -> None:
    entries = [
        add(world, 0, operation_name="Who"),
        add(world, 1, operation_name="Who", error_codes=" NOT_FOUND "),
        add(world, 2, operation_name="Other", http_status=401, request_id="req_test_2"),
    ]
    assert shown(partner, query) == [entries[number] for number in reversed(expected)]


def test_filters_stay_in_the_form_and_in_the_link_to_older_ones(world: OAuthWorld, partner: Browser) -> None:
    entries = [add(world, number, operation_name="Who<b>") for number in range(30)]
    page = partner.get(f"{REQUESTS}?operation=Who%3Cb%3E")
    assert 'name="operation" value="Who&lt;b&gt;"' in page.text
    (older,) = [part.split('"')[0] for part in page.text.split('<li><a href="')[1:] if 'rel="next"' in part]
    assert "operation=Who%3Cb%3E" in older
    assert shown(partner, unescape(older).removeprefix(REQUESTS)) == entries[4::-1]


def test_request_is_shown_with_its_response(world: OAuthWorld, partner: Browser) -> None:
    entry = add(
        world,
        document="query Who { viewer { appName } } # <b>",
        variables='{"a": "[redacted]"}',
        response='{"errors": [1 ... [cut]',
        error_codes=" NOT_FOUND ",
        http_status=404,
    )
    page = partner.get(f"{REQUESTS}/{entry}").text
    assert "<b>" not in page
    text = unescape(page)
    for part in (
        "# <b>",
        '{\n  "a": "[redacted]"\n}',
        '{"errors": [1 ... [cut]',
        "HTTP 404",
        'href="/docs/errors#NOT_FOUND"',
    ):
        assert part in text
    assert f"/partners/graphiql?entry={entry}" in text
    assert f"curl -s {world.container.settings.issuer}/graphql" in text


def test_request_says_what_decided_its_decisions(world: OAuthWorld, partner: Browser) -> None:
    decision = make_active_decision(world, timedelta(days=1))
    page = partner.get(f"{REQUESTS}/{add(world, decision_ids=[decision])}").text
    with_rule = world.database.read(lambda unit: unit.decisions.load(decision))
    assert with_rule is not None
    for part in (decision, "<code>ACTIVE</code>", with_rule.rule_id, with_rule.policy_version):
        assert part in page


def test_request_without_available_limit_says_how_to_free_it(world: OAuthWorld, partner: Browser) -> None:
    declined = [make_declined_decision(world, code) for code in ("EXPOSURE_LIMIT_REACHED", "NOT_SCORED")]
    full, other = (partner.get(f"{REQUESTS}/{add(world, decision_ids=[each])}").text for each in declined)
    hint = "cancel one (decisionCancel), choose another persona, or start afresh (sandboxReset)"
    assert (hint in full, hint in other) == (True, False)


def test_requests_of_another_partner_are_not_shown(world: OAuthWorld, partner: Browser) -> None:
    entry = add(world)
    (other,) = world.rows(f"SELECT id FROM partners WHERE id <> '{world.partner_id}'")
    browser = signed_in_partner(world, other[0])
    assert shown(browser) == shown(browser, f"?after={entry}") == []
    assert browser.get(f"{REQUESTS}/{entry}").status_code == 404
    assert partner.get(f"{REQUESTS}/{entry}").status_code == 200


@pytest.mark.parametrize("identifier", ["log_test_unknown", "%00", "x" * 300])
def test_unknown_request_is_not_found(partner: Browser, identifier: str) -> None:
    assert partner.get(f"{REQUESTS}/{identifier}").status_code == 404
